//! `orchestra new`: a task from a text, a file, standard input or the editor.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::context::{Context, Link, typed};
use super::{Outcome, Run, act, input, templates, trust};
use crate::model::{Failure, FailureKind, NewTask, Slug, TaskId, TaskTemplate};
use crate::rpc::TaskView;

/// Ends the text in the editor; what is below explains it.
const SCISSORS: &str = "# ------------------------ >8 ------------------------";

/// Make a task: a draft, or with --start one at work
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
#[command(after_help = "Examples:
  orchestra new                                        opens your editor
  orchestra new csv-newlines -d \"Quote newlines in CSV fields\" --start
  orchestra new --file issue.md --flow default --auto --start
  orchestra new --template bug -d \"The export drops the last line\"
  orchestra new docs --after csv-newlines -d \"Document the quoting\" --start
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
    /// Template that it begins with; what is given here wins over its header
    #[arg(long, value_name = "NAME")]
    template: Option<String>,
    /// Task that it is a part of: it begins and ends in that one's branch
    #[arg(long, value_name = "TASK", conflicts_with = "base")]
    parent: Option<String>,
    /// Task that has to be merged before it starts; may be given again
    #[arg(long, value_name = "TASK", value_delimiter = ',')]
    after: Vec<String>,
    #[command(flatten)]
    way: Way,
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
    /// Open no editor: the title is the description
    #[arg(long)]
    no_edit: bool,
}

/// How a new task is worked on.
#[derive(Debug, Args)]
pub(super) struct Way {
    /// Flow of stages; else the project's, else `solo`
    #[arg(long)]
    pub flow: Option<String>,
    /// Agent; else the stage's, else the project's, else the first one found
    #[arg(long)]
    pub agent: Option<String>,
    /// Model of the agent
    #[arg(long)]
    pub model: Option<String>,
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
        let (template, mut link) = match &self.template {
            // What is wrong with it is told before a person writes a text.
            Some(name) => {
                let mut link = context.link()?;
                (templates::named(&mut link, name)?, Some(link))
            }
            None => (TaskTemplate::default(), None),
        };
        let description = self.text(context, &template)?;
        let mut link = match link.take() {
            Some(link) => link,
            None => context.link()?,
        };
        if self.trust {
            trust::grant(&mut link)?;
        }
        link.tell_faults()?;
        let new = self.task(&mut link, lowered, description, template)?;
        let mut answer = link.call("task.new", json!({"task": new})).map_err(trust::explained)?;
        Ok(act::told(context, &typed(answer["task"].take())?, |task| {
            if self.start {
                begun(task)
            } else {
                format!("kept {} as a draft; orchestra start {} starts it", task.slug, task.slug)
            }
        }))
    }
}

/// What is said of a task that was started.
pub(super) fn begun(task: &TaskView) -> String {
    if task.state == "waiting" {
        return format!("{} starts once {} is merged", task.slug, task.waits_for.join(", "));
    }
    format!("started {} on {}", task.slug, task.branch)
}

impl New {
    /// What is asked of the engine: what was given here, then what the template has.
    fn task(
        &self,
        link: &mut Link,
        slug: Option<String>,
        description: String,
        template: TaskTemplate,
    ) -> Result<NewTask, Failure> {
        let mut id = |name: &String| link.task(name).map(|task| TaskId(task.id));
        let parent = self.parent.as_ref().map(&mut id).transpose()?;
        Ok(NewTask {
            slug,
            title: self.title.clone().or(template.title),
            description,
            base: self.base.clone().or_else(|| template.base_branch.filter(|_| parent.is_none())),
            flow: self.way.flow.clone().or(template.flow),
            agent: self.way.agent.clone().or(template.agent),
            model: self.way.model.clone().or(template.model),
            mode: None,
            auto: self.auto || template.auto,
            parent,
            after: self.after.iter().map(id).collect::<Result<_, _>>()?,
            start: self.start,
        })
    }

    /// What is to be done, from wherever it comes, as the template has it.
    fn text(&self, context: &Context, template: &TaskTemplate) -> Result<String, Failure> {
        let text = if let Some(text) = &self.description {
            act::text_of(text)?
        } else if let Some(path) = &self.file {
            if path.as_os_str() == "-" { input::stdin()? } else { input::file(path)? }
        } else if self.stdin.is_some() || self.slug.as_deref() == Some("-") {
            input::stdin()?
        } else if self.template.is_some() && !template.needs_description() && (self.no_edit || !context.has_person()) {
            return Ok(template.filled(""));
        } else if self.no_edit {
            self.title.clone().unwrap_or_default()
        } else if context.has_person() {
            return self.written(template);
        } else {
            return Err(Failure::new(FailureKind::BadState, "a task needs a description, and there is no terminal.")
                .hint("Give one with -d TEXT or --file FILE, or pipe it in: orchestra new SLUG -"));
        };
        if text.trim().is_empty() {
            return Err(Failure::new(FailureKind::Usage, "a task needs a description.").hint("-d TEXT gives one."));
        }
        Ok(template.filled(&text))
    }

    /// What the person writes in the editor.
    fn written(&self, template: &TaskTemplate) -> Result<String, Failure> {
        let file = tempfile::Builder::new()
            .prefix("orchestra-")
            .suffix(".md")
            .tempfile()
            .map_err(|error| Failure::internal(format!("cannot make a file for the editor: {error}")))?;
        std::fs::write(file.path(), self.sheet(template)).map_err(Failure::internal)?;
        if !input::editor(file.path())? {
            return Err(canceled("the editor failed."));
        }
        let text = input::file(file.path())?;
        let text = text.split(SCISSORS).next().unwrap_or_default().trim();
        if text.is_empty() { Err(canceled("the description is empty.")) } else { Ok(text.to_owned()) }
    }

    fn sheet(&self, template: &TaskTemplate) -> String {
        let or = |value: Option<&str>, default: &str| value.unwrap_or(default).to_owned();
        let base = self
            .parent
            .as_ref()
            .map_or_else(|| "the branch that is checked out".to_owned(), |it| format!("{it}'s branch"));
        let after = if self.start { "It starts when you leave the editor." } else { "It is kept as a draft." };
        format!(
            "{}\n\n{SCISSORS}\n\
             # Write above this line what is to be done: what is wrong, what there should be,\n\
             # and how to tell that it is done. All below the line is left out. {after}\n\
             # A first line \"# Title\" gives the title. An empty text makes no task.\n\
             #\n\
             # slug   {}\n\
             # base   {}\n\
             # flow   {}\n\
             # agent  {}\n",
            template.filled(""),
            or(self.slug.as_deref(), "three random words"),
            or(self.base.as_deref().or(template.base_branch.as_deref()), &base),
            or(self.way.flow.as_deref().or(template.flow.as_deref()), "the project's"),
            or(self.way.agent.as_deref().or(template.agent.as_deref()), "the project's"),
        )
    }
}

fn canceled(why: &str) -> Failure {
    Failure::new(FailureKind::Conflict, format!("{why} No task was made."))
}
