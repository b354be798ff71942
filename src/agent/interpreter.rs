//! OpenCode's events as facts: pure, one event in, its facts out.
//!
//! Invariants: only the main conversation of the terminal program counts (its sub-agents' are children of it, and
//! end turns of their own); an event that is told twice, or a state that is confirmed, gives no second fact.
//!
//! Source of the format: `GET /doc` and `GET /event` of OpenCode 1.18.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::Value;

use super::usage::micros;
use crate::model::{Activity, AgentFact, Usage};

/// Reads the events of one terminal program.
#[derive(Debug, Clone, Default)]
pub struct Interpreter {
    main: Option<String>,
    /// Conversations without a parent: one that a person talks to is the main one.
    roots: BTreeSet<String>,
    busy: Option<bool>,
    /// Open permission dialogs and questions of any conversation, with their words.
    asks: Vec<(String, String)>,
    told: Option<Activity>,
    title: Option<String>,
    /// Calls of tools, and of the model, that were told.
    calls: BTreeSet<String>,
}

impl Interpreter {
    /// Reads for the conversation `main`; none: for the first one that the program begins.
    pub fn new(main: Option<String>) -> Self {
        Self { roots: main.iter().cloned().collect(), main, ..Self::default() }
    }

    /// The facts of one `event`, seen at `now`. Unknown events give none.
    pub fn event(&mut self, event: &Value, now: Timestamp) -> Vec<AgentFact> {
        let properties = &event["properties"];
        let session = text(properties, "sessionID");
        let mut facts = Vec::new();
        match event["type"].as_str().unwrap_or_default() {
            "session.created" | "session.updated" => self.session(&properties["info"], &mut facts),
            "message.updated" => self.message(&properties["info"], &mut facts),
            "session.status" if self.is_main(session) => {
                self.busy = properties["status"]["type"].as_str().map(|status| status != "idle");
            }
            "session.idle" if self.is_main(session) => self.busy = Some(false),
            "permission.asked" => self.ask(properties, permission_words(properties)),
            "question.asked" => self.ask(properties, question_words(properties)),
            "permission.replied" | "question.replied" | "question.rejected" => {
                let request = text(properties, "requestID");
                self.asks.retain(|(id, _)| Some(id.as_str()) != request);
            }
            "message.part.updated" => {
                let part = &properties["part"];
                // Its sub-agents' calls cost as much.
                facts.extend(self.usage(part));
                facts.extend(self.is_main(session).then(|| self.tool(part, now)).flatten());
            }
            _ => {}
        }
        facts.extend(self.activity());
        facts
    }

    /// The facts of the whole state, as `/session/status`, `/permission` and `/question` give it after a
    /// connection: what was told before it may have been missed.
    pub fn state(&mut self, status: &Value, permissions: &Value, questions: &Value) -> Vec<AgentFact> {
        self.asks.clear();
        for ask in permissions.as_array().into_iter().flatten() {
            self.ask(ask, permission_words(ask));
        }
        for ask in questions.as_array().into_iter().flatten() {
            self.ask(ask, question_words(ask));
        }
        // Only busy conversations are listed. Before the first one, an empty list means: not at work yet.
        if let Some(main) = &self.main {
            self.busy = Some(status[main]["type"].as_str().is_some_and(|status| status != "idle"));
        }
        self.activity().into_iter().collect()
    }

    /// What the messages of a conversation took that were not told, as `/session/ID/message` gives them.
    pub fn taken(&mut self, messages: &Value) -> Vec<AgentFact> {
        let parts = messages.as_array().into_iter().flatten().filter_map(|message| message["parts"].as_array());
        parts.flatten().filter_map(|part| self.usage(part)).collect()
    }

    /// The conversation that counts, once it is known.
    pub fn main(&self) -> Option<&str> {
        self.main.as_deref()
    }

    fn session(&mut self, info: &Value, facts: &mut Vec<AgentFact>) {
        let Some(id) = text(info, "id") else { return };
        if text(info, "parentID").is_some() {
            return;
        }
        self.roots.insert(id.to_owned());
        if self.main.is_none() {
            facts.push(self.adopt(id.to_owned()));
        }
        if let Some(title) = text(info, "title")
            && self.is_main(Some(id))
            && !title.starts_with("New session - ")
            && self.title.as_deref() != Some(title)
        {
            self.title = Some(title.to_owned());
            facts.push(AgentFact::Title { text: title.to_owned() });
        }
    }

    /// A person's message in another conversation without a parent: the program has turned to that one.
    fn message(&mut self, info: &Value, facts: &mut Vec<AgentFact>) {
        let Some(session) = text(info, "sessionID") else { return };
        if text(info, "role") == Some("user") && !self.is_main(Some(session)) && self.roots.contains(session) {
            facts.push(self.adopt(session.to_owned()));
        }
    }

    fn adopt(&mut self, id: String) -> AgentFact {
        self.main = Some(id.clone());
        self.busy = None;
        AgentFact::Conversation { id }
    }

    fn ask(&mut self, request: &Value, words: String) {
        if let Some(id) = text(request, "id")
            && self.asks.iter().all(|(known, _)| known != id)
        {
            self.asks.push((id.to_owned(), words));
        }
    }

    fn tool(&mut self, part: &Value, now: Timestamp) -> Option<AgentFact> {
        // A pending call has no arguments yet.
        let started = matches!(text(&part["state"], "status"), Some("running" | "completed" | "error"));
        let (name, call) = (text(part, "tool")?, text(part, "callID")?);
        if text(part, "type") != Some("tool") || !started || !self.calls.insert(call.to_owned()) {
            return None;
        }
        let at = part["state"]["time"]["start"].as_i64().and_then(|ms| Timestamp::from_millisecond(ms).ok());
        let detail = tool_detail(&part["state"]["input"]);
        Some(AgentFact::Tool { name: name.to_owned(), detail, at: at.unwrap_or(now) })
    }

    /// What the call of the model took that this part ends.
    fn usage(&mut self, part: &Value) -> Option<AgentFact> {
        let id = text(part, "id").filter(|_| text(part, "type") == Some("step-finish"))?;
        if !self.calls.insert(id.to_owned()) {
            return None;
        }
        let tokens = &part["tokens"];
        let count = |value: &Value| value.as_u64().unwrap_or_default();
        let usage = Usage {
            input: count(&tokens["input"]) + count(&tokens["cache"]["write"]),
            cached: count(&tokens["cache"]["read"]),
            output: count(&tokens["output"]) + count(&tokens["reasoning"]),
            cost: micros(&part["cost"]),
        };
        Some(AgentFact::Usage { id: id.to_owned(), usage })
    }

    /// The fact of what the program does now, if that is news.
    fn activity(&mut self) -> Option<AgentFact> {
        let activity = match (self.asks.last(), self.busy) {
            (Some((_, words)), _) => Activity::Asking { text: words.clone() },
            (None, Some(true)) => Activity::Working,
            (None, Some(false)) => Activity::Resting,
            (None, None) => return None,
        };
        if self.told.as_ref() == Some(&activity) {
            return None;
        }
        self.told = Some(activity.clone());
        Some(AgentFact::Activity { activity })
    }

    fn is_main(&self, session: Option<&str>) -> bool {
        session.is_some() && self.main.as_deref() == session
    }
}

fn text<'v>(value: &'v Value, key: &str) -> Option<&'v str> {
    value[key].as_str()
}

/// `bash: rm -rf build`.
fn permission_words(request: &Value) -> String {
    let kind = text(request, "permission").unwrap_or("permission");
    let command = text(&request["metadata"], "command");
    let subject = command.or_else(|| request["patterns"][0].as_str()).unwrap_or_default();
    format!("{kind}: {}", first_line(subject)).trim_end_matches([' ', ':']).to_owned()
}

/// `Which color? (Red · Blue)`.
fn question_words(request: &Value) -> String {
    let question = &request["questions"][0];
    let labels: Vec<_> =
        question["options"].as_array().into_iter().flatten().filter_map(|option| text(option, "label")).collect();
    let words = first_line(text(question, "question").unwrap_or("a question"));
    if labels.is_empty() { words.to_owned() } else { format!("{words} ({})", labels.join(" · ")) }
}

/// The argument that tells most: a path, a command, a pattern.
fn tool_detail(input: &Value) -> String {
    const KEYS: [&str; 7] = ["filePath", "command", "path", "pattern", "url", "description", "query"];
    let value = KEYS.iter().find_map(|key| text(input, key)).unwrap_or_default();
    first_line(value).to_owned()
}

fn first_line(text: &str) -> &str {
    text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default()
}

#[cfg(test)]
#[path = "interpreter_tests.rs"]
mod tests;
