//! The texts that agents start from, as they are built in. A project's own come from [`super::workflow::template`].
//!
//! Title, description, earlier artifacts and the reason for an iteration are put behind a template whatever it says;
//! [`crate::model::VARIABLES`] are for those who want them elsewhere too.

use crate::model::{Output, Stage};

/// Said to every agent of a task, before the template.
pub const EXECUTOR: &str = include_str!("../../assets/prompts/executor.md");
/// Said to the designer.
pub const DESIGNER: &str = include_str!("../../assets/prompts/designer.md");

pub(super) const PLANNING: &str = include_str!("../../assets/prompts/planning.md");
pub(super) const WORK: &str = include_str!("../../assets/prompts/work.md");
pub(super) const REVIEW: &str = include_str!("../../assets/prompts/review.md");
pub(super) const COMPOUND: &str = include_str!("../../assets/prompts/compound.md");
pub(super) const BREAKDOWN: &str = include_str!("../../assets/prompts/breakdown.md");
pub(super) const SUBTASK_WORK: &str = include_str!("../../assets/prompts/subtask-work.md");
pub(super) const HOTFIX: &str = include_str!("../../assets/prompts/hotfix.md");

/// The template of a stage whose project has none: by what it hands in, then by its name.
pub fn built_in(stage: &Stage) -> &'static str {
    match stage.assignment().map(|assignment| &assignment.output) {
        Some(Output::Verdict { .. }) => REVIEW,
        Some(Output::Subtasks(_)) => BREAKDOWN,
        _ => match stage.template().as_str() {
            "planning.md" | "plan.md" => PLANNING,
            "compound.md" => COMPOUND,
            _ => WORK,
        },
    }
}
