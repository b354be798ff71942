//! A hub in a folder of its own, and ways to wait.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use orchestra::model::{ExitStatus, Launch, RunId, Size};
use orchestra::pty::{Adopted, Event, Hub, Place, Process, StopPlan, Terminal, TerminalEvent};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use tokio::sync::mpsc::Receiver;

/// How long anything may take before a test fails.
pub const PATIENCE: Duration = Duration::from_secs(30);
pub const SIZE: Size = Size::new(24, 80);

/// A hub and its events.
pub struct Bench {
    pub hub: Hub,
    events: Receiver<TerminalEvent>,
    seen: Vec<TerminalEvent>,
    pub wakes: Arc<AtomicUsize>,
    runtime: tokio::runtime::Runtime,
}

impl Bench {
    pub fn new() -> Self {
        let wakes = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&wakes);
        let wake = Arc::new(move || {
            counter.fetch_add(1, Ordering::Relaxed);
        });
        let (hub, events) = Hub::start(env!("CARGO_BIN_EXE_orchestra").into(), wake).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        Self { hub, events, seen: Vec::new(), wakes, runtime }
    }

    pub fn spawn(&self, place: &Place, launch: &Launch) -> Terminal {
        self.hub.spawn(place.dir(), run(place), launch, SIZE).unwrap()
    }

    pub fn adopt(&self, place: &Place) -> Terminal {
        match self.hub.adopt(place.dir(), run(place)).unwrap() {
            Adopted::Alive(terminal) => terminal,
            Adopted::Ended(status) => panic!("the shim is gone: {status}"),
            Adopted::Lost => panic!("the session is lost"),
        }
    }

    /// The next event that `wanted` picks; the others are kept for later calls.
    pub fn event<T>(&mut self, wanted: impl Fn(&TerminalEvent) -> Option<T>) -> T {
        if let Some(at) = self.seen.iter().position(|event| wanted(event).is_some()) {
            return wanted(&self.seen.remove(at)).unwrap();
        }
        loop {
            let event = self.next().unwrap_or_else(|| panic!("no such event came, but {:?}", self.seen));
            if let Some(found) = wanted(&event) {
                return found;
            }
            if event.event != Event::Changed {
                self.seen.push(event);
            }
        }
    }

    /// Waits until `so`, which is looked at after each event.
    pub fn until(&mut self, what: &str, mut so: impl FnMut() -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !so() {
            assert!(Instant::now() < deadline, "in vain: {what}");
            let Some(event) = self.next() else { continue };
            if event.event != Event::Changed {
                self.seen.push(event);
            }
        }
    }

    /// Waits until a visible row has `text` in it.
    pub fn shows(&mut self, terminal: &Terminal, text: &str) {
        let deadline = Instant::now() + PATIENCE;
        while !terminal.lines().iter().any(|line| line.contains(text)) {
            assert!(Instant::now() < deadline, "{text:?} is not in {:#?}", terminal.lines());
            let Some(event) = self.next() else { continue };
            if event.event != Event::Changed {
                self.seen.push(event);
            }
        }
    }

    pub fn exit(&mut self) -> ExitStatus {
        self.event(|event| match event.event {
            Event::Exited(status) => Some(status),
            _ => None,
        })
    }

    pub fn lost(&mut self) -> String {
        self.event(|event| match &event.event {
            Event::Lost(why) => Some(why.clone()),
            _ => None,
        })
    }

    pub fn submitted(&mut self) -> String {
        self.event(|event| match &event.event {
            Event::Submitted(id) => Some(id.clone()),
            _ => None,
        })
    }

    pub fn stop_done(&mut self) -> Vec<u32> {
        self.event(|event| match &event.event {
            Event::StopDone { left } => Some(left.clone()),
            _ => None,
        })
    }

    fn next(&mut self) -> Option<TerminalEvent> {
        let next = self.events.recv();
        self.runtime.block_on(async { tokio::time::timeout(PATIENCE, next).await }).ok().flatten()
    }
}

/// Runs in a folder of its own, all of which are ended when the test is over, however it ends.
pub struct Home {
    pub dir: tempfile::TempDir,
}

impl Home {
    pub fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    pub fn place(&self, name: &str) -> Place {
        Place::new(self.dir.path().join("run").join(name))
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let runs = std::fs::read_dir(self.dir.path().join("run")).into_iter().flatten().flatten();
        for pids in runs.filter_map(|run| Place::new(run.path()).pids()) {
            // TERM is a shim's order to end all.
            if pids.shim.signal(rustix::process::Signal::TERM) {
                pids.child.signal(rustix::process::Signal::KILL);
            }
        }
    }
}

pub fn run(place: &Place) -> RunId {
    RunId(place.dir().file_name().unwrap().to_string_lossy().into_owned())
}

/// `script` for `sh`, with an environment of nothing but `PATH`.
pub fn sh(script: &str) -> Launch {
    launch(&["sh", "-c", script])
}

pub fn launch(argv: &[&str]) -> Launch {
    Launch {
        argv: argv.iter().map(OsString::from).collect(),
        env: vec![("PATH".into(), "/usr/local/bin:/usr/bin:/bin".into())],
        cwd: "/".into(),
    }
}

/// A stop that goes through its rungs quickly.
pub fn hasty() -> StopPlan {
    StopPlan { quit: None, quit_grace: Duration::from_millis(200), term_grace: Duration::from_millis(200) }
}

/// Waits for the end of a process that need not be a child.
pub fn wait_gone(process: Process) {
    let Some(pid) = Pid::from_raw(process.pid as i32) else { return };
    let Ok(held) = pidfd_open(pid, PidfdFlags::empty()) else { return };
    if process.alive() {
        let patience = Timespec { tv_sec: PATIENCE.as_secs() as i64, tv_nsec: 0 };
        let ended = poll(&mut [PollFd::new(&held, PollFlags::IN)], Some(&patience)).unwrap();
        assert_eq!(ended, 1, "{process:?} lives on");
    }
}

/// An engine in a process of its own: the test `name` of this binary, which is ignored otherwise.
pub fn engine(name: &str, home: &Home) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--ignored", "--nocapture", "--test-threads=1"])
        .env("ORCHESTRA_TEST_HOME", home.dir.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Where the test that started this engine has its runs.
pub fn engine_place(name: &str) -> Place {
    Place::new(PathBuf::from(std::env::var_os("ORCHESTRA_TEST_HOME").unwrap()).join("run").join(name))
}
