//! Reads a flow file to its end and collects what is wrong, so that a person need not mend it error by error.

use std::borrow::Cow;
use std::path::Path;

use super::super::config::ConfigError;
use super::super::yaml::{Fields, Flaw, Mark, Node};
use super::asset::{Asset, Assets};
use super::layout::{Layout, Outline, Place, artifact_of, name_of};
use super::{output, stage};
use crate::model::{Flow, Integration, Stage, Strategy, UnknownVariable, check_variables, solo};

/// Stages in one flow.
const MAX_STAGES: usize = 100;

const INTEGRATION_KEYS: [&str; 4] = ["on_failure", "auto_merge", "strategy", "gate"];

/// A flow file on its way to [`Flow`]s.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    file: &'a Path,
    assets: Assets<'a>,
    errors: Vec<ConfigError>,
}

/// What a stage may refer to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Around<'a> {
    /// The names of the flow's stages, as written.
    pub names: &'a [&'a str],
    /// What they produce.
    pub artifacts: &'a [&'a str],
    /// Index of the stage.
    pub at: usize,
    /// The stages before it that could be read.
    pub earlier: &'a [Stage],
    /// The names of all flows.
    pub flows: &'a [&'a str],
    pub assets: Assets<'a>,
}

impl<'a> Reader<'a> {
    pub const fn new(file: &'a Path, assets: Assets<'a>) -> Self {
        Self { file, assets, errors: Vec::new() }
    }

    /// The flows of the file's text, with `solo`; or all that is wrong, at least one error.
    pub fn flows(mut self, text: &str) -> Result<Vec<Flow>, Vec<ConfigError>> {
        let flows = self.read(text.strip_prefix('\u{feff}').unwrap_or(text));
        let flows = self.keep(flows).unwrap_or_default();
        // The same stage in several flows, by alias or by name, is wrong once.
        let mut said = std::collections::HashSet::new();
        self.errors.retain(|error| said.insert(error.to_string()));
        if self.errors.is_empty() { Ok(flows) } else { Err(self.errors) }
    }

    fn read(&mut self, text: &str) -> Result<Vec<Flow>, Flaw> {
        let root = Node::parse(text)?;
        if root.is_null() {
            return Ok(vec![solo()]);
        }
        let layout = Layout::read(&root)?;
        let mut flows = Vec::with_capacity(layout.flows.len() + 1);
        let mut names: Vec<&str> = layout.flows.iter().map(|flow| flow.name).collect();
        if !names.contains(&Flow::SOLO) {
            names.push(Flow::SOLO);
            flows.push(solo());
        }
        for outline in &layout.flows {
            let flow = self.flow(&layout, outline, &names);
            flows.extend(self.keep(flow));
        }
        Ok(flows)
    }

    fn flow(&mut self, layout: &Layout<'_>, outline: &Outline<'_>, flows: &[&str]) -> Result<Flow, Flaw> {
        let list = outline.stages.list("stages")?;
        if list.is_empty() || list.len() > MAX_STAGES {
            let what = format!("flow \"{}\" needs 1 to {MAX_STAGES} stages, not {}", outline.name, list.len());
            return Err(Flaw::new(outline.stages.mark, what));
        }
        let nodes: Vec<Cow<'_, Node>> = list.iter().filter_map(|node| self.keep(layout.stage(node))).collect();
        let names: Vec<&str> = nodes.iter().map(|node| name_of(node).unwrap_or_default()).collect();
        let artifacts: Vec<&str> = nodes.iter().map(|node| artifact_of(node).unwrap_or_default()).collect();
        let mut stages: Vec<Stage> = Vec::with_capacity(nodes.len());
        for (at, node) in nodes.iter().enumerate() {
            let around =
                Around { names: &names, artifacts: &artifacts, at, earlier: &stages, flows, assets: self.assets };
            let stage = stage::read(node, around);
            if let Some(stage) = self.keep(stage) {
                self.check_assets(&stage, &artifacts[..at], node.mark);
                stages.push(stage);
            }
        }
        let integration = integration(outline.integration, &names, &stages)?;
        Ok(Flow { name: outline.name.to_owned(), stages, integration })
    }

    /// The variables of its template, the text of its schema: what is wrong stands in those files.
    fn check_assets(&mut self, stage: &Stage, artifacts: &[&str], mark: Mark) {
        let Some(assignment) = stage.assignment() else { return };
        match self.assets.template(&stage.template()) {
            Ok(None) => {}
            Ok(Some(Asset { path, text })) => {
                if let Err(unknown) = check_variables(&text, artifacts) {
                    let message = unknown.to_string();
                    let UnknownVariable { line, column, nearest, .. } = unknown;
                    self.errors.push(ConfigError::at(&path)(Flaw { mark: Mark { line, column }, message, nearest }));
                }
            }
            Err(error) => self.note(Flaw::new(mark, error.to_string())),
        }
        let Some(schema) = &assignment.schema else { return };
        if let Err(flaw) = check_schema(&schema.text) {
            let path = self.assets.schema(&schema.file).ok().flatten().map_or_else(|| self.file.into(), |it| it.path);
            self.errors.push(ConfigError::at(&path)(flaw));
        }
    }

    fn keep<T>(&mut self, read: Result<T, Flaw>) -> Option<T> {
        read.map_err(|flaw| self.note(flaw)).ok()
    }

    fn note(&mut self, flaw: Flaw) {
        self.errors.push(ConfigError::at(self.file)(flaw));
    }
}

/// Whether texts can be held against it.
fn check_schema(text: &str) -> Result<(), Flaw> {
    let schema = serde_json::from_str(text).map_err(|error| {
        let mark = Mark { line: error.line().max(1), column: error.column().max(1) };
        Flaw::new(mark, format!("a schema must be JSON: {}", words(&error)))
    })?;
    let Err(error) = jsonschema::validator_for(&schema) else { return Ok(()) };
    let place = error.instance_path().to_string();
    let at = if place.is_empty() { String::new() } else { format!(" at {place}") };
    Err(Flaw::new(Mark { line: 1, column: 1 }, format!("it is no JSON Schema{at}: {error}")))
}

/// `names`: of all stages; `stages`: those that could be read.
fn integration(place: Option<Place<'_>>, names: &[&str], stages: &[Stage]) -> Result<Integration, Flaw> {
    let mut integration = Integration { strategy: Strategy::Rebase, auto_merge: true, on_failure: None, gate: None };
    let Some(Place::Flow(node) | Place::Top(node)) = place else { return Ok(integration) };
    let fields = Fields::new(node, "integration", &INTEGRATION_KEYS)?;
    let is_left_out =
        |stage: &Node| matches!(place, Some(Place::Top(_))) && !names.contains(&stage.raw().unwrap_or_default());
    if let Some(stage) = fields.get("on_failure").filter(|stage| !is_left_out(stage)) {
        let name = stage.choice("on_failure", names)?;
        let ends = stages.len() == names.len()
            && !stages.iter().skip_while(|it| it.name != name).any(|it| it.assignment().is_some());
        if ends {
            let text = format!("\"on_failure\" goes back to {name}, and no agent works from there on");
            return Err(Flaw::new(stage.mark, text));
        }
        integration.on_failure = Some(name.to_owned());
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
    integration.gate = fields.get("gate").map(output::integration_gate).transpose()?.flatten();
    Ok(integration)
}

/// Without the place, which stands before it already.
fn words(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rsplit_once(" at line ").map_or(text.clone(), |(words, _)| words.to_owned())
}
