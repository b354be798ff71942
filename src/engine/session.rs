//! Processes from start to end: what the shims tell, and the adoption of what went on without us.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::Place;
use super::core::Core;
use super::ground::now;
use super::handle::Actor;
use super::live::{Live, Started};
use super::message::{Message, TaskPlace};
use super::pipeline::Event;
use super::resume::{gone_by, not_resumed};
use crate::agent::Signal;
use crate::model::{ExitStatus, Failure, Launch, Pause, ProjectId, Reply, RunId, SessionKind, Size};
use crate::pty::{self, Adopted, Hub, PtyError, Terminal, TerminalEvent};
use crate::store::database::StoredSession;

impl Core {
    /// Starts a process under a shim, or takes it over where an earlier engine has started it; `Launched` tells.
    pub(super) fn spawn(&mut self, started: Started, launch: Launch, size: Size) {
        let (hub, dir) = (Arc::clone(&self.hub), self.ground.home.session(&started.run));
        let of = started.task.map(|task| TaskPlace { project: started.place.0.clone(), task });
        self.begin_job(of, move || {
            let mut started = started;
            started.record = started.record.launched_as(&launch);
            let result = spawn_once(&hub, dir, &started.run, &launch, size).map_err(Failure::internal);
            Message::Launched { started: Box::new(started), result }
        });
    }

    /// A process was started, or not.
    pub(super) fn launched(&mut self, mut started: Started, result: Result<Adopted, Failure>) {
        let place = started.place.clone();
        match result {
            Ok(Adopted::Lost) => self.launch_failed(started, &Failure::internal("it ended without a trace")),
            Ok(reached) => {
                let finishes = started.finishes.take();
                let recorded = self.project_mut(&place.0).and_then(|project| {
                    project.db.put_session(&started.record).map_err(Failure::internal)?;
                    finishes.map_or(Ok(()), |id| project.finish(id))
                });
                if let Err(failure) = recorded {
                    self.notices.error(failure.to_string(), Some(place));
                }
                self.admit(started, reached);
            }
            Err(failure) => self.launch_failed(started, &failure),
        }
    }

    fn launch_failed(&mut self, started: Started, failure: &Failure) {
        if let Some(answerer) = started.answerer {
            return answerer.answer(Err(failure.clone()));
        }
        let Some(task) = started.task else {
            return self.notices.error(failure.to_string(), Some(started.place));
        };
        let at = TaskPlace { project: started.place.0.clone(), task };
        if let Some(job) = started.job {
            self.job_broken(&at, &started.run, &job.work, failure, job.finishes);
        } else {
            let known = started.record.conversation.filter(|_| started.record.resumed);
            let event = Event::LaunchFailed { run: started.run, error: not_resumed(failure, known.as_deref()) };
            self.happened(&at, event, started.finishes);
        }
    }

    /// Takes a process among the live ones.
    fn admit(&mut self, started: Started, reached: Adopted) {
        let Started { run, place, kind, record, task, job, agent, answerer, .. } = started;
        let (terminal, exit) = match reached {
            Adopted::Alive(terminal) => (Some(terminal), None),
            Adopted::Ended(status) => (None, Some(status)),
            Adopted::Lost => (None, None),
        };
        let (id, with_agent) = (place.1.clone(), agent.is_some());
        let mut live = Live {
            run: run.clone(),
            place: place.clone(),
            kind,
            name: record.name,
            task,
            terminal,
            exit: None,
            job,
            agent: None,
            ends: None,
            since: now(),
        };
        self.listen(&mut live, agent, record.conversation);
        self.live.insert(run.clone(), live);
        self.forget_ended(&run);
        if with_agent {
            self.strike_carried(&place.0, &run);
            self.readdress(&place, &run);
        }
        self.share_terminals();
        if let Some(answerer) = answerer {
            self.reply(answerer, Ok(Reply::Session { id }));
        }
        self.screen_changed(&run);
        for event in self.early.remove(&run).unwrap_or_default() {
            self.terminal_event(TerminalEvent { run: run.clone(), event });
        }
        match exit {
            Some(status) => self.exited(&run, status),
            None => self.end_unwanted(&run),
        }
    }

    /// A task may have been stopped or deleted, or the engine been asked to end, while a process was being started: then
    /// it ends now.
    fn end_unwanted(&self, run: &RunId) {
        let Some(live) = self.live.get(run) else { return };
        if self.is_too_late() {
            return live.stop();
        }
        let Some(task) = live.task else { return };
        let task = self.project(&live.place.0).and_then(|project| project.task(task));
        let wanted = task.is_ok_and(|task| match live.kind {
            SessionKind::Executor => task.session.as_ref().is_some_and(|session| session.alive && session.id == *run),
            SessionKind::Job => task.job.as_ref().is_some_and(|job| job.id == *run),
            SessionKind::Designer | SessionKind::Shell => true,
        });
        if !wanted {
            live.stop();
        }
    }

    /// Earlier processes of the same session make room for the new one.
    fn forget_ended(&mut self, newest: &RunId) {
        let Some(place) = self.live.get(newest).map(|live| live.place.clone()) else { return };
        let gone = self.live.extract_if(|run, live| live.place == place && run != newest && !live.alive());
        for (run, live) in gone {
            match live.terminal {
                Some(terminal) => terminal.discard(),
                // What is left of a folder costs disk only.
                None => drop(std::fs::remove_dir_all(self.ground.home.session(&run))),
            }
        }
    }

    pub(super) fn terminal_event(&mut self, event: TerminalEvent) {
        let TerminalEvent { run, event } = event;
        self.touch_run(&run);
        self.terminal_told(&run, event);
        self.touch_run(&run);
    }

    fn terminal_told(&mut self, run: &RunId, event: pty::Event) {
        self.life.news |= event != pty::Event::Changed;
        // A program may speak before its start has been told here: its words wait for that.
        if !self.live.contains_key(run)
            && !matches!(event, pty::Event::Exited(status) if self.shared.ended(run, status))
        {
            // Of a run that is over these tell nothing new.
            if !matches!(event, pty::Event::Lost(_) | pty::Event::StopDone { .. }) {
                self.early.entry(run.clone()).or_default().push(event);
            }
            return;
        }
        match event {
            pty::Event::Exited(status) if self.awaits_stop(run, status) => {}
            pty::Event::Exited(status) => self.exited(run, status),
            pty::Event::Lost(_) => self.lost(run, Pause::Lost),
            pty::Event::Submitted(id) => self.letter_typed(run, &id),
            pty::Event::Refused(_) => self.mail_of_gone(run),
            pty::Event::StopDone { left } => self.stop_done(run, &left),
            pty::Event::Signals(signals) => self.terminal_signals(run, &signals),
            pty::Event::Changed => self.screen_changed(run),
            pty::Event::Stopped | pty::Event::Continued => {}
        }
    }

    fn terminal_signals(&mut self, run: &RunId, signals: &[pty::Signal]) {
        for signal in signals {
            match signal {
                pty::Signal::Status(status) => {
                    let (state, kind) = (status.state.word(), status.state.blocked_on());
                    self.signal(run, Signal::Program { state, kind, message: status.message.as_deref() });
                }
                pty::Signal::Title(title) => self.signal(run, Signal::Title(title)),
                _ => {}
            }
        }
    }

    /// The visible text changed: agents without events are read off it.
    fn screen_changed(&mut self, run: &RunId) {
        if let Some(agent) = self.live.get_mut(run).and_then(|live| live.agent.as_mut()) {
            agent.moved = Some(std::time::Instant::now());
            self.look_at_screen(run, Duration::ZERO);
        }
    }

    /// Nothing was drawn for as long as an agent at work never takes.
    pub(super) fn screen_stands_still(&mut self, run: &RunId) {
        let after =
            self.live.get(run).and_then(|live| live.agent.as_ref()).map_or(0, |agent| agent.manifest.rest_after_ms);
        self.look_at_screen(run, Duration::from_millis(after));
    }

    fn look_at_screen(&mut self, run: &RunId, unchanged: Duration) {
        let Some(terminal) = self.live.get(run).and_then(|live| live.terminal.as_ref()) else { return };
        let text = terminal.lines().join("\n");
        self.signal(run, Signal::Screen { text: &text, unchanged });
    }

    /// A job that is over its time has ended when all that it started has ended.
    fn awaits_stop(&mut self, run: &RunId, status: ExitStatus) -> bool {
        let job = self.live.get_mut(run).and_then(|live| live.job.as_mut());
        let Some(job) = job.filter(|job| job.timed_out && !job.stop_done) else { return false };
        job.status = Some(status);
        true
    }

    /// A stop is over; whoever survived it is named.
    fn stop_done(&mut self, run: &RunId, left: &[u32]) {
        if let Some(job) = self.live.get_mut(run).and_then(|live| live.job.as_mut()) {
            job.stop_done = true;
            if let Some(status) = job.status.take() {
                return self.exited(run, status);
            }
        }
        let Some(live) = self.live.get(run).filter(|_| !left.is_empty()) else { return };
        let pids: Vec<_> = left.iter().map(u32::to_string).collect();
        let text = format!("{} left processes that could not be ended: {}", live.place.1, pids.join(", "));
        self.notices.error(text, Some(live.place.clone()));
    }

    /// A process has ended; `printed` is its whole output, where that was read.
    pub(super) fn ended(&mut self, run: &RunId, status: ExitStatus, printed: Option<&str>) {
        // What the agent handed in just before its end comes before the end.
        self.collect_submissions(run);
        let Some(live) = self.live.get_mut(run).filter(|live| live.alive()) else { return };
        live.exit = Some(status);
        live.since = now();
        let (project, kind, ends) = (live.place.0.clone(), live.kind, live.ends.take());
        let is_run_script = live.place.1.is_run_script();
        let at = live.task.map(|task| TaskPlace { project: project.clone(), task });
        if let Some(terminal) = &live.terminal {
            // The shim has nothing more to tell; where it is gone already, all the better.
            let _ = terminal.collect();
        }
        if let (SessionKind::Executor, Some(at)) = (kind, &at) {
            if let Some(text) = printed {
                self.hand_in_printed(at, run, (status, text));
                self.mark_unread(at);
            }
            self.happened(at, Event::AgentExited { run: run.clone(), status }, None);
        }
        self.mail_of_gone(run);
        // Only now: an engine that dies before this finds the session once more, and its end with it.
        self.session_ended(&project, run, Some(status));
        if let (Some(id), Ok(project)) = (ends, self.project_mut(&project)) {
            let _ = project.finish(id);
        }
        self.watches.forget(run);
        match kind {
            SessionKind::Job => self.job_exited(run, status),
            // What a run script printed, and how it ended, is asked for later; a shell ends before its person.
            SessionKind::Shell if is_run_script => {}
            SessionKind::Shell => drop(self.live.remove(run)),
            SessionKind::Executor | SessionKind::Designer => self.tell_failed_resume(&project, run),
        }
        self.share_terminals();
    }

    /// The conversation that an agent goes on with, or has begun, by its own id.
    pub(super) fn note_conversation(&mut self, run: &RunId, id: &str) {
        let Some(project) = self.live.get(run).map(|live| live.place.0.clone()) else { return };
        let noted = self.project_mut(&project).and_then(|project| {
            let Some(mut record) = project.db.session(run).map_err(Failure::internal)? else { return Ok(()) };
            if record.conversation.as_deref() == Some(id) {
                return Ok(());
            }
            record.conversation = Some(id.to_owned());
            project.db.put_session(&record).map_err(Failure::internal)
        });
        if let Err(failure) = noted {
            self.notices.error(failure.to_string(), None);
        }
    }

    fn session_ended(&mut self, project: &ProjectId, run: &RunId, exit: Option<ExitStatus>) {
        let written = self.project_mut(project).and_then(|project| {
            let Some(mut record) = project.db.session(run).map_err(Failure::internal)? else { return Ok(()) };
            (record.ended_at, record.exit) = (Some(now()), exit);
            project.db.put_session(&record).map_err(Failure::internal)
        });
        if let Err(failure) = written {
            self.notices.error(failure.to_string(), None);
        }
    }

    fn lost(&mut self, run: &RunId, why: Pause) {
        let Some(live) = self.live.remove(run) else { return };
        if let Some(task) = live.task {
            let at = TaskPlace { project: live.place.0.clone(), task };
            match (live.kind, live.job.as_ref()) {
                (SessionKind::Executor, _) => self.happened(&at, Event::AgentLost { run: run.clone(), why }, None),
                (_, Some(job)) => {
                    let failure = Failure::internal("its process is gone without an exit status");
                    let (work, id) = (job.work.clone(), job.finishes);
                    self.job_broken(&at, run, &work, &failure, id);
                }
                _ => {}
            }
        }
        self.mail_of_gone(run);
        // After what follows from it, as with an exit.
        self.session_ended(&live.place.0, run, None);
        self.watches.forget(run);
        self.share_terminals();
    }

    /// Puts the newest terminal of each session where the faces find it; a job's session is named after its run.
    pub(super) fn share_terminals(&mut self) {
        let mut newest: Vec<&Live> = self.live.values().collect();
        newest.sort_by_key(|live| (live.alive(), live.since));
        let shown = newest.into_iter().filter_map(|live| Some((live.place.clone(), live.terminal.clone()?)));
        self.shared.terminals.store(Arc::new(shown.collect()));
        let shims = self.live.values().filter_map(|live| {
            let actor = Actor { place: live.place.clone(), kind: live.kind, task: live.task };
            Some((live.terminal.as_ref()?.shim(), actor))
        });
        self.shared.shims.store(Arc::new(shims.collect()));
    }

    /// Takes over what the last engine left: sessions whose shims are alive, and the ends of the others.
    pub(super) fn adopt(&mut self, project: &ProjectId, records: Vec<StoredSession>) {
        for record in records {
            let run = record.run.clone();
            // Jobs come back with the effect that began them.
            if record.kind == SessionKind::Job {
                continue;
            }
            match self.hub.adopt(self.ground.home.session(&run), run.clone()) {
                Ok(Adopted::Lost) => self.adopt_lost(project, &record),
                Ok(reached) => self.readmit(project, record, reached),
                Err(error) => {
                    self.notices.error(error.to_string(), Some((project.clone(), record.session.clone())));
                    self.adopt_lost(project, &record);
                }
            }
        }
    }

    fn readmit(&mut self, project: &ProjectId, record: StoredSession, reached: Adopted) {
        let Ok(found) = self.project(project) else { return };
        let with_agent = matches!(record.kind, SessionKind::Executor | SessionKind::Designer);
        let agent = with_agent.then(|| self.manifest(found, Some(&record.name)).ok()).flatten();
        let agent = agent.map(|manifest| (manifest, self.remembered_events(&record.run)));
        self.queue_prompt(project, &record.run);
        let started = Started {
            run: record.run.clone(),
            place: (project.clone(), record.session.clone()),
            kind: record.kind,
            task: record.task,
            record,
            job: None,
            agent,
            finishes: None,
            answerer: None,
        };
        self.admit(started, reached);
    }

    fn adopt_lost(&mut self, project: &ProjectId, record: &StoredSession) {
        self.readmit(project, record.clone(), Adopted::Lost);
        self.collect_submissions(&record.run);
        self.lost(&record.run, gone_by(record.boot.as_deref()));
    }

    pub(super) fn terminal_of(&self, place: &Place) -> Option<&Terminal> {
        self.live_at(place).and_then(|live| live.terminal.as_ref())
    }
}

/// Starts the run, unless that has happened before.
fn spawn_once(hub: &Hub, dir: PathBuf, run: &RunId, launch: &Launch, size: Size) -> Result<Adopted, PtyError> {
    match hub.spawn(&dir, run.clone(), launch, size) {
        Ok(terminal) => Ok(Adopted::Alive(terminal)),
        Err(PtyError::Launched(_)) => hub.adopt(dir, run.clone()),
        Err(error) => Err(error),
    }
}

/// The text of a run that has ended, from its history.
pub(super) fn output(session: &std::path::Path, lines: usize) -> String {
    pty::transcript(session, lines)
}
