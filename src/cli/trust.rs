//! `orchestra trust`: what a project's files want to run, and whether they may.
//!
//! Invariant: `--yes` never gives trust; what is trusted is what was shown, by its hash.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde::Deserialize;
use serde_json::{Value, json};

use super::context::{Context, Link, typed};
use super::input;
use super::output::{Output, say};
use super::{Outcome, Run};
use crate::model::{Failure, FailureKind};
use crate::ui::text::plural;
use crate::ui::theme::Role;

/// Lines of each file that are shown before the question.
const FIRST: usize = 12;
/// Digits of the hash that are shown.
const DIGITS: usize = 12;

/// What wants to run from a project's files, as `project.trust_facts` tells it.
#[derive(Debug, Deserialize)]
struct TrustFacts {
    hash: String,
    /// Path and text of each file, those that changed first.
    files: Vec<(PathBuf, String)>,
}

/// Look at what a project's files want to run, and let them
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  orchestra trust             shows the files, then asks
  orchestra trust --list      shows all of their lines, asks nothing
  orchestra trust --trust     trusts them as they are now, for scripts
  orchestra trust --revoke    takes it back")]
pub(super) struct Trust {
    /// Show the files and ask nothing
    #[arg(long, group = "what")]
    list: bool,
    /// Take trust back
    #[arg(long, group = "what")]
    revoke: bool,
    /// Trust them without a question
    #[arg(long = "trust", group = "what")]
    now: bool,
}

impl Run for Trust {
    fn run(&self, context: &Context) -> Outcome {
        let mut link = context.link()?;
        let output = &context.output;
        if self.revoke {
            let answer = link.call("project.revoke_trust", json!({}))?;
            output.result(&answer, || "trust is taken back; the next start asks".to_owned());
            return Ok(ExitCode::SUCCESS);
        }
        let shown = facts(&mut link)?;
        let facts: TrustFacts = typed(shown["trust"].clone())?;
        if self.list || (output.json && !self.now) {
            output.result(&shown, || page(output, &facts, usize::MAX));
            return Ok(ExitCode::SUCCESS);
        }
        if !self.now && !asked(context, &facts)? {
            say("not trusted; nothing of it runs");
            return Ok(ExitCode::from(1));
        }
        let answer = give(&mut link, &facts)?;
        output.result(&answer, || "trusted; a change of these files asks again".to_owned());
        Ok(ExitCode::SUCCESS)
    }
}

/// Trusts the files as they are now: for `--trust`.
pub(super) fn grant(link: &mut Link) -> Result<(), Failure> {
    let facts = typed(facts(link)?["trust"].take())?;
    give(link, &facts).map(drop)
}

/// A refusal for want of trust, with what a person can do on the command line.
pub(super) fn explained(failure: Failure) -> Failure {
    match failure.kind {
        FailureKind::Untrusted => {
            failure.hint("orchestra trust shows what wants to run and asks; --trust lets it run as it is now.")
        }
        _ => failure,
    }
}

fn facts(link: &mut Link) -> Result<Value, Failure> {
    link.call("project.trust_facts", json!({}))
}

fn give(link: &mut Link, facts: &TrustFacts) -> Result<Value, Failure> {
    link.call("project.trust", json!({"hash": facts.hash}))
}

fn asked(context: &Context, facts: &TrustFacts) -> Result<bool, Failure> {
    if facts.files.is_empty() {
        return Ok(true);
    }
    if !context.has_person() {
        return Err(Failure::new(FailureKind::Untrusted, "trust is asked of a person, and there is nobody to ask.")
            .hint("orchestra trust --list shows the files; --trust gives it."));
    }
    say(&page(&context.output, facts, FIRST));
    Ok(input::ask("Let these files run commands?", &['y'])? == 'y')
}

/// The files, up to so many lines of each.
fn page(output: &Output, facts: &TrustFacts, lines: usize) -> String {
    if facts.files.is_empty() {
        return "nothing in this project's files runs commands".to_owned();
    }
    let hash: String = facts.hash.chars().take(DIGITS).collect();
    let mut page = format!("{} can run commands   {hash}\n", plural(facts.files.len() as u64, "file"));
    for (path, text) in &facts.files {
        let _ = writeln!(page, "\n{}", output.paint(Role::Accent, &output.clean(&path.to_string_lossy())));
        for line in text.lines().take(lines) {
            let _ = writeln!(page, "  {}", output.clean(line));
        }
        let left = text.lines().count().saturating_sub(lines);
        if left > 0 {
            let _ = writeln!(page, "  and {}", plural(left as u64, "line"));
        }
    }
    page.trim_end().to_owned()
}
