//! The agents that can be had: the built-in manifests, changed and joined by the `agents:` entries of the config.

use std::collections::BTreeMap;

use serde_yaml::Value;

use crate::model::AgentEntry;

use super::error::AgentError;
use super::manifest::Manifest;

const BUILT_IN: &[(&str, &str)] = &[
    ("opencode", include_str!("../../assets/agents/opencode.yaml")),
    ("claude", include_str!("../../assets/agents/claude.yaml")),
    ("codex", include_str!("../../assets/agents/codex.yaml")),
    ("demo", include_str!("../../assets/agents/demo.yaml")),
];

/// Every agent by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Catalog {
    agents: BTreeMap<String, Manifest>,
}

impl Catalog {
    /// The scripted agent: never chosen unless named.
    pub const DEMO: &'static str = "demo";

    /// What is looked for, the preferred one first.
    pub const PREFERRED: [&'static str; 4] = ["opencode", "claude", "codex", "gemini"];

    /// The built-in agents with `entries` merged over them: mappings key by key, anything else replaced.
    pub fn new(entries: &BTreeMap<String, AgentEntry>) -> Result<Self, AgentError> {
        let mut values: BTreeMap<&str, Value> = BTreeMap::new();
        for (name, text) in BUILT_IN {
            values.insert(name, serde_yaml::from_str(text).expect("invariant: a built-in manifest is YAML"));
        }
        for (name, entry) in entries {
            let base = values.remove(name.as_str());
            values.insert(name, base.map_or_else(|| entry.clone(), |base| merge(base, entry.clone())));
        }
        let agents = values
            .into_iter()
            .map(|(name, value)| Ok((name.to_owned(), Manifest::from_value(name, &value)?)))
            .collect::<Result<_, AgentError>>()?;
        Ok(Self { agents })
    }

    pub fn get(&self, name: &str) -> Result<&Manifest, AgentError> {
        self.agents.get(name).ok_or_else(|| AgentError::Unknown {
            name: name.to_owned(),
            known: self.agents.keys().cloned().collect::<Vec<_>>().join(", "),
        })
    }

    /// All agents but the scripted one: those of `PREFERRED` first, the others by name.
    pub fn in_order(&self) -> Vec<&Manifest> {
        let rank = |manifest: &&Manifest| {
            Self::PREFERRED.iter().position(|name| *name == manifest.name).unwrap_or(Self::PREFERRED.len())
        };
        let mut agents: Vec<_> = self.agents.values().filter(|manifest| manifest.name != Self::DEMO).collect();
        agents.sort_by_key(rank);
        agents
    }
}

fn merge(base: Value, over: Value) -> Value {
    match (base, over) {
        (Value::Mapping(mut base), Value::Mapping(over)) => {
            for (key, value) in over {
                let merged = base.remove(&key).map_or_else(|| value.clone(), |old| merge(old, value.clone()));
                base.insert(key, merged);
            }
            Value::Mapping(base)
        }
        (_, over) => over,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::{ConversationBy, EventsBy, PromptBy};

    fn catalog(entries: &str) -> Result<Catalog, AgentError> {
        Catalog::new(&serde_yaml::from_str(entries).unwrap())
    }

    #[test]
    fn built_in_agents_are_valid_and_ordered() {
        let catalog = catalog("{}").unwrap();
        let names: Vec<_> = catalog.in_order().iter().map(|manifest| manifest.name.as_str()).collect();
        assert_eq!(names, ["opencode", "claude", "codex"]);
        assert_eq!(catalog.get("opencode").unwrap().events, EventsBy::Sse);
        assert_eq!(catalog.get("demo").unwrap().conversation, ConversationBy::Preset);
    }

    #[test]
    fn an_entry_changes_only_what_it_names() {
        let catalog = catalog("opencode: {env: {EXTRA: x}, rest_after_ms: 9}").unwrap();
        let opencode = catalog.get("opencode").unwrap();
        assert_eq!(opencode.env["EXTRA"], "x");
        assert_eq!(opencode.env["OPENCODE_DISABLE_AUTOUPDATE"], "1");
        assert_eq!(opencode.rest_after_ms, 9);
        assert_eq!(opencode.program(), "opencode");
    }

    #[test]
    fn a_new_agent_needs_a_start_only() {
        let catalog = catalog("mybot: {start: [mybot, '{prompt}']}\nabe: {start: [abe]}").unwrap();
        assert_eq!(catalog.get("mybot").unwrap().prompt, PromptBy::Argument);
        let names: Vec<_> = catalog.in_order().iter().map(|manifest| manifest.name.as_str()).collect();
        assert_eq!(names, ["opencode", "claude", "codex", "abe", "mybot"]);
    }

    #[test]
    fn errors_name_agent_and_key() {
        for (entries, words) in [
            ("opencode: {promt: file}", ["agents.opencode", "promt"]),
            ("mybot: {}", ["agents.mybot", "start"]),
            ("mybot: {start: []}", ["agents.mybot", "start"]),
            ("mybot: {start: [x], prompt: shouted}", ["prompt", "shouted"]),
            ("mybot: {start: [x], status: [{asking: '('}]}", ["status", "unclosed group"]),
            ("mybot: {start: [x], status: [{asking: a, working: b}]}", ["status", "exactly one key"]),
            ("mybot: {start: [x], permissions: {some: {}}}", ["permissions", "some"]),
            ("mybot: 7", ["agents.mybot", "invalid type"]),
        ] {
            let error = catalog(entries).unwrap_err().to_string();
            for word in words {
                assert!(error.contains(word), "{entries}: {error}");
            }
        }
        let unknown = catalog("{}").unwrap().get("opncode").unwrap_err().to_string();
        assert!(unknown.contains("opncode") && unknown.contains("opencode"), "{unknown}");
    }
}
