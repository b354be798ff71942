//! Signals while a verb waits for the engine: the first one is heard at once, a second one means more.
//!
//! Invariant: a signal closes the connection that is waited on, so no wait goes on after it.

use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::cli::context::Link;
use crate::model::Failure;
use crate::rpc::Notifier;

/// How long a second Ctrl-C is waited for.
const AGAIN: Duration = Duration::from_secs(2);

/// Hears SIGINT, SIGTERM and SIGHUP.
pub struct Interrupt {
    shared: Arc<Mutex<Shared>>,
    heard: Receiver<i32>,
}

#[derive(Default)]
struct Shared {
    /// The first signal.
    signal: Option<i32>,
    /// The connection that is waited on.
    connection: Option<Notifier>,
}

impl Interrupt {
    pub fn listen() -> Result<Self, Failure> {
        let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).map_err(Failure::internal)?;
        let shared = Arc::new(Mutex::new(Shared::default()));
        let (sender, heard) = channel();
        let listening = Arc::clone(&shared);
        std::thread::spawn(move || {
            for signal in signals.forever() {
                let mut shared = listening.lock().unwrap_or_else(PoisonError::into_inner);
                shared.signal.get_or_insert(signal);
                if let Some(connection) = &shared.connection {
                    connection.close();
                }
                drop(shared);
                // Nobody listens any more: the verb is about to end.
                let _ = sender.send(signal);
            }
        });
        Ok(Self { shared, heard })
    }

    /// Waiting on this connection ends with a signal.
    pub fn watch(&self, link: &Link) {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner).connection = Some(link.client.notifier());
    }

    /// The first signal, if there was one.
    pub fn signal(&self) -> Option<i32> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner).signal
    }

    /// Whether another Ctrl-C comes soon after the first one; `say` tells that it may. No other signal is asked about.
    pub fn again(&self, signal: i32, say: impl FnOnce()) -> bool {
        let _ = self.heard.try_recv();
        if signal != SIGINT {
            return false;
        }
        say();
        self.heard.recv_timeout(AGAIN).is_ok()
    }
}
