//! The layouts of a flow file, brought to one: flows by name, each with whole stages.
//!
//! Version 2 has all in `flows`. Version 1 has the stages of the flow `default`, and how tasks are integrated, at the top;
//! its other flows name some of those stages, as they are or with a few keys changed:
//!
//! ```yaml
//! stages: [{name: plan, artifact: plan}, {name: work, artifact: summary}]
//! integration: {on_failure: work}
//! flows:
//!   hotfix:
//!     stages: [work: {prompt: hotfix.md}]
//! ```

use std::borrow::Cow;

use super::super::yaml::{Entry, Fields, Flaw, Kind, Mark, Node, unknown};

/// Flows in one file.
const MAX_FLOWS: usize = 100;

const TOP_KEYS: [&str; 4] = ["version", "flows", "stages", "integration"];
const FLOW_KEYS: [&str; 4] = ["description", "icon", "stages", "integration"];

/// The name of the flow that stages at the top are.
const DEFAULT: &str = "default";

/// A flow as the file has it.
#[derive(Debug)]
pub(super) struct Outline<'a> {
    pub name: &'a str,
    pub mark: Mark,
    /// The list of stages.
    pub stages: &'a Node,
    pub integration: Option<Place<'a>>,
}

/// Where a flow's integration stands.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place<'a> {
    Flow(&'a Node),
    /// At the top: of all flows, so it may name a stage that a short one leaves out.
    Top(&'a Node),
}

/// A flow file with its flows in order.
#[derive(Debug)]
pub(super) struct Layout<'a> {
    pub flows: Vec<Outline<'a>>,
    /// The stages at the top.
    shared: &'a [Node],
}

impl<'a> Layout<'a> {
    pub fn read(root: &'a Node) -> Result<Self, Flaw> {
        let top = Fields::new(root, "the workflow", &TOP_KEYS)?;
        let version = top.number("version", 1..=2)?;
        for key in ["stages", "integration"] {
            if let (Some(2), Some(mark)) = (version, top.get(key).and_then(|_| top.key_mark(key))) {
                return Err(Flaw::new(
                    mark,
                    format!("\"{key}\" at the top is of version 1, in version 2 it is in a flow"),
                ));
            }
        }
        let shared = top.get("stages");
        let stages = shared.map_or(Ok(&[][..]), |stages| stages.list("stages"))?;
        let integration = top.get("integration");
        if let Some(integration) = integration {
            let names: Vec<&str> = stages.iter().filter_map(name_of).collect();
            integration.get("on_failure").map_or(Ok(""), |stage| stage.choice("on_failure", &names))?;
        }
        let integration = integration.map(Place::Top);
        let mut flows = Vec::new();
        if let Some(list) = shared {
            let mark = top.key_mark("stages").unwrap_or(list.mark);
            flows.push(Outline { name: DEFAULT, mark, stages: list, integration });
        }
        let entries = match top.get("flows") {
            None if shared.is_some() => &[],
            _ => top.required("flows", "the workflow")?.entries("flows")?,
        };
        if entries.len() > MAX_FLOWS {
            return Err(Flaw::new(root.mark, format!("more than {MAX_FLOWS} flows")));
        }
        for entry in entries {
            flows.push(outline(entry, integration)?);
        }
        if let Some(second) = flows.iter().skip(1).find(|flow| shared.is_some() && flow.name == DEFAULT) {
            return Err(Flaw::new(second.mark, "a second flow \"default\": the stages at the top are that flow"));
        }
        Ok(Self { flows, shared: stages })
    }

    /// The stage in an entry of a flow's list.
    pub fn stage<'n>(&self, node: &'n Node) -> Result<Cow<'n, Node>, Flaw>
    where
        'a: 'n,
    {
        if self.shared.is_empty() {
            return Ok(Cow::Borrowed(node));
        }
        match &node.kind {
            Kind::Scalar { text, .. } => self.shared_stage(text, node.mark).map(Cow::Borrowed),
            Kind::Map { entries, .. } if entries.len() == 1 && entries[0].key != "name" => {
                let Entry { key, mark, value, .. } = &entries[0];
                let base = self.shared_stage(key, *mark)?;
                if value.is_null() { Ok(Cow::Borrowed(base)) } else { changed(base, value).map(Cow::Owned) }
            }
            _ => Ok(Cow::Borrowed(node)),
        }
    }

    fn shared_stage(&self, name: &str, mark: Mark) -> Result<&'a Node, Flaw> {
        let names = || self.shared.iter().filter_map(name_of);
        let found = self.shared.iter().find(|stage| name_of(stage) == Some(name));
        found.ok_or_else(|| unknown(mark, "stage", name, names()))
    }
}

/// The name that a stage has, if it has one.
pub(super) fn name_of(stage: &Node) -> Option<&str> {
    stage.get("name").and_then(Node::raw)
}

/// The name of its artifact, if it has one.
pub(super) fn artifact_of(stage: &Node) -> Option<&str> {
    stage.get("artifact").and_then(Node::raw)
}

fn outline<'a>(entry: &'a Entry, shared: Option<Place<'a>>) -> Result<Outline<'a>, Flaw> {
    let name = entry.key.as_str();
    super::stage::check_name(name, "a flow's name").map_err(|message| Flaw::new(entry.mark, message))?;
    let what = format!("flow \"{name}\"");
    let fields = Fields::new(&entry.value, &what, &FLOW_KEYS)?;
    fields.text("description")?;
    fields.text("icon")?;
    let stages = fields.required("stages", &what)?;
    Ok(Outline { name, mark: entry.mark, stages, integration: fields.get("integration").map(Place::Flow).or(shared) })
}

/// A stage with some of its keys in another way.
fn changed(base: &Node, changes: &Node) -> Result<Node, Flaw> {
    let mut entries = changes.entries("a stage")?.to_vec();
    let Kind::Map { entries: old, flow } = &base.kind else { return Ok(base.clone()) };
    let kept: Vec<_> = old.iter().filter(|old| entries.iter().all(|new| new.key != old.key)).cloned().collect();
    entries.extend(kept);
    Ok(Node { kind: Kind::Map { entries, flow: *flow }, mark: changes.mark, span: changes.span.clone() })
}
