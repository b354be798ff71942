//! Agents at work: their launch, what they do, what they hand in.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::core::Core;
use super::ground::now;
use super::headless::resumable;
use super::live::{AgentSide, Live, Started};
use super::mail::{Letter, Origin};
use super::message::{Message, TaskPlace};
use super::monitor::Facts;
use super::pipeline::{Conversation, Effect, Event};
use super::project::Project;
use super::resume::{Resumption, Search, earlier_folder, missing_names, narrower, not_resumed};
use crate::agent::{self, Authority, EventSource, LaunchPlan, Manifest, Signal};
use crate::model::{
    Activity, AgentFact, Failure, FailureKind, Launch, Mode, PermissionMode, ProjectId, RunId, SessionKind, Task,
    Trigger,
};
use crate::pty::Adopted;
use crate::store::database::EffectId;
use crate::store::dropbox;

/// Tells a program of a session where it may drop what it hands in.
pub(super) const SESSION_DIR: &str = "ORCHESTRA_SESSION_DIR";
/// In an agent's folder: where its events are.
const EVENTS_FILE: &str = "events.json";

/// By then an agent that has an event stream has said there that it works on the prompt that it was given.
const EVENTS_BEGIN: Duration = Duration::from_mins(1);

/// By then one that is still to be told its prompt has said there that it rests. Shorter: typed too early costs another try,
/// while one that is at work on its prompt would be reminded of it.
const TYPED_TO_BEGIN: Duration = Duration::from_secs(10);

/// In an agent's folder: a prompt that is still to be typed.
const TYPED_FILE: &str = "to-type.md";

impl Core {
    /// Starts the agent of a stage; `effect` is a launch.
    pub(super) fn launch_stage(&mut self, at: &TaskPlace, effect: Effect, key: EffectId) {
        let Effect::Launch { run, trigger, conversation, .. } = effect else { return };
        if self.live.contains_key(&run) {
            // Noted as started, and adopted as such; only this was not struck off.
            let finished = self.project_mut(&at.project).and_then(|project| project.finish(key));
            return self.tell_failure(at, finished);
        }
        if let Some(reached) = self.started_before(&run) {
            return self.take_over(at, run, reached, (key, conversation));
        }
        match self.plan_stage(at, &run, &trigger, conversation) {
            Ok(planned) => self.start_agent(at, run, planned, key),
            Err(failure) => {
                let known = self.known_conversation(at, conversation);
                let event = Event::LaunchFailed { run, error: not_resumed(&failure, known.as_deref()) };
                self.happened(at, event, Some(key));
            }
        }
    }

    /// A run that an earlier engine started and could not note any more.
    fn started_before(&self, run: &RunId) -> Option<Adopted> {
        let dir = self.ground.home.session(run);
        let reached = dir.exists().then(|| self.hub.adopt(dir, run.clone()))?;
        reached.ok().filter(|reached| !matches!(reached, Adopted::Lost))
    }

    /// Takes a run over as it was started: with the conversation, the events and the prompt that it was given then.
    fn take_over(
        &mut self,
        at: &TaskPlace,
        run: RunId,
        reached: Adopted,
        (key, conversation): (EffectId, Conversation),
    ) {
        let found = self.project(&at.project).and_then(|project| {
            let task = project.task(at.task)?;
            Ok((self.manifest_of(project, task)?, task.session_id()))
        });
        let (manifest, session) = match found {
            Ok(found) => found,
            Err(failure) => return self.tell_failure(at, Err(failure)),
        };
        self.queue_prompt(&at.project, &run);
        let (events, known) = (self.remembered_events(&run), self.known_conversation(at, conversation));
        let (name, place) = (manifest.name.clone(), (at.project.clone(), session));
        let mut started = Started::new(run, place, SessionKind::Executor, (name, Some(at.task)), now());
        started.record.conversation = known;
        started.agent = Some((manifest, events));
        started.finishes = Some(key);
        self.launched(started, Ok(reached));
    }

    fn plan_stage(
        &self,
        at: &TaskPlace,
        run: &RunId,
        trigger: &Trigger,
        conversation: Conversation,
    ) -> Result<Planned, Failure> {
        let project = self.project(&at.project)?;
        let task = project.task(at.task)?;
        let stage = task.current_stage();
        let known = task.conversation(&stage.name).filter(|_| conversation != Conversation::Fresh);
        let Resumption { known, earlier } = project.resumption(task, known)?;
        let manifest = match &earlier {
            Some(earlier) => self.manifest(project, Some(&earlier.name))?,
            None => self.manifest_of(project, task)?,
        };
        let mode = stage.assignment().map_or(Mode::Interactive, |it| it.mode);
        let known = resumable(known, &manifest, mode);
        let session_dir = self.make_box(run)?;
        let mut prompt = self.opening((project, task), known.is_some(), (conversation, trigger))?;
        if mode == Mode::Headless {
            prompt = self.carry(at, run, prompt)?;
        }
        project.keep_prompt(task, &prompt)?;
        let worktree = earlier_folder(earlier.as_ref()).map_or_else(|| project.worktree(task), Ok)?;
        let permissions =
            stage.assignment().and_then(|it| it.permissions).unwrap_or(project.settings.config.permissions);
        let permissions = narrower(earlier.as_ref().and_then(|it| it.permissions).unwrap_or(permissions), permissions);
        let mut variables = project.task_variables(task, &worktree);
        variables.push((SESSION_DIR.into(), session_dir.clone().into()));
        variables.push(("ORCHESTRA_HOME".into(), self.ground.home.root().into()));
        let inherited: Vec<_> = std::env::vars_os().collect();
        let plan = LaunchPlan {
            manifest: &manifest,
            mode,
            worktree: &worktree,
            conversation: known.map_or(agent::Conversation::Fresh, agent::Conversation::Resume),
            prompt: Some(&prompt),
            permissions,
            disallowed_tools: stage.assignment().map_or(&[], |it| &it.disallowed_tools),
            model: task.model.as_deref().or(stage.assignment().and_then(|it| it.model.as_deref())),
            session_dir: &session_dir,
            session: task.slug.as_str(),
            bin_dir: Some(&self.ground.bin),
            readable: &[project.artifacts_dir(task), project.logs_dir(task)],
            inherited: &inherited,
            variables: &variables,
        };
        let (launch, extras) = agent::launch(&plan).map_err(|error| agent_failure(&error))?;
        let missing = earlier.map_or_else(Vec::new, |earlier| missing_names(&earlier, &launch));
        Ok(Planned { resumed: known.is_some(), launch, manifest, extras, permissions, missing })
    }

    /// The folder that an agent's session has for itself: its prompt, and what it hands in.
    pub(super) fn make_box(&self, run: &RunId) -> Result<PathBuf, Failure> {
        let dir = self.box_of(run);
        crate::store::atomic::create_private_dir(&dir).map_err(Failure::internal)?;
        Ok(dir)
    }

    pub(super) fn box_of(&self, run: &RunId) -> PathBuf {
        self.ground.home.run().join(format!("{run}.box"))
    }

    /// The agent that a task's current stage runs with.
    pub(super) fn manifest_of(&self, project: &Project, task: &Task) -> Result<Manifest, Failure> {
        self.manifest(project, task.agent.as_deref().or(task.current_stage().agent()))
    }

    /// The agent of this name; none: the config's, else the first found.
    pub(super) fn manifest(&self, project: &Project, name: Option<&str>) -> Result<Manifest, Failure> {
        let name = self.agent_name(project, name).ok_or_else(|| {
            Failure::new(FailureKind::NotFound, "no coding agent was found on PATH.")
                .hint("Install OpenCode, or name another command under agents: in the config")
        })?;
        project.settings.catalog.get(name).cloned().map_err(|error| agent_failure(&error))
    }

    /// Name of the agent that a wish for `name` comes to.
    pub(super) fn agent_name<'a>(&'a self, project: &'a Project, name: Option<&'a str>) -> Option<&'a str> {
        let found = || self.known.agents.iter().find(|agent| agent.path.is_some()).map(|agent| agent.name.as_str());
        name.or(project.settings.config.agent.as_deref()).or_else(found)
    }

    /// Looks for the agents on `PATH`; their versions come later.
    pub(super) fn look_for_agents(&mut self) {
        let Some(project) = self.projects.first() else { return };
        let path = std::env::var_os("PATH").unwrap_or_default();
        self.known.agents = agent::find::agents(&project.settings.catalog, &path);
        let (inbox, mut agents) = (self.inbox.clone(), self.known.agents.clone());
        tokio::spawn(async move {
            let inherited: Vec<_> = std::env::vars_os().collect();
            for found in &mut agents {
                if let Some(path) = &found.path {
                    found.version = agent::find::version(path, &inherited, agent::find::VERSION_LIMIT).await;
                }
            }
            let _ = inbox.send(Message::AgentsFound(agents)).await;
        });
    }

    fn start_agent(&mut self, at: &TaskPlace, run: RunId, planned: Planned, key: EffectId) {
        let Ok(session) = self.project(&at.project).and_then(|project| Ok(project.task(at.task)?.session_id())) else {
            return;
        };
        let Planned { launch, manifest, extras, permissions, resumed, missing } = planned;
        if !missing.is_empty() {
            let text = format!("{session} goes on without {}: they were set when it was started", missing.join(", "));
            self.notices.news(text, self.about(at));
        }
        if let Some(id) = extras.conversation.clone() {
            self.happened(at, Event::ConversationKnown { run: run.clone(), id }, None);
        }
        if let Some(text) = extras.typed {
            let file = self.box_of(&run).join(TYPED_FILE);
            let kept = crate::store::atomic::write(&file, text.as_bytes()).map_err(Failure::internal);
            self.tell_failure(at, kept);
            self.queue_prompt(&at.project, &run);
        }
        if let Some(source) = &extras.events {
            self.remember_events(&run, source);
        }
        let (name, place) = (manifest.name.clone(), (at.project.clone(), session));
        let mut started = Started::new(run, place, SessionKind::Executor, (name, Some(at.task)), now());
        (started.record.conversation, started.record.resumed) = (extras.conversation, resumed);
        started.record.permissions = Some(permissions);
        started.agent = Some((manifest, extras.events));
        started.finishes = Some(key);
        self.spawn(started, launch, self.shared.size());
    }

    /// Queues the prompt that an agent takes by keys, until it has been typed: its file is there as long.
    pub(super) fn queue_prompt(&mut self, project: &ProjectId, run: &RunId) {
        let Ok(text) = std::fs::read_to_string(self.box_of(run).join(TYPED_FILE)) else { return };
        let id = RunId(format!("{run}-prompt"));
        self.post(project, Letter::new(run.clone(), id, text, Origin::Launch));
    }

    /// The prompt of a run has been typed.
    pub(super) fn prompt_typed(&self, run: &RunId) {
        // A file that stays is typed once all the same: the shim knows its id.
        let _ = std::fs::remove_file(self.box_of(run).join(TYPED_FILE));
    }

    /// Keeps where an agent's events are, for the engine that comes after this one.
    fn remember_events(&mut self, run: &RunId, source: &EventSource) {
        let file = self.box_of(run).join(EVENTS_FILE);
        let json = serde_json::json!({ "port": source.port, "password": source.password });
        if let Err(error) = crate::store::atomic::write(&file, json.to_string().as_bytes()) {
            self.notices.error(error.to_string(), None);
        }
    }

    /// Where an earlier engine's agent sends its events.
    pub(super) fn remembered_events(&self, run: &RunId) -> Option<EventSource> {
        let bytes = std::fs::read(self.box_of(run).join(EVENTS_FILE)).ok()?;
        let json: serde_json::Value = serde_json::from_slice(&bytes).ok()?;
        let port = u16::try_from(json["port"].as_u64()?).ok()?;
        Some(EventSource { port, password: json["password"].as_str()?.to_owned() })
    }

    /// An agent's event stream has news.
    pub(super) fn fact(&mut self, run: &RunId, fact: &AgentFact) {
        match fact {
            AgentFact::Activity { activity } => self.signal(run, Signal::Event(activity.clone())),
            AgentFact::Conversation { id } => {
                self.note_conversation(run, id);
                if let Some(agent) = self.live.get_mut(run).and_then(|live| live.agent.as_mut()) {
                    agent.search = None;
                }
                if let Some(at) = self.task_of(run) {
                    self.happened(&at, Event::ConversationKnown { run: run.clone(), id: id.clone() }, None);
                }
            }
            AgentFact::Usage { id, usage } => self.taken(run, id, *usage),
            AgentFact::Tool { .. } | AgentFact::Title { .. } => {}
        }
        if let Some(agent) = self.live.get_mut(run).and_then(|live| live.agent.as_mut()) {
            agent.facts.take(fact);
        }
    }

    /// Weighs something that was seen of an agent.
    pub(super) fn signal(&mut self, run: &RunId, signal: Signal<'_>) {
        let at = self.ground.clock.elapsed();
        let Some(agent) = self.live.get_mut(run).and_then(|live| live.agent.as_mut()) else { return };
        if agent.mode == Mode::Headless {
            // It is at work until it exits: its screen stands still for other reasons.
            return;
        }
        let changed = agent.status.observe(signal, at).is_some();
        if changed {
            self.life.news = true;
            self.activity_changed(run);
        }
    }

    /// Rest that has lasted long enough counts now.
    pub(super) fn settle_status(&mut self) {
        let now = Instant::now();
        let still: Vec<RunId> = self
            .live
            .values_mut()
            .filter_map(|live| {
                let agent = live.agent.as_mut().filter(|agent| agent.still_at().is_some_and(|due| due <= now))?;
                agent.moved = None;
                Some(live.run.clone())
            })
            .collect();
        for run in still {
            self.screen_stands_still(&run);
        }
        let at = self.ground.clock.elapsed();
        let settled: Vec<RunId> = self
            .live
            .values_mut()
            .filter_map(|live| {
                let agent = live.agent.as_mut().filter(|agent| agent.status.deadline().is_some_and(|due| due <= at))?;
                agent.status.settle(at).map(|_| live.run.clone())
            })
            .collect();
        for run in settled {
            self.activity_changed(&run);
        }
    }

    pub(super) fn activity_changed(&mut self, run: &RunId) {
        let Some(live) = self.live.get_mut(run) else { return };
        live.since = now();
        let activity = live.activity();
        // A turn that begins has taken what was typed: no line is half-written any more.
        let sent = activity == Activity::Working && self.shared.take_typed(&live.place);
        let attended_now = sent || self.shared.attended(&live.place);
        let Some(agent) = live.agent.as_mut() else { return };
        agent.attended |= sent;
        let place = live.place.clone();
        let attended = agent.attended || attended_now;
        if activity == Activity::Resting {
            agent.attended = false;
        }
        if sent {
            self.person_spoke(&place);
        }
        if activity == Activity::Working {
            self.letter_taken(run);
        }
        let Some(at) = self.task_of(run) else { return };
        if activity == Activity::Resting && self.is_to_be_told(&at, run) {
            // It has ended no turn: what the next one begins with is still to be typed.
            return;
        }
        // What was handed in belongs to the turn that begins, or to the one that ends.
        let begins = activity == Activity::Working;
        if !begins {
            self.collect_submissions(run);
        }
        if activity == Activity::Resting {
            self.mark_unread(&at);
        }
        self.happened(&at, Event::AgentChanged { run: run.clone(), activity, attended }, None);
        if begins {
            self.collect_submissions(run);
        }
    }

    /// Something was dropped into a session's folder. An agent that is said to rest has begun a turn that nobody has
    /// told of yet: that comes first, if it comes.
    pub(super) fn dropped(&mut self, run: &RunId) {
        let resting = self.live.get(run).is_some_and(|live| live.activity() == Activity::Resting);
        if let Some(agent) = self.live.get_mut(run).and_then(|live| live.agent.as_mut()) {
            // Who hands in has begun, even if its events told nothing of it: a short turn is over before anybody listens.
            agent.unheard_until = Instant::now();
            if resting {
                agent.dropped = Some(agent.unheard_until);
                return;
            }
        }
        self.collect_submissions(run);
    }

    /// What was dropped beside a turn (by a person's own hand, say) waits no longer.
    pub(super) fn collect_dropped(&mut self) {
        let now = Instant::now();
        let due = |agent: &AgentSide| agent.dropped_due().is_some_and(|due| due <= now);
        let ripe = self.live.values().filter(|live| live.agent.as_ref().is_some_and(due));
        let runs: Vec<RunId> = ripe.map(|live| live.run.clone()).collect();
        for run in runs {
            self.collect_submissions(&run);
        }
    }

    /// Takes what the agent has handed in; a file goes only after its transition is in the database.
    pub(super) fn collect_submissions(&mut self, run: &RunId) {
        let Some(at) = self.task_of(run) else { return };
        if let Some(agent) = self.live.get_mut(run).and_then(|live| live.agent.as_mut()) {
            agent.dropped = None;
        }
        self.empty_box(&at, run);
    }

    /// Takes what an agent left that had been told to end, and that nobody watches any more.
    pub(super) fn collect_last_words(&mut self, at: &TaskPlace) {
        let task = self.project(&at.project).and_then(|project| project.task(at.task));
        let ended = task.ok().and_then(|task| task.session.as_ref()).filter(|session| !session.alive);
        if let Some(run) = ended.map(|session| session.id.clone()).filter(|run| !self.live.contains_key(run)) {
            self.empty_box(at, &run);
        }
    }

    fn empty_box(&mut self, at: &TaskPlace, run: &RunId) {
        let dropped = match dropbox::read(&self.box_of(run)) {
            Ok(dropped) => dropped,
            Err(error) => return self.notices.error(error.to_string(), self.about(at)),
        };
        for pending in dropped {
            let kept = match &pending.hand_in {
                Ok(hand_in) => self.hand_in(at, run, hand_in.clone()),
                Err(error) => {
                    self.hand_back(at, &error.to_string());
                    Ok(())
                }
            };
            let taken = kept.map_err(|failure| failure.to_string());
            if let Err(error) = taken.and_then(|()| dropbox::remove(&pending).map_err(|error| error.to_string())) {
                self.notices.error(error, self.about(at));
            }
        }
    }

    /// The task whose agent has this run.
    pub(super) fn task_of(&self, run: &RunId) -> Option<TaskPlace> {
        let live = self.live.get(run)?;
        Some(TaskPlace { project: live.place.0.clone(), task: live.task? })
    }

    /// Begins to listen to a new process; `conversation` is its own, none: that is still to come.
    pub(super) fn listen(
        &mut self,
        live: &mut Live,
        agent: Option<(Manifest, Option<EventSource>)>,
        conversation: Option<String>,
    ) {
        let Some((manifest, source)) = agent else { return };
        let at = live.task.map(|task| TaskPlace { project: live.place.0.clone(), task });
        let mode = at.map_or(Mode::Interactive, |at| self.mode_of(&at, &live.run));
        let untold = conversation.is_none() && manifest.transcripts.is_some();
        let events = source.map(|source| self.follow(live.run.clone(), source, conversation));
        let status = Authority::new(&manifest);
        let dir = self.box_of(&live.run);
        // The designer begins without a prompt: it has nothing to tell before somebody says something to it.
        let is_told_nothing = dir.join(TYPED_FILE).exists() || live.kind == SessionKind::Designer;
        let unheard = if is_told_nothing { TYPED_TO_BEGIN } else { EVENTS_BEGIN };
        live.agent = Some(AgentSide {
            manifest,
            mode,
            status,
            refused: None,
            facts: Facts::default(),
            attended: false,
            moved: None,
            dropped: None,
            events,
            unheard_until: Instant::now() + unheard,
            search: untold.then(Search::begin),
        });
        if let Err(error) = self.watches.submissions(&dir, live.run.clone()) {
            self.notices.error(format!("cannot watch {}: {error}", dir.display()), None);
        }
    }

    fn follow(&self, run: RunId, source: EventSource, conversation: Option<String>) -> tokio::task::AbortHandle {
        let inbox = self.inbox.clone();
        let (facts, mut received) = tokio::sync::mpsc::channel(256);
        tokio::spawn(async move {
            let follow = agent::events::follow(source, conversation, now, facts);
            let pass_on = async {
                while let Some(fact) = received.recv().await {
                    if inbox.send(Message::Fact { run: run.clone(), fact }).await.is_err() {
                        return;
                    }
                }
            };
            tokio::join!(follow, pass_on);
        })
        .abort_handle()
    }
}

/// A launch that is ready to go.
struct Planned {
    launch: Launch,
    manifest: Manifest,
    extras: agent::LaunchExtras,
    permissions: PermissionMode,
    /// It goes on with a conversation.
    resumed: bool,
    /// Variables that it had at its first launch, and has no more.
    missing: Vec<String>,
}

pub(super) fn agent_failure(error: &agent::AgentError) -> Failure {
    Failure::new(FailureKind::Config, error.to_string())
}
