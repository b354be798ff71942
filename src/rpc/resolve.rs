//! From what a client writes to what the engine knows: a project is a path inside it, an id or a name; a task is a number,
//! a slug, the beginning of one, or `id:slug`.
//!
//! Invariant: a name that fits two things is refused, never guessed.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::caller::Caller;
use super::signature::Signature;
use super::wire::Fault;
use crate::model::{Failure, FailureKind, ProjectView, Snapshot, TaskView};

/// What is still to be done before a request's project is known.
pub enum Project {
    Known,
    /// A path of no open project: open it first.
    Open(PathBuf),
}

/// Replaces `project` by its id, if the method has one.
pub fn project(
    snapshot: &Snapshot,
    caller: &Caller,
    method: &Signature,
    params: &mut Map<String, Value>,
) -> Result<Project, Fault> {
    if !method.takes("project") {
        return Ok(Project::Known);
    }
    // `<project>/<id>` names a session across projects.
    if let Some((project, session)) = params.get("session").and_then(Value::as_str).and_then(|it| it.split_once('/')) {
        let (project, session) = (json!(project), json!(session));
        params.insert("project".to_owned(), project);
        params.insert("session".to_owned(), session);
    }
    let word = match (params.get("project"), caller.place()) {
        (Some(Value::String(word)), _) => word.clone(),
        (None | Some(Value::Null), Some((own, _))) => own.to_string(),
        (None | Some(Value::Null), None) if !method.requires("project") => return Ok(Project::Known),
        (None | Some(Value::Null), None) => {
            return Err(Fault::params("project is missing.").hint("Give a path inside it, its id or its name"));
        }
        (Some(other), _) => {
            let text = format!("project: a path inside it, its id or its name, not {}.", kind_of(other));
            return Err(Fault::params(text));
        }
    };
    if let Some(view) = find_project(snapshot, &word)? {
        params.insert("project".to_owned(), json!(view.id));
        return Ok(Project::Known);
    }
    Ok(Project::Open(PathBuf::from(word)))
}

/// Replaces `task` by its number and `session` by its id, if the method has them, and the tasks that a new one names by
/// theirs; the project is an id by now.
pub fn task(snapshot: &Snapshot, method: &Signature, params: &mut Map<String, Value>) -> Result<(), Fault> {
    let project = params.get("project").and_then(Value::as_str);
    let Some(view) = snapshot.projects.iter().find(|view| Some(view.id.as_str()) == project) else { return Ok(()) };
    if let Some(word) = params.get("task").filter(|it| method.takes("task") && !it.is_object() && !it.is_null()) {
        let found = find_task(view, word)?.task.id;
        params.insert("task".to_owned(), json!(found));
    }
    if let Some(new) = params.get_mut("task").and_then(Value::as_object_mut) {
        for (name, value) in new.iter_mut().filter(|(_, value)| !value.is_null()) {
            let words = match (name.as_str(), value) {
                ("parent", word) => std::slice::from_mut(word),
                ("after", Value::Array(words)) => words.as_mut_slice(),
                _ => continue,
            };
            for word in words {
                *word = json!(find_task(view, word)?.task.id);
            }
        }
    }
    // Of a session only what can be no id is looked up: `send 3 TEXT`.
    let session = params.get("session").and_then(Value::as_str);
    if let Some(word) = session.filter(|it| it.contains(':') || it.bytes().all(|byte| byte.is_ascii_digit())) {
        let found = find_task(view, &json!(word))?.task.session_id();
        params.insert("session".to_owned(), json!(found));
    }
    Ok(())
}

/// The open project that a word means; none: a path of no open one.
fn find_project<'a>(snapshot: &'a Snapshot, word: &str) -> Result<Option<&'a ProjectView>, Fault> {
    let projects = || snapshot.projects.iter().map(|view| &**view);
    if let Some(view) = projects().find(|view| view.id.as_str() == word) {
        return Ok(Some(view));
    }
    if word.starts_with('/') {
        return Ok(around(snapshot, Path::new(word)));
    }
    if word.contains('/') || word.starts_with('.') {
        return Err(Fault::params(format!("project: the path {word} is not absolute.")));
    }
    let named: Vec<_> = projects().filter(|view| view.name == word).collect();
    match named.as_slice() {
        [view] => Ok(Some(view)),
        [] => {
            let known: Vec<_> = projects().map(|view| view.name.as_str()).collect();
            let failure = Failure::new(FailureKind::NotFound, format!("there is no open project \"{word}\"."));
            let hint = if known.is_empty() { "No project is open".to_owned() } else { known.join(", ") };
            Err(failure.hint(format!("Open: {hint}")).into())
        }
        several => {
            let ids: Vec<_> = several.iter().map(|view| view.id.as_str()).collect();
            let failure =
                Failure::new(FailureKind::Usage, format!("\"{word}\" is the name of {} projects.", ids.len()));
            Err(failure.hint(format!("Give the id: {}", ids.join(", "))).into())
        }
    }
}

/// The open project whose checkout or worktree is the nearest one around a path.
///
/// Only what `.git` says on the way up counts, so a repository inside of another one is never taken for it.
fn around<'a>(snapshot: &'a Snapshot, path: &Path) -> Option<&'a ProjectView> {
    let path = path.canonicalize().ok()?;
    let top = path.ancestors().find(|folder| folder.join(".git").symlink_metadata().is_ok())?;
    let is = |other: &Path| other == top || other.canonicalize().is_ok_and(|other| other == top);
    let mut projects = snapshot.projects.iter().map(|view| &**view);
    projects.find(|view| is(&view.root) || view.tasks.iter().filter_map(|it| it.worktree.as_deref()).any(is))
}

/// The task that a word means.
pub fn find_task<'a>(project: &'a ProjectView, word: &Value) -> Result<&'a TaskView, Fault> {
    let by_number = |number: u64| project.tasks.iter().find(|view| u64::from(view.task.id.0) == number);
    let by_slug = |slug: &str| project.tasks.iter().find(|view| view.task.slug.as_str() == slug);
    let found = match word {
        Value::Number(number) => number.as_u64().and_then(by_number),
        Value::String(text) => match (text.parse().ok(), text.split_once(':')) {
            (Some(number), _) => by_number(number),
            (None, Some((id, slug))) => by_slug(slug).filter(|view| view.task.id.to_string() == id),
            (None, None) => match by_slug(text) {
                Some(view) => Some(view),
                None => by_prefix(project, text)?,
            },
        },
        other => {
            return Err(Fault::params(format!("task: a number, a slug or \"id:slug\", not {}.", kind_of(other))));
        }
    };
    found.ok_or_else(|| {
        let word = word.as_str().map_or_else(|| word.to_string(), |text| format!("\"{text}\""));
        let failure = Failure::new(FailureKind::NotFound, format!("there is no task {word} in {}.", project.name));
        failure.hint("All of them: orchestra status").into()
    })
}

fn by_prefix<'a>(project: &'a ProjectView, text: &str) -> Result<Option<&'a TaskView>, Fault> {
    let begins = |view: &&TaskView| !text.is_empty() && view.task.slug.as_str().starts_with(text);
    let found: Vec<_> = project.tasks.iter().filter(begins).collect();
    match found.as_slice() {
        [] => Ok(None),
        [view] => Ok(Some(view)),
        several => {
            let slugs: Vec<_> = several.iter().map(|view| view.task.slug.as_str()).collect();
            let failure = Failure::new(FailureKind::Usage, format!("\"{text}\" begins {} slugs.", slugs.len()));
            Err(failure.hint(format!("Write one of them: {}", slugs.join(", "))).into())
        }
    }
}

/// What a value is, for an error.
pub const fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
