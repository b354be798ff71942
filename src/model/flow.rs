//! Flows: named pipelines of stages, as `workflow.yaml` gives them. A task keeps the flow it started with.

use std::collections::{HashMap, HashSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::config::PermissionMode;

/// A named pipeline.
///
/// Invariants, held by the loader: at least one stage; stage and artifact names are unique in the flow; every stage that
/// another one or `integration.on_failure` names exists, and a rejection or a failure goes to an earlier one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flow {
    pub name: String,
    pub stages: Vec<Stage>,
    pub integration: Integration,
}

/// One step of a flow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stage {
    pub name: String,
    /// The name of the text that the stage produces.
    pub artifact: String,
    pub description: Option<String>,
    pub work: Work,
    /// Checks what the stage handed in, before its verdict counts and before a person sees it.
    pub gate: Option<Gate>,
    /// True: no pause for a person after this stage.
    pub is_automated: bool,
    /// The stage that comes next; none: the one after it. Only a folded subtask's last stage names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Who does a stage's work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Work {
    Agent(Assignment),
    Script(Script),
}

/// What an agent is to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assignment {
    /// File of the template in `agents/`; `<name>.md` when none is given.
    pub prompt: Option<String>,
    pub agent: Option<String>,
    pub model: Option<String>,
    pub permissions: Option<PermissionMode>,
    pub mode: Mode,
    /// True: it may ask a person before it goes on.
    pub asks: bool,
    pub disallowed_tools: Vec<DisallowedTool>,
    /// JSON Schema that the artifact, a JSON text then, must hold against.
    pub schema: Option<Schema>,
    pub output: Output,
}

impl Default for Assignment {
    fn default() -> Self {
        Self {
            prompt: None,
            agent: None,
            model: None,
            permissions: None,
            mode: Mode::Interactive,
            asks: true,
            disallowed_tools: Vec::new(),
            schema: None,
            output: Output::Artifact,
        }
    }
}

/// How an agent runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Its full-screen program: a person can attach, and it lives on between turns.
    Interactive,
    /// Its print mode: one turn, then it exits.
    Headless,
}

/// A tool that the agent is not to use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DisallowedTool {
    /// As Claude Code writes it: `Bash(cargo *)`, `WebFetch`.
    pub pattern: String,
    /// Why, for the agent.
    pub message: Option<String>,
}

/// A schema as it was when the task started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schema {
    /// File in the project's folder, as the flow names it.
    pub file: String,
    pub text: String,
}

/// What a stage hands in beside its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum Output {
    Artifact,
    /// It approves, or rejects and names an earlier stage; `rejection_stage` when it names none.
    Verdict {
        rejection_stage: String,
    },
    Subtasks(Breakdown),
}

/// How a task is taken apart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Breakdown {
    /// The subtasks' flow, unless an item names its own.
    pub flow: String,
    /// The stage that follows once all of them are merged; none: the next one.
    pub completion_stage: Option<String>,
    pub on_child_failure: ChildFailure,
}

/// What a subtask's failure does to its parent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChildFailure {
    /// It fails at once, and revives with the subtask.
    Fail,
    /// It waits for a person to mend the subtask.
    Wait,
}

impl ChildFailure {
    pub const fn fails(self) -> bool {
        matches!(self, Self::Fail)
    }
}

/// A command that is a stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Script {
    /// Run as a gate's command is; what it prints is the artifact.
    pub command: String,
    /// Seconds; at the limit the whole process tree is killed and the script has failed.
    pub timeout_seconds: u32,
    /// The stage that a failure goes back to, with what the script printed; none: the task has failed.
    pub on_failure: Option<String>,
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

impl Stage {
    /// None: a script does it.
    pub const fn assignment(&self) -> Option<&Assignment> {
        match &self.work {
            Work::Agent(assignment) => Some(assignment),
            Work::Script(_) => None,
        }
    }

    /// The agent that it names.
    pub fn agent(&self) -> Option<&str> {
        self.assignment()?.agent.as_deref()
    }

    /// How it takes the task apart, where it does.
    pub fn breakdown(&self) -> Option<&Breakdown> {
        match &self.assignment()?.output {
            Output::Subtasks(breakdown) => Some(breakdown),
            Output::Artifact | Output::Verdict { .. } => None,
        }
    }

    /// The stage that its rejections go back to, where it judges.
    pub fn rejection_stage(&self) -> Option<&str> {
        match &self.assignment()?.output {
            Output::Verdict { rejection_stage } => Some(rejection_stage),
            Output::Artifact | Output::Subtasks(_) => None,
        }
    }

    /// The file of the template that its prompt starts from, in `agents/`.
    pub fn template(&self) -> String {
        self.assignment().and_then(|it| it.prompt.clone()).unwrap_or_else(|| format!("{}.md", self.name))
    }

    /// Its template is no longer found by its name.
    fn keep_template(&mut self) {
        let template = self.template();
        if let Work::Agent(assignment) = &mut self.work {
            assignment.prompt = Some(template);
        }
    }

    /// The names of other stages in it.
    fn others_mut(&mut self) -> impl Iterator<Item = &mut String> {
        let named = match &mut self.work {
            Work::Agent(Assignment { output: Output::Verdict { rejection_stage }, .. }) => Some(rejection_stage),
            Work::Agent(Assignment { output: Output::Subtasks(breakdown), .. }) => breakdown.completion_stage.as_mut(),
            Work::Agent(_) => None,
            Work::Script(script) => script.on_failure.as_mut(),
        };
        named.into_iter().chain(self.next.as_mut())
    }

    pub const fn is_headless(&self) -> bool {
        matches!(&self.work, Work::Agent(Assignment { mode: Mode::Headless, .. }))
    }
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

    pub fn stage_index(&self, name: &str) -> Option<usize> {
        self.stages.iter().position(|stage| stage.name == name)
    }

    /// Puts the stages of another flow in at `index`. Names that are taken get a number, and what refers to them follows;
    /// `next` comes after the last one.
    pub fn insert(&mut self, index: usize, mut stages: Vec<Stage>, next: Option<String>) {
        let mut taken: HashSet<String> =
            self.stages.iter().flat_map(|stage| [stage.name.clone(), stage.artifact.clone()]).collect();
        let mut renamed = HashMap::new();
        for stage in &mut stages {
            let artifact = free(&stage.artifact, &taken);
            let name = if stage.name == stage.artifact { artifact.clone() } else { free(&stage.name, &taken) };
            taken.extend([name.clone(), artifact.clone()]);
            stage.keep_template();
            stage.artifact = artifact;
            renamed.insert(std::mem::replace(&mut stage.name, name.clone()), name);
        }
        for other in stages.iter_mut().flat_map(Stage::others_mut) {
            if let Some(name) = renamed.get(other) {
                other.clone_from(name);
            }
        }
        if let Some(last) = stages.last_mut() {
            last.next = next;
        }
        self.stages.splice(index..index, stages);
    }
}

/// `wanted`, with a number where it is taken.
fn free(wanted: &str, taken: &HashSet<String>) -> String {
    let numbered = (2..).map(|number| format!("{wanted}-{number}"));
    let mut names = std::iter::once(wanted.to_owned()).chain(numbered);
    names.find(|name| !taken.contains(name)).expect("invariant: numbers do not end")
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
            work: Work::Agent(Assignment::default()),
            gate: None,
            is_automated: false,
            next: None,
        }],
        integration: Integration { strategy: Strategy::Rebase, auto_merge: false, on_failure: None, gate: None },
    }
}
