//! OpenCode's event stream: a client that stays connected as long as somebody listens.
//!
//! The server answers late and badly while it starts: connections are refused at first, then one that came too early
//! is accepted and never answered. So each connection has to say something soon, and a beat every ten seconds.

use std::time::Duration;

use eventsource_stream::Eventsource;
use futures_util::StreamExt;
use jiff::Timestamp;
use reqwest::Client;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::model::AgentFact;

use super::interpreter::Interpreter;
use super::launch::EventSource;

/// A connection that is good tells `server.connected` at once; on a machine under load, at once may be late, so each
/// silent one makes the next wait longer.
const PATIENCE_MIN: Duration = Duration::from_millis(1500);
const PATIENCE_MAX: Duration = Duration::from_secs(12);

/// Two and a half beats of `server.heartbeat`.
const SILENCE: Duration = Duration::from_secs(25);

const BACKOFF_MIN: Duration = Duration::from_millis(100);
const BACKOFF_MAX: Duration = Duration::from_secs(1);

/// Sends the facts of the agent at `source` to `facts`, in order, until the receiver is gone; safe to drop at any
/// moment. `main` is the conversation when it is known already; `clock` dates what the agent does not.
pub async fn follow(
    source: EventSource,
    main: Option<String>,
    clock: fn() -> Timestamp,
    facts: mpsc::Sender<AgentFact>,
) {
    // A proxy of the user's must not see the password; no redirect leads away from the loopback interface.
    let client = Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build();
    let Ok(client) = client else { return };
    let interpreter = Interpreter::new(main);
    let mut listener = Listener { client, source, interpreter, clock, facts, patience: PATIENCE_MIN };
    let mut backoff = BACKOFF_MIN;
    while !listener.facts.is_closed() {
        if listener.listen().await {
            backoff = BACKOFF_MIN;
        }
        // Ends early when nobody listens any more.
        if timeout(backoff, listener.facts.closed()).await.is_ok() {
            return;
        }
        backoff = (backoff * 2).min(BACKOFF_MAX);
    }
}

struct Listener {
    client: Client,
    source: EventSource,
    interpreter: Interpreter,
    clock: fn() -> Timestamp,
    facts: mpsc::Sender<AgentFact>,
    /// How long a connection may take to say its first word.
    patience: Duration,
}

impl Listener {
    /// One connection, to its end. True: it had been a good one.
    async fn listen(&mut self) -> bool {
        let response = match timeout(self.patience, self.request("/event").send()).await {
            Ok(Ok(response)) if response.status().is_success() => response,
            Ok(_) => return false,
            Err(_) => {
                self.patience = (self.patience * 2).min(PATIENCE_MAX);
                return false;
            }
        };
        let mut stream = response.bytes_stream().eventsource();
        let mut limit = self.patience;
        while let Ok(Some(Ok(message))) = timeout(limit, stream.next()).await {
            let Ok(event) = serde_json::from_str::<Value>(&message.data) else { continue };
            let is_heard = if event["type"] == "server.connected" {
                let state = self.state().await;
                // What it does now is not to wait for what it took before.
                self.tell(state).await && {
                    let taken = self.taken().await;
                    self.tell(taken).await
                }
            } else {
                let news = self.interpreter.event(&event, (self.clock)());
                self.tell(news).await
            };
            if !is_heard {
                return true;
            }
            limit = SILENCE;
        }
        limit == SILENCE
    }

    /// False: nobody listens any more.
    async fn tell(&self, facts: Vec<AgentFact>) -> bool {
        for fact in facts {
            if self.facts.send(fact).await.is_err() {
                return false;
            }
        }
        true
    }

    /// What was missed before the connection. Events that come meanwhile wait in the stream and are read after it.
    async fn state(&mut self) -> Vec<AgentFact> {
        let (status, permissions, questions) =
            tokio::join!(self.get("/session/status"), self.get("/permission"), self.get("/question"));
        match (status, permissions, questions) {
            (Some(status), Some(permissions), Some(questions)) => {
                self.interpreter.state(&status, &permissions, &questions)
            }
            _ => Vec::new(),
        }
    }

    /// What its conversation took before the connection.
    async fn taken(&mut self) -> Vec<AgentFact> {
        let Some(main) = self.interpreter.main() else { return Vec::new() };
        let messages = self.get(&format!("/session/{main}/message")).await;
        messages.map_or_else(Vec::new, |messages| self.interpreter.taken(&messages))
    }

    /// One that came too early is never answered, here too.
    async fn get(&self, path: &str) -> Option<Value> {
        let mut patience = self.patience;
        loop {
            let answer = async { self.request(path).send().await?.error_for_status()?.json().await };
            match timeout(patience, answer).await {
                Ok(answer) => return answer.ok(),
                Err(_) if patience == PATIENCE_MAX => return None,
                Err(_) => patience = (patience * 2).min(PATIENCE_MAX),
            }
        }
    }

    fn request(&self, path: &str) -> reqwest::RequestBuilder {
        let url = format!("http://127.0.0.1:{}{path}", self.source.port);
        self.client.get(url).basic_auth("opencode", Some(&self.source.password))
    }
}

#[cfg(test)]
#[path = "events_tests.rs"]
mod tests;
