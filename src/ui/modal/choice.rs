//! What the choosers of the form have: flows, and the agents of this machine.

use crate::model::ProjectView;
use crate::ui::model::Model;

/// The agent that plays a script.
const BUILT_IN: &str = "demo";

/// The agents that can be chosen: those that were found, the one that the project names, and where there is none of
/// either the one that comes with the program.
pub fn choices<'a>(model: &'a Model, project: Option<&'a ProjectView>) -> Vec<(&'a str, Option<&'a str>)> {
    let found = model.snapshot.agents.iter().filter(|agent| agent.path.is_some());
    let mut choices: Vec<_> = found.map(|agent| (agent.name.as_str(), agent.version.as_deref())).collect();
    let named = project.and_then(|project| project.config.agent.as_deref());
    let known = |name: &str| model.snapshot.agents.iter().any(|agent| agent.name == name);
    choices.extend(named.filter(|name| !known(name)).map(|name| (name, None)));
    if choices.is_empty() && !model.snapshot.agents.is_empty() {
        choices.push((BUILT_IN, None));
    }
    choices
}

/// Index of a flow of this name.
pub fn flow_index(project: &ProjectView, wanted: &str) -> Option<usize> {
    project.flows.iter().position(|(name, _)| name == wanted)
}

/// Index of an agent of this name among those that can be chosen.
pub fn agent_index(model: &Model, project: &ProjectView, wanted: &str) -> Option<usize> {
    choices(model, Some(project)).iter().position(|(name, _)| *name == wanted)
}

/// The chosen agent, and why the others cannot be chosen.
pub fn agents(model: &Model, project: Option<&ProjectView>, chosen: usize) -> (String, String) {
    let agent = choices(model, project).get(chosen).map(|(name, version)| match version {
        Some(version) => format!("‹ {name} {version} ›"),
        None => format!("‹ {name} ›"),
    });
    let missing: Vec<&str> =
        model.snapshot.agents.iter().filter(|agent| agent.path.is_none()).map(|agent| agent.name.as_str()).collect();
    let missing = if missing.is_empty() { String::new() } else { format!("{} not found", missing.join(", ")) };
    (agent.unwrap_or_else(|| "‹ none ›".to_owned()), missing)
}

/// The next one of `len`, or the one before.
pub const fn turn(at: usize, len: usize, back: bool) -> usize {
    let by = if back { len.saturating_sub(1) } else { 1 };
    if len == 0 { 0 } else { (at + by) % len }
}
