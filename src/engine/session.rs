//! Processes from start to end: what the shims tell, shells, the designer, and the adoption of what went on without us.

use std::path::PathBuf;

use super::Place;
use super::core::{Core, now};
use super::live::{Live, Started};
use super::message::{Answerer, TaskPlace};
use super::pipeline::Event;
use crate::agent::{self, LaunchPlan, Signal};
use crate::model::{
    Activity, ExitStatus, Failure, FailureKind, Launch, Pause, ProjectId, Reply, RunId, SessionId, SessionKind, Size,
};
use crate::pty::{Adopted, Terminal, TerminalEvent, TerminalNews};
use crate::store::SessionRecord;

impl Core {
    /// A process was started, or not.
    pub(super) fn launched(&mut self, started: Started, result: Result<Terminal, Failure>) {
        let at = started.task.map(|task| TaskPlace { project: started.place.0.clone(), task });
        match result {
            Ok(terminal) => {
                if let Some(key) = &started.finishes
                    && let Ok(project) = self.project_mut(&started.place.0)
                {
                    let recorded = project.record_session(&started).and_then(|()| project.finish(key));
                    if let Err(failure) = recorded {
                        self.notices.error(failure.to_string(), Some(started.place.clone()));
                    }
                } else if let Ok(project) = self.project_mut(&started.place.0)
                    && let Err(failure) = project.record_session(&started)
                {
                    self.notices.error(failure.to_string(), Some(started.place.clone()));
                }
                self.admit(started, terminal);
            }
            Err(failure) => {
                if let Some(answerer) = started.answerer {
                    return answerer.answer(Err(failure));
                }
                match (at, started.job) {
                    (Some(at), Some(job)) => self.job_broken(&at, &started.run, &job.work, &failure, &job.finishes),
                    (Some(at), None) => {
                        let event = Event::LaunchFailed { run: started.run, error: failure.to_string() };
                        self.happened(&at, event, started.finishes.as_deref());
                    }
                    (None, _) => self.notices.error(failure.to_string(), Some(started.place)),
                }
            }
        }
    }

    /// Takes a running process among the live ones.
    fn admit(&mut self, started: Started, terminal: Terminal) {
        let Started { run, place, kind, name, task, job, agent, answerer, .. } = started;
        let exit = terminal.exit();
        let id = place.1.clone();
        let mut live = Live { run: run.clone(), place, kind, name, task, terminal, exit: None, job, agent: None, since: now() };
        self.listen(&mut live, agent);
        self.live.insert(run.clone(), live);
        self.forget_ended(&run);
        self.share_terminals();
        if let Some(answerer) = answerer {
            answerer.answer(Ok(Reply::Session { id }));
        }
        if let Some(status) = exit {
            self.exited(&run, status);
        }
    }

    /// Earlier processes of the same session make room for the new one.
    fn forget_ended(&mut self, newest: &RunId) {
        let Some(place) = self.live.get(newest).map(|live| live.place.clone()) else { return };
        let gone: Vec<RunId> = self
            .live
            .values()
            .filter(|live| live.place == place && live.run != *newest && !live.alive())
            .map(|live| live.run.clone())
            .collect();
        for run in gone {
            self.live.remove(&run);
        }
    }

    pub(super) fn terminal_event(&mut self, event: TerminalEvent) {
        let TerminalEvent { run, news } = event;
        match news {
            TerminalNews::Exited(status) => self.exited(&run, status),
            TerminalNews::Lost(_) => self.lost(&run, Pause::Lost),
            TerminalNews::Submitted(id) => self.letter_typed(&run, &id),
            TerminalNews::Stopped | TerminalNews::Continued => {}
            TerminalNews::Signals(signals) => self.terminal_signals(&run, &signals),
            TerminalNews::Changed => self.screen_changed(&run),
        }
    }

    fn terminal_signals(&mut self, run: &RunId, signals: &[crate::pty::Signal]) {
        use crate::pty::Signal as Seen;
        for signal in signals {
            match signal {
                Seen::Program(status) => {
                    let message = status.message.as_deref();
                    self.signal(run, Signal::Program { state: status.state.word(), kind: status.kind.map(|kind| kind.word()), message });
                }
                Seen::Title(title) => self.signal(run, Signal::Title(title)),
                _ => {}
            }
        }
    }

    /// The visible text changed: agents without events are read off it.
    fn screen_changed(&mut self, run: &RunId) {
        let Some(live) = self.live.get(run).filter(|live| live.agent.is_some()) else { return };
        let text = live.terminal.lines().join("\n");
        self.signal(run, Signal::Screen { text: &text, unchanged: std::time::Duration::ZERO });
    }

    fn exited(&mut self, run: &RunId, status: ExitStatus) {
        // What the agent handed in just before its end comes before the end.
        self.collect_submissions(run);
        let Some(live) = self.live.get_mut(run).filter(|live| live.alive()) else { return };
        live.exit = Some(status);
        live.since = now();
        let (project, kind, task) = (live.place.0.clone(), live.kind, live.task);
        let recorded = self.project_mut(&project).and_then(|project| project.session_ended(run, Some(status)));
        let at = task.map(|task| TaskPlace { project: project.clone(), task });
        if let Err(failure) = recorded {
            self.notices.error(failure.to_string(), at.as_ref().and_then(|at| self.about(at)));
        }
        self.mail_of_gone(run);
        let keys = [format!("end session {run}"), format!("end job {run}")];
        if let Ok(project) = self.project_mut(&project) {
            for key in keys {
                let _ = project.finish(&key);
            }
        }
        if kind == SessionKind::Job {
            if let Some(live) = self.live.remove(run) {
                self.job_exited(&live, status);
            }
            return;
        }
        if let (SessionKind::Executor, Some(at)) = (kind, &at) {
            self.stdout_artifact(at, run, status);
            self.happened(at, Event::AgentExited { run: run.clone(), status }, None);
        }
        if let Some(live) = self.live.get(run) {
            live.terminal.collect();
        }
        if kind == SessionKind::Shell {
            self.live.remove(run);
        }
        self.share_terminals();
    }

    /// A plain command agent: what it printed is its artifact.
    fn stdout_artifact(&mut self, at: &TaskPlace, run: &RunId, status: ExitStatus) {
        let Some(live) = self.live.get(run) else { return };
        let by_stdout = live.agent.as_ref().is_some_and(|agent| agent.manifest.artifact == agent::ArtifactBy::Stdout);
        if !by_stdout || !status.success() {
            return;
        }
        match live.terminal.text(10_000) {
            Ok(text) => self.happened(at, Event::Submitted { run: run.clone(), text }, None),
            Err(error) => self.notices.error(format!("the agent's output could not be read: {error}"), self.about(at)),
        }
    }

    fn lost(&mut self, run: &RunId, why: Pause) {
        let Some(live) = self.live.remove(run) else { return };
        let recorded = self.project_mut(&live.place.0).and_then(|project| project.session_ended(run, None));
        if let Err(failure) = recorded {
            self.notices.error(failure.to_string(), Some(live.place.clone()));
        }
        self.mail_of_gone(run);
        self.share_terminals();
        if let (SessionKind::Executor, Some(task)) = (live.kind, live.task) {
            let at = TaskPlace { project: live.place.0.clone(), task };
            self.happened(&at, Event::AgentLost { run: run.clone(), why }, None);
        }
    }

    /// Puts the newest terminal of each session where the faces find it.
    pub(super) fn share_terminals(&mut self) {
        let of_person = |live: &&Live| live.kind != SessionKind::Job;
        let mut terminals = std::collections::HashMap::new();
        for live in self.live.values().filter(of_person) {
            if live.alive() || !terminals.contains_key(&live.place) {
                terminals.insert(live.place.clone(), live.terminal.clone());
            }
        }
        self.shared.terminals.store(std::sync::Arc::new(terminals));
    }

    /// Takes over what the last engine left: sessions whose shims are alive, and the ends of the others.
    pub(super) fn adopt(&mut self, project: &ProjectId, records: Vec<SessionRecord>) {
        for record in records {
            let run = record.run.clone();
            let dir = self.home.session_dir(project, &run);
            let adopted = self.hub.adopt(&dir, run.clone());
            match adopted {
                Ok(Adopted::Alive(terminal) | Adopted::Ended(terminal)) => self.readmit(project, record, terminal),
                Ok(Adopted::Lost) | Err(_) => self.adopt_lost(project, &record),
            }
        }
    }

    fn readmit(&mut self, project: &ProjectId, record: SessionRecord, terminal: Terminal) {
        let Ok(found) = self.project(project) else { return };
        let agent = matches!(record.kind, SessionKind::Executor | SessionKind::Designer)
            .then(|| self.manifest(found, Some(&record.name)).ok().map(|manifest| (manifest, record.events.clone())))
            .flatten();
        let job = record.job.as_ref().and_then(|job| super::live::Job::from_record(job));
        let started = Started {
            run: record.run,
            place: (project.clone(), record.session),
            kind: record.kind,
            name: record.name,
            task: record.task,
            job,
            agent,
            finishes: None,
            answerer: None,
        };
        self.admit(started, terminal);
    }

    fn adopt_lost(&mut self, project: &ProjectId, record: &SessionRecord) {
        let ended = self.project_mut(project).and_then(|project| project.session_ended(&record.run, None));
        if let Err(failure) = ended {
            self.notices.error(failure.to_string(), None);
        }
        if let (SessionKind::Executor, Some(task)) = (record.kind, record.task) {
            let at = TaskPlace { project: project.clone(), task };
            self.collect_orphaned(&at, &record.run);
            self.happened(&at, Event::AgentLost { run: record.run.clone(), why: Pause::Reboot }, None);
        }
    }

    /// The shell beside a session: the one that is there, or a new one.
    pub(super) fn open_shell(&mut self, project: &ProjectId, owner: &SessionId, size: Size, answerer: Answerer) {
        let id = SessionId::shell(owner.as_str(), 1);
        if self.live_at(&(project.clone(), id.clone())).is_some() {
            return answerer.answer(Ok(Reply::Session { id }));
        }
        let shell = std::env::var_os("SHELL").unwrap_or_else(|| "/bin/sh".into());
        let name = PathBuf::from(&shell).file_name().map_or_else(|| "shell".to_owned(), |name| name.to_string_lossy().into_owned());
        self.start_beside((project, owner), id, (name, vec![shell]), size, answerer);
    }

    /// `$EDITOR` on a session's spec, in a terminal of its own.
    pub(super) fn edit_spec(&mut self, project: &ProjectId, owner: &SessionId, size: Size, answerer: Answerer) {
        let id = SessionId(format!("{owner}.spec"));
        if self.live_at(&(project.clone(), id.clone())).is_some() {
            return answerer.answer(Ok(Reply::Session { id }));
        }
        let found = self.project_mut(project).and_then(|project| project.spec_file(owner));
        match found {
            Ok((file, editor)) => {
                let argv = vec!["/bin/sh".into(), "-c".into(), format!("{editor} \"$1\"").into(), "sh".into(), file.into()];
                self.start_beside((project, owner), id, (editor, argv), size, answerer);
            }
            Err(failure) => answerer.answer(Err(failure)),
        }
    }

    /// Starts a person's program where a session works.
    fn start_beside(
        &mut self,
        (project, owner): (&ProjectId, &SessionId),
        id: SessionId,
        (name, argv): (String, Vec<std::ffi::OsString>),
        size: Size,
        answerer: Answerer,
    ) {
        let run = self.fresh_run("shell");
        let dir = self.home.session_dir(project, &run);
        let planned = self.home.make_session_dir(&dir).and_then(|()| self.project(project)).and_then(|found| {
            let task = found.task_by_session(owner);
            let cwd = task.map_or_else(|| Ok(found.root().to_owned()), |task| found.worktree(task))?;
            let mut env: Vec<_> = std::env::vars_os().filter(|(name, _)| name != "ORCHESTRA_SESSION_DIR").collect();
            env.extend([("TERM".into(), "xterm-256color".into()), ("COLORTERM".into(), "truecolor".into())]);
            if let Some(task) = task {
                env.extend(found.task_variables(task, &cwd));
            }
            Ok((Launch { argv, env, cwd }, task.map(|task| task.id)))
        });
        let (launch, task) = match planned {
            Ok(planned) => planned,
            Err(failure) => return answerer.answer(Err(failure)),
        };
        let place: Place = (project.clone(), id);
        let started = Started { run, place, kind: SessionKind::Shell, name, task, job: None, agent: None, finishes: None, answerer: Some(answerer) };
        self.spawn(started, dir, launch, size);
    }

    /// Starts the designer in the source checkout, in its own conversation where it has one.
    pub(super) fn start_designer(&mut self, project: &ProjectId, answerer: Answerer) {
        let place = (project.clone(), SessionId::main());
        if self.live_at(&place).is_some() {
            return answerer.answer(Ok(Reply::Session { id: place.1 }));
        }
        let run = self.fresh_run("main");
        match self.plan_designer(project, &run) {
            Ok((launch, extras, manifest)) => {
                let dir = self.home.session_dir(project, &run);
                let name = manifest.name.clone();
                let agent = Some((manifest, extras.events));
                let started = Started { run, place, kind: SessionKind::Designer, name, task: None, job: None, agent, finishes: None, answerer: Some(answerer) };
                self.spawn(started, dir, launch, Size::default());
            }
            Err(failure) => answerer.answer(Err(failure)),
        }
    }

    fn plan_designer(&self, project: &ProjectId, run: &RunId) -> Result<(Launch, agent::LaunchExtras, agent::Manifest), Failure> {
        let found = self.project(project)?;
        let manifest = self.manifest(found, None)?;
        let session_dir = self.home.session_dir(project, run);
        self.home.make_session_dir(&session_dir)?;
        let inherited: Vec<_> = std::env::vars_os().collect();
        let root = found.root().to_owned();
        let plan = LaunchPlan {
            manifest: &manifest,
            worktree: &root,
            conversation: agent::Conversation::Fresh,
            prompt: None,
            permissions: found.config.permissions,
            model: None,
            session_dir: &session_dir,
            bin_dir: Some(&self.home.bin()),
            readable: &[],
            inherited: &inherited,
            variables: &[],
        };
        let (launch, extras) = agent::launch(&plan).map_err(super::agent_run::agent_failure)?;
        Ok((launch, extras, manifest.clone()))
    }

    /// A text for the agent of a session, typed once it rests.
    pub(super) fn send(&mut self, place: &Place, text: String) -> Result<Reply, Failure> {
        let id = self.fresh_run("message");
        let live = self.live_at(place).filter(|live| live.agent.is_some()).ok_or_else(|| no_agent(place))?;
        let (run, rests) = (live.run.clone(), live.activity() == Activity::Resting);
        self.project_mut(&place.0)?.post(super::mail::Letter::of_person(run, id, text), &place.1)?;
        let message = (!rests).then(|| format!("{} is at work; the message waits until it rests", place.1));
        Ok(Reply::Done { message })
    }

    /// Keys for an agent's dialog, at once.
    pub(super) fn answer_dialog(&mut self, place: &Place, bytes: &[u8]) -> Result<Reply, Failure> {
        let run = self.live_at(place).map(|live| live.run.clone()).ok_or_else(|| no_agent(place))?;
        if let Some(live) = self.live.get_mut(&run) {
            live.terminal.input(bytes);
            if let Some(agent) = live.agent.as_mut() {
                agent.attended = true;
            }
        }
        Ok(Reply::Done { message: None })
    }
}

fn no_agent(place: &Place) -> Failure {
    Failure::new(FailureKind::BadState, format!("{} has no live agent.", place.1)).hint("S starts it")
}
