//! A child process with bounds: a deadline, a cancel flag, and limits of what it may print.
//!
//! Invariant: it stands in a group of its own, and when a bound is met the whole group ends: TERM, grace, KILL.

use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use super::error::GitError;

/// Longest wait between two looks at the cancel flag.
const TICK: Duration = Duration::from_millis(25);
/// The first wait for a child that has closed its outputs; each further one is twice as long.
const SHORTEST: Duration = Duration::from_micros(50);
/// How long a group may take to clean up after TERM, and how long its pipes may outlive it.
const GRACE: Duration = Duration::from_secs(2);
/// Output kept of one child, bytes.
const OUTPUT_LIMIT: usize = 256 << 20;
const STDERR_LIMIT: usize = 64 << 10;

/// A flag that ends a long call from another thread.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<Flag>);

#[derive(Debug, Default)]
struct Flag {
    raised: Mutex<bool>,
    changed: Condvar,
}

impl Cancel {
    pub fn cancel(&self) {
        *self.raised() = true;
        self.0.changed.notify_all();
    }

    pub fn is_canceled(&self) -> bool {
        *self.raised()
    }

    /// Waits for it, no longer than `limit`; `true`: it came.
    pub(super) fn wait(&self, limit: Duration) -> bool {
        let waited = self.0.changed.wait_timeout_while(self.raised(), limit, |raised| !*raised);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }

    fn raised(&self) -> MutexGuard<'_, bool> {
        self.0.raised.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes a child's standard input, on a thread of its own.
pub(super) type Feed = Box<dyn FnOnce(&mut dyn Write) -> io::Result<()> + Send>;

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

/// Runs a command, whose outputs and group the caller has set up.
pub(super) fn run(command: &mut Command, feed: Option<Feed>, bounds: &Bounds<'_>) -> Result<Finished, GitError> {
    let mut child = command.spawn().map_err(GitError::io(bounds.cwd))?;
    if let (Some(mut pipe), Some(feed)) = (child.stdin.take(), feed) {
        // A child that ends without reading breaks the pipe; its exit code tells why.
        std::thread::spawn(move || drop(feed(&mut pipe)));
    }
    let pid = Pid::from_child(&child);
    let mut outputs = Outputs::of(&mut child);
    let collected = bounds.collect(pid, &mut outputs);
    if collected.is_err() {
        end_group(pid, &mut outputs);
    }
    let status = child.wait().map_err(GitError::io(bounds.cwd))?;
    collected.map(|()| Finished { status, stdout: outputs.stdout, stderr: outputs.stderr })
}

impl Bounds<'_> {
    /// Reads until the child has ended and nobody writes any more, or a bound is met.
    fn collect(&self, pid: Pid, outputs: &mut Outputs) -> Result<(), GitError> {
        let mut deadline = Instant::now() + self.timeout;
        let (mut exited, mut pause) = (false, SHORTEST);
        while !(exited && outputs.are_closed()) {
            let now = Instant::now();
            if !exited && self.cancel.is_canceled() {
                return Err(GitError::Canceled { verb: self.verb.to_owned() });
            }
            if now >= deadline {
                // After the exit only what a hook left running holds the pipes: its words are not waited for.
                return if exited { Ok(()) } else { Err(self.timed_out()) };
            }
            // A child's exit follows the end of its outputs at once.
            pause = if outputs.are_closed() { TICK.min(2 * pause) } else { TICK };
            outputs.read(pause.min(deadline - now)).map_err(GitError::io(self.cwd))?;
            if outputs.stdout.len() > OUTPUT_LIMIT {
                return Err(GitError::TooMuchOutput { verb: self.verb.to_owned(), limit: OUTPUT_LIMIT });
            }
            if !exited && has_exited(pid) {
                exited = true;
                deadline = Instant::now() + GRACE;
            }
        }
        Ok(())
    }

    fn timed_out(&self) -> GitError {
        let seconds = self.timeout.as_secs();
        GitError::TimedOut { verb: self.verb.to_owned(), cwd: self.cwd.to_owned(), seconds }
    }
}

/// Both outputs of a child; a pipe is none once nobody writes to it.
struct Outputs {
    out: Option<ChildStdout>,
    err: Option<ChildStderr>,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    buffer: Vec<u8>,
}

impl Outputs {
    fn of(child: &mut Child) -> Self {
        let (out, err) = (child.stdout.take(), child.stderr.take());
        Self { out, err, stdout: Vec::new(), stderr: Vec::new(), buffer: vec![0; 64 << 10] }
    }

    const fn are_closed(&self) -> bool {
        self.out.is_none() && self.err.is_none()
    }

    /// Waits for output, no longer than `limit`, and keeps what has come.
    fn read(&mut self, limit: Duration) -> io::Result<()> {
        let wanted = PollFlags::IN;
        let fds = [self.out.as_ref().map(AsFd::as_fd), self.err.as_ref().map(AsFd::as_fd)];
        let mut polled: Vec<_> = fds.iter().flatten().map(|fd| PollFd::from_borrowed_fd(*fd, wanted)).collect();
        let limit = Timespec::try_from(limit).expect("invariant: a tick is short");
        match poll(&mut polled, Some(&limit)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let mut ready = polled.iter().map(|fd| !fd.revents().is_empty());
        let mut is_ready = |is_open: bool| is_open && ready.next().unwrap_or_default();
        let (out, err) = (is_ready(self.out.is_some()), is_ready(self.err.is_some()));
        if out {
            let bytes = next(&mut self.out, &mut self.buffer)?;
            self.stdout.extend(bytes);
        }
        if err {
            let bytes = next(&mut self.err, &mut self.buffer)?;
            self.stderr.extend(bytes.iter().take(STDERR_LIMIT - self.stderr.len()));
        }
        Ok(())
    }
}

/// What a pipe has; at its end it is closed.
fn next<'a>(pipe: &mut Option<impl Read>, buffer: &'a mut [u8]) -> io::Result<&'a [u8]> {
    let Some(open) = pipe else { return Ok(&[]) };
    match open.read(buffer) {
        Ok(0) => *pipe = None,
        Ok(count) => return Ok(&buffer[..count]),
        Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
        Err(error) => return Err(error),
    }
    Ok(&[])
}

/// Whether the child has ended. It stays unreaped, so that its number cannot pass to another process before a signal.
fn has_exited(pid: Pid) -> bool {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
    // An error other than INTR means that there is no such child.
    !matches!(waitid(WaitId::Pid(pid), options), Ok(None) | Err(Errno::INTR))
}

/// TERM first, which lets git remove its lock files, then KILL.
fn end_group(pid: Pid, outputs: &mut Outputs) {
    let deadline = Instant::now() + GRACE;
    let mut alive = kill_process_group(pid, Signal::TERM).is_ok();
    while alive && Instant::now() < deadline {
        alive = outputs.read(TICK).is_ok() && !has_exited(pid);
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
