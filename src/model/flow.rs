//! Flows: named pipelines of stages, as `workflow.yaml` gives them. A task keeps the flow it started with.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::config::PermissionMode;

/// A named pipeline.
///
/// Invariants, held by the loader: at least one stage; stage and artifact names are unique in the flow; every
/// stage that `integration.on_failure` or a gate names exists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flow {
    pub name: String,
    pub stages: Vec<Stage>,
    pub integration: Integration,
}

/// One step of a flow, done by an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stage {
    pub name: String,
    /// The name of the text that the stage produces.
    pub artifact: String,
    pub description: Option<String>,
    /// File of the template in `agents/`; `<name>.md` when none is given.
    pub prompt: Option<String>,
    pub agent: Option<String>,
    pub model: Option<String>,
    pub permissions: Option<PermissionMode>,
    pub gate: Option<Gate>,
    /// True: no pause for a person after this stage.
    pub is_automated: bool,
}

/// A command that checks a stage's output: exit 0 passes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gate {
    /// Run by `sh -c` in the worktree; a bare script name resolves to `.orchestra/scripts/`.
    pub command: String,
    /// Seconds; at the limit the whole process tree is killed and the gate has failed.
    pub timeout_seconds: u32,
    /// Attempts before the task fails; 0 = no limit.
    pub max_attempts: u32,
}

impl Gate {
    pub const DEFAULT_TIMEOUT_SECONDS: u32 = 300;
}

/// How a finished task gets into its base branch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Integration {
    pub strategy: Strategy,
    /// True: integration starts by itself once the last stage passed.
    pub auto_merge: bool,
    /// The stage that gets the task back when it cannot be integrated; the last stage when none is named.
    pub on_failure: Option<String>,
    /// Checks the result before the base moves.
    pub gate: Option<Gate>,
}

/// How commits get onto the base.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    Rebase,
    Merge,
    Squash,
}

impl Flow {
    /// The built-in flow of a plain task.
    pub const SOLO: &'static str = "solo";

    pub fn is_solo(&self) -> bool {
        self.name == Self::SOLO
    }
}

/// The built-in flow of a plain task: one interactive stage, artifact `summary`, no gate, a person approves, no
/// automatic merge.
pub fn solo() -> Flow {
    Flow {
        name: Flow::SOLO.to_owned(),
        stages: vec![Stage {
            name: "work".to_owned(),
            artifact: "summary".to_owned(),
            description: None,
            prompt: None,
            agent: None,
            model: None,
            permissions: None,
            gate: None,
            is_automated: false,
        }],
        integration: Integration { strategy: Strategy::Rebase, auto_merge: false, on_failure: None, gate: None },
    }
}
