//! `orchestra subtasks`: the breakdown that waits for a person, to be looked at and changed.
//!
//! Invariant: in the text that a person edits each subtask has a name that stays its own, so that a subtask can be dropped or
//! moved without counting the others again; what cannot be sent is not lost.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::context::{Context, Link, OfTask, typed};
use super::output::Output;
use super::{Outcome, Run, act, input};
use crate::model::{Failure, FailureKind, SubtaskDraft};
use crate::rpc::TaskDetail;
use crate::ui::text::plural;
use crate::ui::theme::Role;

/// Show the subtasks that wait for your approval, or change them
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  orchestra subtasks big-one             then: orchestra approve big-one
  orchestra subtasks big-one --edit      drop, reorder and edit them in your editor
  orchestra subtasks big-one --json | jq '{subtasks: .subtasks[1:]}' > fewer.json
  orchestra subtasks big-one --file fewer.json
Exit code 4: no breakdown waits.")]
pub(super) struct Subtasks {
    #[command(flatten)]
    task: OfTask,
    /// Change them in your editor, as YAML
    #[arg(long, short, group = "way")]
    edit: bool,
    /// Take them from a file of YAML or JSON, `-` for standard input
    #[arg(long, short, value_name = "FILE", group = "way")]
    file: Option<PathBuf>,
}

/// A breakdown as a person edits it.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sheet {
    subtasks: Vec<Row>,
}

/// One subtask of it.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    /// What `depends_on` of others calls it; none in all of them: their indices from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<usize>,
    title: String,
    description: String,
    #[serde(default)]
    instructions: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    depends_on: Vec<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    flow: Option<String>,
}

/// Above the breakdown in the editor.
const GUIDE: &str = "\
# The subtasks that will be made. Edit them; remove one to drop it; move one to change the
# order in which they are merged. depends_on has the ids of those that come first. A new one
# needs no id. Leave the file as it is to change nothing; approving comes afterwards.
";

impl Run for Subtasks {
    fn run(&self, context: &Context) -> Outcome {
        let mut link = context.link()?;
        let name = link.name(&self.task)?;
        let waiting = waiting(&mut link, &name)?;
        if self.edit {
            return edited(context, &mut link, &name, &waiting);
        }
        if let Some(path) = &self.file {
            let text = if path.as_os_str() == "-" { input::stdin()? } else { input::file(path)? };
            return sent(context, &mut link, &name, &read(&text, waiting.len())?);
        }
        let shown =
            json!({"subtasks": waiting.iter().enumerate().map(|(id, draft)| Row::of(id, draft)).collect::<Vec<_>>()});
        context.output.result(&shown, || page(&context.output, &name, &waiting));
        Ok(ExitCode::SUCCESS)
    }
}

/// Lets the person change them in the editor.
fn edited(context: &Context, link: &mut Link, name: &str, waiting: &[SubtaskDraft]) -> Outcome {
    if !context.has_person() {
        return Err(Failure::new(FailureKind::BadState, "an editor needs a terminal.")
            .hint("orchestra subtasks TASK --json prints them; --file FILE sends them changed."));
    }
    let file = tempfile::Builder::new()
        .prefix("orchestra-subtasks-")
        .suffix(".yaml")
        .tempfile()
        .map_err(|error| Failure::internal(format!("cannot make a file for the editor: {error}.")))?;
    let before = written(waiting)?;
    std::fs::write(file.path(), &before).map_err(Failure::internal)?;
    if !input::editor(file.path())? {
        return Err(Failure::new(FailureKind::Conflict, "the editor failed. Nothing was changed."));
    }
    let text = input::file(file.path())?;
    if text == before {
        super::output::note("nothing was changed");
        return act::tell(context, link, name, |task| format!("the subtasks of {} stay as they are", task.slug));
    }
    let outcome = read(&text, waiting.len()).and_then(|drafts| sent(context, link, name, &drafts));
    outcome.map_err(|failure| match file.keep() {
        Ok((_, path)) => kept(failure, name, &path),
        Err(_) => failure,
    })
}

/// A failure that says where the person's text is.
fn kept(failure: Failure, name: &str, path: &Path) -> Failure {
    let again = format!("Your text is in {}: mend it, then orchestra subtasks {name} --file it", path.display());
    let hint = failure.hint.as_ref().map_or_else(|| again.clone(), |hint| format!("{hint}. {again}"));
    failure.hint(hint)
}

fn waiting(link: &mut Link, name: &str) -> Result<Vec<SubtaskDraft>, Failure> {
    let detail: TaskDetail = typed(link.show(name)?)?;
    let task = &detail.task;
    detail.subtasks.ok_or_else(|| {
        let text = format!("no breakdown of {} waits: it is {}.", task.slug, task.state);
        let failure = Failure::new(FailureKind::BadState, text);
        if task.children.is_empty() { failure } else { failure.hint(format!("Made: {}", task.children.join(", "))) }
    })
}

fn sent(context: &Context, link: &mut Link, name: &str, subtasks: &[SubtaskDraft]) -> Outcome {
    let count = subtasks.len() as u64;
    let mut answer = link.on_task("task.edit_subtasks", name, json!({"subtasks": subtasks}))?;
    Ok(act::told(context, &typed(answer["task"].take())?, |task| {
        format!("{} has {}; orchestra approve {} makes them", task.slug, plural(count, "subtask"), task.slug)
    }))
}

impl Row {
    fn of(id: usize, draft: &SubtaskDraft) -> Self {
        let SubtaskDraft { title, description, instructions, depends_on, flow } = draft.clone();
        Self { id: Some(id), title, description, instructions, depends_on, flow }
    }
}

fn written(drafts: &[SubtaskDraft]) -> Result<String, Failure> {
    let sheet = Sheet { subtasks: drafts.iter().enumerate().map(|(id, draft)| Row::of(id, draft)).collect() };
    Ok(format!("{GUIDE}{}", serde_yaml::to_string(&sheet).map_err(Failure::internal)?))
}

/// The breakdown of a text; `before` subtasks were in it: those of them that are gone are no longer depended on.
fn read(text: &str, before: usize) -> Result<Vec<SubtaskDraft>, Failure> {
    let wrong = |why: String| Failure::new(FailureKind::Usage, format!("{why}."));
    let Sheet { subtasks } = input::json_or_yaml(text).map_err(|why| wrong(format!("these are no subtasks: {why}")))?;
    let named = subtasks.iter().any(|row| row.id.is_some());
    let mut places = HashMap::new();
    for (at, row) in subtasks.iter().enumerate() {
        let id = if named { row.id } else { Some(at) };
        if let Some(id) = id
            && places.insert(id, at).is_some()
        {
            return Err(wrong(format!("two subtasks have the id {id}")));
        }
    }
    let draft = |row: Row| {
        let mut depends_on = Vec::new();
        for id in &row.depends_on {
            match places.get(id) {
                Some(at) => depends_on.push(*at),
                None if named && *id < before => {}
                None => return Err(wrong(format!("\"{}\" depends on {id}, which is no subtask here", row.title))),
            }
        }
        let Row { title, description, instructions, flow, .. } = row;
        Ok(SubtaskDraft { title, description, instructions, depends_on, flow })
    };
    subtasks.into_iter().map(draft).collect()
}

fn page(output: &Output, name: &str, drafts: &[SubtaskDraft]) -> String {
    let mut page = format!("{} of {name} wait for your approval\n", plural(drafts.len() as u64, "subtask"));
    for (at, draft) in drafts.iter().enumerate() {
        let SubtaskDraft { title, description, instructions, depends_on, flow } = draft;
        let after: Vec<_> = depends_on.iter().map(|index| (index + 1).to_string()).collect();
        let after = if after.is_empty() { String::new() } else { format!("   after {}", after.join(", ")) };
        let flow = flow.as_ref().map_or_else(String::new, |flow| format!("   flow {flow}"));
        let facts = output.paint(Role::Dim, &output.clean(&format!("{after}{flow}")));
        let _ = writeln!(page, "\n{}. {}{facts}", at + 1, output.clean(title));
        for line in description.trim().lines().chain(instructions.trim().lines()) {
            let _ = writeln!(page, "{}", format!("   {}", output.clean(line)).trim_end());
        }
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(title: &str, depends_on: &[usize]) -> SubtaskDraft {
        SubtaskDraft {
            title: title.to_owned(),
            description: "Two lines:\nthat one and this.\n".to_owned(),
            instructions: "- a list\n- of YAML's own signs: #, [".to_owned(),
            depends_on: depends_on.to_vec(),
            flow: None,
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let drafts = [draft("one", &[]), draft("two", &[0]), draft("three", &[0, 1])];
        assert_eq!(read(&written(&drafts).unwrap(), 3).unwrap(), drafts);
        let plain = serde_json::to_string(&json!({"subtasks": drafts})).unwrap();
        assert_eq!(read(&plain, 3).unwrap(), drafts);
    }

    #[test]
    fn one_can_be_dropped_and_others_moved() {
        let text = "subtasks:\n\
                    - {id: 2, title: three, description: x, depends_on: [0, 1]}\n\
                    - {title: new, description: x, depends_on: [2]}\n\
                    - {id: 0, title: one, description: x}\n";
        let read = read(text, 3).unwrap();
        let found: Vec<_> = read.iter().map(|draft| (draft.title.as_str(), draft.depends_on.as_slice())).collect();
        assert_eq!(found, [("three", &[2][..]), ("new", &[0][..]), ("one", &[][..])]);
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for (text, said) in [
            ("subtasks:\n- {id: 0, title: a, description: b, depends_on: [7]}\n", "\"a\" depends on 7"),
            ("subtasks:\n- {id: 0, title: a, description: b}\n- {id: 0, title: c, description: d}\n", "the id 0"),
            ("subtasks:\n- {title: a, describtion: b}\n", "subtasks[0]"),
            ("{\"subtasks\": 3}", "subtasks"),
        ] {
            let failure = read(text, 2).unwrap_err();
            assert!(failure.message.contains(said), "{failure}");
        }
    }
}
