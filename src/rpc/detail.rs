//! A task with all that happened to it, as JSON: `task.show`.
//!
//! Invariant: as of [`super::view`]: fields are added later, never renamed; what is not known is null, not left out.

use std::path::PathBuf;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::usage::FiguresView;
use super::view::{MessageView, TaskView, exit_code, word};
use crate::model::{self, CommandResult, Output, Question, Resource, State, SubtaskDraft, TaskRecords, Verdict};
use crate::store::Folder;

/// A task with what happened to it: `task.show`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TaskDetail {
    #[serde(flatten)]
    pub task: TaskView,
    pub description: String,
    /// Names of the flow's stages, in their order.
    pub stages: Vec<String>,
    /// What its agent hands in at this stage; null where a script does the work.
    pub due: Option<DueView>,
    /// The questions that wait for an answer.
    pub questions: Vec<Question>,
    /// The rejection that waits for a person.
    pub verdict: Option<Verdict>,
    /// The breakdown that waits for a person.
    pub subtasks: Option<Vec<SubtaskDraft>>,
    pub iterations: Vec<IterationView>,
    pub artifacts: Vec<ArtifactView>,
    /// What its agents named for those who come after them.
    pub resources: Vec<Resource>,
    /// The file that tells of each attempt; null before one has ended.
    pub activity_log: Option<String>,
    /// What its agents took, as far as they tell.
    pub usage: FiguresView,
    pub messages: Vec<MessageView>,
    /// The agent's own conversation id at this stage.
    pub conversation: Option<String>,
}

/// What a stage ends with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DueView {
    /// `artifact`, `verdict` or `subtasks`.
    pub output: String,
    /// True: its agent may ask a person before.
    pub asks: bool,
    /// The stages that a rejection may go back to.
    pub earlier_stages: Vec<String>,
}

/// One attempt at a stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct IterationView {
    pub stage: String,
    /// From 1, per stage.
    pub number: u32,
    /// `passed`, `asked`, `gate_failed`, `script_failed`, `rejected`, `sent_back`, `overridden`, `skipped`, `stopped` or
    /// `failed`; null while it goes on.
    pub outcome: Option<String>,
    /// `flow`, `gate`, `answered`, `script`, `verdict`, `children`, `talk`, `rejected`, `restarted`, `sent` or
    /// `integration`.
    pub trigger: String,
    /// What its agent was told by that, if anything.
    pub told: Option<String>,
    pub started_at: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
    /// Name of the agent that was at it, once it has ended.
    pub agent: Option<String>,
    /// What its agent says that it did.
    pub log: Option<String>,
    /// What it left on the branch, once it has ended: `abc1234 the subject`, newest first, at most 20.
    pub commits: Vec<String>,
    /// Name of the artifact, once it is handed in.
    pub artifact: Option<String>,
    pub gate: Option<GateView>,
    /// Of a stage that is a script.
    pub script: Option<GateView>,
    pub verdict: Option<Verdict>,
    pub subtasks: Option<Vec<SubtaskDraft>>,
    /// What its agent asked, round by round.
    pub questions: Vec<RoundView>,
    /// The file that has what its agent was started with or told; null when there is none.
    pub prompt: Option<String>,
}

/// What a gate or a script said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GateView {
    /// Exit code, negative for a signal; null when the time was up.
    pub exit: Option<i32>,
    /// Path of the whole log.
    pub log: String,
    /// From 1, at this stage.
    pub attempt: u32,
    /// How many times in a row it printed the same, this one included.
    pub same: u32,
    pub seconds: u32,
}

/// Questions that were asked together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RoundView {
    pub questions: Vec<Question>,
    /// One for each; null while they are open.
    pub answers: Option<Vec<String>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ArtifactView {
    pub name: String,
    pub stage: String,
    pub iteration: u32,
    /// The file that has it.
    pub path: String,
}

impl TaskDetail {
    /// Looks for the files of prompts, so it blocks for a moment.
    pub fn new(view: &model::TaskView, project: &model::ProjectView, records: TaskRecords) -> Self {
        let task = &*view.task;
        let folder = Folder::of(&project.root);
        let last = task.iteration();
        let open = last.and_then(model::Iteration::open_questions).filter(|_| task.state == State::Asking);
        let waits = |state: State| last.filter(|_| task.state == state);
        Self {
            description: task.description.clone(),
            stages: task.flow.stages.iter().map(|stage| stage.name.clone()).collect(),
            due: DueView::new(task),
            questions: open.map_or_else(Vec::new, |round| round.questions.clone()),
            verdict: waits(State::Verdict).and_then(|iteration| verdict(task, iteration)),
            subtasks: waits(State::Approval).and_then(|iteration| iteration.subtasks.clone()),
            iterations: task.iterations.iter().map(|it| IterationView::new(task, it, &folder)).collect(),
            resources: task.resources.clone(),
            activity_log: records.activity_log.map(|path| path.to_string_lossy().into_owned()),
            usage: records.usage.into(),
            artifacts: records.artifacts.into_iter().map(Into::into).collect(),
            messages: records.messages.into_iter().map(Into::into).collect(),
            conversation: task.conversation(&task.current_stage().name).map(str::to_owned),
            task: TaskView::new(view, project),
        }
    }
}

/// A verdict with the stage that it leads back to, also where it names none.
fn verdict(task: &model::Task, iteration: &model::Iteration) -> Option<Verdict> {
    let verdict = iteration.verdict.clone()?;
    Some(Verdict { route_to: task.route(iteration).map(str::to_owned), ..verdict })
}

impl DueView {
    fn new(task: &model::Task) -> Option<Self> {
        let assignment = task.current_stage().assignment()?;
        let output = match &assignment.output {
            Output::Artifact => "artifact",
            Output::Verdict { .. } => "verdict",
            Output::Subtasks(_) => "subtasks",
        };
        let earlier_stages = task.flow.stages[..task.stage].iter().map(|stage| stage.name.clone()).collect();
        Some(Self { output: output.to_owned(), asks: assignment.asks, earlier_stages })
    }
}

impl IterationView {
    fn new(task: &model::Task, iteration: &model::Iteration, folder: &Folder) -> Self {
        let artifact = || {
            let stage = task.flow.stages.iter().find(|stage| stage.name == iteration.stage);
            stage.map(|stage| stage.artifact.clone())
        };
        let prompt: PathBuf = folder.log(&task.slug, &iteration.stage, iteration.number).with_extension("prompt.md");
        let (trigger, told) = iteration.trigger.parts();
        Self {
            stage: iteration.stage.clone(),
            number: iteration.number,
            outcome: iteration.outcome.as_ref().map(word),
            trigger: trigger.to_owned(),
            told: told.map(str::to_owned),
            started_at: iteration.started_at,
            ended_at: iteration.ended_at,
            agent: iteration.agent.clone(),
            log: iteration.log.clone(),
            commits: iteration.commits.as_ref().map_or_else(Vec::new, |commits| commits.lines.clone()),
            artifact: iteration.submitted.then(artifact).flatten(),
            gate: iteration.gate.as_ref().map(GateView::new),
            script: iteration.script.as_ref().map(GateView::new),
            verdict: verdict(task, iteration),
            subtasks: iteration.subtasks.clone(),
            questions: iteration.questions.iter().map(RoundView::new).collect(),
            prompt: prompt.is_file().then(|| prompt.to_string_lossy().into_owned()),
        }
    }
}

impl GateView {
    fn new(result: &CommandResult) -> Self {
        let CommandResult { exit, attempt, same, log, seconds, digest: _, text: _ } = result;
        Self { exit: exit.map(exit_code), log: log.clone(), attempt: *attempt, same: *same, seconds: *seconds }
    }
}

impl RoundView {
    fn new(round: &model::Round) -> Self {
        Self { questions: round.questions.clone(), answers: round.answers.clone() }
    }
}

impl From<model::ArtifactRecord> for ArtifactView {
    fn from(artifact: model::ArtifactRecord) -> Self {
        let model::ArtifactRecord { name, stage, iteration, path } = artifact;
        Self { name, stage, iteration, path: path.to_string_lossy().into_owned() }
    }
}
