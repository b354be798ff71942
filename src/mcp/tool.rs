//! The tools: what each takes, and who is offered it.
//!
//! Invariants: names, parameters and descriptions come from the type's own schema; no parameter says who calls.

use std::sync::OnceLock;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::model::{Decision, Question, SubtaskDraft};
use crate::rpc::{self, Signature};

/// A call of a tool. What a description says is what the agent's model reads.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(tag = "method", content = "params", rename_all = "snake_case")]
pub enum Call {
    /// Hands in the text of your stage (Markdown, or JSON where your prompt names a schema). It ends the stage: end your turn
    /// after it. The same as `orchestra submit`.
    SubmitArtifact {
        /// The whole text.
        content: String,
        /// What you did in this attempt, in a line or two, for the task's log.
        summary: Option<String>,
    },
    /// Hands in your verdict on the work of earlier stages; it ends the stage. The same as `orchestra submit --verdict`.
    SubmitVerdict {
        decision: Decision,
        /// Your reasons (Markdown); of a rejection, a list that can be worked through.
        reason: String,
        /// The earlier stage that a rejection goes back to; the one that the flow names when it is left out.
        route_to: Option<String>,
    },
    /// Hands in the breakdown of your task; it ends the stage. The same as `orchestra submit --subtasks`.
    ProposeSubtasks {
        /// The idea of the breakdown.
        summary: String,
        /// A single one means: no breakdown is worth it.
        subtasks: Vec<SubtaskDraft>,
    },
    /// Asks a person, all questions at once. End your turn after it; the answers come as a message.
    AskQuestions { questions: Vec<Question> },
    /// Says that something outside of your reach has to be done first. End your turn after it.
    ReportBlocked {
        /// What, and why.
        reason: String,
    },
    /// Says that the task cannot be done. End your turn after it.
    ReportFailed { reason: String },
    /// Marks a task as completed; only in its last stage.
    CompleteTask {
        /// Its number or slug; your own when it is left out.
        task: Option<String>,
        /// What was done; handed in as the text of your own stage.
        summary: Option<String>,
    },
    /// Sends a message to the agent of another session; it reads it as soon as it rests. An executor writes to `main` (the
    /// designer), to its parent's session and to those of its subtasks. Its message to `main` or to the parent may begin with
    /// QUESTION: or ERROR: (end your turn after it; the answer comes as a message), BLOCKED:, or COMPLETE:, which hands in the
    /// rest as the text of your stage.
    SendMessageToSession {
        /// `main`, or the slug of a task; list_sessions has them.
        session_id: String,
        /// At most 64 KB.
        message: String,
    },
    /// Messages to and from your session, oldest first.
    ReadMessages {
        /// Only those after the message with this number.
        since: Option<i64>,
    },
    /// Makes a draft of a task; of your own task, when you are not the designer.
    CreateTask(Job),
    /// Makes a task and starts an executor on it: an agent with a worktree of its own, that knows nothing but the description.
    SpawnExecutor(Job),
    /// Starts a draft, or resumes a paused or failed task.
    StartTask {
        /// Its number or slug.
        task: String,
    },
    /// Pauses a task; its worktree and its conversation stay.
    StopTask {
        /// Its number or slug.
        task: String,
    },
    /// The last lines of what the agent of a task shows.
    ReadSession {
        /// Its number or slug.
        task: String,
        /// How many lines; 100 when it is left out.
        lines: Option<usize>,
    },
    /// Asks a person to merge a task that is done.
    RequestMerge {
        /// Its number or slug.
        task: String,
    },
    /// All changes of a task against its base, committed or not, as a unified diff.
    GetDiff {
        /// Its number or slug.
        task: String,
    },
    /// A task with its state, stage, attempts, artifacts and messages.
    GetTask {
        /// Its number or slug; your own when it is left out.
        task: Option<String>,
    },
    /// The sessions of your project.
    ListSessions {},
}

/// A task to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Job {
    title: String,
    /// What should be different afterwards, why, where to begin, and how to tell that it is done (Markdown).
    description: String,
    /// Lower case letters, digits and hyphens; made of the title when it is left out.
    slug: Option<String>,
    flow: Option<String>,
    agent: Option<String>,
    /// The branch, tag or commit that it starts from.
    base: Option<String>,
}

/// Who is offered a tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    Everybody,
    /// The agent of a task, in a stage that ends with this.
    Stage(Output),
    /// The agent of a task, in a stage that asks questions.
    Asking,
    /// The agent of a task.
    Task,
    /// The agent of a task, and the project's designer.
    Agents,
    /// The designer, and the agent of a task in a stage that takes it apart.
    Leads,
}

/// What a stage ends with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Output {
    Artifact,
    Verdict,
    Subtasks,
}

/// A tool.
#[derive(Debug, Clone)]
pub struct Tool {
    pub name: &'static str,
    pub audience: Audience,
    pub signature: Signature,
}

/// Who is offered which, in the order of the list.
const AUDIENCES: [(&str, Audience); 18] = [
    ("submit_artifact", Audience::Stage(Output::Artifact)),
    ("submit_verdict", Audience::Stage(Output::Verdict)),
    ("propose_subtasks", Audience::Stage(Output::Subtasks)),
    ("ask_questions", Audience::Asking),
    ("report_blocked", Audience::Task),
    ("report_failed", Audience::Task),
    ("complete_task", Audience::Agents),
    ("send_message_to_session", Audience::Agents),
    ("read_messages", Audience::Agents),
    ("create_task", Audience::Leads),
    ("spawn_executor", Audience::Leads),
    ("start_task", Audience::Leads),
    ("stop_task", Audience::Leads),
    ("read_session", Audience::Leads),
    ("request_merge", Audience::Leads),
    ("get_diff", Audience::Everybody),
    ("get_task", Audience::Everybody),
    ("list_sessions", Audience::Everybody),
];

/// All tools.
pub fn all() -> &'static [Tool] {
    static TOOLS: OnceLock<Vec<Tool>> = OnceLock::new();
    TOOLS.get_or_init(|| {
        let mut generator = SchemaSettings::draft2020_12().with(|it| it.inline_subschemas = true).into_generator();
        let mut signatures: Vec<_> = rpc::signatures::<Call>(&mut generator).collect();
        let take = |(name, audience)| {
            let at = signatures.iter().position(|(it, _)| it == name)?;
            Some(Tool { name, audience, signature: signatures.swap_remove(at).1 })
        };
        AUDIENCES.into_iter().filter_map(take).collect()
    })
}

impl Tool {
    pub fn of(name: &str) -> Option<&'static Self> {
        all().iter().find(|tool| tool.name == name)
    }

    /// JSON Schema of its arguments; nothing else is taken.
    pub fn schema(&self) -> Map<String, Value> {
        let mut schema = self.signature.params.as_ref().and_then(Value::as_object).cloned().unwrap_or_default();
        // Models' services want it also where nothing is taken.
        schema.entry("properties").or_insert_with(|| Map::new().into());
        schema.insert("additionalProperties".to_owned(), false.into());
        schema
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_tool_has_an_audience_and_says_what_it_is() {
        let mut generator = SchemaSettings::draft2020_12().into_generator();
        let names: BTreeSet<_> = rpc::signatures::<Call>(&mut generator).map(|(name, _)| name).collect();
        let listed: BTreeSet<_> = all().iter().map(|tool| tool.name.to_owned()).collect();
        assert_eq!((names, all().len()), (listed, AUDIENCES.len()));
        for tool in all() {
            assert!(!tool.signature.about.is_empty(), "{}", tool.name);
            let schema = tool.schema();
            assert_eq!(schema["type"], "object", "{}", tool.name);
            let text = serde_json::to_string(&schema).unwrap();
            assert!(!text.contains("$ref"), "{}: {text}", tool.name);
            for identity in ["session", "project", "run", "token"] {
                assert!(!tool.signature.takes(identity), "{}: nobody says who he is", tool.name);
            }
        }
    }
}
