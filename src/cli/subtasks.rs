//! `orchestra subtasks`: the breakdown that waits for a person, to be looked at and changed.
//!
//! Invariant: what cannot be sent is not lost.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::context::{Context, Link, OfTask, typed};
use super::output::Output;
use super::{Outcome, Run, act, input};
use crate::model::{Failure, FailureKind, SubtaskDraft, SubtaskSheet};
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

/// A breakdown in a file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sheets {
    subtasks: Vec<SubtaskSheet>,
}

/// Above the breakdown in the editor.
const GUIDE: &str = "\
# The subtasks that will be made. Edit them; remove one to drop it; move one to change the
# order in which they are merged. after has the ids of those that come first. A new one needs
# no id. Leave the file as it is to change nothing; approving comes afterwards.
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
        let shown = json!({"subtasks": SubtaskSheet::all(&waiting)});
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

fn written(drafts: &[SubtaskDraft]) -> Result<String, Failure> {
    let sheets = Sheets { subtasks: SubtaskSheet::all(drafts) };
    Ok(format!("{GUIDE}{}", serde_yaml::to_string(&sheets).map_err(Failure::internal)?))
}

/// The breakdown of a text; `before` subtasks were in it.
fn read(text: &str, before: usize) -> Result<Vec<SubtaskDraft>, Failure> {
    let wrong = |why: String| Failure::new(FailureKind::Usage, format!("{why}."));
    let Sheets { subtasks } =
        input::json_or_yaml(text).map_err(|why| wrong(format!("these are no subtasks: {why}")))?;
    SubtaskSheet::read(subtasks, before).map_err(|why| wrong(why.to_string()))
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

    #[test]
    fn what_the_editor_shows_is_read_again() {
        let draft = |title: &str, depends_on: &[usize]| SubtaskDraft {
            title: title.to_owned(),
            description: "Two lines:\nthat one and this.\n".to_owned(),
            instructions: "- a list\n- of YAML's own signs: #, [".to_owned(),
            depends_on: depends_on.to_vec(),
            flow: None,
        };
        let drafts = [draft("one", &[]), draft("two", &[0])];
        assert_eq!(read(&written(&drafts).unwrap(), 2).unwrap(), drafts);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, said) in [
            ("subtasks:\n- {id: 1, title: a, description: b, after: [7]}\n", "\"a\" comes after 7"),
            ("subtasks:\n- {title: a, describtion: b}\n", "subtasks[0]"),
            ("{\"subtasks\": 3}", "subtasks"),
        ] {
            let failure = read(text, 2).unwrap_err();
            assert!(failure.message.contains(said), "{failure}");
        }
    }
}
