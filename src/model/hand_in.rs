//! What an agent hands in, with what it says beside: resources for those who come after it, and what it did.
//!
//! Invariant: what [`HandIn::check`] has passed is short, and a name, a URL and a description stand in one line each.

use std::collections::BTreeSet;
use std::path::{Component, Path};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::failure::{Failure, FailureKind};
use super::submission::Submission;

/// Resources that a task has at most.
pub const MAX_RESOURCES: usize = 100;
/// Characters of what an agent says that it did, at most.
pub const MAX_LOG: usize = 2000;

/// Characters of a name, a URL and a description, at most.
const MAX_NAME: usize = 80;
const MAX_URL: usize = 2000;
const MAX_DESCRIPTION: usize = 500;
/// How a resource is named.
const FORM: &str = "orchestra submit --resource 'NAME URL [DESCRIPTION]'";

/// Something that an agent hands in, with what it says beside.
///
/// In JSON the fields of both stand side by side: a submission alone is one without resources and without a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandIn {
    #[serde(flatten)]
    pub submission: Submission,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<Resource>,
    /// What it did in this attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<String>,
}

/// Something to read beside the task itself: a document, a ticket, a design, a pull request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Resource {
    /// One word. Unique in a task: a later one replaces the earlier.
    pub name: String,
    /// `http://..`, `https://..`, or a path from the root of the worktree.
    pub url: String,
    #[serde(default)]
    pub description: Option<String>,
}

impl From<Submission> for HandIn {
    fn from(submission: Submission) -> Self {
        Self { submission, resources: Vec::new(), log: None }
    }
}

impl HandIn {
    /// Whether what is said beside has its form, on a task that has the resources `known`.
    pub fn check(&self, known: &[Resource]) -> Result<(), Failure> {
        self.resources.iter().try_for_each(Resource::check)?;
        let names: BTreeSet<_> = known.iter().chain(&self.resources).map(|it| &it.name).collect();
        if names.len() > MAX_RESOURCES {
            return Err(wrong(format!(
                "a task has at most {MAX_RESOURCES} resources, and these make {}.",
                names.len()
            ))
            .hint("Name fewer, or replace some: one with the name of another takes its place"));
        }
        let Some(log) = &self.log else { return Ok(()) };
        match log.chars().count() {
            _ if log.trim().is_empty() => Err(wrong("the log is empty.").hint("orchestra submit --log 'what you did'")),
            count if count > MAX_LOG => {
                let text = format!("the log has {count} characters, {MAX_LOG} are the most.");
                Err(wrong(text).hint("Say it shorter: the artifact has the details"))
            }
            _ => Ok(()),
        }
    }
}

impl Resource {
    /// Reads `NAME URL [DESCRIPTION]`; not checked yet.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        let (name, rest) = text.trim().split_once(char::is_whitespace).unwrap_or((text.trim(), ""));
        let (url, description) = rest.trim_start().split_once(char::is_whitespace).unwrap_or((rest.trim_start(), ""));
        if url.is_empty() {
            return Err(wrong(format!("a resource has a name and a URL; \"{name}\" is only one of them.")).hint(FORM));
        }
        let description = Some(description.trim().to_owned()).filter(|text| !text.is_empty());
        Ok(Self { name: name.to_owned(), url: url.to_owned(), description })
    }

    /// The path from the root of the worktree; none: it is somewhere in the web.
    pub fn path(&self) -> Option<&Path> {
        (!self.url.contains("://")).then(|| Path::new(&self.url))
    }

    /// `spec: https://host/spec (the wire format)`.
    pub fn line(&self) -> String {
        let Self { name, url, description } = self;
        description.as_ref().map_or_else(|| format!("{name}: {url}"), |text| format!("{name}: {url} ({text})"))
    }

    fn check(&self) -> Result<(), Failure> {
        let Self { name, url, description } = self;
        let fault = |text: String| Err(wrong(text).hint(FORM));
        if name.is_empty() || name.chars().any(char::is_whitespace) || name.contains("://") {
            return fault(format!("the name of a resource is one word, not \"{}\".", name.escape_debug()));
        }
        for (what, text, most) in [
            ("name", name.as_str(), MAX_NAME),
            ("URL", url, MAX_URL),
            ("description", description.as_deref().unwrap_or_default(), MAX_DESCRIPTION),
        ] {
            if text.chars().any(char::is_control) {
                return fault(format!("the {what} of resource {} stands in one line.", name.escape_debug()));
            }
            let count = text.chars().count();
            if count > most {
                return fault(format!("the {what} of resource {name} has {count} characters, {most} are the most."));
            }
        }
        let fits = match self.path() {
            Some(path) => is_within(path),
            None => is_web(url),
        };
        if fits {
            return Ok(());
        }
        let text = format!("resource {name}: \"{url}\" is neither http(s)://.. nor a path inside of the worktree.");
        Err(wrong(text).hint("Give a URL, or commit the file and give its path from the worktree's root"))
    }
}

/// Puts resources to those of a task: one with the name of another takes its place.
pub fn gather(known: &mut Vec<Resource>, more: impl IntoIterator<Item = Resource>) {
    for resource in more {
        match known.iter_mut().find(|it| it.name == resource.name) {
            Some(former) => *former = resource,
            None => known.push(resource),
        }
    }
}

fn is_web(url: &str) -> bool {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    rest.is_some_and(|rest| rest.starts_with(char::is_alphanumeric) || rest.starts_with('['))
        && !url.contains(char::is_whitespace)
}

fn is_within(path: &Path) -> bool {
    let mut parts = path.components().filter(|part| *part != Component::CurDir).peekable();
    parts.peek().is_some() && parts.all(|part| matches!(part, Component::Normal(_)))
}

fn wrong(text: impl Into<String>) -> Failure {
    Failure::new(FailureKind::Usage, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(text: &str) -> Result<Resource, Failure> {
        let resource = Resource::parse(text)?;
        resource.check().map(|()| resource)
    }

    /// R75.
    #[test]
    fn a_resource_is_a_name_a_url_and_what_it_is() {
        let spec = named("spec  https://host/spec?a=1  the wire format ").unwrap();
        assert_eq!(spec.line(), "spec: https://host/spec?a=1 (the wire format)");
        assert_eq!(named("notes docs/notes.md").unwrap().line(), "notes: docs/notes.md");
        for (text, words) in [
            ("", "a name and a URL"),
            ("spec", "\"spec\" is only one of them"),
            ("https://host/spec the wire format", "one word, not \"https://host/spec\""),
            ("spec ftp://host/x", "neither http(s)://.. nor a path"),
            ("spec https:///x", "neither http(s)://.. nor a path"),
            ("spec ../other/x.md", "neither http(s)://.. nor a path"),
            ("spec /etc/passwd", "neither http(s)://.. nor a path"),
            ("spec .", "neither http(s)://.. nor a path"),
            ("spec x.md one\u{1b}[31mred", "one line"),
            (&format!("spec x.md {}", "x".repeat(501)), "501 characters, 500 are the most"),
        ] {
            let failure = named(text).unwrap_err();
            assert!(failure.message.contains(words) && failure.hint.is_some(), "{text:?}: {failure}");
        }
    }

    /// R75.
    #[test]
    fn a_later_resource_takes_the_place_of_one_with_its_name() {
        let mut known = vec![named("a x").unwrap(), named("b y").unwrap()];
        gather(&mut known, [named("a https://h/z").unwrap(), named("c z").unwrap()]);
        let lines: Vec<_> = known.iter().map(Resource::line).collect();
        assert_eq!(lines, ["a: https://h/z", "b: y", "c: z"]);
        let all: Vec<_> = (0..MAX_RESOURCES).map(|n| named(&format!("{n} x")).unwrap()).collect();
        let more = |name: &str| HandIn {
            resources: vec![named(name).unwrap()],
            ..Submission::Blocked { reason: String::new() }.into()
        };
        more("7 y").check(&all).unwrap();
        assert!(more("new y").check(&all).unwrap_err().message.contains("these make 101"));
    }

    /// R75, R76.
    #[test]
    fn json_has_resources_and_log_beside_the_submission() {
        let plain = r#"{"kind":"artifact","text":"done"}"#;
        let alone: HandIn = serde_json::from_str(plain).unwrap();
        assert_eq!(alone, Submission::Artifact { text: "done".into() }.into());
        assert_eq!(serde_json::to_string(&alone).unwrap(), plain, "as versions before wrote it");
        let text = r#"{"kind":"verdict","decision":"approve","reason":"good","log":"read it","resources":[{"name":"a","url":"x"}]}"#;
        let full: HandIn = serde_json::from_str(text).unwrap();
        assert_eq!((full.log.as_deref(), full.resources[0].line().as_str()), (Some("read it"), "a: x"));
        assert_eq!(serde_json::from_str::<HandIn>(&serde_json::to_string(&full).unwrap()).unwrap(), full);
        for wrong in [
            r#"{"kind":"artifact","text":"done","lgo":"x"}"#,
            r#"{"kind":"artifact","text":"done","resources":[{"name":"a","url":"x","of":"y"}]}"#,
        ] {
            serde_json::from_str::<HandIn>(wrong).unwrap_err();
        }
        let log = |log: String| HandIn { log: Some(log), ..alone.clone() }.check(&[]);
        log("ä".repeat(MAX_LOG)).unwrap();
        assert!(log("ä".repeat(MAX_LOG + 1)).unwrap_err().message.contains("2001 characters"));
        log(" \n".to_owned()).unwrap_err();
    }
}
