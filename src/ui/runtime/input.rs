//! Reads the outer terminal: one thread that sleeps until there is something to read.
//!
//! Invariant: it is the only reader of the terminal, and it can be parked so that an editor may have it.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use crossterm::event::{self, Event};
use rustix::process::{Signal, getpid, kill_process};

/// What the thread is to do after the event at hand.
const READ: u8 = 0;
const PARK: u8 = 1;
const QUIT: u8 = 2;
/// How long the thread may take to quit.
const LAST_WORD: Duration = Duration::from_millis(200);

/// The reading thread.
///
/// It waits inside of crossterm, which alone knows the events that came with the bytes of earlier ones. What wakes it there
/// is the signal for a new size: an order is put down first, then the signal is raised.
#[derive(Debug)]
pub struct Input {
    order: Arc<AtomicU8>,
    parked: Receiver<()>,
    go_on: SyncSender<()>,
}

impl Input {
    /// Starts to read; each event goes to `sink`, none at the end of the terminal. It returns false once nobody wants
    /// them any more.
    pub fn start(sink: impl Fn(Option<Event>) -> bool + Send + 'static) -> io::Result<Self> {
        // The first look makes crossterm hear the signal: from here on none is lost.
        event::poll(Duration::ZERO)?;
        let order = Arc::new(AtomicU8::new(READ));
        let (park, parked) = sync_channel(1);
        let (go_on, gone_on) = sync_channel(1);
        let reader = Reader { order: Arc::clone(&order), park, gone_on };
        std::thread::Builder::new().name("input".to_owned()).spawn(move || {
            if reader.serve(&sink).is_err() {
                sink(None);
            }
        })?;
        Ok(Self { order, parked, go_on })
    }

    /// Leaves the terminal alone until `unpark`; returns once that holds.
    pub fn park(&mut self) -> io::Result<()> {
        self.tell(PARK)?;
        self.parked.recv().map_err(|_| gone())
    }

    pub fn unpark(&mut self) -> io::Result<()> {
        self.go_on.send(()).map_err(|_| gone())
    }

    fn tell(&self, order: u8) -> io::Result<()> {
        self.order.store(order, Ordering::SeqCst);
        Ok(kill_process(getpid(), Signal::WINCH)?)
    }
}

impl Drop for Input {
    fn drop(&mut self) {
        // Its end shows itself by the end of the channel. In the middle of an escape sequence whose rest does not come
        // it cannot be woken: then it ends with the program.
        if self.tell(QUIT).is_ok() {
            let _ = self.parked.recv_timeout(LAST_WORD);
        }
    }
}

struct Reader {
    order: Arc<AtomicU8>,
    park: SyncSender<()>,
    gone_on: Receiver<()>,
}

impl Reader {
    fn serve(&self, sink: &impl Fn(Option<Event>) -> bool) -> io::Result<()> {
        loop {
            // After a signal this is the size, the same one or another: either does no harm.
            if !sink(Some(event::read()?)) {
                return Ok(());
            }
            match self.order.swap(READ, Ordering::SeqCst) {
                READ => {}
                PARK => {
                    self.park.send(()).map_err(|_| gone())?;
                    self.gone_on.recv().map_err(|_| gone())?;
                }
                _ => return Ok(()),
            }
        }
    }
}

fn gone() -> io::Error {
    io::Error::other("the other side of the input thread is gone")
}
