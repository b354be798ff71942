//! A folder of its own for a test, in a process of its own.
//!
//! The engine hands its environment on to git, agents and gates, so a test that runs one must not have the person's. The
//! test binary therefore starts itself once more for each test, with nothing inherited; afterwards no process may be left.
#![allow(dead_code, clippy::unwrap_used, reason = "each test crate uses a part of it, and panics when it can't go on")]

use std::fs;
use std::io::Write as _;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open, pidfd_send_signal};

/// A hang is found out after this time; nothing takes nearly as long.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// Processes that were told to end are gone after this time.
const LAST_WORDS: Duration = Duration::from_secs(15);

/// Names the folder to the process of a test.
const VARIABLE: &str = "TEST_PLACE";

/// The folder of one test.
#[derive(Debug, Clone)]
pub struct Place(PathBuf);

/// Runs `test` in a process and a folder of its own. Fails when it fails, or when it leaves a process behind.
pub fn alone<F: FnOnce(&Place)>(test: F) {
    if let Some(folder) = std::env::var_os(VARIABLE) {
        return test(&Place(folder.into()));
    }
    let folder = tempfile::Builder::new().prefix("orchestra-test-").tempdir().unwrap();
    let place = Place(folder.path().canonicalize().unwrap());
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test_name::<F>(), "--nocapture", "--include-ignored"])
        .env_clear()
        .envs(place.environment())
        .env(VARIABLE, &place.0)
        .current_dir(&place.0)
        .status()
        .unwrap();
    let left = place.end_leftovers();
    assert!(status.success(), "the test failed in its own process, see above");
    assert!(left.is_empty(), "left behind: {left:#?}");
}

/// Runs `test` in a folder of its own; for tests of the program itself, which gets its environment when it is started.
/// Agents that went on are told to end afterwards. Fails when one does not.
pub fn in_place(test: impl FnOnce(&Place)) {
    let folder = tempfile::Builder::new().prefix("orchestra-test-").tempdir().unwrap();
    let place = Place(folder.path().canonicalize().unwrap());
    let result = catch_unwind(AssertUnwindSafe(|| test(&place)));
    place.dismiss();
    let left = place.end_leftovers();
    if let Err(panic) = result {
        resume_unwind(panic);
    }
    assert!(left.is_empty(), "left behind: {left:#?}");
}

/// The path of the test function whose closure `F` is, as the test harness knows it.
fn test_name<F>() -> &'static str {
    let path = std::any::type_name::<F>();
    let inner = path.split_once("::").map_or(path, |(_, rest)| rest);
    inner.split("::{{closure}}").next().unwrap_or(inner)
}

impl Place {
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// All that a process of this test inherits.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let folder = |name: &str| {
            fs::create_dir_all(self.path(name)).unwrap();
            self.path(name).to_str().unwrap().to_owned()
        };
        let mut env = vec![
            ("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", folder("bin"))),
            ("HOME", folder("home")),
            ("TMPDIR", folder("tmp")),
            ("ORCHESTRA_HOME", folder("orchestra-home")),
        ];
        let fixed = [
            ("LANG", "C.UTF-8"),
            ("SHELL", "/bin/sh"),
            ("USER", "tester"),
            ("TERM", "xterm-256color"),
            ("GIT_CONFIG_GLOBAL", "/dev/null"),
            ("GIT_CONFIG_NOSYSTEM", "1"),
        ];
        env.extend(fixed.map(|(name, value)| (name, value.to_owned())));
        env
    }

    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    /// Lines of a file that scripts append to; none while it is missing.
    pub fn lines(&self, name: &str) -> Vec<String> {
        fs::read_to_string(self.path(name)).unwrap_or_default().lines().map(str::to_owned).collect()
    }

    /// A door that scripts stop at.
    pub fn door(&self, name: &str) -> Door {
        let path = self.path(name);
        let made = Command::new("mkfifo").arg(&path).status().unwrap();
        assert!(made.success(), "mkfifo {}", path.display());
        Door(path)
    }

    /// Ends what still runs with this place in its environment, arguments or as its folder, and tells what that was:
    /// what has been told to end gets its time to.
    pub fn end_leftovers(&self) -> Vec<String> {
        let until = Instant::now() + LAST_WORDS;
        let mut left = Vec::new();
        for (pid, what) in self.processes() {
            let Ok(held) = pidfd_open(pid, PidfdFlags::empty()) else { continue };
            if !ends(&held, until) {
                _ = pidfd_send_signal(&held, Signal::KILL);
                left.push(what);
            }
        }
        left
    }

    /// Tells all processes of this place to end, as a shutdown of the machine would.
    fn dismiss(&self) {
        for (pid, _) in self.processes() {
            _ = kill_process(pid, Signal::TERM);
        }
    }

    /// Ends every process of this place but the test's own at one moment, with no last words, as a power cut would.
    pub fn cut_power(&self) {
        let all: Vec<_> = self
            .processes()
            .into_iter()
            .filter_map(|(pid, _)| Some((pid, pidfd_open(pid, PidfdFlags::empty()).ok()?)))
            .collect();
        // Stopped first: none of them sees another one's end.
        for signal in [Signal::STOP, Signal::KILL] {
            for (_, held) in &all {
                _ = pidfd_send_signal(held, signal);
            }
        }
        let until = Instant::now() + LAST_WORDS;
        assert!(all.iter().all(|(_, held)| ends(held, until)), "a killed process is still there");
    }

    fn processes(&self) -> Vec<(Pid, String)> {
        let ours = std::process::id().to_string();
        let needle = self.0.as_os_str().as_bytes();
        let mentions = |text: &[u8]| text.windows(needle.len()).any(|window| window == needle);
        let all = fs::read_dir("/proc").unwrap().flatten();
        all.filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let pid = Pid::from_raw(name.parse().ok()?).filter(|_| name != ours)?;
            let facts = ["environ", "cmdline"].map(|file| fs::read(entry.path().join(file)).unwrap_or_default());
            let folder = fs::read_link(entry.path().join("cwd")).unwrap_or_default();
            let here = facts.iter().any(|fact| mentions(fact)) || folder.starts_with(&self.0);
            here.then(|| (pid, format!("{name}: {}", String::from_utf8_lossy(&facts[1]).replace('\0', " "))))
        })
        .collect()
    }
}

/// Waits for the end of any process; false when it takes too long.
pub fn gone(pid: i32) -> bool {
    let held = Pid::from_raw(pid).and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok());
    held.is_none_or(|held| ends(&held, Instant::now() + LAST_WORDS))
}

fn ends(process: &OwnedFd, until: Instant) -> bool {
    let time = until.saturating_duration_since(Instant::now());
    let time = Timespec { tv_sec: time.as_secs() as i64, tv_nsec: i64::from(time.subsec_nanos()) };
    poll(&mut [PollFd::new(process, PollFlags::IN)], Some(&time)).unwrap() > 0
}

/// A place in a script where it waits until the test lets it through.
#[derive(Debug)]
pub struct Door(PathBuf);

impl Door {
    /// The shell command that waits.
    pub fn wait(&self) -> String {
        format!("read _ <'{}'", self.0.display())
    }

    /// Waits until a script stands at the door; writing a line lets it through.
    pub fn reached(&self) -> Knock {
        let (sender, receiver) = channel();
        let path = self.0.clone();
        std::thread::spawn(move || sender.send(fs::OpenOptions::new().write(true).open(path)));
        let opened = receiver.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("nobody came to {}", self.0.display()));
        Knock(opened.unwrap())
    }
}

/// A script that waits at a door. Dropping it lets the script through as well.
#[derive(Debug)]
pub struct Knock(fs::File);

impl Knock {
    pub fn open(mut self) {
        self.0.write_all(b"\n").unwrap();
    }
}

pub fn executable(path: &Path) {
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}
