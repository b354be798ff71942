//! `orchestra templates`: what a new task can begin with.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use super::context::{Context, Link};
use super::output::{Output, pad};
use super::{Outcome, Run};
use crate::model::{Failure, FailureKind, TaskTemplate};
use crate::store::Folder;
use crate::store::template::{self, TemplateError};
use crate::ui::text::width;
use crate::ui::theme::Role;

/// List the templates of tasks
///
/// They are Markdown files in .orchestra/templates, with a header in YAML that may have title, flow, agent, model,
/// auto and base_branch. {{description}} stands where the description goes.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  orchestra templates
  orchestra new --template bug -d \"The export drops the last line\" --start")]
pub(super) struct Templates {}

impl Run for Templates {
    fn run(&self, context: &Context) -> Outcome {
        let folder = folder(&mut context.link()?)?;
        let found = template::list(&folder).map_err(|error| failure(&error))?;
        let shown: Vec<Value> = found.iter().map(as_json).collect();
        context.output.result(&json!({"templates": shown}), || page(&context.output, &folder, &found));
        let broken = found.iter().any(Result::is_err);
        Ok(ExitCode::from(u8::from(broken)))
    }
}

/// The template of this name, of the link's project.
pub(super) fn named(link: &mut Link, name: &str) -> Result<TaskTemplate, Failure> {
    template::read(&folder(link)?, name).map_err(|error| failure(&error))
}

fn folder(link: &mut Link) -> Result<Folder, Failure> {
    Ok(Folder::of(&PathBuf::from(link.list()?.project.root)))
}

fn failure(error: &TemplateError) -> Failure {
    match error {
        TemplateError::Missing { .. } => {
            Failure::new(FailureKind::NotFound, format!("{error}.")).hint("orchestra templates lists them")
        }
        TemplateError::Header { .. } | TemplateError::File(_) => Failure::new(FailureKind::Config, format!("{error}.")),
        TemplateError::List { .. } => Failure::internal(format!("{error}.")),
    }
}

fn as_json(found: &Result<TaskTemplate, TemplateError>) -> Value {
    match found {
        Ok(template) => {
            let TaskTemplate { name, path, title, flow, agent, model, auto, base_branch, body: text } = template;
            json!({"name": name, "path": path, "title": title, "flow": flow, "agent": agent, "model": model, "auto": auto,
                   "base_branch": base_branch, "text": text})
        }
        Err(error) => json!({"error": error.to_string()}),
    }
}

fn page(output: &Output, folder: &Folder, found: &[Result<TaskTemplate, TemplateError>]) -> String {
    if found.is_empty() {
        return format!("no templates yet. {}/NAME.md is one", folder.templates().display());
    }
    let names = found.iter().flatten().map(|template| width(&template.name)).max().unwrap_or_default();
    let rows = found.iter().map(|found| match found {
        Ok(template) => format!("{}  {}", pad(&template.name, names), output.clean(&about(template))),
        Err(error) => output.paint(Role::Bad, &output.clean(&error.to_string())),
    });
    rows.map(|row| row.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

/// `A bug   flow hotfix, auto`.
fn about(template: &TaskTemplate) -> String {
    let TaskTemplate { title, flow, agent, model, auto, base_branch, body, .. } = template;
    let first = || body.lines().map(|line| line.trim_start_matches('#').trim()).find(|line| !line.is_empty());
    let title = title.as_deref().or_else(first).unwrap_or_default();
    let fact = |word: &str, value: &Option<String>| value.as_ref().map(|value| format!("{word} {value}"));
    let facts = [fact("flow", flow), fact("agent", agent), fact("model", model), fact("base", base_branch)];
    let facts: Vec<_> = facts.into_iter().flatten().chain(auto.then(|| "auto".to_owned())).collect();
    if facts.is_empty() { title.to_owned() } else { format!("{title}   {}", facts.join(", ")) }
}
