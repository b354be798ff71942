//! Reads the outer terminal: one thread that sleeps until there is something to read.
//!
//! Invariant: it is the only reader of the terminal, and it can be parked so that an editor may have it.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use crossterm::event::{self, Event};
use rustix::event::{PollFd, PollFlags, poll};

/// With no time at all crossterm does not look at the terminal. Its other way to wait, by edges, loses keys that come
/// together with a resize: hence the feature `use-dev-tty`.
const MOMENT: Duration = Duration::from_micros(100);

/// The reading thread.
#[derive(Debug)]
pub struct Input {
    control: UnixStream,
    parked: Receiver<()>,
    thread: Option<JoinHandle<()>>,
}

impl Input {
    /// Starts to read; each event goes to `sink`, none at the end of the terminal. It returns false once nobody wants
    /// them any more.
    pub fn start(sink: impl Fn(Option<Event>) -> bool + Send + 'static) -> io::Result<Self> {
        let (control, orders) = UnixStream::pair()?;
        let (resized, wake) = UnixStream::pair()?;
        signal_hook::low_level::pipe::register(signal_hook::consts::SIGWINCH, wake)?;
        let (park, parked) = sync_channel(1);
        let reader = Reader { stdin: io::stdin().as_fd().try_clone_to_owned()?, orders, resized, park, sink };
        let thread = std::thread::Builder::new().name("input".to_owned()).spawn(move || {
            reader.run();
        })?;
        Ok(Self { control, parked, thread: Some(thread) })
    }

    /// Leaves the terminal alone until `unpark`; returns once that holds.
    pub fn park(&mut self) -> io::Result<()> {
        io::Write::write_all(&mut self.control, b"p")?;
        self.parked.recv().map_err(|_| io::Error::other("the input thread is gone"))
    }

    pub fn unpark(&mut self) -> io::Result<()> {
        io::Write::write_all(&mut self.control, b"u")
    }
}

impl Drop for Input {
    fn drop(&mut self) {
        let _ = io::Write::write_all(&mut self.control, b"q");
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Reader<F> {
    stdin: OwnedFd,
    orders: UnixStream,
    resized: UnixStream,
    park: SyncSender<()>,
    sink: F,
}

impl<F: Fn(Option<Event>) -> bool> Reader<F> {
    fn run(mut self) {
        if self.serve().is_err() {
            (self.sink)(None);
        }
    }

    fn serve(&mut self) -> io::Result<()> {
        loop {
            let (mut input, mut order) = (true, false);
            // crossterm may hold events that came with the bytes of earlier ones: those first.
            if !event::poll(MOMENT)? {
                (input, order) = self.wait()?;
            }
            if order && !self.obey()? {
                return Ok(());
            }
            while input && event::poll(MOMENT)? {
                if !(self.sink)(Some(event::read()?)) {
                    return Ok(());
                }
            }
        }
    }

    /// Sleeps; true for input (or a resize), true for an order.
    fn wait(&mut self) -> io::Result<(bool, bool)> {
        let mut fds = [
            PollFd::new(&self.stdin, PollFlags::IN),
            PollFd::new(&self.orders, PollFlags::IN),
            PollFd::new(&self.resized, PollFlags::IN),
        ];
        match poll(&mut fds, None) {
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => return Ok((true, false)),
            Err(error) => return Err(error.into()),
        }
        let [input, order, resized] = fds.map(|fd| fd.revents());
        if input.intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL) {
            // The terminal is gone: the runtime hears of it by the end of this channel.
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if !resized.is_empty() {
            io::Read::read(&mut self.resized, &mut [0; 64])?;
        }
        Ok((!input.is_empty() || !resized.is_empty(), !order.is_empty()))
    }

    /// Obeys one order; false = the end.
    fn obey(&mut self) -> io::Result<bool> {
        let mut order = [0];
        while io::Read::read(&mut self.orders, &mut order)? == 1 {
            match order[0] {
                b'p' => {
                    let _ = self.park.send(());
                }
                b'u' => return Ok(true),
                _ => return Ok(false),
            }
        }
        Ok(false)
    }
}
