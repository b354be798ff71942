//! Starting an engine without a face, and waiting until it serves.
//!
//! Invariants: many clients that start one at once end up at the one that got the lock; nothing of the caller's session
//! (its terminal, its task's variables) goes into the engine.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use notify::{RecursiveMode, Watcher as _};

use super::client::Client;
use crate::model::{Failure, FailureKind};
use crate::pty;
use crate::store::Home;

/// How long an engine may take until it serves.
const PATIENCE: Duration = Duration::from_secs(20);
/// Where a change of the folder is not told, it is looked at this often.
const LOOK: Duration = Duration::from_millis(250);

/// What engines without a face say.
const LOG: &str = "engine.log";

/// What is waited for.
enum Wake {
    /// Something changed where the socket appears.
    Folder,
    /// The engine that was started has ended.
    Ended(ExitStatus),
}

/// Connects, and starts `program serve` first when nobody serves.
pub fn connect_or_start(home: &Home, program: &Path) -> Result<Client, Failure> {
    if let Some(client) = Client::connect(home)? {
        return Ok(client);
    }
    home.create().map_err(Failure::internal)?;
    let (wakes, woken) = channel();
    let _watcher = watch(home, wakes.clone());
    let deadline = Instant::now() + PATIENCE;
    start(home, program, wakes.clone())?;
    let mut starting = true;
    loop {
        if let Some(client) = Client::connect(home)? {
            return Ok(client);
        }
        if Instant::now() >= deadline {
            return Err(Failure::new(FailureKind::Timeout, "the engine was started and does not serve.")
                .hint(format!("Look at {}", home.logs().join(LOG).display())));
        }
        match woken.recv_timeout(LOOK) {
            Ok(Wake::Ended(status)) => {
                check(home, status)?;
                starting = false;
            }
            // Whoever had the lock may have been at its end: then the lock is free by now.
            Err(RecvTimeoutError::Timeout) if !starting => {
                start(home, program, wakes.clone())?;
                starting = true;
            }
            Ok(Wake::Folder) | Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
        }
    }
}

/// Waits for an engine that has the lock and does not serve yet; none: after `patience` nobody serves.
pub fn wait_for_server(home: &Home, patience: Duration) -> Result<Option<Client>, Failure> {
    let (wakes, woken) = channel();
    let _watcher = watch(home, wakes);
    let deadline = Instant::now() + patience;
    loop {
        if let Some(client) = Client::connect(home)? {
            return Ok(Some(client));
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(None);
        }
        // Whatever wakes it, it looks again.
        let _ = woken.recv_timeout(left.min(LOOK));
    }
}

/// Tells of changes where the socket appears. Without a watcher it is only slower.
fn watch(home: &Home, wakes: Sender<Wake>) -> Option<notify::RecommendedWatcher> {
    let mut watcher = notify::recommended_watcher(move |_| drop(wakes.send(Wake::Folder))).ok()?;
    watcher.watch(&home.run(), RecursiveMode::NonRecursive).ok()?;
    Some(watcher)
}

/// The engine that was started is gone: because another one holds the lock, or there was nothing to do; else it failed.
fn check(home: &Home, status: ExitStatus) -> Result<(), Failure> {
    if status.success() || status.code() == Some(i32::from(FailureKind::LockHeld.exit_code())) {
        return Ok(());
    }
    let log = home.logs().join(LOG);
    let text = std::fs::read_to_string(&log).unwrap_or_default();
    let last = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it said nothing");
    Err(Failure::internal(format!("the engine could not start: {last}.")).hint(format!("Look at {}", log.display())))
}

/// Starts `program serve`, which outlives this process.
pub fn start_headless(home: &Home, program: &Path) -> Result<(), Failure> {
    start(home, program, channel().0)
}

/// Starts an engine that outlives this process; its end is told.
fn start(home: &Home, program: &Path, wakes: Sender<Wake>) -> Result<(), Failure> {
    let path = home.logs().join(LOG);
    let cannot = |error: std::io::Error| Failure::internal(format!("cannot start {}: {error}", program.display()));
    let log = OpenOptions::new().create(true).append(true).mode(0o600).open(&path).map_err(cannot)?;
    let errors = log.try_clone().map_err(cannot)?;
    let mut command = Command::new(program);
    command.arg(pty::ENGINE_VERB).stdin(Stdio::null()).stdout(log).stderr(errors).current_dir(home.root());
    // From its first moment no hangup of this terminal reaches it: the caller may be at its end.
    command.process_group(0);
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("ORCHESTRA_") || name.starts_with("ORKESTRA_")) {
            command.env_remove(name);
        }
    }
    command.env("ORCHESTRA_HOME", home.root());
    let mut child = command.spawn().map_err(cannot)?;
    std::thread::Builder::new()
        .name("engine's end".to_owned())
        .spawn(move || {
            if let Ok(status) = child.wait() {
                let _ = wakes.send(Wake::Ended(status));
            }
        })
        .map(drop)
        .map_err(cannot)
}
