//! The terminal that a session is shown on: raw while this lives, as it was before afterwards.

use std::fs::File;
use std::io::{self, IsTerminal as _, Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};
use crossterm::{cursor, execute, queue};
use rustix::event::{PollFd, PollFlags, poll};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGWINCH};
use signal_hook::low_level::pipe;

use crate::model::{Failure, Size};
use crate::pty::PAINTER_RESET;

/// True while the terminal is taken: the panic hook looks here.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// The terminal, raw and on its other screen.
pub struct Outer {
    input: File,
    resized: UnixStream,
    leave: UnixStream,
}

/// What there is to do.
pub enum Seen {
    Input(Vec<u8>),
    Resized,
    /// The other thread has ended.
    Done,
    /// A signal to end, or the end of the terminal.
    Leave,
}

/// Whether there is one to take.
pub fn is_terminal() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

pub fn size() -> Size {
    let (cols, rows) = crossterm::terminal::size().unwrap_or((80, 24));
    Size::new(rows, cols)
}

impl Outer {
    pub fn enter() -> Result<Self, Failure> {
        take().map_err(|error| Failure::internal(format!("the terminal cannot be taken: {error}")))
    }

    /// Sleeps until there is something to do; the end of `other` tells that the other thread has ended.
    pub fn wait(&self, other: &UnixStream) -> Result<Seen, Failure> {
        self.look(other).map_err(|error| Failure::internal(format!("the terminal cannot be read: {error}")))
    }

    fn look(&self, other: &UnixStream) -> io::Result<Seen> {
        loop {
            let mut fds = [
                PollFd::new(&self.leave, PollFlags::IN),
                PollFd::new(other, PollFlags::IN),
                PollFd::new(&self.resized, PollFlags::IN),
                PollFd::new(&self.input, PollFlags::IN),
            ];
            match poll(&mut fds, None) {
                Ok(_) => {}
                Err(rustix::io::Errno::INTR) => continue,
                Err(error) => return Err(error.into()),
            }
            let [leave, ended, resized, input] = fds.map(|fd| !fd.revents().is_empty());
            if leave {
                return Ok(Seen::Leave);
            }
            if ended {
                return Ok(Seen::Done);
            }
            if resized {
                let _ = (&self.resized).read(&mut [0; 64])?;
                return Ok(Seen::Resized);
            }
            if input {
                let mut bytes = vec![0; 16 << 10];
                let count = (&self.input).read(&mut bytes)?;
                bytes.truncate(count);
                return Ok(if count == 0 { Seen::Leave } else { Seen::Input(bytes) });
            }
        }
    }
}

impl Drop for Outer {
    fn drop(&mut self) {
        restore();
    }
}

fn take() -> io::Result<Outer> {
    let pair = UnixStream::pair;
    let ((resized, resize), (leave, go)) = (pair()?, pair()?);
    pipe::register(SIGWINCH, resize)?;
    for signal in [SIGTERM, SIGHUP, SIGINT] {
        pipe::register(signal, go.try_clone()?)?;
    }
    let input = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    restore_at_panics();
    enable_raw_mode()?;
    TAKEN.store(true, Ordering::SeqCst);
    let outer = Outer { input, resized, leave };
    execute!(io::stdout(), EnterAlternateScreen)?;
    Ok(outer)
}

/// Puts the terminal back; harmless when it is back already.
fn restore() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut out = io::stdout();
    let _ = out.write_all(PAINTER_RESET);
    let _ = queue!(out, cursor::SetCursorStyle::DefaultUserShape, cursor::Show, LeaveAlternateScreen);
    let _ = out.flush();
    let _ = disable_raw_mode();
}

/// The message of a panic belongs on a terminal that works.
fn restore_at_panics() {
    let former = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        restore();
        former(panic);
    }));
}
