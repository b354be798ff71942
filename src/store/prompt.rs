//! The texts that agents start from, as they are built in. A project's own come from [`super::workflow::template`].
//!
//! Title, description, earlier artifacts and the reason for an iteration are put behind a template whatever it says;
//! [`crate::model::VARIABLES`] are for those who want them elsewhere too.

use super::atomic::{FileError, read_beneath};
use super::paths::Folder;
use crate::model::{Output, Stage};

/// Bytes of a project's instructions, at most.
const MAX_INSTRUCTIONS: u64 = 1 << 20;

/// Said to every agent of a task, behind the template.
pub const EXECUTOR: &str = include_str!("../../assets/prompts/executor.md");
/// Said to the designer; agents cut such a text off after 2 KB.
const DESIGNER: &str = include_str!("../../assets/prompts/designer.md");

pub(super) const PLANNING: &str = include_str!("../../assets/prompts/planning.md");
pub(super) const WORK: &str = include_str!("../../assets/prompts/work.md");
pub(super) const REVIEW: &str = include_str!("../../assets/prompts/review.md");
pub(super) const COMPOUND: &str = include_str!("../../assets/prompts/compound.md");
pub(super) const BREAKDOWN: &str = include_str!("../../assets/prompts/breakdown.md");
pub(super) const SUBTASK_WORK: &str = include_str!("../../assets/prompts/subtask-work.md");
pub(super) const HOTFIX: &str = include_str!("../../assets/prompts/hotfix.md");

/// What the designer of a project is told: the built-in text, then the project's instructions.
pub fn designer(folder: &Folder) -> Result<String, FileError> {
    let instructions = match read_beneath(folder.root(), &folder.instructions(), MAX_INSTRUCTIONS) {
        Ok(text) => text,
        Err(error) if error.is_missing() => String::new(),
        Err(error) => return Err(error),
    };
    let own = Some(instructions.trim()).filter(|text| !text.is_empty());
    let own = own.map_or_else(String::new, |text| format!("\n# Project instructions\n\n{text}\n"));
    Ok(format!("{DESIGNER}{own}"))
}

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

#[cfg(test)]
mod tests {
    use super::*;

    /// R111, R117.
    #[test]
    fn the_texts_say_what_each_may_do_and_how_they_talk() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::of(dir.path());
        assert!(DESIGNER.len() <= 2048, "agents cut off what is longer: {}", DESIGNER.len());
        assert_eq!(designer(&folder).unwrap(), DESIGNER);
        for word in ["spawn_executor", "send_message_to_session", "request_merge", "get_diff", "Never change code"] {
            assert!(DESIGNER.contains(word), "{word}");
        }
        for text in [DESIGNER, EXECUTOR] {
            for word in ["QUESTION:", "ERROR:", "BLOCKED:", "COMPLETE:"] {
                assert!(text.contains(&format!("`{word}`")), "{word}");
            }
        }
        std::fs::create_dir_all(folder.instructions().parent().unwrap()).unwrap();
        std::fs::write(folder.instructions(), "Run `make test`.\n").unwrap();
        let text = designer(&folder).unwrap();
        assert!(text.starts_with(DESIGNER) && text.ends_with("# Project instructions\n\nRun `make test`.\n"), "{text}");
    }
}
