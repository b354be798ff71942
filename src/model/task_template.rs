//! What a new task can begin with.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Serialize;

/// Where the description of a new task goes in a template's text.
pub const PLACEHOLDER: &str = "{{description}}";

/// A template of tasks: what it presets, and its text.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, JsonSchema)]
pub struct TaskTemplate {
    /// The file's name without its end.
    pub name: String,
    pub path: PathBuf,
    pub title: Option<String>,
    pub flow: Option<String>,
    pub agent: Option<String>,
    pub model: Option<String>,
    pub auto: bool,
    pub base_branch: Option<String>,
    /// The text below the header.
    pub body: String,
}

impl TaskTemplate {
    /// The description of a task: the template's text with what is special about this one in its place, or below it.
    pub fn filled(&self, description: &str) -> String {
        let description = description.trim();
        if self.body.contains(PLACEHOLDER) {
            return self.body.replace(PLACEHOLDER, description).trim().to_owned();
        }
        format!("{}\n\n{description}", self.body.trim()).trim().to_owned()
    }

    /// It says nothing without a description.
    pub fn needs_description(&self) -> bool {
        self.body.contains(PLACEHOLDER) || self.body.trim().is_empty()
    }
}
