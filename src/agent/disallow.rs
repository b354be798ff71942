//! Tools that a stage keeps from its agent, in the words of the agent that can enforce it.

use std::ffi::OsStr;

use serde_yaml::{Mapping, Value};

use super::environment::Environment;
use super::error::AgentError;
use super::manifest::Manifest;
use crate::model::DisallowedTool;

/// Arguments that keep the tools from the agent.
pub(super) fn arguments(manifest: &Manifest, tools: &[DisallowedTool]) -> Vec<String> {
    let args = &manifest.disallow.args;
    tools.iter().flat_map(|tool| args.iter().map(|arg| arg.replace("{tool}", &tool.pattern))).collect()
}

/// Denies the tools in the environment, once its values are filled in.
pub(super) fn deny(manifest: &Manifest, tools: &[DisallowedTool], env: &mut Environment) -> Result<(), AgentError> {
    let Some(name) = manifest.disallow.permission.as_ref().filter(|_| !tools.is_empty()) else { return Ok(()) };
    let rules = env.get(OsStr::new(name)).map_or("{}".into(), |rules| rules.to_string_lossy());
    let rules = denied(&rules, tools).map_err(|error| AgentError::Manifest {
        agent: manifest.name.clone(),
        why: format!("disallow: {name} is no map of permissions: {error}"),
    })?;
    env.insert(name.into(), rules.into());
    Ok(())
}

/// `rules` as JSON, with these tools denied: of the rules for a tool the last one that fits counts, so their order stays.
fn denied(rules: &str, tools: &[DisallowedTool]) -> Result<String, Box<dyn std::error::Error>> {
    // JSON is YAML, and only this map keeps an order.
    let mut map: Mapping = serde_yaml::from_str(rules)?;
    for tool in tools {
        let (name, pattern) = split(&tool.pattern);
        let found = map.get(name.as_str()).cloned();
        let rule = match (pattern, found) {
            (None, _) => Value::from("deny"),
            (Some(pattern), Some(Value::Mapping(mut kept))) => {
                // At its old place an earlier rule would win over it.
                kept.shift_remove(pattern.as_str());
                kept.insert(pattern.into(), "deny".into());
                Value::Mapping(kept)
            }
            (Some(pattern), found) => {
                let others = found.map(|found| (Value::from("*"), found));
                Value::Mapping(others.into_iter().chain([(pattern.into(), "deny".into())]).collect())
            }
        };
        map.insert(name.into(), rule);
    }
    Ok(serde_json::to_string(&map)?)
}

/// A pattern of Claude Code's in the other's words: its permission, and what of it is meant; none: all of it.
fn split(pattern: &str) -> (String, Option<String>) {
    let (tool, rest) = pattern.split_once('(').unwrap_or((pattern, ""));
    let name = match tool.trim().to_ascii_lowercase().as_str() {
        "write" | "multiedit" | "notebookedit" => "edit".to_owned(),
        name => name.strip_prefix("mcp__").map_or_else(|| name.to_owned(), |tool| tool.replace("__", "_")),
    };
    let meant = rest.trim().trim_end_matches(')').trim();
    let meant = meant.strip_suffix(":*").map_or_else(|| meant.to_owned(), |command| format!("{command} *"));
    (name, (!meant.is_empty() && meant != "*").then_some(meant))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tools(patterns: &[&str]) -> Vec<DisallowedTool> {
        patterns.iter().map(|it| DisallowedTool { pattern: (*it).to_owned(), message: None }).collect()
    }

    #[test]
    fn what_is_denied_comes_last_and_the_other_rules_stay() {
        let rules = r#"{"edit":"allow","bash":{"*":"ask","orchestra submit*":"allow"},"webfetch":"ask"}"#;
        let denied = denied(rules, &tools(&["Bash(cargo *)", "WebFetch", "Write(docs/*)", "mcp__db__drop"])).unwrap();
        assert_eq!(
            denied,
            r#"{"edit":{"*":"allow","docs/*":"deny"},"bash":{"*":"ask","orchestra submit*":"allow","cargo *":"deny"},"webfetch":"deny","db_drop":"deny"}"#
        );
    }

    #[test]
    fn patterns_are_read_as_claude_code_writes_them() {
        for (pattern, name, meant) in [
            ("Bash(git push:*)", "bash", Some("git push *")),
            ("Bash(*)", "bash", None),
            ("Bash", "bash", None),
            ("Edit(src/(x)/*)", "edit", Some("src/(x)/*")),
        ] {
            assert_eq!(split(pattern), (name.to_owned(), meant.map(str::to_owned)), "{pattern}");
        }
    }
}
