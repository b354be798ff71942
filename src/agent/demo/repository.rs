//! The throwaway repository that the demonstration works on: its files and its tasks, embedded.

use serde::Deserialize;

/// A file of the repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DemoFile {
    /// Relative to the repository's root.
    pub path: &'static str,
    pub text: &'static str,
    pub executable: bool,
}

/// A task of the demonstration.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DemoTask {
    pub slug: String,
    pub title: String,
    pub flow: String,
    pub description: String,
}

macro_rules! file {
    ($path:literal) => {
        file!($path, false)
    };
    ($path:literal, $executable:literal) => {
        DemoFile {
            path: $path,
            text: include_str!(concat!("../../../assets/demo/repo/", $path)),
            executable: $executable,
        }
    };
}

const FILES: &[DemoFile] = &[
    file!("README.md"),
    file!("src/csv.sh"),
    file!("tests/run.sh", true),
    file!("tests/csv_test.sh"),
    file!(".orchestra/.gitignore"),
    file!(".orchestra/config.yaml"),
    file!(".orchestra/workflow.yaml"),
    file!(".orchestra/agents/plan.md"),
    file!(".orchestra/agents/work.md"),
    file!(".orchestra/scripts/checks.sh", true),
];

/// What the first commit of the repository holds.
pub const fn files() -> &'static [DemoFile] {
    FILES
}

/// The tasks, in the order in which they start.
pub fn tasks() -> Vec<DemoTask> {
    serde_yaml::from_str(include_str!("../../../assets/demo/tasks.yaml")).expect("invariant: the tasks are valid")
}
