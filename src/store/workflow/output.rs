//! What a stage hands in, and what checks it: gates and capabilities.

use super::super::yaml::{Fields, Flaw, Kind, Mark, Node, unknown};
use super::reader::Around;
use super::stage::{TIMEOUTS, earlier_stage};
use crate::model::{Breakdown, ChildFailure, Gate, Output};

const GATE_KEYS: [&str; 3] = ["command", "timeout_seconds", "max_attempts"];
const CAPABILITIES: [&str; 3] = ["ask_questions", "approval", "subtasks"];
const APPROVAL_KEYS: [&str; 2] = ["rejection_stage", "reset_session"];
const SUBTASKS_KEYS: [&str; 3] = ["flow", "completion_stage", "on_child_failure"];

/// The flows of subtasks when none is named: the first of them that there is.
const SUBTASK_FLOWS: [&str; 2] = ["subtask", "default"];

/// What `gate` says.
#[derive(Debug, Default)]
pub(super) struct GateKey {
    /// The stage's agent judges.
    pub judges: bool,
    pub command: Option<Gate>,
}

/// What a stage's agent may do beside handing in a text.
#[derive(Debug)]
pub(super) struct Capabilities<'a> {
    pub asks: bool,
    approval: Option<Capability<'a>>,
    subtasks: Option<Capability<'a>>,
}

/// Where a capability is given, and its details.
#[derive(Debug, Clone, Copy)]
struct Capability<'a> {
    mark: Mark,
    details: Option<&'a Node>,
}

/// `true`, `false`, a command, or a map with a command and its limits.
pub(super) fn gate(node: &Node) -> Result<GateKey, Flaw> {
    match node.flag("gate") {
        Ok(judges) => Ok(GateKey { judges, command: None }),
        Err(_) => command_gate(node, "a gate").map(|gate| GateKey { judges: false, command: Some(gate) }),
    }
}

/// The same without a verdict: none for `false`.
pub(super) fn integration_gate(node: &Node) -> Result<Option<Gate>, Flaw> {
    match node.flag("gate") {
        Ok(true) => Err(Flaw::new(node.mark, "integration's gate must be a command: no agent judges there")),
        Ok(false) => Ok(None),
        Err(_) => command_gate(node, "integration's gate").map(Some),
    }
}

fn command_gate(node: &Node, what: &str) -> Result<Gate, Flaw> {
    let command =
        |text: &str| Gate { command: text.to_owned(), timeout_seconds: Gate::DEFAULT_TIMEOUT_SECONDS, max_attempts: 0 };
    if !matches!(node.kind, Kind::Map { .. }) {
        return node.text("gate").map(command);
    }
    let fields = Fields::new(node, what, &GATE_KEYS)?;
    let mut gate = command(fields.required("command", what)?.text("command")?);
    if let Some(seconds) = fields.number("timeout_seconds", TIMEOUTS)? {
        gate.timeout_seconds = seconds;
    }
    gate.max_attempts = fields.number("max_attempts", 0..=u32::MAX)?.unwrap_or(0);
    Ok(gate)
}

impl<'a> Capabilities<'a> {
    /// From `capabilities`, a map or a list of words, or `capability`, one word.
    pub fn read(stage: Fields<'a>) -> Result<Self, Flaw> {
        let none = Self { asks: true, approval: None, subtasks: None };
        let given = match (stage.get("capabilities"), stage.get("capability")) {
            (Some(_), Some(second)) => {
                return Err(Flaw::new(
                    second.mark,
                    "\"capability\" and \"capabilities\" are the same: give one of them",
                ));
            }
            (Some(only), None) | (None, Some(only)) => only,
            (None, None) => return Ok(none),
        };
        match &given.kind {
            Kind::Map { .. } => Self::of_map(Fields::new(given, "capabilities", &CAPABILITIES)?),
            Kind::List(words) => words.iter().try_fold(none, Self::with),
            Kind::Scalar { .. } => none.with(given),
        }
    }

    fn of_map(fields: Fields<'a>) -> Result<Self, Flaw> {
        let capability = |key: &str| match fields.get(key) {
            Some(details) if details.flag(key) == Ok(false) => None,
            Some(details) => Some(Capability {
                mark: fields.key_mark(key).unwrap_or(details.mark),
                details: Some(details).filter(|details| details.flag(key).is_err()),
            }),
            None => None,
        };
        let asks = fields.flag("ask_questions")?.unwrap_or(true);
        Ok(Self { asks, approval: capability("approval"), subtasks: capability("subtasks") })
    }

    fn with(mut self, word: &'a Node) -> Result<Self, Flaw> {
        let given = Some(Capability { mark: word.mark, details: None });
        match word.text("capabilities")? {
            "approval" => self.approval = given,
            "subtasks" => self.subtasks = given,
            "ask_questions" => self.asks = true,
            other => return Err(unknown(word.mark, "capability", other, CAPABILITIES)),
        }
        Ok(self)
    }

    /// What the stage hands in; `gate` is where `gate: true` stands.
    pub fn output(&self, gate: Option<Mark>, around: Around<'_>) -> Result<Output, Flaw> {
        let judges = self.approval.map(|approval| approval.mark).or(gate);
        match (judges, self.subtasks) {
            (Some(_), Some(subtasks)) => {
                Err(Flaw::new(subtasks.mark, "a stage either judges or makes subtasks, not both"))
            }
            (Some(mark), None) => verdict(mark, self.approval.and_then(|approval| approval.details), around),
            (None, Some(subtasks)) => breakdown(subtasks, around).map(Output::Subtasks),
            (None, None) => Ok(Output::Artifact),
        }
    }
}

fn verdict(mark: Mark, details: Option<&Node>, around: Around<'_>) -> Result<Output, Flaw> {
    let named = match details.map(|details| Fields::new(details, "approval", &APPROVAL_KEYS)).transpose()? {
        Some(fields) => {
            // A rejection goes on with the conversation that it is about.
            fields.flag("reset_session")?;
            fields.get("rejection_stage")
        }
        None => None,
    };
    if around.at == 0 {
        return Err(Flaw::new(mark, "the first stage cannot judge: there is no earlier one to go back to"));
    }
    let rejection_stage = match named {
        Some(node) => earlier_stage(node, "rejection_stage", around)?,
        None => usual_rejection(around),
    };
    Ok(Output::Verdict { rejection_stage })
}

/// The nearest earlier stage that makes something: not a script, and not another judge; else the one before.
fn usual_rejection(around: Around<'_>) -> String {
    let makes = |stage: &&crate::model::Stage| {
        stage.assignment().is_some_and(|assignment| !matches!(assignment.output, Output::Verdict { .. }))
    };
    let nearest = around.earlier.iter().rev().find(makes).map(|stage| stage.name.as_str());
    nearest.unwrap_or(around.names[around.at - 1]).to_owned()
}

fn breakdown(subtasks: Capability<'_>, around: Around<'_>) -> Result<Breakdown, Flaw> {
    let fields = subtasks.details.map(|details| Fields::new(details, "subtasks", &SUBTASKS_KEYS)).transpose()?;
    let get = |key: &str| fields.and_then(|fields| fields.get(key));
    let flow = match get("flow") {
        Some(node) => node.choice("flow", around.flows)?,
        None => usual_flow(subtasks.mark, around)?,
    };
    let completion_stage = match get("completion_stage") {
        Some(node) => {
            let later = &around.names[around.at + 1..];
            let stage = node.text("completion_stage")?;
            if around.names.contains(&stage) && !later.contains(&stage) {
                let message = format!("\"completion_stage\" must be a later stage, \"{stage}\" is not after this one");
                return Err(Flaw::new(node.mark, message));
            }
            Some(node.choice("completion_stage", later)?.to_owned())
        }
        None => None,
    };
    let on_child_failure = match get("on_child_failure") {
        Some(node) if node.choice("on_child_failure", &["fail", "wait"])? == "wait" => ChildFailure::Wait,
        _ => ChildFailure::Fail,
    };
    Ok(Breakdown { flow: flow.to_owned(), completion_stage, on_child_failure })
}

fn usual_flow(mark: Mark, around: Around<'_>) -> Result<&str, Flaw> {
    let found = SUBTASK_FLOWS.iter().find_map(|name| around.flows.iter().find(|flow| *flow == name));
    found.copied().ok_or_else(|| {
        Flaw::new(mark, "subtasks need a flow: name it with \"flow\", or make one that is called \"subtask\"")
    })
}
