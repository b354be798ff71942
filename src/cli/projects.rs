//! `orchestra projects`: the repositories that were opened.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::context::{Context, typed};
use super::output::{Output, pad, say};
use super::{Outcome, Run, input};
use crate::model::Failure;
use crate::rpc::ProjectView;
use crate::ui::text::plural;

/// List the projects, or forget one
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  orchestra projects
  orchestra projects forget my-app-1f3a9c")]
pub(super) struct Projects {
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Take a project in which nothing runs off the list; its files and its state stay on disk
    Forget {
        /// Id, name or a path inside of it
        project: String,
    },
}

impl Run for Projects {
    fn run(&self, context: &Context) -> Outcome {
        match &self.verb {
            None => list(context),
            Some(Verb::Forget { project }) => forget(context, project),
        }
    }
}

fn list(context: &Context) -> Outcome {
    let mut link = context.link()?;
    let answer = link.client.call("project.list", json!({}))?;
    let projects: Vec<ProjectView> = typed(answer["projects"].clone())?;
    context.output.result(&answer, || page(&context.output, &projects));
    Ok(ExitCode::SUCCESS)
}

fn forget(context: &Context, project: &str) -> Outcome {
    let mut link = context.link()?;
    if input::confirm(context, &format!("Forget {project}? Its files and its state stay on disk."), &['y'])? != 'y' {
        say(&format!("kept {project}"));
        return Ok(ExitCode::from(1));
    }
    let answer: Result<Value, Failure> = link.client.call("project.forget", json!({"project": project}));
    context.output.result(&answer?, || format!("forgot {project}; opening it again brings its tasks back"));
    Ok(ExitCode::SUCCESS)
}

fn page(output: &Output, projects: &[ProjectView]) -> String {
    if projects.is_empty() {
        return "no projects yet. cd to a repository, then: orchestra".to_owned();
    }
    let width = projects.iter().map(|project| project.id.len()).max().unwrap_or_default() + 2;
    projects.iter().fold(String::new(), |page, project| {
        let counts = format!("{}, {} at work", plural(project.tasks as u64, "task"), project.running);
        format!("{page}{}{}{}\n", pad(&project.id, width), pad(&counts, 24), output.clean(&project.root))
    })
}
