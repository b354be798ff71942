//! `workflow.yaml`: flows of stages, read strictly into [`Flow`].
//!
//! Invariants: what is accepted runs as written; a key that this version does not run yet is refused by name, never
//! ignored; every flow has a stage, and every stage that is named exists.

mod stage;

use std::path::Path;

use super::atomic::{FileError, read_beneath};
use super::config::ConfigError;
use super::paths::Folder;
use super::yaml::{Fields, Flaw, MAX_BYTES, Node};
use crate::model::{Config, Flow, Integration, Strategy, solo};

/// Flows in one file, and stages in one flow.
const MAX_FLOWS: usize = 100;
const MAX_STAGES: usize = 100;

/// Keys of the top, of a flow, and of an integration.
const TOP_KEYS: [&str; 2] = ["version", "flows"];
const FLOW_KEYS: [&str; 3] = ["description", "stages", "integration"];
const INTEGRATION_KEYS: [&str; 4] = ["on_failure", "auto_merge", "strategy", "gate"];

/// The flows of a project, `solo` first unless the file has its own; only `solo` without a file.
pub fn load(folder: &Folder) -> Result<Vec<Flow>, ConfigError> {
    let file = folder.workflow();
    let text = match read_beneath(folder.root(), &file, MAX_BYTES) {
        Ok(text) => text,
        Err(error) if error.is_missing() => return Ok(vec![solo()]),
        Err(error) => return Err(error.into()),
    };
    parse(&file, &text, |template| folder.agents().join(template).is_file())
}

/// The flows of a file's text. `has_template` tells whether `agents/` has a file of that name.
pub fn parse(file: &Path, text: &str, has_template: impl Fn(&str) -> bool) -> Result<Vec<Flow>, ConfigError> {
    flows(text.strip_prefix('\u{feff}').unwrap_or(text), &has_template).map_err(ConfigError::at(file))
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

/// The file of the template that a stage's prompt starts from.
pub fn template_name(stage: &crate::model::Stage) -> String {
    stage.assignment().and_then(|it| it.prompt.clone()).unwrap_or_else(|| format!("{}.md", stage.name))
}

/// The commands that a flow file would run, for trust; none when the file cannot be read as flows.
pub(super) fn runs_commands(text: &str) -> Option<bool> {
    let flows = flows(text.strip_prefix('\u{feff}').unwrap_or(text), &|_| true).ok()?;
    Some(flows.iter().any(|flow| {
        flow.integration.gate.is_some()
            || flow
                .stages
                .iter()
                .any(|stage| stage.gate.is_some() || stage.assignment().is_none_or(|it| it.permissions.is_some()))
    }))
}

fn flows(text: &str, has_template: &dyn Fn(&str) -> bool) -> Result<Vec<Flow>, Flaw> {
    let root = Node::parse(text)?;
    if root.is_null() {
        return Ok(vec![solo()]);
    }
    let top = Fields::new(&root, "the workflow", &TOP_KEYS)?;
    top.number("version", 1..=2)?;
    let entries = top.required("flows", "the workflow")?.entries("flows")?;
    if entries.len() > MAX_FLOWS {
        return Err(Flaw::new(root.mark, format!("more than {MAX_FLOWS} flows")));
    }
    let mut flows = Vec::with_capacity(entries.len() + 1);
    if entries.iter().all(|entry| entry.key != Flow::SOLO) {
        flows.push(solo());
    }
    for entry in entries {
        stage::check_name(&entry.key, "a flow's name").map_err(|message| Flaw::new(entry.mark, message))?;
        flows.push(flow(&entry.key, &entry.value, has_template)?);
    }
    Ok(flows)
}

fn flow(name: &str, node: &Node, has_template: &dyn Fn(&str) -> bool) -> Result<Flow, Flaw> {
    let what = format!("flow \"{name}\"");
    let fields = Fields::new(node, &what, &FLOW_KEYS)?;
    fields.text("description")?;
    let list = fields.required("stages", &what)?;
    let nodes = list.list("stages")?;
    if nodes.is_empty() || nodes.len() > MAX_STAGES {
        return Err(Flaw::new(list.mark, format!("{what} needs 1 to {MAX_STAGES} stages, not {}", nodes.len())));
    }
    let mut stages: Vec<crate::model::Stage> = Vec::with_capacity(nodes.len());
    for node in nodes {
        stages.push(stage::read(node, &stages, has_template)?);
    }
    let names: Vec<&str> = stages.iter().map(|stage| stage.name.as_str()).collect();
    let integration = integration(fields.get("integration"), &names)?;
    Ok(Flow { name: name.to_owned(), stages, integration })
}

fn integration(node: Option<&Node>, stages: &[&str]) -> Result<Integration, Flaw> {
    let mut integration = Integration { strategy: Strategy::Rebase, auto_merge: true, on_failure: None, gate: None };
    let Some(node) = node else { return Ok(integration) };
    let fields = Fields::new(node, "integration", &INTEGRATION_KEYS)?;
    if let Some(stage) = fields.get("on_failure") {
        integration.on_failure = Some(stage.choice("on_failure", stages)?.to_owned());
    }
    if let Some(auto_merge) = fields.flag("auto_merge")? {
        integration.auto_merge = auto_merge;
    }
    if let Some(strategy) = fields.get("strategy") {
        integration.strategy = match strategy.choice("strategy", &["rebase", "merge", "squash"])? {
            "merge" => Strategy::Merge,
            "squash" => Strategy::Squash,
            _ => Strategy::Rebase,
        };
    }
    integration.gate = fields.get("gate").map(|gate| stage::gate(gate, "integration's gate")).transpose()?;
    Ok(integration)
}

/// The template's text: the project's file, else the built-in one of that name, else the built-in one for any work.
pub fn template(folder: &Folder, stage: &crate::model::Stage) -> Result<String, FileError> {
    let name = template_name(stage);
    match read_beneath(folder.root(), &folder.agents().join(&name), MAX_BYTES) {
        Err(error) if error.is_missing() => Ok(super::prompt::built_in(&name).to_owned()),
        result => result,
    }
}

#[cfg(test)]
mod tests;
