//! The engine at the other end of the socket.
//!
//! Invariants: nothing here blocks; a peer that takes nothing for [`PATIENCE`] is given up; at most one frame of output
//! waits in memory, since the program's output is read only when nothing waits.

use std::io::{self, ErrorKind, Read, Write};
use std::iter::Peekable;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use crate::pty::frame::Up;
use crate::pty::history::{Frame, Reader};

/// How long a peer may take nothing while something waits for it.
pub const PATIENCE: Duration = Duration::from_secs(5);
/// How much is read at once, and how much of a replay waits at once, in bytes.
const CHUNK: usize = 64 << 10;

/// A connection.
pub struct Peer {
    stream: UnixStream,
    input: Vec<u8>,
    out: Vec<u8>,
    /// How much of `out` is written.
    written: usize,
    stalled: Option<Instant>,
    replay: Option<Peekable<Reader>>,
    /// The end of what was sent.
    at: u64,
    broken: bool,
}

impl Peer {
    pub fn new(stream: UnixStream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        let (input, out) = (Vec::new(), Vec::new());
        Ok(Self { stream, input, out, written: 0, stalled: None, replay: None, at: 0, broken: false })
    }

    /// Whether the connection is of no more use.
    pub fn broken(&self, now: Instant) -> bool {
        self.broken || self.given_up().is_some_and(|due| now >= due)
    }

    /// When it is given up, if it takes nothing until then.
    pub fn given_up(&self) -> Option<Instant> {
        self.stalled.map(|since| since + PATIENCE)
    }

    pub fn give_up(&mut self) {
        self.broken = true;
    }

    /// Whether something waits for it.
    pub fn behind(&self) -> bool {
        !self.out.is_empty()
    }

    /// Whether it has all that came before.
    pub fn live(&self) -> bool {
        self.replay.is_none()
    }

    /// Reads what came: how many bytes are new, and all bytes from the first frame that is not handled yet, to be given
    /// back by [`Peer::keep`].
    pub fn read(&mut self) -> (usize, Vec<u8>) {
        let mut input = std::mem::take(&mut self.input);
        let had = input.len();
        input.resize(had + CHUNK, 0);
        let got = match self.stream.read(&mut input[had..]) {
            Ok(0) => {
                self.broken = true;
                0
            }
            Ok(got) => got,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => 0,
            Err(_) => {
                self.broken = true;
                0
            }
        };
        input.truncate(had + got);
        (got, input)
    }

    /// Takes back what [`Peer::read`] gave, of which `used` bytes were handled.
    pub fn keep(&mut self, mut input: Vec<u8>, used: usize) {
        input.drain(..used);
        input.shrink_to(CHUNK);
        self.input = input;
    }

    pub fn send(&mut self, frame: &Up) {
        frame.encode(&mut self.out);
        self.flush();
    }

    /// Sends a sealed data frame that ends at `end`, without a copy where the socket takes it.
    pub fn send_data(&mut self, sealed: &[u8], end: u64) {
        self.at = end;
        let taken = if self.out.is_empty() { self.write(sealed) } else { 0 };
        self.out.extend_from_slice(&sealed[taken..]);
    }

    /// Sends a resize that stands at `offset`.
    pub fn send_resize(&mut self, offset: u64, size: crate::model::Size) {
        self.at = offset + 1;
        self.send(&Up::Resized { offset, size });
    }

    /// From now on the frames of `replay`, which begin at `from`, are sent first.
    pub fn begin_replay(&mut self, replay: Peekable<Reader>, from: u64) {
        (self.replay, self.at) = (Some(replay), from);
    }

    /// Sends more of the replay if there is room; at its end, where it ended.
    pub fn pump(&mut self) -> Option<u64> {
        let replay = self.replay.as_mut()?;
        while self.out.len() < CHUNK {
            match replay.next() {
                Some(Frame::Bytes { offset, bytes }) => {
                    self.at = offset + bytes.len() as u64;
                    Up::Data { offset, bytes: &bytes }.encode(&mut self.out);
                }
                Some(Frame::Resize { offset, size }) => {
                    self.at = offset + 1;
                    Up::Resized { offset, size }.encode(&mut self.out);
                }
                None => {
                    self.flush();
                    return Some(self.at);
                }
            }
        }
        self.flush();
        None
    }

    pub fn end_replay(&mut self) {
        self.replay = None;
    }

    /// Writes what waits, as far as it is taken.
    pub fn flush(&mut self) {
        let out = std::mem::take(&mut self.out);
        self.written += self.write(&out[self.written..]);
        self.out = out;
        if self.written == self.out.len() {
            self.written = 0;
            self.out.clear();
            self.out.shrink_to(2 * CHUNK);
        }
    }

    fn write(&mut self, bytes: &[u8]) -> usize {
        let mut written = 0;
        while written < bytes.len() && !self.broken {
            match self.stream.write(&bytes[written..]) {
                Ok(taken) => {
                    written += taken;
                    self.stalled = None;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.stalled.get_or_insert_with(Instant::now);
                    break;
                }
                Err(_) => self.broken = true,
            }
        }
        written
    }
}

impl AsFd for Peer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

/// Whether the other end runs as the same user.
pub fn same_user(stream: &UnixStream) -> bool {
    #[cfg(target_os = "linux")]
    return rustix::net::sockopt::socket_peercred(stream).is_ok_and(|peer| peer.uid == rustix::process::geteuid());
    #[cfg(not(target_os = "linux"))]
    {
        _ = stream; // The folder's mode is the only guard there.
        true
    }
}
