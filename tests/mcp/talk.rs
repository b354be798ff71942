//! A client of the tools: writes lines, reads lines.

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use serde_json::{Value, json};

use crate::place::PATIENCE;

pub struct Talk {
    input: Option<Box<dyn Write>>,
    lines: Receiver<Value>,
    calls: u64,
}

/// What a tool said.
#[derive(Debug)]
pub struct Said {
    pub is_error: bool,
    pub text: String,
    pub data: Value,
}

impl Talk {
    /// To the program that reads the first pipe and writes the second one.
    pub fn through(pipes: &[PathBuf; 2]) -> Self {
        let input = OpenOptions::new().write(true).open(&pipes[0]).unwrap();
        Self::with(input, File::open(&pipes[1]).unwrap())
    }

    /// To a program that is started here.
    pub fn to(mut command: Command) -> (Self, Child) {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        (Self::with(child.stdin.take().unwrap(), child.stdout.take().unwrap()), child)
    }

    fn with(input: impl Write + 'static, output: impl Read + Send + 'static) -> Self {
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if sender.send(serde_json::from_str(&line).expect("a line is JSON")).is_err() {
                    return;
                }
            }
        });
        Self { input: Some(Box::new(input)), lines, calls: 0 }
    }

    pub fn write(&mut self, bytes: &[u8]) {
        let input = self.input.as_mut().unwrap();
        input.write_all(bytes).unwrap();
        input.flush().unwrap();
    }

    /// The next line that comes.
    pub fn hear(&self) -> Value {
        self.lines.recv_timeout(PATIENCE).expect("it answers")
    }

    /// The answer to a line.
    pub fn line(&mut self, line: &str) -> Value {
        self.write(format!("{line}\n").as_bytes());
        self.hear()
    }

    /// Calls a method; the answer is the one to this call.
    pub fn call(&mut self, method: &str, params: &Value) -> Value {
        self.calls += 1;
        let call = json!({"jsonrpc": "2.0", "id": self.calls, "method": method, "params": params});
        let answer = self.line(&call.to_string());
        assert_eq!(answer["id"], self.calls, "{answer}");
        answer
    }

    /// Says hello as a client does; the answer's result.
    pub fn greet(&mut self) -> Value {
        let client = json!({"name": "test", "version": "1"});
        let params = json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client});
        let answer = self.call("initialize", &params)["result"].take();
        self.write(b"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}\n");
        answer
    }

    /// Names of the tools that it is offered.
    pub fn tools(&mut self) -> Vec<String> {
        let answer = self.call("tools/list", &json!({}));
        let tools = answer["result"]["tools"].as_array().unwrap_or_else(|| panic!("{answer}"));
        tools.iter().map(|tool| tool["name"].as_str().unwrap().to_owned()).collect()
    }

    pub fn tool(&mut self, name: &str, arguments: &Value) -> Said {
        let answer = self.call("tools/call", &json!({"name": name, "arguments": arguments}));
        let result = &answer["result"];
        let text = result["content"][0]["text"].as_str().unwrap_or_else(|| panic!("{name}: {answer}"));
        Said { is_error: result["isError"] == true, text: text.to_owned(), data: result["structuredContent"].clone() }
    }

    /// What a tool says that refuses.
    pub fn refused(&mut self, name: &str, arguments: &Value) -> String {
        let said = self.tool(name, arguments);
        assert!(said.is_error && said.data["error"]["message"].is_string(), "{name}: {said:?}");
        said.text
    }

    /// What a tool gives that does it.
    pub fn done(&mut self, name: &str, arguments: &Value) -> Value {
        let said = self.tool(name, arguments);
        assert!(!said.is_error, "{name}: {said:?}");
        said.data
    }

    /// Ends the input; what it still says.
    pub fn end(mut self) -> Vec<Value> {
        drop(self.input.take());
        let mut rest = Vec::new();
        while let Ok(line) = self.lines.recv_timeout(PATIENCE) {
            rest.push(line);
        }
        rest
    }
}
