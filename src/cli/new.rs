//! `orchestra new`: a task from a text, a file, standard input or the editor.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::context::{Context, typed};
use super::{Outcome, Run, act, input, trust};
use crate::model::{Failure, FailureKind, NewTask, Slug};

/// Ends the text in the editor; what is below explains it.
const SCISSORS: &str = "# ------------------------ >8 ------------------------";

/// Make a task: a draft, or with --start one at work
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  orchestra new                                        opens your editor
  orchestra new csv-newlines -d \"Quote newlines in CSV fields\" --start
  orchestra new --file issue.md --flow default --auto --start
  gh issue view 12 | orchestra new fix-12 -")]
pub(super) struct New {
    /// Name of the task, for its branch and its worktree; three random words when none is given
    slug: Option<String>,
    /// `-`: the description comes from standard input
    #[arg(value_parser = ["-"], value_name = "-", hide_possible_values = true)]
    stdin: Option<String>,
    /// What is to be done
    #[arg(long, short, value_name = "TEXT", group = "text")]
    description: Option<String>,
    /// File with what is to be done
    #[arg(long, value_name = "FILE", group = "text", conflicts_with = "stdin")]
    file: Option<PathBuf>,
    /// Title; else the first heading of the description, else the slug
    #[arg(long, short)]
    title: Option<String>,
    /// Branch or commit to begin from; the branch that is checked out when none is given
    #[arg(long, short, value_name = "REF")]
    base: Option<String>,
    #[command(flatten)]
    way: Way,
    /// Open no editor: the title is the description
    #[arg(long)]
    no_edit: bool,
}

/// How the task is worked on.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
struct Way {
    /// Flow of stages; else the project's, else `solo`
    #[arg(long)]
    flow: Option<String>,
    /// Agent; else the stage's, else the project's, else the first one found
    #[arg(long)]
    agent: Option<String>,
    /// Model of the agent
    #[arg(long)]
    model: Option<String>,
    /// Without pauses for a person
    #[arg(long)]
    auto: bool,
    /// Start it at once
    #[arg(long, conflicts_with = "draft")]
    start: bool,
    /// Keep it as a draft, which is the default
    #[arg(long)]
    draft: bool,
    /// Trust the commands of the project's files as they are now
    #[arg(long, requires = "start")]
    trust: bool,
}

impl Run for New {
    fn run(&self, context: &Context) -> Outcome {
        let slug = self.slug.as_deref().filter(|slug| *slug != "-");
        let lowered = slug.map(str::to_lowercase);
        if let Some(slug) = &lowered {
            Slug::new(slug).map_err(|error| Failure::new(FailureKind::Usage, format!("{error}.")))?;
        }
        if lowered.as_deref() != slug {
            super::output::note(&format!("the slug is {}, in lower case", lowered.as_deref().unwrap_or_default()));
        }
        let description = self.text(context)?;
        let mut link = context.link()?;
        if self.way.trust {
            trust::grant(&mut link)?;
        }
        let new = NewTask {
            parent: None,
            after: Vec::new(),
            slug: lowered,
            title: self.title.clone(),
            description,
            base: self.base.clone(),
            flow: self.way.flow.clone(),
            agent: self.way.agent.clone(),
            model: self.way.model.clone(),
            auto: self.way.auto,
            start: self.way.start,
        };
        let mut answer = link.call("task.new", json!({"task": new})).map_err(trust::explained)?;
        Ok(act::told(context, &typed(answer["task"].take())?, |task| {
            if self.way.start {
                format!("started {} on {}", task.slug, task.branch)
            } else {
                format!("kept {} as a draft; orchestra start {} starts it", task.slug, task.slug)
            }
        }))
    }
}

impl New {
    /// What is to be done, from wherever it comes.
    fn text(&self, context: &Context) -> Result<String, Failure> {
        let text = if let Some(text) = &self.description {
            act::text_of(text)?
        } else if let Some(path) = &self.file {
            if path.as_os_str() == "-" { input::stdin()? } else { input::file(path)? }
        } else if self.stdin.is_some() || self.slug.as_deref() == Some("-") {
            input::stdin()?
        } else if self.no_edit {
            self.title.clone().unwrap_or_default()
        } else if context.has_person() {
            return self.written();
        } else {
            return Err(Failure::new(FailureKind::BadState, "a task needs a description, and there is no terminal.")
                .hint("Give one with -d TEXT or --file FILE, or pipe it in: orchestra new SLUG -"));
        };
        if text.trim().is_empty() {
            return Err(Failure::new(FailureKind::Usage, "a task needs a description.").hint("-d TEXT gives one."));
        }
        Ok(text.trim().to_owned())
    }

    /// What the person writes in the editor.
    fn written(&self) -> Result<String, Failure> {
        let file = tempfile::Builder::new()
            .prefix("orchestra-")
            .suffix(".md")
            .tempfile()
            .map_err(|error| Failure::internal(format!("cannot make a file for the editor: {error}")))?;
        std::fs::write(file.path(), self.template()).map_err(Failure::internal)?;
        if !input::editor(file.path())? {
            return Err(canceled("the editor failed."));
        }
        let text = input::file(file.path())?;
        let text = text.split(SCISSORS).next().unwrap_or_default().trim();
        if text.is_empty() { Err(canceled("the description is empty.")) } else { Ok(text.to_owned()) }
    }

    fn template(&self) -> String {
        let or = |value: Option<&str>, default: &str| value.unwrap_or(default).to_owned();
        let after = if self.way.start { "It starts when you leave the editor." } else { "It is kept as a draft." };
        format!(
            "\n\n{SCISSORS}\n\
             # Write above this line what is to be done: what is wrong, what there should be,\n\
             # and how to tell that it is done. All below the line is left out. {after}\n\
             # A first line \"# Title\" gives the title. An empty text makes no task.\n\
             #\n\
             # slug   {}\n\
             # base   {}\n\
             # flow   {}\n\
             # agent  {}\n",
            or(self.slug.as_deref(), "three random words"),
            or(self.base.as_deref(), "the branch that is checked out"),
            or(self.way.flow.as_deref(), "the project's"),
            or(self.way.agent.as_deref(), "the project's"),
        )
    }
}

fn canceled(why: &str) -> Failure {
    Failure::new(FailureKind::Conflict, format!("{why} No task was made."))
}
