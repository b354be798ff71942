//! What the scripted agent plays: rules from message to steps.

use std::collections::HashMap;

use serde::Deserialize;

use crate::agent::{AgentError, Pattern};

/// The rules of `assets/demo/script.yaml`, or of a file of the same form.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    pub rules: Vec<ScriptRule>,
    /// Where no rule fits.
    #[serde(with = "serde_yaml::with::singleton_map_recursive")]
    pub otherwise: Vec<Step>,
}

/// What answers the messages that `when` is found in. Its named groups stand in the steps as `{name}`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScriptRule {
    pub when: Pattern,
    #[serde(with = "serde_yaml::with::singleton_map_recursive")]
    pub steps: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    Say(String),
    Read(String),
    Write {
        path: String,
        text: String,
    },
    Edit {
        path: String,
        old: String,
        new: String,
    },
    Run(String),
    Ask {
        question: String,
        options: Vec<Choice>,
    },
    /// Milliseconds.
    Pause(u64),
    Submit(String),
}

/// An option of a question, and the steps that it leads to.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    pub label: String,
    #[serde(default)]
    pub steps: Vec<Step>,
}

impl Script {
    /// The script of the demonstration.
    pub fn built_in() -> Self {
        Self::parse(include_str!("../../../assets/demo/script.yaml")).expect("invariant: the built-in script is valid")
    }

    pub fn parse(text: &str) -> Result<Self, AgentError> {
        serde_yaml::from_str(text)
            .map_err(|error| AgentError::Manifest { agent: "demo".to_owned(), why: error.to_string() })
    }

    /// The steps that answer `message`.
    pub fn answer(&self, message: &str) -> Vec<Step> {
        let Some(rule) = self.rules.iter().find(|rule| rule.when.find(message).is_some()) else {
            return self.otherwise.clone();
        };
        let groups = rule.when.groups(message);
        rule.steps.iter().map(|step| step.filled(&groups)).collect()
    }
}

impl Step {
    fn filled(&self, groups: &HashMap<String, String>) -> Self {
        let fill = |text: &str| {
            groups.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
        };
        match self {
            Self::Say(text) => Self::Say(fill(text)),
            Self::Read(path) => Self::Read(fill(path)),
            Self::Run(command) => Self::Run(fill(command)),
            Self::Submit(text) => Self::Submit(fill(text)),
            Self::Ask { question, options } => Self::Ask { question: fill(question), options: options.clone() },
            Self::Write { .. } | Self::Edit { .. } | Self::Pause(_) => self.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(message: &str) -> String {
        let steps = Script::built_in().answer(message);
        steps.first().map(|step| format!("{step:?}")).unwrap_or_default()
    }

    #[test]
    fn messages_find_their_rules() {
        for (message, words) in [
            ("# Task: Quote CSV fields\n..\nHand in the artifact `plan` by", "I plan before"),
            ("# Task: Quote CSV fields\n# Artifact `plan`\nHand in the artifact `summary` by", "I follow the plan"),
            ("The gate failed.\nFAIL  a quote inside of a field is doubled\n", "The checks are right"),
            ("# Task: Document the functions\n", "what there is to document"),
            ("/help", "I am a scripted agent: no model"),
            ("Make it faster", "no line for that"),
        ] {
            assert!(first(message).contains(words), "{message}: {}", first(message));
        }
    }

    #[test]
    fn groups_are_filled_in() {
        assert_eq!(Script::built_in().answer("please\n run: ls -l {x}")[0], Step::Run("ls -l {x}".to_owned()));
    }

    #[test]
    fn an_unknown_step_is_refused() {
        assert!(Script::parse("rules: [{when: a, steps: [{dance: b}]}]\notherwise: []").is_err());
    }
}
