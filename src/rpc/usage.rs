//! `project.usage`: what agents took, as JSON.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{ProjectView, Usage, UsageRecord};

/// What was taken in a project.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct UsageView {
    /// By task, agent and stage.
    pub usage: Vec<UsageRowView>,
    pub total: FiguresView,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct UsageRowView {
    /// Slug; null: the designer's, or a task's that is deleted.
    pub task: Option<String>,
    pub session: String,
    pub agent: String,
    /// Null for a session without a task.
    pub stage: Option<String>,
    /// Seconds that the stage has been at work; null where nobody knows.
    pub seconds: Option<i64>,
    #[serde(flatten)]
    pub figures: FiguresView,
}

/// Tokens, and what they cost.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct FiguresView {
    /// Tokens that were read, but for those of a cache.
    pub input: u64,
    /// Tokens that came from a cache.
    pub cached: u64,
    /// Tokens that were written, thoughts among them.
    pub output: u64,
    /// US dollars; 0 where the agent tells none.
    pub dollars: f64,
}

impl UsageView {
    pub fn new(records: Vec<UsageRecord>, project: Option<&ProjectView>) -> Self {
        let total: Usage = records.iter().map(|record| record.usage).sum();
        let usage = records.into_iter().map(|record| UsageRowView::new(record, project)).collect();
        Self { usage, total: total.into() }
    }
}

impl UsageRowView {
    fn new(record: UsageRecord, project: Option<&ProjectView>) -> Self {
        let UsageRecord { task, session, agent, stage, usage } = record;
        let task = project.and_then(|project| project.tasks.iter().find(|view| Some(view.task.id) == task));
        let iterations = task.iter().flat_map(|view| &view.task.iterations).filter(|it| it.stage == stage);
        let seconds = iterations.filter_map(|it| Some(it.ended_at?.duration_since(it.started_at?).as_secs()));
        let seconds = task.is_some().then(|| seconds.sum());
        Self {
            task: task.map(|view| view.task.slug.to_string()),
            session: session.0,
            agent,
            stage: Some(stage).filter(|stage| !stage.is_empty()),
            seconds,
            figures: usage.into(),
        }
    }
}

impl From<Usage> for FiguresView {
    fn from(Usage { input, cached, output, cost }: Usage) -> Self {
        Self { input, cached, output, dollars: cost as f64 / 1e6 }
    }
}
