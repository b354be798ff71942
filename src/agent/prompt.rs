//! What an agent is told: pure composition of a stage's prompt, of feedback.
//!
//! Invariants: what programs and other agents wrote (artifacts, gate output, conflicts) stands in a fence that it
//! can't close, so it reads as data; no escape sequence or control character gets through, for feedback is typed
//! into a terminal.

use std::cell::RefCell;
use std::fmt::Write;
use std::path::Path;
use std::sync::LazyLock;

use regex::Regex;

use super::due::Due;
use crate::model::{Assignment, PermissionMode, Resource, SessionId, Slug, TaskId, Trigger, UnknownVariable, expand};

/// The template of a stage that has no file of its own.
pub const DEFAULT_TEMPLATE: &str = "You work on one task in a git worktree of your own. Read what is there before you \
change it, keep to the style of the project, and check your work with the project's own tests.";

/// Bytes of an artifact that stand in the prompt itself; the rest is in its file.
const INLINE: usize = 16 * 1024;

/// What may be said with anything that is handed in.
const BESIDE: &str = "The command also takes `--log 'what you did, in a line or two'`, and `--resource 'NAME URL WHAT-IT-IS'` (a URL, \
or a path in the worktree) for each document, ticket or pull request that those after you should read.";

/// What a prompt is made of.
#[derive(Debug, Clone)]
pub struct Brief<'a> {
    /// What every agent of a task is told behind the template; empty: nothing.
    pub role: &'a str,
    /// Text of the stage's template.
    pub template: &'a str,
    /// What the flow says of the stage.
    pub stage: Option<&'a str>,
    /// Text of `.orchestra/ORCHESTRA.md`.
    pub instructions: Option<&'a str>,
    pub title: &'a str,
    pub description: &'a str,
    /// Those of earlier stages, oldest first.
    pub artifacts: &'a [EarlierArtifact<'a>],
    /// What agents before it named.
    pub resources: &'a [Resource],
    /// Why this iteration begins.
    pub trigger: &'a Trigger,
    pub due: Due<'a>,
    /// What this stage handed in when it was at work before.
    pub former: Option<EarlierArtifact<'a>>,
    pub permissions: PermissionMode,
    pub worktree: &'a Path,
    pub branch: &'a str,
    pub base_branch: &'a str,
    pub task: TaskId,
    pub slug: &'a Slug,
}

/// What an earlier stage handed in.
#[derive(Debug, Clone, Copy)]
pub struct EarlierArtifact<'a> {
    pub name: &'a str,
    /// None: it is of the whole task.
    pub stage: Option<&'a str>,
    pub text: &'a str,
    pub path: &'a Path,
}

/// The whole prompt of a stage; fails when the template has a variable that there is not.
pub fn compose(brief: &Brief<'_>) -> Result<String, UnknownVariable> {
    let (opening, placed) = opening(brief)?;
    let mut parts = vec![opening, brief.role.to_owned()];
    parts.extend(
        brief.stage.map(|stage| format!("What the flow says of this stage: {}.", plain(stage).trim_end_matches('.'))),
    );
    if let Some(instructions) = brief.instructions.filter(|text| !text.trim().is_empty()) {
        parts.push(format!("# Project instructions\n\n{}", plain(instructions)));
    }
    let title = plain(brief.title).lines().collect::<Vec<_>>().join(" ");
    parts.push(format!("# Task: {title}\n\n{}", without_title(&plain(brief.description), &title)));
    parts.extend(brief.artifacts.iter().filter(|artifact| !placed.contains(&artifact.name)).map(earlier));
    if !brief.resources.is_empty() {
        parts.push(format!("# Resources\n\n{}", resources(brief.resources)));
    }
    parts.extend(brief.former.iter().map(|former| {
        let (name, path) = (former.name, former.path.display());
        format!("# What you handed in before: `{name}` ({path})\n\n{}", body(former))
    }));
    if let Some(reason) = reason(brief.trigger) {
        parts.push(format!("# Why again\n\n{reason}"));
    }
    parts.push(format!("# When you are done\n\n{}\n\n{BESIDE}", brief.due.told()));
    parts.push(format!("# When you cannot go on\n\n{}", way_out(brief.due.assignment)));
    parts.push(format!("# Limits\n\n{}", limits(brief)));
    let mut text =
        parts.iter().map(|part| part.trim()).filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n\n");
    text.push('\n');
    Ok(text)
}

/// What is typed into a live conversation when an iteration begins there; none: nothing has to be said.
pub fn feedback(trigger: &Trigger, artifact: &str) -> Option<String> {
    let reason = reason(trigger)?;
    Some(format!("{reason}\n\nThen hand in the artifact `{artifact}` again with `orchestra submit`, as before."))
}

/// What an agent is told whose work was interrupted (stopped, crashed, rebooted).
pub fn go_on(artifact: &str) -> String {
    format!(
        "You were interrupted. Look at what is there and go on where you stopped. Then hand in the artifact `{artifact}` \
         with `orchestra submit`, as asked before."
    )
}

/// What is typed to an agent of a message of another session: in a fence that the text cannot close, with its sender.
pub fn message(sender: &str, text: &str) -> String {
    let who = if sender == SessionId::MAIN { "the designer" } else { "an executor" };
    format!(
        "A message of the session `{sender}`: {who}, an agent, not the person.\n\n{}\n\nAnswer, where that is called for, with the \
         tool send_message_to_session (session_id `{sender}`) or with `orchestra send {sender} 'TEXT'`.",
        fenced(&plain(text))
    )
}

/// `text` without escape sequences and control characters but line breaks and tabs, and without blank ends.
pub fn plain(text: &str) -> String {
    static SEQUENCES: LazyLock<Regex> = LazyLock::new(|| {
        let pattern = r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~])";
        Regex::new(pattern).expect("invariant: the pattern is valid")
    });
    let text = text.replace("\r\n", "\n");
    let text = SEQUENCES.replace_all(&text, "");
    text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect::<String>().trim().to_owned()
}

/// The template with its variables filled in, and the names of the artifacts that it placed itself.
fn opening<'a>(brief: &Brief<'a>) -> Result<(String, Vec<&'a str>), UnknownVariable> {
    let placed = RefCell::new(Vec::new());
    let text = expand(&plain(brief.template), |name| {
        let value = match name {
            "title" => plain(brief.title),
            "description" => plain(brief.description),
            "task_id" => brief.task.to_string(),
            "slug" => brief.slug.to_string(),
            "branch" => brief.branch.to_owned(),
            "base_branch" => brief.base_branch.to_owned(),
            "worktree" => brief.worktree.display().to_string(),
            _ => {
                let name = name.strip_prefix("artifact:")?;
                // Its stage was skipped: that the flow has one is seen to when the flow is read.
                let Some(artifact) = brief.artifacts.iter().rev().find(|artifact| artifact.name == name) else {
                    return Some(format!("(there is no artifact `{name}`)").into());
                };
                placed.borrow_mut().push(artifact.name);
                body(artifact)
            }
        };
        Some(value.into())
    })?;
    Ok((text, placed.into_inner()))
}

fn earlier(artifact: &EarlierArtifact<'_>) -> String {
    let stage = artifact.stage.map_or_else(String::new, |stage| format!(" of stage {stage}"));
    format!("# Artifact `{}`{stage} ({})\n\n{}", artifact.name, artifact.path.display(), body(artifact))
}

fn resources(resources: &[Resource]) -> String {
    let lines: Vec<_> = resources.iter().map(|resource| plain(&resource.line())).collect();
    format!(
        "Agents before you named these to read; a path is from the root of the worktree.\n\n{}",
        fenced(&lines.join("\n"))
    )
}

/// The text in a fence, up to what stands in a prompt itself.
fn body(artifact: &EarlierArtifact<'_>) -> String {
    let text = plain(artifact.text);
    let cut = text.floor_char_boundary(INLINE.min(text.len()));
    let path = artifact.path.display();
    let rest =
        if cut < text.len() { format!("\n\nThis is its beginning; all of it is in {path}.") } else { String::new() };
    format!("{}{rest}", fenced(&text[..cut]))
}

fn reason(trigger: &Trigger) -> Option<String> {
    match trigger {
        Trigger::Flow | Trigger::Restarted | Trigger::Talk | Trigger::Children => None,
        Trigger::Gate { text } => Some(format!(
            "The gate failed on what you handed in. Its output:\n\n{}\n\nFind the cause and fix it.",
            fenced(&plain(text))
        )),
        Trigger::Answered { text } => Some(format!("A person answered your questions:\n\n{}", plain(text))),
        Trigger::Script { stage, text } => Some(format!(
            "The script of the later stage `{stage}` failed. Its output:\n\n{}\n\nFind the cause and fix it.",
            fenced(&plain(text))
        )),
        Trigger::Verdict { stage, text } => Some(format!(
            "The later stage `{stage}` looked at the work and rejected it:\n\n{}\n\nDeal with every point of it.",
            fenced(&plain(text))
        )),
        Trigger::Rejected { text } => Some(format!("A person looked at it and sent it back:\n\n{}", plain(text))),
        Trigger::Sent { text } if text.trim().is_empty() => {
            Some("A person sent the task back to this stage. Look at what is there and do the stage again.".to_owned())
        }
        Trigger::Sent { text } => Some(format!("A person sent the task to this stage:\n\n{}", plain(text))),
        Trigger::Integration { text } => Some(format!(
            "Your branch could not be integrated. What git and the checks said:\n\n{}\n\nRebase the branch onto its base \
             (`git rebase`; this once it is your part), keep what both sides meant, and check the result.",
            fenced(&plain(text))
        )),
    }
}

/// What to do instead of a result.
fn way_out(assignment: &Assignment) -> String {
    let mut text = String::new();
    if assignment.asks {
        text.push_str(
            "Questions that only a person can answer: ask all of them at once, then end your turn; the answers come as a \
             message. `options` may be left out.\n\n\
             ```sh\norchestra submit --questions - <<'EOF'\n{\"questions\": [{\"question\": \"..\", \"options\": [{\"label\": \
             \"..\"}, {\"label\": \"..\"}]}]}\nEOF\n```\n\n",
        );
    }
    text.push_str(
        "Something outside of your reach has to be done first: `orchestra submit --blocked 'what, and why'`. The task cannot \
         be done at all: `orchestra submit --failed 'why'`.",
    );
    text
}

fn limits(brief: &Brief<'_>) -> String {
    let mut text = format!(
        "- Work in {} only, on the branch `{}`. Change nothing outside of it.\n- Never push, merge, or switch branches: that is done \
         for you. Rebase only when you are told to.\n- ",
        brief.worktree.display(),
        brief.branch
    );
    let permission = match brief.permissions {
        PermissionMode::Ask => "Each change and each command that you try is put before a person first.",
        PermissionMode::Edits => "Changes to files go through unasked; most commands are put before a person first.",
        PermissionMode::All => "Changes to files and commands go through unasked.",
    };
    text.push_str(permission);
    for tool in &brief.due.assignment.disallowed_tools {
        let why = tool.message.as_ref().map_or_else(String::new, |message| format!(": {}", plain(message)));
        write!(text, "\n- Don't use `{}`{why}", plain(&tool.pattern))
            .expect("invariant: a String takes all that is written");
    }
    text
}

/// The description without a first heading that only says the title again.
fn without_title<'a>(description: &'a str, title: &str) -> &'a str {
    let rest = description.strip_prefix("# ").and_then(|rest| rest.strip_prefix(title));
    rest.filter(|rest| rest.is_empty() || rest.starts_with('\n')).map_or(description, str::trim_start)
}

/// A fence longer than any run of backticks in `text`.
pub(super) fn fenced(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    let mut block = String::with_capacity(text.len() + 2 * fence.len() + 2);
    write!(block, "{fence}\n{text}\n{fence}").expect("invariant: a String takes all that is written");
    block
}

#[cfg(test)]
#[path = "prompt_tests.rs"]
mod tests;
