//! `orchestra workflow`: the flows of a project, and whether their file is right. Needs no engine.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;

use super::context::Context;
use super::{Outcome, Run};
use crate::model::{Failure, FailureKind, Flow, Glyphs, Output, Stage, Work};
use crate::store::{Folder, workflow};
use crate::ui::glyph::Signs;

const EXAMPLES: &str = "Examples:
  orchestra workflow check                    this project's flows, or errors with file, line and column
  orchestra workflow check new-workflow.yaml  a file that is to become this project's";

/// Look at the flows of a project
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Workflow {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Read `workflow.yaml` strictly, with the templates and schemas that it names
    #[command(after_help = EXAMPLES)]
    Check {
        /// A folder in the project, or a flow file in it; the project around this folder when none is given
        path: Option<PathBuf>,
    },
}

impl Run for Workflow {
    fn run(&self, context: &Context) -> Outcome {
        let Verb::Check { path } = &self.verb;
        let (folder, file) = match path {
            None => {
                let folder = context.settings_folder()?;
                let file = folder.workflow();
                (folder, file)
            }
            Some(path) => place(path)?,
        };
        check(context, &folder, &file)
    }
}

/// The project around a path, and the flow file that is meant.
fn place(path: &Path) -> Result<(Folder, PathBuf), Failure> {
    let path = path
        .canonicalize()
        .map_err(|error| Failure::new(FailureKind::Usage, format!("cannot open {}: {error}.", path.display())))?;
    let root = path.ancestors().find(|folder| folder.join(".git").exists()).ok_or_else(|| {
        Failure::new(FailureKind::NoRepository, format!("{} is in no git repository.", path.display())).hint(
            "It is checked with the templates of its project: put it there, beside workflow.yaml or under another name",
        )
    })?;
    let folder = Folder::of(root);
    let file = if path.is_file() { path } else { folder.workflow() };
    Ok((folder, file))
}

fn check(context: &Context, folder: &Folder, file: &Path) -> Outcome {
    let flows = workflow::read(folder, file).map_err(|errors| {
        let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
        Failure::new(FailureKind::Config, errors.join("\n"))
    })?;
    let arrow = if std::ptr::eq(context.output.signs, Signs::of(Glyphs::Ascii)) { "->" } else { "→" };
    let drawn: Vec<_> = flows.iter().map(|flow| (flow.name.as_str(), drawing(flow, arrow))).collect();
    let told: Vec<_> = drawn.iter().map(|(name, stages)| json!({"name": name, "stages": stages})).collect();
    context.output.result(&json!({"file": file, "there": file.exists(), "flows": told}), || {
        drawn.iter().map(|(name, stages)| format!("{name}: {stages}")).collect::<Vec<_>>().join("\n")
    });
    Ok(ExitCode::SUCCESS)
}

/// `a → b (gate) → c (verdict → a)`
fn drawing(flow: &Flow, arrow: &str) -> String {
    let stages: Vec<String> = flow.stages.iter().map(|stage| of_stage(stage, arrow)).collect();
    stages.join(&format!(" {arrow} "))
}

fn of_stage(stage: &Stage, arrow: &str) -> String {
    let mut marks = Vec::new();
    match &stage.work {
        Work::Script(script) => {
            let back = script.on_failure.as_ref().map(|stage| format!(" {arrow} {stage}"));
            marks.push(format!("script{}", back.unwrap_or_default()));
        }
        Work::Agent(_) if stage.is_headless() => marks.push("headless".to_owned()),
        Work::Agent(_) => {}
    }
    if stage.gate.is_some() {
        marks.push("gate".to_owned());
    }
    match stage.assignment().map(|assignment| &assignment.output) {
        Some(Output::Verdict { rejection_stage }) => marks.push(format!("verdict {arrow} {rejection_stage}")),
        Some(Output::Subtasks(breakdown)) => {
            let then = breakdown.completion_stage.as_ref().map(|stage| format!(", then {stage}"));
            marks.push(format!("subtasks: {}{}", breakdown.flow, then.unwrap_or_default()));
        }
        Some(Output::Artifact) | None => {}
    }
    if stage.is_automated {
        marks.push("automated".to_owned());
    }
    if marks.is_empty() { stage.name.clone() } else { format!("{} ({})", stage.name, marks.join(", ")) }
}
