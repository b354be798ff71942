//! An engine in the test's process, and ways to wait for what it shows.
#![allow(dead_code, clippy::unwrap_used, reason = "each test crate uses a part of it, and panics when it can't go on")]

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use orchestra::engine::{Engine, First, Listener, Setting};
use orchestra::model::{
    Answer, Failure, FailureKind, NewTask, ProjectId, ProjectView, Reply, Request, SessionId, Snapshot, State, Task,
    TaskId, TaskView,
};
use orchestra::rpc::{Face, FaceKind, Server, wait_for_server};
use orchestra::store::Home;

use crate::place::{PATIENCE, Place};
use crate::repo::Repository;

/// What the engine's face says that it is.
pub const VERSION: &str = "1.2.3";

/// A person before a running engine: asks, looks, waits. All processes end with it, however the test ends.
pub struct Bench {
    place: Place,
    root: PathBuf,
    /// Agents hand in by the socket. Before the engine, which must not be ended while it is served.
    pub server: Option<Server>,
    engine: Option<Engine>,
    news: Arc<News>,
}

#[derive(Default)]
struct News {
    count: Mutex<u64>,
    changed: Condvar,
}

impl Bench {
    /// An engine on the repository, whose commands are trusted.
    pub fn open(place: &Place, repository: &Repository) -> Self {
        let bench = Self::untrusted(place, repository);
        bench.trust();
        bench
    }

    pub fn untrusted(place: &Place, repository: &Repository) -> Self {
        let news = Arc::default();
        let mut bench =
            Self { place: place.clone(), root: repository.root().to_owned(), server: None, engine: None, news };
        bench.come_back();
        bench
    }

    /// A person has looked at the commands of the project's files, and lets them run.
    pub fn trust(&self) {
        let Ok(Reply::Trust(facts)) = self.engine().call(Request::TrustFacts { project: self.project() }) else {
            panic!("no facts for trust: {}", self.tell());
        };
        self.engine().call(Request::Trust { project: self.project(), hash: facts.hash }).unwrap();
    }

    /// An engine that was started for no project, or for the one around a path.
    pub fn started(place: &Place, path: Option<&std::path::Path>) -> Self {
        let mut bench =
            Self { place: place.clone(), root: place.path(""), server: None, engine: None, news: Arc::default() };
        bench.start_engine(path);
        bench
    }

    /// The engine goes; agents and jobs stay.
    pub fn leave(&mut self) {
        drop(self.server.take());
        drop(self.engine.take().unwrap());
    }

    /// Another engine on the same state.
    pub fn come_back(&mut self) {
        let root = self.root.clone();
        self.start_engine(Some(&root));
    }

    /// Another engine, started somewhere else.
    pub fn start_engine(&mut self, project: Option<&std::path::Path>) {
        let home = Home::at(self.place.path("orchestra-home"));
        let news = Arc::clone(&self.news);
        let listener = Arc::new(move |_| {
            *news.count.lock().unwrap_or_else(PoisonError::into_inner) += 1;
            news.changed.notify_all();
        });
        let setting = || Setting {
            home: home.clone(),
            program: env!("CARGO_BIN_EXE_orchestra").into(),
            project: project.map(|path| First::Path(path.to_owned())),
        };
        let engine = loop {
            match Engine::start(setting(), Arc::clone(&listener) as Listener) {
                // An agent that handed in while nobody was there has started one without a face.
                Err(failure) if failure.kind == FailureKind::LockHeld => take_over(&home),
                started => break started.unwrap(),
            }
        };
        engine.ready();
        let face = Face {
            kind: FaceKind::Headless,
            tty: None,
            pid: std::process::id(),
            version: VERSION.to_owned(),
            started: "2026-01-02T03:04:05Z".parse().unwrap(),
        };
        self.server = Some(Server::start(engine.handle(), &home, face).unwrap());
        self.engine = Some(engine);
    }

    pub fn engine(&self) -> &Engine {
        self.engine.as_ref().expect("the engine runs")
    }

    pub fn project(&self) -> ProjectId {
        self.project_view().id.clone()
    }

    pub fn project_view(&self) -> Arc<ProjectView> {
        let snapshot = self.engine().snapshot();
        Arc::clone(snapshot.projects.first().unwrap_or_else(|| panic!("no project: {}", self.tell())))
    }

    /// Waits until `wanted` finds something in a snapshot, and returns that.
    pub fn wait<T>(&self, what: &str, wanted: impl Fn(&Snapshot) -> Option<T>) -> T {
        let until = Instant::now() + PATIENCE;
        let mut count = self.news.count.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let seen = *count;
            drop(count);
            if let Some(found) = wanted(&self.engine().snapshot()) {
                return found;
            }
            count = self.news.count.lock().unwrap_or_else(PoisonError::into_inner);
            while *count == seen {
                let left = until.saturating_duration_since(Instant::now());
                assert!(!left.is_zero(), "waited for {what} in vain; {}", self.tell());
                count = self.news.changed.wait_timeout(count, left).unwrap_or_else(PoisonError::into_inner).0;
            }
        }
    }

    /// Waits until a task satisfies `wanted`.
    pub fn task_when(&self, slug: &str, what: &str, wanted: impl Fn(&TaskView) -> bool) -> TaskView {
        self.wait(&format!("{slug} {what}"), |snapshot| find(snapshot, slug).filter(|view| wanted(view)).cloned())
    }

    /// Waits for a state. A task that fails on the way ends the test at once.
    pub fn reaches(&self, slug: &str, state: State) -> Arc<Task> {
        let view = self.task_when(
            slug,
            state.word(),
            |view| matches!(view.task.state, found if found == state || found == State::Failed),
        );
        assert_eq!(view.task.state, state, "{}", self.tell());
        view.task
    }

    pub fn has(&self, slug: &str) -> bool {
        find(&self.engine().snapshot(), slug).is_some()
    }

    /// The task as it is now.
    pub fn task(&self, slug: &str) -> Arc<Task> {
        let snapshot = self.engine().snapshot();
        Arc::clone(&find(&snapshot, slug).unwrap_or_else(|| panic!("no {slug}: {}", self.tell())).task)
    }

    /// Why the task is where it is.
    pub fn reason(&self, slug: &str) -> String {
        self.task(slug).reason.as_ref().map_or_else(String::new, |reason| reason.text.clone())
    }

    pub fn worktree(&self, slug: &str) -> PathBuf {
        let snapshot = self.engine().snapshot();
        find(&snapshot, slug).and_then(|view| view.worktree.clone()).unwrap_or_else(|| panic!("{}", self.tell()))
    }

    /// Waits until a notice with `text` in it is there.
    pub fn notice(&self, text: &str) -> String {
        self.wait(&format!("a notice with {text:?}"), |snapshot| {
            let found = snapshot.notices.iter().find(|notice| notice.text.contains(text));
            found.map(|notice| notice.text.clone())
        })
    }

    /// Waits until the screen of a session has `text` in it.
    pub fn screen(&self, session: &str, text: &str) -> String {
        let place = (self.project(), SessionId::from(session));
        self.wait(&format!("{text:?} on the screen of {session}"), |_| {
            let screen = self.engine().terminal(&place)?.lines().join("\n");
            screen.contains(text).then_some(screen)
        })
    }

    pub fn try_create(&self, new: NewTask) -> Answer {
        self.engine().call(Request::NewTask { project: self.project(), task: new })
    }

    pub fn draft(&self, slug: &str, flow: &str, description: &str) -> TaskId {
        self.made(new_task(slug, flow, description))
    }

    /// Makes a task and starts it.
    pub fn begin(&self, slug: &str, flow: &str, description: &str) -> TaskId {
        self.made(NewTask { start: true, ..new_task(slug, flow, description) })
    }

    pub fn made(&self, new: NewTask) -> TaskId {
        match self.try_create(new) {
            Ok(Reply::Task { id, .. }) => id,
            other => panic!("no task but {other:?}"),
        }
    }

    /// A request on a task.
    pub fn try_ask(&self, slug: &str, request: impl FnOnce(ProjectId, TaskId) -> Request) -> Answer {
        let task = self.task(slug).id;
        self.engine().call(request(self.project(), task))
    }

    pub fn ask(&self, slug: &str, request: impl FnOnce(ProjectId, TaskId) -> Request) -> Reply {
        self.try_ask(slug, request).unwrap_or_else(|failure| panic!("refused: {failure}; {}", self.tell()))
    }

    pub fn refused(&self, slug: &str, request: impl FnOnce(ProjectId, TaskId) -> Request) -> Failure {
        self.try_ask(slug, request).expect_err("it is refused")
    }

    pub fn start(&self, slug: &str) {
        self.ask(slug, |project, task| Request::Start { project, task });
    }

    pub fn stop(&self, slug: &str) {
        self.ask(slug, |project, task| Request::Stop { project, task, spent: None });
    }

    pub fn approve(&self, slug: &str) {
        self.ask(slug, |project, task| Request::Approve { project, task });
    }

    pub fn merge(&self, slug: &str) {
        self.ask(slug, |project, task| Request::Merge { project, task, into: None });
    }

    pub fn send(&self, slug: &str, text: &str) -> Reply {
        let session = SessionId::from(slug);
        self.engine()
            .call(Request::Send { project: self.project(), session, text: text.to_owned(), sender: None })
            .unwrap()
    }

    /// What a person said in a conversation with the scripted agent, as the agent remembers it.
    pub fn said_to(&self, conversation: &str) -> Vec<String> {
        let lines = self.place.lines(&format!("orchestra-home/demo/{conversation}.jsonl"));
        let sayings = lines.iter().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        sayings.filter(|it| it["who"] == "you").map(|it| it["text"].as_str().unwrap().to_owned()).collect()
    }

    /// All that a failing test should say.
    fn tell(&self) -> String {
        let Some(engine) = &self.engine else { return "no engine runs".to_owned() };
        let snapshot = engine.snapshot();
        let mut text = "the state:\n".to_owned();
        for view in snapshot.projects.iter().flat_map(|project| &project.tasks) {
            let reason = view.task.reason.as_ref().map_or("", |reason| reason.text.as_str());
            let activity = view.session.as_ref().map(|session| (&session.activity, session.alive, session.exit));
            writeln!(text, "  {}: {} ({reason}) {activity:?}", view.task.slug, view.task.state.word()).unwrap();
            let place = (snapshot.projects[0].id.clone(), view.task.session_id());
            for line in engine.terminal(&place).map_or_else(Vec::new, |terminal| terminal.lines()) {
                writeln!(text, "    | {}", line.trim_end()).unwrap();
            }
        }
        for notice in &snapshot.notices {
            writeln!(text, "  notice: {}", notice.text).unwrap();
        }
        text
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        drop(self.server.take());
        if let Some(engine) = self.engine.take() {
            // When this fails, what is left is found by the test's other process.
            _ = engine.call(Request::ShutDown);
        }
    }
}

/// Asks whoever has the lock to make room.
fn take_over(home: &Home) {
    if let Ok(Some(mut client)) = wait_for_server(home, Duration::from_secs(1)) {
        // It may be at its end already.
        _ = client.call("engine.handover", serde_json::json!({}));
    }
}

pub fn new_task(slug: &str, flow: &str, description: &str) -> NewTask {
    NewTask {
        slug: Some(slug.to_owned()),
        description: description.to_owned(),
        flow: Some(flow.to_owned()),
        ..NewTask::default()
    }
}

fn find<'a>(snapshot: &'a Snapshot, slug: &str) -> Option<&'a TaskView> {
    snapshot.projects.iter().flat_map(|project| &project.tasks).find(|view| view.task.slug.as_str() == slug)
}
