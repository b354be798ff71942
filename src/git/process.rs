//! A child process with bounds: a deadline, a cancel flag, and limits of what it may print.
//!
//! Invariant: it stands in a group of its own, and when a bound is met the whole group ends: TERM, grace, KILL.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, ExitStatus};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use super::error::GitError;

/// Longest wait between two looks at the cancel flag.
const TICK: Duration = Duration::from_millis(25);
/// How long a group may take to clean up after TERM, and how long its pipes may outlive it.
const GRACE: Duration = Duration::from_secs(2);
/// Output kept of one child, bytes.
const OUTPUT_LIMIT: usize = 256 << 20;
const STDERR_LIMIT: usize = 64 << 10;

/// A flag that ends a long call from another thread.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub fn is_canceled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Writes a child's standard input, on a thread of its own.
pub(super) type Feed = Box<dyn FnOnce(&mut dyn Write) -> std::io::Result<()> + Send>;

/// The bounds of a child, and its name for errors.
pub(super) struct Bounds<'a> {
    pub verb: &'a str,
    pub cwd: &'a Path,
    pub timeout: Duration,
    pub cancel: &'a Cancel,
}

/// A child that ended by itself.
pub(super) struct Finished {
    pub status: ExitStatus,
    pub stdout: Vec<u8>,
    /// Its first part, when there was much.
    pub stderr: Vec<u8>,
}

enum Part {
    Out(Vec<u8>),
    Err(Vec<u8>),
    Closed,
    Exited,
}

/// Runs a command, whose outputs and group the caller has set up.
pub(super) fn run(command: &mut Command, feed: Option<Feed>, bounds: &Bounds<'_>) -> Result<Finished, GitError> {
    let mut child = command.spawn().map_err(GitError::io(bounds.cwd))?;
    let (sender, parts) = sync_channel(64);
    pump(child.stdout.take(), sender.clone(), Part::Out);
    pump(child.stderr.take(), sender.clone(), Part::Err);
    if let (Some(mut pipe), Some(feed)) = (child.stdin.take(), feed) {
        // A child that ends without reading breaks the pipe; its exit code tells why.
        std::thread::spawn(move || drop(feed(&mut pipe)));
    }
    let pid = Pid::from_child(&child);
    std::thread::spawn(move || {
        // NOWAIT leaves the child unreaped, so that its number cannot pass to another process before a signal.
        while let Err(rustix::io::Errno::INTR) = waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT)
        {
        }
        drop(sender.send(Part::Exited));
    });
    let collected = bounds.collect(&parts);
    if collected.is_err() {
        end_group(pid, &parts);
    }
    let status = child.wait().map_err(GitError::io(bounds.cwd))?;
    collected.map(|(stdout, stderr)| Finished { status, stdout, stderr })
}

impl Bounds<'_> {
    fn collect(&self, parts: &Receiver<Part>) -> Result<(Vec<u8>, Vec<u8>), GitError> {
        let mut deadline = Instant::now() + self.timeout;
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let (mut open, mut exited) = (2, false);
        while open > 0 || !exited {
            let now = Instant::now();
            if !exited && self.cancel.is_canceled() {
                return Err(GitError::Canceled { verb: self.verb.to_owned() });
            }
            if now >= deadline {
                // After the exit only what a hook left running holds the pipes: its words are not waited for.
                return if exited { Ok((stdout, stderr)) } else { Err(self.timed_out()) };
            }
            match parts.recv_timeout(TICK.min(deadline - now)) {
                Ok(Part::Out(bytes)) if stdout.len() + bytes.len() > OUTPUT_LIMIT => {
                    return Err(GitError::TooMuchOutput { verb: self.verb.to_owned(), limit: OUTPUT_LIMIT });
                }
                Ok(Part::Out(bytes)) => stdout.extend(bytes),
                Ok(Part::Err(bytes)) => stderr.extend(bytes.iter().take(STDERR_LIMIT - stderr.len())),
                Ok(Part::Closed) => open -= 1,
                Ok(Part::Exited) => {
                    exited = true;
                    deadline = Instant::now() + GRACE;
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        Ok((stdout, stderr))
    }

    fn timed_out(&self) -> GitError {
        let seconds = self.timeout.as_secs();
        GitError::TimedOut { verb: self.verb.to_owned(), cwd: self.cwd.to_owned(), seconds }
    }
}

fn pump<R: Read + Send + 'static>(pipe: Option<R>, sender: SyncSender<Part>, part: fn(Vec<u8>) -> Part) {
    let mut pipe = pipe.expect("invariant: both outputs are piped");
    std::thread::spawn(move || {
        let mut buffer = vec![0; 64 << 10];
        loop {
            match pipe.read(&mut buffer) {
                Ok(n) if n > 0 => {
                    if sender.send(part(buffer[..n].to_vec())).is_err() {
                        return;
                    }
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                _ => break,
            }
        }
        drop(sender.send(Part::Closed));
    });
}

/// TERM first, which lets git remove its lock files, then KILL.
fn end_group(pid: Pid, parts: &Receiver<Part>) {
    let deadline = Instant::now() + GRACE;
    let mut alive = kill_process_group(pid, Signal::TERM).is_ok();
    while alive && Instant::now() < deadline {
        match parts.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(Part::Exited) | Err(_) => alive = false,
            Ok(_) => {}
        }
    }
    // The group may be empty by now; the child itself is reaped after this.
    kill_process_group(pid, Signal::KILL).ok();
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::CommandExt;
    use std::process::Stdio;

    use super::*;

    fn sh(script: &str, timeout: Duration, cancel: &Cancel) -> Result<Finished, GitError> {
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", script])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        run(&mut command, None, &Bounds { verb: "sh", cwd: Path::new("/"), timeout, cancel })
    }

    #[test]
    fn fault_g15_a_hanging_child_ends_with_its_children_at_the_deadline() {
        let began = Instant::now();
        let folder = tempfile::tempdir().unwrap();
        let pids = folder.path().join("pids");
        let script = format!("trap '' TERM; sleep 300 & echo $! >{0}; echo $$ >>{0}; wait; wait", pids.display());
        let result = sh(&script, Duration::from_millis(300), &Cancel::default());
        assert!(matches!(result, Err(GitError::TimedOut { .. })));
        assert!(began.elapsed() < Duration::from_secs(10));
        let alive = |pid: &str| {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            !stat.is_empty() && !stat.contains(") Z ")
        };
        for pid in std::fs::read_to_string(pids).unwrap().lines() {
            // The kernel takes a moment to carry a signal out.
            while alive(pid) {
                assert!(began.elapsed() < Duration::from_secs(20), "{pid} is alive");
                std::thread::yield_now();
            }
        }
    }

    #[test]
    fn a_canceled_child_ends_at_once() {
        let cancel = Cancel::default();
        let other = cancel.clone();
        let canceler = std::thread::spawn(move || other.cancel());
        let began = Instant::now();
        assert!(matches!(sh("sleep 300", Duration::from_mins(5), &cancel), Err(GitError::Canceled { .. })));
        assert!(began.elapsed() < Duration::from_secs(5));
        canceler.join().unwrap();
    }

    #[test]
    fn output_comes_whole_and_a_left_over_child_is_not_waited_for() {
        let began = Instant::now();
        let finished = sh(
            "head -c 300000 /dev/zero; echo oops >&2; sleep 30 & exit 3",
            Duration::from_mins(1),
            &Cancel::default(),
        );
        let finished = finished.unwrap();
        assert_eq!(
            (finished.status.code(), finished.stdout.len(), &finished.stderr[..]),
            (Some(3), 300_000, &b"oops\n"[..])
        );
        assert!(began.elapsed() < Duration::from_secs(20));
    }
}
