//! The texts that agents start from, as they are built in. A project's own come from [`super::workflow::template`].
//!
//! Templates hold no variables: title, description, earlier artifacts and the reason for an iteration are put behind them.

/// Said to every agent of a task, before the template.
pub const EXECUTOR: &str = include_str!("../../assets/prompts/executor.md");
/// Said to the designer.
pub const DESIGNER: &str = include_str!("../../assets/prompts/designer.md");

pub(super) const PLANNING: &str = include_str!("../../assets/prompts/planning.md");
pub(super) const WORK: &str = include_str!("../../assets/prompts/work.md");

/// The template of a stage whose project has none.
pub fn built_in(name: &str) -> &'static str {
    match name {
        "planning.md" | "plan.md" => PLANNING,
        _ => WORK,
    }
}
