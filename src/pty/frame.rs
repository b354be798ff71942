//! The words between an engine and a shim, as length-prefixed frames on a Unix socket.
//!
//! A frame is a `u32` length of the payload, a kind byte and the payload; numbers are little-endian. Hot frames are raw
//! bytes, rare ones JSON, so that fields can be added. The engine speaks first: [`Down::Attach`] tells its version and the
//! offset up to which it has the stream. The shim answers [`Up::Hello`], then a base ([`Up::Checkpoint`], [`Up::Blank`], or
//! none where the engine's offset serves), all that follows it, [`Up::Live`], and from then on what happens.
//!
//! Invariants: `Attach` and `Hello` can be read by every version; a payload is at most [`MAX_PAYLOAD`] long, and a longer
//! one, an unknown kind or a malformed payload ends the connection, never the process.

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::process::Process;
use crate::model::{ExitStatus, Size};

/// The version of this protocol.
pub const VERSION: u16 = 1;
/// The length of a frame's head, in bytes.
pub const HEAD: usize = 5;
/// The longest payload, in bytes.
pub const MAX_PAYLOAD: usize = 16 << 20;
/// The head of a [`Up::Data`] with its offset, in bytes: room that a reader leaves in front of what it reads.
pub const DATA_HEAD: usize = HEAD + 8;

/// Why bytes are no frame.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    #[error("a frame of {0} bytes is longer than allowed")]
    TooLong(usize),
    #[error("a frame of the unknown kind {0}")]
    UnknownKind(u8),
    #[error("a malformed frame of the kind {0}")]
    Malformed(u8),
}

/// What a shim tells first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    pub version: u16,
    pub shim: Process,
    pub child: Process,
    pub size: Size,
    /// The end of the stream.
    pub offset: u64,
    /// Below this, terminal queries have had their answers.
    pub answered: u64,
    /// Below this, signals (bells, titles, notifications) have been handled by an engine.
    pub handled: u64,
    /// Whether the child is stopped, as by Ctrl-Z.
    pub stopped: bool,
}

/// What an engine tells first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attach {
    pub version: u16,
    /// The engine has the stream up to here.
    pub have: Option<u64>,
    /// The engine can't read the checkpoint (another version made it): history from its begin must do.
    #[serde(default)]
    pub no_checkpoint: bool,
}

/// How to end a session: type `quit`, wait `quit_grace`, TERM, wait `term_grace`, KILL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopPlan {
    /// What the program takes for "leave", as `/exit` and Enter; nothing goes straight to TERM.
    pub quit: Option<Vec<u8>>,
    pub quit_grace: Duration,
    pub term_grace: Duration,
}

impl Default for StopPlan {
    fn default() -> Self {
        Self { quit: None, quit_grace: Duration::from_secs(3), term_grace: Duration::from_secs(3) }
    }
}

/// One message to a program, typed once whatever happens: `paste`, a pause of `delay`, `enter`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Submit<'a> {
    /// At most 255 bytes; an id that the shim has seen is not typed again.
    pub id: &'a str,
    /// In whole milliseconds, at most about 49 days.
    pub delay: Duration,
    /// What stands for the text, as it is typed.
    pub paste: &'a [u8],
    /// At most 255 bytes.
    pub enter: &'a [u8],
}

/// From the shim to the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Up<'a> {
    Hello(Hello),
    /// The base of what follows: a screen that an engine saved at `offset`.
    Checkpoint {
        offset: u64,
        blob: &'a [u8],
    },
    /// The base of what follows: an empty screen of `size`. With an offset above 0, older output is lost.
    Blank {
        offset: u64,
        size: Size,
    },
    Data {
        offset: u64,
        bytes: &'a [u8],
    },
    Resized {
        offset: u64,
        size: Size,
    },
    /// The replay is over.
    Live,
    Exit(ExitStatus),
    Stopped,
    Continued,
    /// The message is typed, or was before.
    Submitted {
        id: &'a str,
    },
    /// The message was not typed: its id could not be recorded.
    Refused {
        id: &'a str,
    },
    /// History up to `offset` can be read from the disk.
    Flushed {
        offset: u64,
    },
    /// A stop is over; these processes could not be ended.
    Ended {
        left: Vec<u32>,
    },
    /// Another engine took over.
    Replaced,
}

/// From the engine to the shim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Down<'a> {
    Attach(Attach),
    Input(&'a [u8]),
    /// Answers to queries; all queries below `offset` have theirs. They go before input that waits.
    Reply {
        offset: u64,
        bytes: &'a [u8],
    },
    Resize(Size),
    /// Resume a stopped child.
    Continue,
    Stop(StopPlan),
    Submit(Submit<'a>),
    Checkpoint {
        offset: u64,
        blob: &'a [u8],
    },
    /// Write history out and say so.
    Flush,
    /// The exit is known: end what is left, and go.
    Collect,
}

/// A frame that is whole and not looked into yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sealed<'a> {
    pub kind: u8,
    pub payload: &'a [u8],
}

impl Sealed<'_> {
    /// The bytes that the frame takes, its head included.
    pub const fn len(&self) -> usize {
        HEAD + self.payload.len()
    }
}

/// The first frame in `bytes`; `None` when more is needed.
pub fn split(bytes: &[u8]) -> Result<Option<Sealed<'_>>, FrameError> {
    let Some((head, rest)) = bytes.split_first_chunk::<HEAD>() else { return Ok(None) };
    let [a, b, c, d, kind] = *head;
    let len = u32::from_le_bytes([a, b, c, d]) as usize;
    if len > MAX_PAYLOAD {
        return Err(FrameError::TooLong(len));
    }
    Ok(rest.get(..len).map(|payload| Sealed { kind, payload }))
}

/// Fills in the head of a data frame whose bytes stand behind it already: `buffer` is head, offset, bytes.
pub fn seal_data(buffer: &mut [u8], offset: u64) {
    let len = (buffer.len() - HEAD) as u32;
    buffer[..4].copy_from_slice(&len.to_le_bytes());
    buffer[4] = up::DATA;
    buffer[HEAD..DATA_HEAD].copy_from_slice(&offset.to_le_bytes());
}

mod up {
    pub const HELLO: u8 = 1;
    pub const CHECKPOINT: u8 = 2;
    pub const BLANK: u8 = 3;
    pub const DATA: u8 = 4;
    pub const RESIZED: u8 = 5;
    pub const LIVE: u8 = 6;
    pub const EXIT: u8 = 7;
    pub const STOPPED: u8 = 8;
    pub const CONTINUED: u8 = 9;
    pub const SUBMITTED: u8 = 10;
    pub const FLUSHED: u8 = 11;
    pub const ENDED: u8 = 12;
    pub const REPLACED: u8 = 13;
    pub const REFUSED: u8 = 14;
}

mod down {
    pub const ATTACH: u8 = 65;
    pub const INPUT: u8 = 66;
    pub const REPLY: u8 = 67;
    pub const RESIZE: u8 = 68;
    pub const CONTINUE: u8 = 69;
    pub const STOP: u8 = 70;
    pub const SUBMIT: u8 = 71;
    pub const CHECKPOINT: u8 = 72;
    pub const FLUSH: u8 = 73;
    pub const COLLECT: u8 = 74;
}

impl<'a> Up<'a> {
    /// Appends the frame to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Hello(hello) => json(out, up::HELLO, hello),
            Self::Checkpoint { offset, blob } => raw(out, up::CHECKPOINT, &[&offset.to_le_bytes(), blob]),
            Self::Blank { offset, size } => raw(out, up::BLANK, &[&offset.to_le_bytes(), &size_bytes(*size)]),
            Self::Data { offset, bytes } => raw(out, up::DATA, &[&offset.to_le_bytes(), bytes]),
            Self::Resized { offset, size } => raw(out, up::RESIZED, &[&offset.to_le_bytes(), &size_bytes(*size)]),
            Self::Live => raw(out, up::LIVE, &[]),
            Self::Exit(status) => json(out, up::EXIT, status),
            Self::Stopped => raw(out, up::STOPPED, &[]),
            Self::Continued => raw(out, up::CONTINUED, &[]),
            Self::Submitted { id } => raw(out, up::SUBMITTED, &[id.as_bytes()]),
            Self::Refused { id } => raw(out, up::REFUSED, &[id.as_bytes()]),
            Self::Flushed { offset } => raw(out, up::FLUSHED, &[&offset.to_le_bytes()]),
            Self::Ended { left } => json(out, up::ENDED, left),
            Self::Replaced => raw(out, up::REPLACED, &[]),
        }
    }

    /// Reads a frame that [`split`] found.
    pub fn decode(sealed: Sealed<'a>) -> Result<Self, FrameError> {
        let Sealed { kind, payload } = sealed;
        let mut rest = Payload { kind, rest: payload };
        let frame = match kind {
            up::HELLO => Self::Hello(rest.json()?),
            up::CHECKPOINT => Self::Checkpoint { offset: rest.u64()?, blob: rest.all() },
            up::BLANK => Self::Blank { offset: rest.u64()?, size: rest.size()? },
            up::DATA => Self::Data { offset: rest.u64()?, bytes: rest.all() },
            up::RESIZED => Self::Resized { offset: rest.u64()?, size: rest.size()? },
            up::LIVE => Self::Live,
            up::EXIT => Self::Exit(rest.json()?),
            up::STOPPED => Self::Stopped,
            up::CONTINUED => Self::Continued,
            up::SUBMITTED => Self::Submitted { id: rest.text()? },
            up::REFUSED => Self::Refused { id: rest.text()? },
            up::FLUSHED => Self::Flushed { offset: rest.u64()? },
            up::ENDED => Self::Ended { left: rest.json()? },
            up::REPLACED => Self::Replaced,
            _ => return Err(FrameError::UnknownKind(kind)),
        };
        rest.done(frame)
    }
}

impl<'a> Down<'a> {
    /// Appends the frame to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Attach(attach) => json(out, down::ATTACH, attach),
            Self::Input(bytes) => raw(out, down::INPUT, &[bytes]),
            Self::Reply { offset, bytes } => raw(out, down::REPLY, &[&offset.to_le_bytes(), bytes]),
            Self::Resize(size) => raw(out, down::RESIZE, &[&size_bytes(*size)]),
            Self::Continue => raw(out, down::CONTINUE, &[]),
            Self::Stop(plan) => json(out, down::STOP, plan),
            Self::Submit(submit) => {
                let delay = (submit.delay.as_millis() as u32).to_le_bytes();
                let (id, enter) = (submit.id.as_bytes(), submit.enter);
                raw(out, down::SUBMIT, &[&delay, &[id.len() as u8], id, &[enter.len() as u8], enter, submit.paste]);
            }
            Self::Checkpoint { offset, blob } => raw(out, down::CHECKPOINT, &[&offset.to_le_bytes(), blob]),
            Self::Flush => raw(out, down::FLUSH, &[]),
            Self::Collect => raw(out, down::COLLECT, &[]),
        }
    }

    /// Reads a frame that [`split`] found.
    pub fn decode(sealed: Sealed<'a>) -> Result<Self, FrameError> {
        let Sealed { kind, payload } = sealed;
        let mut rest = Payload { kind, rest: payload };
        let frame = match kind {
            down::ATTACH => Self::Attach(rest.json()?),
            down::INPUT => Self::Input(rest.all()),
            down::REPLY => Self::Reply { offset: rest.u64()?, bytes: rest.all() },
            down::RESIZE => Self::Resize(rest.size()?),
            down::CONTINUE => Self::Continue,
            down::STOP => Self::Stop(rest.json()?),
            down::SUBMIT => Self::Submit(Submit {
                delay: Duration::from_millis(u32::from_le_bytes(rest.chunk()?).into()),
                id: rest.short().and_then(|id| std::str::from_utf8(id).map_err(|_| FrameError::Malformed(kind)))?,
                enter: rest.short()?,
                paste: rest.all(),
            }),
            down::CHECKPOINT => Self::Checkpoint { offset: rest.u64()?, blob: rest.all() },
            down::FLUSH => Self::Flush,
            down::COLLECT => Self::Collect,
            _ => return Err(FrameError::UnknownKind(kind)),
        };
        rest.done(frame)
    }
}

/// What is left of a payload.
struct Payload<'a> {
    kind: u8,
    rest: &'a [u8],
}

impl<'a> Payload<'a> {
    fn chunk<const N: usize>(&mut self) -> Result<[u8; N], FrameError> {
        let (chunk, rest) = self.rest.split_first_chunk().ok_or(FrameError::Malformed(self.kind))?;
        self.rest = rest;
        Ok(*chunk)
    }

    fn u64(&mut self) -> Result<u64, FrameError> {
        self.chunk().map(u64::from_le_bytes)
    }

    fn size(&mut self) -> Result<Size, FrameError> {
        let [a, b, c, d] = self.chunk()?;
        Ok(Size::new(u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d])))
    }

    /// Bytes with their length in front.
    fn short(&mut self) -> Result<&'a [u8], FrameError> {
        let [len] = self.chunk()?;
        let (short, rest) = self.rest.split_at_checked(len.into()).ok_or(FrameError::Malformed(self.kind))?;
        self.rest = rest;
        Ok(short)
    }

    fn all(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.rest)
    }

    fn text(&mut self) -> Result<&'a str, FrameError> {
        std::str::from_utf8(self.all()).map_err(|_| FrameError::Malformed(self.kind))
    }

    fn json<T: DeserializeOwned>(&mut self) -> Result<T, FrameError> {
        serde_json::from_slice(self.all()).map_err(|_| FrameError::Malformed(self.kind))
    }

    fn done<T>(&self, frame: T) -> Result<T, FrameError> {
        if self.rest.is_empty() { Ok(frame) } else { Err(FrameError::Malformed(self.kind)) }
    }
}

fn raw(out: &mut Vec<u8>, kind: u8, parts: &[&[u8]]) {
    let len: usize = parts.iter().map(|part| part.len()).sum();
    out.reserve(HEAD + len);
    out.extend_from_slice(&(len as u32).to_le_bytes());
    out.push(kind);
    for part in parts {
        out.extend_from_slice(part);
    }
}

fn json(out: &mut Vec<u8>, kind: u8, value: &impl Serialize) {
    let payload = serde_json::to_vec(value).expect("invariant: frames have no maps with odd keys");
    raw(out, kind, &[&payload]);
}

fn size_bytes(size: Size) -> [u8; 4] {
    let ([a, b], [c, d]) = (size.rows.to_le_bytes(), size.cols.to_le_bytes());
    [a, b, c, d]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn round_down(frame: &Down) {
        let mut out = Vec::new();
        frame.encode(&mut out);
        let sealed = split(&out).unwrap().unwrap();
        assert_eq!((Down::decode(sealed).as_ref(), sealed.len()), (Ok(frame), out.len()));
        assert!((0..out.len()).all(|cut| split(&out[..cut]) == Ok(None)), "a part is no frame");
    }

    fn round_up(frame: &Up) {
        let mut out = Vec::new();
        frame.encode(&mut out);
        let sealed = split(&out).unwrap().unwrap();
        assert_eq!((Up::decode(sealed).as_ref(), sealed.len()), (Ok(frame), out.len()));
    }

    #[test]
    fn every_frame_comes_back() {
        let (size, process) = (Size::new(3, 4), Process { pid: 7, start_time: u64::MAX });
        let submit = Submit { id: "a", delay: Duration::from_millis(300), paste: b"text", enter: b"\r" };
        [
            Down::Attach(Attach { version: 1, have: Some(u64::MAX), no_checkpoint: true }),
            Down::Input(b"\x1b[A"),
            Down::Reply { offset: 9, bytes: b"" },
            Down::Resize(size),
            Down::Continue,
            Down::Stop(StopPlan { quit: Some(b"/exit\r".to_vec()), ..StopPlan::default() }),
            Down::Submit(submit),
            Down::Checkpoint { offset: 1, blob: b"blob" },
            Down::Flush,
            Down::Collect,
        ]
        .iter()
        .for_each(round_down);
        let hello = Hello {
            version: 1,
            shim: process,
            child: process,
            size,
            offset: 5,
            answered: 4,
            handled: 3,
            stopped: true,
        };
        [
            Up::Hello(hello),
            Up::Checkpoint { offset: 1, blob: b"" },
            Up::Blank { offset: 2, size },
            Up::Data { offset: 3, bytes: b"\xff" },
            Up::Resized { offset: 4, size },
            Up::Live,
            Up::Exit(ExitStatus::Signal(9)),
            Up::Stopped,
            Up::Continued,
            Up::Submitted { id: "é" },
            Up::Refused { id: "b" },
            Up::Flushed { offset: 6 },
            Up::Ended { left: vec![1, 2] },
            Up::Replaced,
        ]
        .iter()
        .for_each(round_up);
    }

    #[test]
    fn a_sealed_buffer_is_a_data_frame() {
        let mut buffer = vec![0; DATA_HEAD];
        buffer.extend_from_slice(b"bytes");
        seal_data(&mut buffer, 77);
        let mut expected = Vec::new();
        Up::Data { offset: 77, bytes: b"bytes" }.encode(&mut expected);
        assert_eq!(buffer, expected);
    }

    #[test]
    fn a_giant_frame_is_refused_by_its_head() {
        assert_eq!(split(&[255, 255, 255, 255, 4]), Err(FrameError::TooLong(u32::MAX as usize)));
    }

    proptest! {
        #[test]
        fn hostile_bytes_are_errors_and_no_more(kind in any::<u8>(), payload in prop::collection::vec(any::<u8>(), 0..64)) {
            drop(Up::decode(Sealed { kind, payload: &payload }));
            drop(Down::decode(Sealed { kind, payload: &payload }));
            drop(split(&payload));
        }

        #[test]
        fn submissions_come_back(id in ".{0,60}", ms in any::<u32>(), paste in prop::collection::vec(any::<u8>(), 0..200)) {
            round_down(&Down::Submit(Submit { id: &id, delay: Duration::from_millis(ms.into()), paste: &paste, enter: b"\r" }));
        }
    }
}
