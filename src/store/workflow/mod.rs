//! `workflow.yaml`: flows of stages, read strictly into [`Flow`], with the templates and schemas that they name.
//!
//! Invariants: what is accepted runs as written; every flow has a stage; every stage, flow, template, schema and template
//! variable that is named exists; what is wrong is named with file, line and column.

mod asset;
mod layout;
mod output;
mod reader;
mod stage;

use std::path::Path;

use super::atomic::{FileError, read_beneath};
use super::config::ConfigError;
use super::paths::Folder;
use super::yaml::MAX_BYTES;
use crate::model::{Config, Flow, Stage, solo};
use asset::Assets;
use reader::Reader;

/// The flows of a project, `solo` first unless the file has its own; only `solo` without a file.
pub fn load(folder: &Folder) -> Result<Vec<Flow>, ConfigError> {
    read(folder, &folder.workflow())
        .map_err(|errors| errors.into_iter().next().expect("invariant: a refusal has a reason"))
}

/// The flows of a file, which need not be the project's own; or all that is wrong with it, in the order of the text.
pub fn read(folder: &Folder, file: &Path) -> Result<Vec<Flow>, Vec<ConfigError>> {
    let text = match read_beneath(folder.root(), file, MAX_BYTES) {
        Ok(text) => text,
        Err(error) if error.is_missing() && file == folder.workflow() => return Ok(vec![solo()]),
        Err(error) => return Err(vec![error.into()]),
    };
    Reader::new(file, Assets::Of(folder)).flows(&text)
}

/// The name of the flow for a task that names none: config's, but `default` for a project with only an `.orkestra/`.
pub fn default_flow<'a>(folder: &Folder, config: &'a Config, flows: &[Flow]) -> &'a str {
    let is_default = config.default_flow == Flow::SOLO;
    if folder.is_old() && is_default && flows.iter().any(|flow| flow.name == "default") {
        "default"
    } else {
        &config.default_flow
    }
}

/// The template's text: the project's file, else the one that is built in for such a stage.
pub fn template(folder: &Folder, stage: &Stage) -> Result<String, FileError> {
    match read_beneath(folder.root(), &folder.agents().join(stage.template()), MAX_BYTES) {
        Err(error) if error.is_missing() => Ok(super::prompt::built_in(stage).to_owned()),
        result => result,
    }
}

/// Whether a flow file would run commands, or lets agents do more than the user's own settings say; none when it cannot be
/// read as flows.
pub(super) fn runs_commands(text: &str) -> Option<bool> {
    let flows = Reader::new(Path::new(""), Assets::Assumed).flows(text).ok()?;
    let widens = |stage: &Stage| {
        stage.gate.is_some() || stage.assignment().is_none_or(|assignment| assignment.permissions.is_some())
    };
    Some(flows.iter().any(|flow| flow.integration.gate.is_some() || flow.stages.iter().any(widens)))
}

#[cfg(test)]
mod tests;
