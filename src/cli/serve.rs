//! `orchestra serve`: the engine without a face.

use std::process::ExitCode;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use clap::Args;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::context::Context;
use super::{Outcome, Run, home, open, own_path};
use crate::engine::{Change, Engine, Setting};
use crate::model::Failure;
use crate::rpc::{FaceKind, Server};

/// An engine with no work and no client ends after this time.
const IDLE: Duration = Duration::from_mins(1);

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  orchestra serve          run flows of all projects without a screen, until there is nothing to do
  orchestra serve --stay   the same, until orchestra shutdown or a signal; for service managers

Every verb that needs an engine starts one by itself. Agents outlive it in any case.")]
pub(super) struct Serve {
    /// Go on with nothing to do
    #[arg(long)]
    stay: bool,
}

/// Why it looks around.
enum Wake {
    Changed,
    /// The engine was shut down, or has gone over to another one.
    Ended,
    Signal,
}

impl Run for Serve {
    fn run(&self, _: &Context) -> Outcome {
        run(self).map(|()| ExitCode::SUCCESS)
    }
}

fn run(verb: &Serve) -> Result<(), Failure> {
    // A session of its own: no terminal that closes takes the engine with it. A leader of a group, such as a job of a
    // shell, cannot have one and needs none.
    let _ = rustix::process::setsid();
    let home = home()?;
    let (wakes, woken) = channel();
    let changed = wakes.clone();
    let listener = std::sync::Arc::new(move |change| {
        let _ = match change {
            Change::Snapshot => changed.send(Wake::Changed),
            Change::Ended => changed.send(Wake::Ended),
            Change::Screens | Change::Diff => Ok(()),
        };
    });
    let engine = Engine::start(Setting { home: home.clone(), program: own_path()?, project: None }, listener)?;
    let server = Server::start(engine.handle(), &home, open::face(&engine, FaceKind::Headless))?;
    let mut signals = Signals::new([SIGTERM, SIGINT, SIGHUP]).map_err(Failure::internal)?;
    std::thread::spawn(move || {
        if signals.forever().next().is_some() {
            let _ = wakes.send(Wake::Signal);
        }
    });
    let mut idle_since = Instant::now();
    loop {
        let idle = !engine.snapshot().has_work() && server.clients() == 0;
        if !idle {
            idle_since = Instant::now();
        }
        if idle && !verb.stay && idle_since.elapsed() >= IDLE {
            return Ok(());
        }
        // A client that leaves is no change: it is seen at the next look.
        match woken.recv_timeout(IDLE) {
            Ok(Wake::Ended | Wake::Signal) | Err(RecvTimeoutError::Disconnected) => return Ok(()),
            Ok(Wake::Changed) | Err(RecvTimeoutError::Timeout) => {}
        }
    }
}
