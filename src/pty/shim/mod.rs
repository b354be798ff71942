//! The shim: a small process that owns one program, its PTY and its history, and outlives the engine.
//!
//! It is this binary, started again as `__shim DIR` with an [`Order`] on stdin; it answers one line of JSON (an [`Ack`])
//! and then serves the folder's socket. Invariants: one thread, no runtime, no logger; it ends only when its exit was
//! collected; no death or silence of an engine harms its child.

mod ladder;
mod peer;
mod query;
mod serve;
mod session;
mod spawn;
mod typing;

use std::ffi::{OsStr, OsString};
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use rustix::fs::{Mode, OFlags};
use serde::{Deserialize, Serialize};
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM};

use self::serve::Shim;
use self::session::Session;
use self::spawn::Pty;
use super::history::Writer;
use super::place::{Pids, Place};
use super::process::Process;
use crate::model::{Launch, Size};

/// The first argument of a shim's command line.
pub const VERB: &str = "__shim";

/// What a shim is to run, as JSON on its stdin.
#[derive(Debug, Serialize, Deserialize)]
pub struct Order {
    pub launch: Launch,
    pub size: Size,
    /// How much history stays on the disk, in bytes.
    pub history_cap: u64,
}

/// What a shim answers on its stdout, as one line of JSON.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ack {
    Started(Pids),
    Error(String),
}

/// What `launch.json` keeps of a launch: names of variables only, since values may be secrets.
#[derive(Serialize)]
struct Launched<'a> {
    argv: Vec<String>,
    cwd: &'a std::path::Path,
    env: Vec<String>,
}

/// What wakes the shim besides its descriptors.
struct Signals {
    /// Readable after SIGCHLD and SIGTERM.
    bell: UnixStream,
    term: Arc<AtomicBool>,
}

/// Runs a shim, or the step between it and its program; `args` are those behind [`VERB`].
pub fn shim_main(mut args: impl Iterator<Item = OsString>) -> ExitCode {
    match args.next() {
        Some(word) if word == spawn::CHILD => spawn::child_main(args),
        Some(dir) => serve_dir(&dir),
        None => ExitCode::from(2),
    }
}

fn serve_dir(dir: &OsStr) -> ExitCode {
    // A pipe or a lock that the engine's parent left open would be held for as long as the program runs.
    portable_pty::unix::close_random_fds();
    let launched = launch(&Place::new(dir));
    let ack = match &launched {
        Ok((_, pids)) => Ack::Started(*pids),
        Err(told) => Ack::Error(told.clone()),
    };
    let mut line = serde_json::to_vec(&ack).expect("invariant: an ack has no maps");
    line.push(b'\n');
    // An engine that died meanwhile is no reason to end the program.
    drop(io::stdout().write_all(&line).and_then(|()| io::stdout().flush()));
    let Ok((shim, _)) = launched else { return ExitCode::FAILURE };
    drop(let_go_of_stdio());
    shim.run();
    ExitCode::SUCCESS
}

fn launch(place: &Place) -> Result<(Shim, Pids), String> {
    let mut order = Vec::new();
    io::stdin().read_to_end(&mut order).map_err(|error| format!("no order: {error}"))?;
    let Order { launch, size, history_cap } =
        serde_json::from_slice(&order).map_err(|error| format!("no order: {error}"))?;
    let umask = rustix::process::umask(Mode::from_raw_mode(0o077));
    rustix::process::setsid().map_err(|error| format!("no session: {error}"))?;
    drop(std::env::set_current_dir("/"));
    let told = |what: &'static str| move |error: io::Error| format!("{what}: {error}");
    #[cfg(target_os = "linux")]
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))
        .map_err(|error| format!("no subreaper: {error}"))?;
    let signals = Signals::register().map_err(told("no signals"))?;
    let argv = launch.argv.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let env = launch.env.iter().map(|(name, _)| name.to_string_lossy().into_owned()).collect();
    place.write_launch(&Launched { argv, cwd: &launch.cwd, env }).map_err(told("the run's folder"))?;
    let history = Writer::create(place.history(), size, history_cap).map_err(told("the history's folder"))?;
    let listener = place.bind().map_err(told("the run's socket"))?;
    let pty = Pty::open(size).map_err(told("no terminal"))?;
    let child = spawn::spawn(&launch, &pty, umask)?;
    let shim = Process::of(std::process::id()).unwrap_or(Process { pid: std::process::id(), start_time: 0 });
    let pids = Pids { shim, child };
    // The program runs by now: a folder without `pid` is worse than no program.
    if let Err(error) = place.write_pids(pids) {
        child.signal(rustix::process::Signal::KILL);
        return Err(format!("the run's folder: {error}"));
    }
    Ok((Shim::new(place.clone(), listener, signals, Session::new(pty, pids, history)), pids))
}

/// After the ack the engine's descriptors are of no use, and would be held open. The third one stands for a launch under
/// way ([`Place::begin_launch`]): letting go of it tells that the program runs.
fn let_go_of_stdio() -> io::Result<()> {
    let null = rustix::fs::open("/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?;
    rustix::stdio::dup2_stdin(&null)?;
    rustix::stdio::dup2_stdout(&null)?;
    rustix::stdio::dup2_stderr(&null)?;
    Ok(())
}

impl Signals {
    fn register() -> io::Result<Self> {
        let (bell, ringer) = UnixStream::pair()?;
        bell.set_nonblocking(true)?;
        ringer.set_nonblocking(true)?;
        let term = Arc::new(AtomicBool::new(false));
        signal_hook::flag::register(SIGTERM, Arc::clone(&term))?;
        for signal in [SIGCHLD, SIGTERM] {
            signal_hook::low_level::pipe::register(signal, ringer.try_clone()?)?;
        }
        // A handler, since it goes away in the child by itself; what it sets nobody reads.
        let unread = Arc::new(AtomicBool::new(false));
        for signal in [SIGHUP, SIGINT, SIGQUIT] {
            signal_hook::flag::register(signal, Arc::clone(&unread))?;
        }
        Ok(Self { bell, term })
    }
}
