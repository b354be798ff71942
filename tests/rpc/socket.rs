//! A served engine, and a client of its socket that can say anything.

use std::io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use orchestra::rpc::{Client, PROTOCOL, Server};
use orchestra::store::Home;
use serde_json::{Value, json};

use crate::engine::{Bench, VERSION};
use crate::place::{PATIENCE, Place};

/// An engine that serves its socket.
pub struct Served {
    // Before the engine, which must not be ended while its socket is served.
    pub server: Option<Server>,
    pub bench: Bench,
    pub home: Home,
}

impl Served {
    pub fn new(place: &Place, mut bench: Bench) -> Self {
        Self { server: bench.server.take(), bench, home: Home::at(place.path("orchestra-home")) }
    }

    pub fn path(&self) -> PathBuf {
        self.home.run().join("engine.sock")
    }

    pub fn client(&self) -> Client {
        Client::connect(&self.home).unwrap().expect("it is served")
    }

    /// A connection on which nothing was said yet.
    pub fn raw(&self) -> Raw {
        Raw::to(UnixStream::connect(self.path()).unwrap())
    }

    /// A connection that has said hello.
    pub fn greeted(&self) -> Raw {
        let mut raw = self.raw();
        let hello = json!({"protocol": PROTOCOL, "version": "0", "client": "test"});
        let greeting = raw.call("hello", &hello).unwrap();
        assert_eq!(greeting["face"]["kind"], "headless");
        raw
    }

    /// The engine answers, on a new connection.
    pub fn is_served(&self) {
        let answer = self.client().call("engine.info", json!({})).unwrap();
        assert_eq!(answer["version"], VERSION);
    }
}

/// A client that writes what it is told to.
pub struct Raw {
    pub stream: UnixStream,
    lines: BufReader<UnixStream>,
}

impl Raw {
    pub fn to(stream: UnixStream) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let lines = BufReader::new(stream.try_clone().unwrap());
        Self { stream, lines }
    }

    /// Writes bytes; false when the server has closed the connection.
    pub fn write(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).is_ok()
    }

    pub fn say(&mut self, line: &str) {
        assert!(self.write(format!("{line}\n").as_bytes()), "the connection is open");
    }

    /// The next line; none: the server has closed the connection.
    pub fn hear(&mut self) -> Option<Value> {
        let mut line = String::new();
        match self.lines.read_line(&mut line) {
            Ok(0) => None,
            Ok(_) => Some(serde_json::from_str(&line).unwrap()),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => None,
            Err(error) => panic!("nothing came: {error}"),
        }
    }

    /// Reads until the server closes the connection.
    pub fn until_closed(mut self) {
        let mut rest = Vec::new();
        match self.lines.read_to_end(&mut rest) {
            Ok(_) => {}
            Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset, "it is closed"),
        }
    }

    /// Calls, and skips what is no answer.
    pub fn call(&mut self, method: &str, params: &Value) -> Result<Value, Value> {
        self.say(&json!({"jsonrpc": "2.0", "id": 7, "method": method, "params": params}).to_string());
        loop {
            let mut answer = self.hear().expect("the connection is open");
            if answer["id"] == 7 {
                return if answer["error"].is_null() {
                    Ok(answer["result"].take())
                } else {
                    Err(answer["error"].take())
                };
            }
        }
    }

    /// The code of the error that a call is answered with.
    pub fn refused(&mut self, method: &str, params: &Value) -> (i64, String) {
        let error = self.call(method, params).expect_err("it is refused");
        (error["code"].as_i64().unwrap(), error["message"].as_str().unwrap().to_owned())
    }

    /// What a line is answered with: code of the error.
    pub fn error_of(&mut self, line: &str) -> i64 {
        self.say(line);
        let answer = self.hear().expect("an answer");
        answer["error"]["code"].as_i64().unwrap_or_else(|| panic!("no error: {answer}"))
    }
}
