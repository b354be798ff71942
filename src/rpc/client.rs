//! A client of the socket, for the command line and for tests: blocking, without a runtime.
//!
//! Invariant: one call is under way at a time; what the server tells in between is kept, in order.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Deserialize as _;
use serde_json::{Value, json};

use super::address;
use super::rights::{REFUSED, STRANGER};
use super::start;
use super::wire::{Event, Fault, Greeting, Hello, PROTOCOL};
use crate::model::{Failure, FailureKind};
use crate::store::Home;

/// How long a server may take to greet: longer, and it hangs.
const GREETING: Duration = Duration::from_secs(10);
/// Bytes read at once.
const PIECE: usize = 64 << 10;

/// A connection to the engine that serves.
pub struct Client {
    reader: Reader,
    notifier: Notifier,
    calls: u64,
    told: VecDeque<Notification>,
    greeting: Greeting,
}

/// Something that the server told without being asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Notification {
    pub method: String,
    pub params: Value,
}

/// Tells the server something without an answer (input of an attached session); clones go to other threads.
#[derive(Clone)]
pub struct Notifier(Arc<Mutex<UnixStream>>);

struct Reader {
    stream: UnixStream,
    buffer: Vec<u8>,
    /// How much of the buffer was looked at and has no end of a line.
    scanned: usize,
}

impl Client {
    /// A connection to the engine that serves this home; none: nobody serves.
    ///
    /// Fails with [`FailureKind::BadState`] when the engine speaks another protocol.
    pub fn connect(home: &Home) -> Result<Option<Self>, Failure> {
        match address::reach(home) {
            Ok(Some(stream)) => Self::greet(stream),
            Ok(None) => Ok(None),
            Err(error) => Err(Failure::internal(format!("cannot reach the engine: {error}"))),
        }
    }

    /// The same, and starts `program serve` when nobody serves; several clients that do so at once end up at one engine.
    pub fn connect_or_start(home: &Home, program: &Path) -> Result<Self, Failure> {
        start::connect_or_start(home, program)
    }

    /// Who serves.
    pub const fn greeting(&self) -> &Greeting {
        &self.greeting
    }

    /// Calls a method and waits for the answer, however long that takes.
    pub fn call(&mut self, method: &str, params: Value) -> Result<Value, Failure> {
        self.call_until(method, params, None)
    }

    /// Asks for events from now on, or for those after `since` first.
    pub fn subscribe(&mut self, since: Option<u64>) -> Result<(), Failure> {
        self.call("events.subscribe", json!({"since": since})).map(drop)
    }

    /// The next event; none: the deadline has passed. Other notifications that come before it are dropped.
    pub fn next_event(&mut self, deadline: Option<Instant>) -> Result<Option<Event>, Failure> {
        while let Some(told) = self.next_notification(deadline)? {
            if told.method == "event" {
                return Event::deserialize(&told.params).map(Some).map_err(Failure::internal);
            }
        }
        Ok(None)
    }

    /// The next notification; none: the deadline has passed.
    pub fn next_notification(&mut self, deadline: Option<Instant>) -> Result<Option<Notification>, Failure> {
        loop {
            if let Some(told) = self.told.pop_front() {
                return Ok(Some(told));
            }
            match self.reader.line(deadline) {
                Ok(line) => drop(self.take(&line)?),
                Err(error) if is_late(&error) => return Ok(None),
                Err(error) => return Err(gone(&error)),
            }
        }
    }

    /// Whether a failure means that the engine has ended: another one may serve by now.
    pub fn is_gone(failure: &Failure) -> bool {
        failure.message == GONE
    }

    /// Whether a failure means that the engine does not know this process's session yet: it may be just starting it.
    pub fn is_unknown(failure: &Failure) -> bool {
        failure.kind == FailureKind::BadState && failure.message.ends_with(STRANGER)
    }

    /// Whether a failure means that this process's session has no right to what it wants. An engine that has only just started,
    /// and has not opened the session's project yet, knows no better.
    pub fn is_without_right(failure: &Failure) -> bool {
        failure.kind == FailureKind::BadState && failure.message.contains(REFUSED)
    }

    /// For telling the server something from another thread.
    pub fn notifier(&self) -> Notifier {
        self.notifier.clone()
    }

    /// Says hello. None: the server went away before it answered, as one that ends does.
    fn greet(stream: UnixStream) -> Result<Option<Self>, Failure> {
        let reader = Reader { stream: stream.try_clone().map_err(Failure::internal)?, buffer: Vec::new(), scanned: 0 };
        let face = super::wire::Face::unknown();
        let mut client = Self {
            reader,
            notifier: Notifier(Arc::new(Mutex::new(stream))),
            calls: 0,
            told: VecDeque::new(),
            greeting: Greeting { protocol: PROTOCOL, version: String::new(), face },
        };
        let hello =
            Hello { protocol: PROTOCOL, version: env!("CARGO_PKG_VERSION").to_owned(), client: "orchestra".to_owned() };
        let hello = serde_json::to_value(hello).map_err(Failure::internal)?;
        match client.call_until("hello", hello, Some(Instant::now() + GREETING)) {
            Ok(greeting) => {
                client.greeting = Greeting::deserialize(greeting).map_err(Failure::internal)?;
                Ok(Some(client))
            }
            Err(failure) if Self::is_gone(&failure) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    fn call_until(&mut self, method: &str, params: Value, deadline: Option<Instant>) -> Result<Value, Failure> {
        self.calls += 1;
        let id = self.calls;
        let mut message = json!({"jsonrpc": "2.0", "id": id, "method": method});
        message["params"] = params;
        self.notifier.send(&message).map_err(|error| gone(&error))?;
        loop {
            let line = self.reader.line(deadline).map_err(|error| gone(&error))?;
            let Some(answer) = self.take(&line)? else { continue };
            match answer.get("error") {
                Some(error) => return Err(Fault::read(error)),
                None if answer["id"] == id => return Ok(answer["result"].clone()),
                None => {}
            }
        }
    }

    /// Keeps a notification; anything else is an answer.
    fn take(&mut self, line: &[u8]) -> Result<Option<Value>, Failure> {
        let mut message: Value = serde_json::from_slice(line)
            .map_err(|error| Failure::internal(format!("the engine sent no JSON: {error}")))?;
        let Some(method) = message["method"].as_str().map(str::to_owned) else { return Ok(Some(message)) };
        self.told.push_back(Notification { method, params: message["params"].take() });
        Ok(None)
    }
}

impl Notifier {
    pub fn notify(&self, method: &str, params: &Value) -> Result<(), Failure> {
        self.send(&json!({"jsonrpc": "2.0", "method": method, "params": params})).map_err(|error| gone(&error))
    }

    /// Ends the connection: who waits for the server hears that it has gone.
    pub fn close(&self) {
        // One that has ended already is what is wanted.
        let _ = self.0.lock().unwrap_or_else(PoisonError::into_inner).shutdown(Shutdown::Both);
    }

    fn send(&self, message: &Value) -> io::Result<()> {
        let mut line = serde_json::to_vec(message)?;
        line.push(b'\n');
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write_all(&line)
    }
}

impl Reader {
    /// The next line without its end.
    fn line(&mut self, deadline: Option<Instant>) -> io::Result<Vec<u8>> {
        loop {
            if let Some(end) = memchr::memchr(b'\n', &self.buffer[self.scanned..]) {
                let rest = self.buffer.split_off(self.scanned + end + 1);
                let mut line = std::mem::replace(&mut self.buffer, rest);
                line.pop();
                self.scanned = 0;
                return Ok(line);
            }
            self.scanned = self.buffer.len();
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return Err(ErrorKind::TimedOut.into());
            }
            self.stream.set_read_timeout(left)?;
            self.buffer.resize(self.scanned + PIECE, 0);
            let read = self.stream.read(&mut self.buffer[self.scanned..]);
            self.buffer.truncate(self.scanned + read.as_ref().map_or(0, |count| *count));
            match read {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
        }
    }
}

fn is_late(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock)
}

/// What is said of a connection that has ended.
const GONE: &str = "the engine has ended.";

fn gone(error: &io::Error) -> Failure {
    match error.kind() {
        ErrorKind::TimedOut | ErrorKind::WouldBlock => {
            Failure::new(FailureKind::Timeout, "the engine does not answer.")
        }
        ErrorKind::UnexpectedEof | ErrorKind::BrokenPipe | ErrorKind::ConnectionReset => {
            Failure::internal(GONE).hint("Run the command again")
        }
        _ => Failure::internal(format!("the connection to the engine broke: {error}")),
    }
}
