//! Standard input and output, one JSON-RPC message per line. What is no request that this server knows is answered here, at once.
//!
//! The transport of `rmcp` would say nothing to a line that is no JSON or too long, and would end with a notification that
//! comes before `initialize`.
//!
//! Invariants: every request is answered; only requests of [`METHODS`] and the news of canceled ones get any further, the first
//! of them being `initialize`; a line is written whole.

use std::io::{self, BufRead, Read as _, Write as _};
use std::thread;

use rmcp::RoleServer;
use rmcp::model::{ClientJsonRpcMessage, ClientRequest};
use rmcp::service::{RxJsonRpcMessage, TxJsonRpcMessage};
use rmcp::transport::Transport;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::rpc::Fault;

/// The requests that are served. `server/discover` is none of them: a client that asks for it goes on with `initialize`.
const METHODS: [&str; 4] = ["initialize", "ping", "tools/list", "tools/call"];
/// Bytes of a line, at most: what is handed in may have 5 MB, and JSON may make twice as much of it.
const MAX_LINE: u64 = 16 << 20;
/// Messages that wait: a client that sends more waits as well.
const WAITING: usize = 32;

/// What the client of this process writes, and what it is answered.
pub struct Stdio {
    messages: mpsc::Receiver<ClientJsonRpcMessage>,
}

/// Sorts the lines of a client.
#[derive(Debug, Default)]
struct Sorter {
    is_initialized: bool,
}

/// A line of the input.
enum Line {
    Whole,
    TooLong,
    /// There is none any more.
    End,
}

impl Stdio {
    /// Begins to read.
    pub fn start() -> io::Result<Self> {
        let (sender, messages) = mpsc::channel(WAITING);
        // It ends with the input, or with the process.
        thread::Builder::new().name("mcp input".to_owned()).spawn(move || {
            let (mut sorter, mut input, mut line) = (Sorter::default(), io::stdin().lock(), Vec::new());
            loop {
                let message = match next_line(&mut input, &mut line) {
                    Ok(Line::Whole) => sorter.sort(&line),
                    Ok(Line::TooLong) => Err(too_long()),
                    Ok(Line::End) | Err(_) => return,
                };
                let went_on = match message {
                    Ok(Some(message)) => sender.blocking_send(message).is_ok(),
                    Ok(None) => true,
                    Err(refusal) => write(&refusal).is_ok(),
                };
                if !went_on {
                    return;
                }
            }
        })?;
        Ok(Self { messages })
    }
}

impl Transport<RoleServer> for Stdio {
    type Error = io::Error;

    fn send(&mut self, item: TxJsonRpcMessage<RoleServer>) -> impl Future<Output = io::Result<()>> + Send + 'static {
        let written = tokio::task::spawn_blocking(move || write(&serde_json::to_value(item)?));
        async move { written.await? }
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleServer>> {
        self.messages.recv().await
    }

    async fn close(&mut self) -> io::Result<()> {
        self.messages.close();
        Ok(())
    }
}

impl Sorter {
    /// The message of a line; none: nothing is to be done. An error is the answer.
    fn sort(&mut self, line: &[u8]) -> Result<Option<ClientJsonRpcMessage>, Value> {
        if line.trim_ascii().is_empty() {
            return Ok(None);
        }
        let value: Value = serde_json::from_slice(line).map_err(|error| {
            refusal(&Value::Null, &Fault::usage(Fault::PARSE, format!("the line is no JSON: {error}.")))
        })?;
        let (id, method) = (value["id"].clone(), value["method"].as_str().map(str::to_owned));
        let invalid = |text: &str| refusal(&id, &Fault::usage(Fault::INVALID, text));
        if value["jsonrpc"] != "2.0" {
            return Err(invalid("a message is an object with \"jsonrpc\": \"2.0\", one in a line."));
        }
        let is_answer = value.get("result").or(value.get("error")).is_some();
        let Some(method) = method else {
            return if is_answer { Ok(None) } else { Err(invalid("the message has no method.")) };
        };
        if value.get("id").is_none() {
            let counts = self.is_initialized && method == "notifications/cancelled";
            return Ok(counts.then(|| serde_json::from_value(value).ok()).flatten());
        }
        if !id.is_i64() && !id.is_string() {
            return Err(refusal(&Value::Null, &Fault::usage(Fault::INVALID, "id: a text or a whole number.")));
        }
        if !METHODS.contains(&method.as_str()) {
            let text = format!("there is no method \"{method}\".");
            return Err(refusal(&id, &Fault::usage(Fault::METHOD, text).hint(METHODS.join(", "))));
        }
        if !self.is_initialized && !matches!(method.as_str(), "initialize" | "ping") {
            return Err(invalid("initialize comes first."));
        }
        match serde_json::from_value(value) {
            Ok(ClientJsonRpcMessage::Request(request)) if !is_other(&request.request) => {
                self.is_initialized |= method == "initialize";
                Ok(Some(ClientJsonRpcMessage::Request(request)))
            }
            _ => Err(refusal(&id, &Fault::params(format!("these are no parameters of {method}.")))),
        }
    }
}

/// A method's name with parameters that are not its own.
const fn is_other(request: &ClientRequest) -> bool {
    matches!(request, ClientRequest::CustomRequest(_))
}

fn refusal(id: &Value, fault: &Fault) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "error": fault.json()})
}

fn too_long() -> Value {
    let text = format!("the line is longer than {} MB.", MAX_LINE >> 20);
    refusal(&Value::Null, &Fault::usage(Fault::INVALID, text).hint("Hand in a summary"))
}

/// Reads a line; of one that is too long nothing is kept.
fn next_line(input: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<Line> {
    line.clear();
    input.by_ref().take(MAX_LINE).read_until(b'\n', line)?;
    if line.is_empty() {
        return Ok(Line::End);
    }
    if line.len() as u64 == MAX_LINE && !line.ends_with(b"\n") {
        while !line.is_empty() && !line.ends_with(b"\n") {
            line.clear();
            input.by_ref().take(MAX_LINE).read_until(b'\n', line)?;
        }
        return Ok(Line::TooLong);
    }
    Ok(Line::Whole)
}

fn write(message: &Value) -> io::Result<()> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    let mut output = io::stdout().lock();
    output.write_all(&line)?;
    output.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HELLO: &str = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"x","version":"0"}}}"#;

    /// The code that a line is refused with; 0: it gets on.
    fn code(sorter: &mut Sorter, line: &str) -> i64 {
        match sorter.sort(line.as_bytes()) {
            Ok(Some(_)) => 0,
            Ok(None) => 1,
            Err(refusal) => refusal["error"]["code"].as_i64().unwrap(),
        }
    }

    #[test]
    fn fault_j1_lines_are_sorted_before_anything_sees_them() {
        let mut sorter = Sorter::default();
        let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
        for (line, expected) in [
            ("", 1),
            ("{", -32_700),
            (deep.as_str(), -32_700),
            ("1", -32_600),
            ("[]", -32_600),
            ("{}", -32_600),
            (r#"{"jsonrpc":"2.0","id":1}"#, -32_600),
            (r#"{"jsonrpc":"2.0","id":1,"result":{}}"#, 1),
            (r#"{"jsonrpc":"2.0","id":[1],"method":"ping"}"#, -32_600),
            (r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#, 1),
            (r#"{"jsonrpc":"2.0","id":1,"method":"server/discover"}"#, -32_601),
            (r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#, -32_600),
            (r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":7}}"#, -32_602),
            (r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#, 1),
            (r#"{"jsonrpc":"2.0","id":"a","method":"ping"}"#, 0),
            (HELLO, 0),
            (r#"{"jsonrpc":"2.0","id":2,"method":"tools/list"}"#, 0),
            (r#"{"jsonrpc":"2.0","id":2,"method":"resources/list"}"#, -32_601),
            (r#"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"x","arguments":[]}}"#, -32_602),
            (r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#, 0),
        ] {
            assert_eq!(code(&mut sorter, line), expected, "{}", &line[..line.len().min(80)]);
        }
        assert!(sorter.sort(b"\xff\xfe").is_err());
    }

    #[test]
    fn fault_j1_a_line_that_is_too_long_leaves_the_next_one() {
        let long = io::repeat(b'x').take(2 * MAX_LINE + 5).chain(&b"\nnext\nlast"[..]);
        let (mut input, mut line) = (io::BufReader::new(long), Vec::new());
        assert!(matches!(next_line(&mut input, &mut line), Ok(Line::TooLong)));
        for expected in ["next\n", "last"] {
            assert!(matches!(next_line(&mut input, &mut line), Ok(Line::Whole)));
            assert_eq!(line, expected.as_bytes());
        }
        assert!(matches!(next_line(&mut input, &mut line), Ok(Line::End)));
    }
}
