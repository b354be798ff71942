//! One client: reads its lines, answers them in their order.
//!
//! Invariants: a line that is too long, or no greeting in time, ends the connection; a client that takes no answers is
//! not read from, and given up by its writer; nothing of it outlives the connection but what the engine was asked.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::net::UnixStream;
use tokio::net::unix::OwnedReadHalf;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::attach::Attachment;
use super::caller::Caller;
use super::follow::Following;
use super::outbox::{Outbox, outbox};
use super::resolve::kind_of;
use super::server::Service;
use super::wire::{Fault, Greeting, Hello, PROTOCOL};
use crate::engine::Place;
use crate::model::{Failure, FailureKind};

/// The longest line, in bytes.
const LINE_MAX: usize = 4 << 20;
/// Calls in one batch.
const BATCH_MAX: usize = 1000;
/// Read at once, in bytes; a buffer that grew beyond four of them is given back.
const PIECE: usize = 16 << 10;
/// Who says nothing for so long says nothing more.
const GREETING: Duration = Duration::from_secs(10);
/// How long the last answers may take to get to a client that is to be cut off.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// A client.
pub struct Connection {
    pub service: Arc<Service>,
    pub outbox: Outbox,
    /// Process of the client; none: the system does not tell.
    pid: Option<u32>,
    /// None before the greeting.
    pub caller: Option<Caller>,
    pub attached: HashMap<Place, Attachment>,
    /// Sends events.
    pub subscription: Option<JoinHandle<()>>,
    /// Sends lines.
    pub following: Option<Following>,
}

/// Reads lines.
struct Lines {
    stream: OwnedReadHalf,
    buffer: Vec<u8>,
    /// How much of the buffer has no end of a line in it.
    scanned: usize,
}

/// What comes in.
enum Incoming {
    Line(Vec<u8>),
    TooLong,
    End,
}

/// Serves one client until it goes, or is cut off.
pub async fn serve(service: Arc<Service>, stream: UnixStream, pid: Option<u32>) {
    let (read, write) = stream.into_split();
    let (outbox, post) = outbox();
    let mut writing = std::pin::pin!(post.write(write));
    let mut end = service.end();
    let attached = HashMap::new();
    let mut connection =
        Connection { service, outbox, pid, caller: None, attached, subscription: None, following: None };
    let lines = Lines { stream: read, buffer: Vec::new(), scanned: 0 };
    tokio::select! {
        () = &mut writing => return,
        () = connection.read(lines, async move { drop(end.wait_for(|end| *end).await) }) => {}
    }
    // Its streams end with it, and then the writer does.
    drop(connection);
    let _ = timeout(LAST_WORDS, writing).await;
}

impl Connection {
    async fn read(&mut self, mut lines: Lines, end: impl Future<Output = ()>) {
        let mut end = std::pin::pin!(end);
        loop {
            self.outbox.room().await;
            let next = async {
                match self.caller {
                    Some(_) => lines.next().await,
                    None => timeout(GREETING, lines.next()).await.unwrap_or(Incoming::End),
                }
            };
            // An answer that is under way is not cut off: the end of the engine is what it may tell.
            let incoming = tokio::select! {
                incoming = next => incoming,
                () = &mut end => return,
            };
            match incoming {
                Incoming::Line(line) => self.line(&line).await,
                Incoming::TooLong => {
                    let text = format!("a line has at most {LINE_MAX} bytes; the connection is closed.");
                    return self.outbox.put(&error(&Value::Null, &Fault::usage(Fault::INVALID, text)));
                }
                Incoming::End => return,
            }
        }
    }

    async fn line(&mut self, line: &[u8]) {
        if line.iter().all(u8::is_ascii_whitespace) {
            return;
        }
        let answer = match serde_json::from_slice(line) {
            Ok(Value::Array(calls)) => self.batch(calls).await,
            Ok(call) => self.call(call).await,
            Err(wrong) => Some(error(&Value::Null, &Fault::usage(Fault::PARSE, format!("no JSON: {wrong}.")))),
        };
        if let Some(answer) = answer {
            self.outbox.put(&answer);
        }
    }

    async fn batch(&mut self, calls: Vec<Value>) -> Option<Value> {
        if calls.is_empty() || calls.len() > BATCH_MAX {
            let text = format!("a batch has 1 to {BATCH_MAX} calls, not {}.", calls.len());
            return Some(error(&Value::Null, &Fault::usage(Fault::INVALID, text)));
        }
        let mut answers = Vec::new();
        for call in calls {
            answers.extend(self.call(call).await);
        }
        (!answers.is_empty()).then_some(Value::Array(answers))
    }

    /// One call; none: it was a notification.
    async fn call(&mut self, call: Value) -> Option<Value> {
        let (id, asked) = match read_call(call) {
            Ok((id, method, params)) => (id, Ok((method, params))),
            Err((id, fault)) => (Some(id), Err(fault)),
        };
        let result = match asked {
            Ok((method, params)) if method == "hello" => self.hello(params).await,
            Ok((method, params)) if self.caller.is_some() => self.serve(&method, params).await,
            Ok(_) => {
                let fault = Fault::usage(Fault::INVALID, "say hello first.");
                Err(fault.hint(format!("{{\"method\": \"hello\", \"params\": {{\"protocol\": {PROTOCOL}, ..}}}}")))
            }
            Err(fault) => Err(fault),
        };
        let id = id?;
        Some(match result {
            Ok(result) => json!({"jsonrpc": "2.0", "id": id, "result": result}),
            Err(fault) => error(&id, &fault),
        })
    }

    async fn hello(&mut self, params: Map<String, Value>) -> Result<Value, Fault> {
        let hello: Hello = serde_path_to_error::deserialize(Value::Object(params))
            .map_err(|wrong| Fault::params(format!("{}: {}.", wrong.path(), wrong.inner())))?;
        let face = &self.service.face;
        if hello.protocol != PROTOCOL {
            let text = format!(
                "the engine (version {}, process {}) speaks protocol {PROTOCOL}, {} {} speaks {}.",
                face.version, face.pid, hello.client, hello.version, hello.protocol
            );
            let hint = if hello.protocol > PROTOCOL {
                "Leave that engine (q, or orchestra shutdown of its version), then start again; sessions go on"
            } else {
                "Use the orchestra of the engine's version"
            };
            return Err(Failure::new(FailureKind::BadState, text).hint(hint).into());
        }
        if self.caller.is_none() {
            let (service, pid) = (Arc::clone(&self.service), self.pid);
            let caller = move || pid.map_or(Caller::Stranger, |pid| Caller::of(pid, &service.handle, &service.home));
            let caller = tokio::task::spawn_blocking(caller).await;
            self.caller = Some(caller.map_err(Failure::internal)?);
            self.service.clients.fetch_add(1, Ordering::AcqRel);
        }
        let greeting = Greeting { protocol: PROTOCOL, version: face.version.clone(), face: face.clone() };
        serde_json::to_value(greeting).map_err(|wrong| Failure::internal(wrong).into())
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if let Some(stream) = &self.subscription {
            stream.abort();
        }
        if self.caller.is_some() {
            self.service.clients.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

impl Lines {
    async fn next(&mut self) -> Incoming {
        loop {
            if let Some(end) = memchr::memchr(b'\n', &self.buffer[self.scanned..]) {
                return self.take(self.scanned + end);
            }
            self.scanned = self.buffer.len();
            if self.scanned > LINE_MAX {
                return Incoming::TooLong;
            }
            // Room is made when there is something to read: a connection that waits takes none.
            if self.stream.readable().await.is_err() {
                return Incoming::End;
            }
            self.buffer.reserve(PIECE);
            match self.stream.try_read_buf(&mut self.buffer) {
                Ok(0) => return Incoming::End,
                Err(error) if error.kind() != ErrorKind::WouldBlock => return Incoming::End,
                _ => {}
            }
        }
    }

    /// The line that ends at `end`; what follows stays.
    fn take(&mut self, end: usize) -> Incoming {
        self.scanned = 0;
        if end > LINE_MAX {
            return Incoming::TooLong;
        }
        let line = self.buffer[..end].to_vec();
        self.buffer.drain(..=end);
        if self.buffer.is_empty() && self.buffer.capacity() > 4 * PIECE {
            self.buffer = Vec::new();
        }
        Incoming::Line(line)
    }
}

/// Id (none: a notification), method and parameters.
type Call = (Option<Value>, String, Map<String, Value>);

/// The parts of a call; else an id that can be answered, and what is wrong.
fn read_call(call: Value) -> Result<Call, (Value, Fault)> {
    let invalid = |id: Value, text: &str| Err((id, Fault::usage(Fault::INVALID, text)));
    let Value::Object(mut call) = call else {
        return invalid(Value::Null, &format!("a call is an object, not {}.", kind_of(&call)));
    };
    let id = call.remove("id");
    if id.as_ref().is_some_and(|id| !matches!(id, Value::String(_) | Value::Number(_) | Value::Null)) {
        return invalid(Value::Null, "id: a text, a number or null.");
    }
    let known = id.clone().unwrap_or(Value::Null);
    if call.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
        return invalid(known, "jsonrpc: \"2.0\" is missing.");
    }
    let Some(Value::String(method)) = call.remove("method") else {
        return invalid(known, "method: a text.");
    };
    match call.remove("params") {
        None | Some(Value::Null) => Ok((id, method, Map::new())),
        Some(Value::Object(params)) => Ok((id, method, params)),
        Some(other) => Err((known, Fault::params(format!("params: an object, not {}.", kind_of(&other))))),
    }
}

fn error(id: &Value, fault: &Fault) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "error": fault.json()})
}
