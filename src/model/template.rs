//! Templates of prompts: text in which `{{title}}` and a few more words stand for what a task has.
//!
//! Invariants: one word in double braces is a variable, and an unknown one is an error, never left standing; everything
//! else in braces is text, so code in a template needs no care. What a variable brings is not looked into again.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::meant;

/// Every variable with what it stands for; beside them `artifact:NAME`.
pub const VARIABLES: [(&str, &str); 7] = [
    ("title", "the task's title"),
    ("description", "the task's description"),
    ("task_id", "its number"),
    ("slug", "its slug"),
    ("branch", "its branch"),
    ("base_branch", "the branch that it began at and merges to"),
    ("worktree", "the absolute path of its worktree"),
];

/// What names an earlier stage's text.
const ARTIFACT: &str = "artifact:";

/// A variable that nothing stands behind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown variable {{{{{name}}}}}{}; \\{{{{{name}}}}} is plain text", hint(self))]
pub struct UnknownVariable {
    pub name: String,
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// The variable that may have been meant.
    pub nearest: Option<String>,
}

/// The text with every variable replaced; `lookup` gives the value of a name, none for one that it does not know.
///
/// `\{{name}}` stands for the characters `{{name}}`, and `${{ name }}` is left alone: other programs write it.
pub fn expand<'v>(template: &str, lookup: impl Fn(&str) -> Option<Cow<'v, str>>) -> Result<String, UnknownVariable> {
    let mut text = String::with_capacity(template.len());
    let mut end = 0;
    for found in pattern().captures_iter(template) {
        let place = whole(&found);
        text.push_str(&template[end..place.start]);
        match found.get(1).map(|before| before.as_str()) {
            Some("\\") => text.push_str(&template[place.start + 1..place.end]),
            Some(_) => text.push_str(&template[place.clone()]),
            None => match lookup(&found[2]) {
                Some(value) => text.push_str(&value),
                None => return Err(unknown(template, &found, &[])),
            },
        }
        end = place.end;
    }
    text.push_str(&template[end..]);
    Ok(text)
}

/// Whether every variable has something behind it, in a stage that comes after those that produce `artifacts`.
pub fn check_variables(template: &str, artifacts: &[&str]) -> Result<(), UnknownVariable> {
    let is_known = |name: &str| match name.strip_prefix(ARTIFACT) {
        Some(artifact) => artifacts.contains(&artifact),
        None => VARIABLES.iter().any(|(known, _)| *known == name),
    };
    let mut found = pattern().captures_iter(template).filter(|found| found.get(1).is_none());
    match found.find(|found| !is_known(&found[2])) {
        Some(found) => Err(unknown(template, &found, artifacts)),
        None => Ok(()),
    }
}

/// What stands before it, if it is an escape, and the name.
fn pattern() -> &'static Regex {
    static PATTERN: LazyLock<Regex> = LazyLock::new(|| {
        let pattern = r"([\\$])?\{\{[ \t]*([A-Za-z][A-Za-z0-9_-]*(?::[A-Za-z0-9_-]+)?)[ \t]*\}\}";
        Regex::new(pattern).expect("invariant: the pattern is valid")
    });
    &PATTERN
}

fn whole(found: &Captures<'_>) -> std::ops::Range<usize> {
    found.get(0).expect("invariant: group 0 is the whole match").range()
}

fn unknown(template: &str, found: &Captures<'_>, artifacts: &[&str]) -> UnknownVariable {
    let before = &template[..whole(found).start];
    let start_of_line = before.rfind('\n').map_or(0, |at| at + 1);
    let artifacts: Vec<String> = artifacts.iter().map(|artifact| format!("{ARTIFACT}{artifact}")).collect();
    let known = VARIABLES.iter().map(|(name, _)| *name).chain(artifacts.iter().map(String::as_str));
    UnknownVariable {
        name: found[2].to_owned(),
        line: before.matches('\n').count() + 1,
        column: before[start_of_line..].chars().count() + 1,
        nearest: meant(&found[2], known).map(str::to_owned),
    }
}

fn hint(unknown: &UnknownVariable) -> String {
    match &unknown.nearest {
        Some(nearest) => format!(", did you mean {{{{{nearest}}}}}"),
        None if unknown.name.starts_with(ARTIFACT) => ": no earlier stage of this flow has that artifact".to_owned(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(template: &str) -> Result<String, UnknownVariable> {
        expand(template, |name| match name {
            "title" => Some(Cow::Borrowed("Fix {{slug}}")),
            "artifact:plan" => Some(Cow::Borrowed("1. fix")),
            _ => None,
        })
    }

    #[test]
    fn variables_are_filled_in_once() {
        assert_eq!(filled("# {{title}}\n{{ artifact:plan }}").unwrap(), "# Fix {{slug}}\n1. fix");
        assert_eq!(filled("").unwrap(), "");
    }

    #[test]
    fn what_is_no_variable_is_text() {
        for text in
            ["{title}", "{{}}", "{{ .Values.x }}", "{{#if x}}", "style={{a: 1}}", "${{ title }}", "{{a b}}", "{{é}}"]
        {
            assert_eq!(filled(text).unwrap(), text);
            check_variables(text, &[]).unwrap();
        }
        assert_eq!(filled(r"\{{title}} \{{any}}").unwrap(), "{{title}} {{any}}");
        check_variables(r"\{{any}}", &[]).unwrap();
    }

    #[test]
    fn r49_an_unknown_variable_is_named_with_its_place() {
        let found = filled("# {{title}}\n\u{e9} {{titel}}").unwrap_err();
        let expected = ("titel", 2, 3, Some("title"));
        assert_eq!((found.name.as_str(), found.line, found.column, found.nearest.as_deref()), expected);
        let text = r"unknown variable {{titel}}, did you mean {{title}}; \{{titel}} is plain text";
        assert_eq!(found.to_string(), text);
        check_variables("{{base_branch}}{{artifact:plan}}", &["plan"]).unwrap();
        let found = check_variables("{{artifact:plam}}", &["plan"]).unwrap_err();
        assert_eq!(found.nearest.as_deref(), Some("artifact:plan"));
        let found = check_variables("{{artifact:plan}}", &[]).unwrap_err();
        assert!(found.to_string().contains("no earlier stage"), "{found}");
        for (name, _) in VARIABLES {
            check_variables(&format!("{{{{{name}}}}}"), &[]).unwrap();
        }
    }
}
