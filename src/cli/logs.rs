//! `orchestra logs`: what a session, a gate or the setup script printed.

mod follow;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::context::{Context, Link, OfTask, typed};
use super::{Outcome, Run, send};
use crate::model::{Failure, FailureKind, Slug};
use crate::rpc::TaskDetail;
use crate::store::Folder;
use crate::ui::text::plural;

/// Print what a session, a gate or the setup printed
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  orchestra logs fix-tests              the session's history as plain text
  orchestra logs fix-tests --follow     and what comes, line by line, until its last stage ends
  orchestra logs fix-tests --gate       the last run of the gate; --gate 2: the second one
  orchestra logs main --lines 50        the designer's")]
pub(super) struct Logs {
    #[command(flatten)]
    task: OfTask,
    /// Of the gate: its nth run, or the last one
    #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = "0", conflicts_with_all = ["setup", "follow"])]
    gate: Option<usize>,
    /// Of the setup script
    #[arg(long, conflicts_with = "follow")]
    setup: bool,
    /// Go on until the session ends, and with the agent of the next stage; with --json one object for each line
    #[arg(long, short)]
    follow: bool,
    /// Lines of a session, at most
    #[arg(long, short = 'n', value_name = "N", default_value_t = 1000)]
    lines: usize,
}

impl Run for Logs {
    fn run(&self, context: &Context) -> Outcome {
        let mut link = context.link()?;
        let name = link.name(&self.task)?;
        if self.gate.is_some() || self.setup {
            let path = self.file(&mut link, &name)?;
            let text = std::fs::read(&path).map_err(|error| missing(&format!("{}: {error}", path.display())))?;
            let text = String::from_utf8_lossy(&text).into_owned();
            context.output.result(&json!({"path": path, "text": text}), || text.clone());
            return Ok(ExitCode::SUCCESS);
        }
        let session = send::session(&mut link, &name)?;
        if self.follow {
            return follow::run(context, &mut link, &session, self.lines);
        }
        let answer = link.call("session.read", json!({"session": session, "lines": self.lines}))?;
        context.output.result(&answer, || answer["text"].as_str().unwrap_or_default().to_owned());
        Ok(ExitCode::SUCCESS)
    }
}

impl Logs {
    /// The log of a gate or of the setup script.
    fn file(&self, link: &mut Link, name: &str) -> Result<PathBuf, Failure> {
        let detail: TaskDetail = typed(link.show(name)?)?;
        let slug = &detail.task.slug;
        let Some(number) = self.gate else {
            let root = PathBuf::from(link.list()?.project.root);
            let slug = Slug::new(slug).map_err(Failure::internal)?;
            return newest_setup(&Folder::of(&root).logs(&slug))
                .ok_or_else(|| missing(&format!("no setup script has run for {slug}")));
        };
        let gates: Vec<_> = detail.iterations.iter().filter_map(|iteration| iteration.gate.as_ref()).collect();
        let found = if number == 0 { gates.last() } else { gates.get(number - 1) };
        found.map(|gate| PathBuf::from(&gate.log)).ok_or_else(|| match gates.len() {
            0 => missing(&format!("no gate has run for {slug}")),
            count => missing(&format!("the gate of {slug} has run {}", plural(count as u64, "time"))),
        })
    }
}

/// The log of the setup script that ran last.
fn newest_setup(folder: &std::path::Path) -> Option<PathBuf> {
    let logs = std::fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path());
    let is_setup = |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("setup-"));
    logs.filter(is_setup).max_by_key(|path| path.metadata().and_then(|metadata| metadata.modified()).ok())
}

fn missing(what: &str) -> Failure {
    Failure::new(FailureKind::NotFound, format!("{what}."))
}
