//! What a person starts beside the tasks: shells, editors, the designer; and keys for an agent's dialog.

use std::ffi::OsString;
use std::path::PathBuf;

use super::Place;
use super::agent_run::{SESSION_DIR, agent_failure};
use super::core::Core;
use super::ground::now;
use super::live::Started;
use super::message::{Answerer, TaskPlace};
use crate::agent::{self, LaunchPlan};
use crate::model::{Answer, Failure, FailureKind, Launch, Mode, ProjectId, Reply, RunId, SessionId, SessionKind, Size};

/// In `scripts/`: starts what the task changes, for a person to look at.
const RUN_SCRIPT: &str = "run.sh";

impl Core {
    /// The shell beside a session: the one that is there, or a new one.
    pub(super) fn open_shell(&mut self, project: &ProjectId, owner: &SessionId, size: Size, answerer: Answerer) {
        let id = SessionId::shell(owner.as_str(), 1);
        let shell = std::env::var_os("SHELL").unwrap_or_else(|| "/bin/sh".into());
        let name = PathBuf::from(&shell)
            .file_name()
            .map_or_else(|| "shell".into(), |name| name.to_string_lossy().into_owned());
        self.start_beside((project, owner), id, Ok((name, vec![shell])), size, answerer);
    }

    /// The project's run script where a session works.
    pub(super) fn run_beside(&mut self, project: &ProjectId, owner: &SessionId, size: Size, answerer: Answerer) {
        let id = SessionId::run_script(owner);
        let program = self.project(project).and_then(|project| {
            project.check_trust()?;
            let script = project.files.folder.scripts().join(RUN_SCRIPT);
            if !script.is_file() {
                let text = format!("there is no {}.", script.display());
                return Err(Failure::new(FailureKind::NotFound, text).hint("Write what starts the program there"));
            }
            Ok((RUN_SCRIPT.to_owned(), vec![script.into()]))
        });
        self.start_beside((project, owner), id, program, size, answerer);
    }

    /// `$EDITOR` on a session's spec, in a terminal of its own.
    pub(super) fn edit_spec(&mut self, project: &ProjectId, owner: &SessionId, size: Size, answerer: Answerer) {
        let id = SessionId(format!("{owner}.spec"));
        let program = self.project_mut(project).and_then(|project| {
            let (file, editor) = project.spec_file(owner)?;
            let argv = vec!["/bin/sh".into(), "-c".into(), format!("{editor} \"$1\"").into(), "sh".into(), file.into()];
            Ok((editor, argv))
        });
        self.start_beside((project, owner), id, program, size, answerer);
    }

    /// Starts a person's program where a session works, unless it runs already.
    fn start_beside(
        &mut self,
        (project, owner): (&ProjectId, &SessionId),
        id: SessionId,
        program: Result<(String, Vec<OsString>), Failure>,
        size: Size,
        answerer: Answerer,
    ) {
        let place: Place = (project.clone(), id.clone());
        if self.live_at(&place).is_some() {
            return answerer.answer(Ok(Reply::Session { id }));
        }
        let run = self.fresh_run("shell");
        let planned = program.and_then(|(name, argv)| {
            let found = self.project(project)?;
            let task = found.task_by_session(owner);
            let cwd = task.map_or_else(|| Ok(found.root().to_owned()), |task| found.worktree(task))?;
            let mut env: Vec<_> = std::env::vars_os().filter(|(name, _)| name != SESSION_DIR).collect();
            env.extend([("TERM".into(), "xterm-256color".into()), ("COLORTERM".into(), "truecolor".into())]);
            if let Some(task) = task {
                env.extend(found.task_variables(task, &cwd));
            }
            Ok((name, Launch { argv, env, cwd }, task.map(|task| task.id)))
        });
        match planned {
            Ok((name, launch, task)) => {
                let started = Started::new(run, place, SessionKind::Shell, (name, task), now()).answering(answerer);
                self.spawn(started, launch, size);
            }
            Err(failure) => answerer.answer(Err(failure)),
        }
    }

    /// Starts the designer in the source checkout.
    pub(super) fn start_designer(&mut self, project: &ProjectId, answerer: Answerer) {
        let place = (project.clone(), SessionId::main());
        if self.live_at(&place).is_some() {
            return answerer.answer(Ok(Reply::Session { id: place.1 }));
        }
        let run = self.fresh_run("main");
        match self.plan_designer(project, &run) {
            Ok((launch, extras, manifest, resumed)) => {
                let name = manifest.name.clone();
                let mut started =
                    Started::new(run, place, SessionKind::Designer, (name, None), now()).answering(answerer);
                (started.record.conversation, started.record.resumed) = (extras.conversation, resumed);
                started.agent = Some((manifest, extras.events));
                self.spawn(started, launch, self.shared.size());
            }
            Err(failure) => answerer.answer(Err(failure)),
        }
    }

    fn plan_designer(
        &self,
        project: &ProjectId,
        run: &RunId,
    ) -> Result<(Launch, agent::LaunchExtras, agent::Manifest, bool), Failure> {
        let found = self.project(project)?;
        found.check_trust()?;
        let earlier = found.interrupted_designer()?;
        let manifest = self.manifest(found, earlier.as_ref().map(|(name, _)| name.as_str()))?;
        let known = earlier.as_ref().map(|(_, id)| id.as_str()).filter(|_| !manifest.resume.is_empty());
        let session_dir = self.make_box(run)?;
        // The server of its tools tells the others: in every request, and without a turn for it.
        let prompt = (manifest.mcp.is_none() && known.is_none()).then(|| found.designer_prompt()).transpose()?;
        let inherited: Vec<_> = std::env::vars_os().collect();
        let variables = [
            (SESSION_DIR.into(), session_dir.clone().into()),
            ("ORCHESTRA_HOME".into(), self.ground.home.root().into()),
            ("ORCHESTRA_PROJECT_ROOT".into(), found.root().into()),
        ];
        let plan = LaunchPlan {
            manifest: &manifest,
            mode: Mode::Interactive,
            worktree: found.root(),
            conversation: known.map_or(agent::Conversation::Fresh, agent::Conversation::Resume),
            prompt: prompt.as_deref(),
            permissions: found.settings.config.permissions,
            disallowed_tools: &[],
            model: None,
            session_dir: &session_dir,
            session: SessionId::MAIN,
            bin_dir: Some(&self.ground.bin),
            readable: &[],
            inherited: &inherited,
            variables: &variables,
        };
        let (launch, extras) = agent::launch(&plan).map_err(|error| agent_failure(&error))?;
        Ok((launch, extras, manifest, known.is_some()))
    }

    /// Keys for an agent's dialog, at once.
    pub(super) fn answer_dialog(&mut self, place: &Place, bytes: &[u8]) -> Answer {
        let terminal = self.terminal_of(place).ok_or_else(|| no_agent(place))?;
        terminal.input(bytes).map_err(Failure::internal)?;
        let run = terminal.run().clone();
        if let Some(agent) = self.live.get_mut(&run).and_then(|live| live.agent.as_mut()) {
            agent.attended = true;
        }
        self.person_spoke(place);
        Ok(Reply::Done { message: None })
    }

    /// There is something that nobody has looked at.
    pub(super) fn mark_unread(&mut self, at: &TaskPlace) {
        let marked = self.project_mut(&at.project).and_then(|project| {
            let session: SessionId = project.task(at.task)?.session_id();
            project.set_unread(&session, true)
        });
        self.tell_failure(at, marked);
    }
}

pub(super) fn no_agent(place: &Place) -> Failure {
    Failure::new(FailureKind::BadState, format!("{} has no live agent.", place.1)).hint("S starts it")
}
