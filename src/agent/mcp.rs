//! How an agent is told of our MCP server, for one session.
//!
//! Invariants: no file of the user's is touched, and what the user's environment says beside stays in force; nothing secret
//! is in it.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use serde::Deserialize;
use serde_yaml::{Mapping, Value};

use super::environment::Environment;

/// What names the server, and the way it goes. `{program}` and `{session}` stand in it, escaped for JSON, which does for TOML
/// too, and `{variables}`: the names of the session's variables, quoted, for an agent that hands on only what is named.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Entry")]
pub struct Tools {
    pub way: Way,
    pub template: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// An environment variable of JSON; an object that it holds already is merged with ours.
    Env(String),
    /// An option, which the text follows.
    Flag(String),
}

impl Tools {
    /// Puts the server of a session into the environment, or gives the arguments that name it.
    pub(super) fn add(
        &self,
        program: &Path,
        session: &str,
        variables: &[(OsString, OsString)],
        env: &mut Environment,
    ) -> Vec<String> {
        let names: Vec<_> =
            variables.iter().map(|(name, _)| format!("\"{}\"", escaped(&name.to_string_lossy()))).collect();
        let text = self.template.replace("{program}", &escaped(&program.to_string_lossy()));
        let text = text.replace("{session}", &escaped(session)).replace("{variables}", &names.join(","));
        match &self.way {
            Way::Flag(option) => vec![option.clone(), text],
            Way::Env(name) => {
                let known = env.get(OsStr::new(name)).map_or("{}".into(), |known| known.to_string_lossy());
                // What cannot be read is the user's own: the agent is left with the commands.
                if let Some(merged) = merged(&known, &text) {
                    env.insert(name.into(), merged.into());
                }
                Vec::new()
            }
        }
    }
}

/// Both objects in one; where both say something, the second one has the last word.
fn merged(known: &str, ours: &str) -> Option<String> {
    // JSON is YAML, and only this map keeps the order, which counts among permissions.
    let mut map: Mapping = serde_yaml::from_str(known).ok()?;
    merge(&mut map, serde_yaml::from_str(ours).ok()?);
    serde_json::to_string(&map).ok()
}

fn merge(into: &mut Mapping, from: Mapping) {
    for (key, value) in from {
        match (into.get_mut(&key), value) {
            (Some(Value::Mapping(inner)), Value::Mapping(more)) => merge(inner, more),
            (_, value) => drop(into.insert(key, value)),
        }
    }
}

/// A text as it stands between the quotes of a JSON string.
pub(super) fn escaped(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    env: Option<String>,
    flag: Option<String>,
    template: String,
}

impl TryFrom<Entry> for Tools {
    type Error = &'static str;

    fn try_from(Entry { env, flag, template }: Entry) -> Result<Self, &'static str> {
        let way = match (env, flag) {
            (Some(name), None) => Way::Env(name),
            (None, Some(option)) => Way::Flag(option),
            _ => return Err("it has exactly one key of `env`, `flag`"),
        };
        let object = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&template);
        if matches!(way, Way::Env(_)) && object.is_err() {
            return Err("`template` is a JSON object for `env`");
        }
        Ok(Self { way, template })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_user_says_stays() {
        let ours = r#"{"mcp":{"orchestra":{"command":["/new"]}}}"#;
        let known = r#"{"permission":{"z":"ask","a":"deny"},"mcp":{"db":{"enabled":true},"orchestra":{"command":["/old"]}},"x":1}"#;
        assert_eq!(
            merged(known, ours).unwrap(),
            r#"{"permission":{"z":"ask","a":"deny"},"mcp":{"db":{"enabled":true},"orchestra":{"command":["/new"]}},"x":1}"#
        );
        assert_eq!(merged("{}", ours).unwrap(), ours);
        assert_eq!(merged("// mine\n{\"a\": 1,}", ours), None, "not in a form that can be read");
    }

    #[test]
    fn an_entry_has_one_way_and_a_template() {
        let read = |text: &str| serde_yaml::from_str::<Tools>(text);
        assert_eq!(read("{flag: --mcp, template: '{}'}").unwrap().way, Way::Flag("--mcp".to_owned()));
        for text in ["{template: '{}'}", "{env: A, flag: -b, template: '{}'}", "{env: A, template: '['}", "{env: A}"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
