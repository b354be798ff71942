//! The activity log of a task: what each attempt was, by what its agent says and by what the engine knows.
//!
//! Invariants: the text follows from the task alone, so to write it again is no harm; an attempt is in it once it has ended.

use std::path::PathBuf;

use jiff::Timestamp;

use super::ground::now;
use super::project::Project;
use crate::agent::prompt::plain;
use crate::model::{CommandResult, Commits, Failure, Iteration, RunId, Task, TaskId};
use crate::store::artifact::{self, ACTIVITY_LOG};
use crate::store::database::EffectId;

/// Commits of an attempt that are told of.
const COMMITS: usize = 20;

impl Project {
    /// Notes who was at an attempt, an index, and what it left, writes the log, and strikes `effect` off.
    pub(super) fn log_attempt(
        &mut self,
        id: TaskId,
        index: usize,
        run: Option<&RunId>,
        effect: EffectId,
    ) -> Result<(), Failure> {
        let mut task = Task::clone(self.task(id)?);
        let stored = run.and_then(|run| self.db.session(run).transpose()).transpose().map_err(Failure::internal)?;
        let commits = self.commits_of(&task, index);
        if let Some(iteration) = task.iterations.get_mut(index) {
            iteration.agent = stored.map(|session| session.name).or(iteration.agent.take());
            // What was noted first counts: after a death of the engine the branch may be further.
            iteration.commits = iteration.commits.take().or(commits);
        }
        let is_there = self.is_there();
        if is_there {
            self.write_activity_log(&task)?;
        } else {
            self.files.missed = true;
        }
        // Without its repository it is written when that is found again.
        self.commit(task, &[], is_there.then_some(effect), now()).map(drop)
    }

    /// The log and the file that has it; none: no attempt has ended.
    pub(super) fn activity_log(&self, task: &Task) -> Option<(String, PathBuf)> {
        let path = artifact::path(&self.files.folder, &task.slug, ACTIVITY_LOG);
        text(task).map(|text| (text, path))
    }

    /// Writes the file where it differs; `true`: it did.
    pub(super) fn write_activity_log(&self, task: &Task) -> Result<bool, Failure> {
        let Some((text, _)) = self.activity_log(task) else { return Ok(false) };
        artifact::write_latest(&self.files.folder, &task.slug, ACTIVITY_LOG, &text).map_err(Failure::internal)
    }

    /// What the branch has now that it did not have when the attempt before ended.
    fn commits_of(&self, task: &Task, index: usize) -> Option<Commits> {
        let head = self.repo.branch(&task.branch).ok()??;
        let earlier = task.iterations[..index.min(task.iterations.len())].iter().rev();
        let former = earlier.filter_map(|iteration| iteration.commits.as_ref()).map(|commits| commits.head.as_str());
        let former = former.chain(task.base_commit.as_deref()).next()?;
        if head == former {
            return Some(Commits { head, lines: Vec::new(), more: false });
        }
        // What a rebase brought along is the base's.
        let base = format!("refs/heads/{}", task.base_branch);
        let mut lines = self.repo.subjects(&head, &[former, &base], COMMITS + 1).ok()?;
        let more = lines.len() > COMMITS;
        lines.truncate(COMMITS);
        Some(Commits { head, lines, more })
    }
}

/// The whole log, the latest attempt first: that one is wanted where only the beginning is shown.
fn text(task: &Task) -> Option<String> {
    let ended = task.iterations.iter().filter(|iteration| iteration.outcome.is_some());
    let parts: Vec<_> = ended.rev().map(attempt).collect();
    (!parts.is_empty())
        .then(|| format!("# Activity log of {}\n\nThe latest attempt comes first.\n\n{}", task.slug, parts.join("\n")))
}

fn attempt(iteration: &Iteration) -> String {
    let Iteration { stage, number, .. } = iteration;
    let outcome = iteration.outcome.map_or_else(String::new, |outcome| format!(": {}", outcome.word()));
    let mut lines = vec![format!("## {stage} {number}{outcome}"), String::new()];
    lines.extend(iteration.agent.as_ref().map(|agent| format!("- agent: {agent}")));
    let (by, told) = iteration.trigger.parts();
    let told = told.map(|told| super::text::one_line(&plain(told))).filter(|told| !told.is_empty());
    lines.push(format!("- began by: {by}{}", told.map_or_else(String::new, |told| format!(" ({told})"))));
    let moment = |at: Timestamp| at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string();
    if let Some((from, to)) = iteration.started_at.zip(iteration.ended_at) {
        lines.push(format!("- time: {} to {}, {} s", moment(from), moment(to), to.duration_since(from).as_secs()));
    }
    for (what, result) in [("script", &iteration.script), ("gate", &iteration.gate)] {
        lines.extend(result.as_ref().map(|result| format!("- {what}: {}", ran(result))));
    }
    if let Some(Commits { lines: commits, more, .. }) = &iteration.commits {
        lines.push(if commits.is_empty() { "- commits: none" } else { "- commits:" }.to_owned());
        lines.extend(commits.iter().map(|commit| format!("  - {}", plain(commit))));
        lines.extend(more.then(|| "  - and earlier ones".to_owned()));
    }
    if let Some(log) = &iteration.log {
        lines.push(String::new());
        // Quoted: no line of it reads as a fact of the engine's.
        lines.extend(plain(log).lines().map(|line| format!("> {line}").trim_end().to_owned()));
    }
    lines.push(String::new());
    lines.join("\n")
}

/// `attempt 2, exited 1 after 3 s, /path/of/log`.
fn ran(result: &CommandResult) -> String {
    let CommandResult { exit, attempt, log, seconds, .. } = result;
    let how = exit.map_or_else(|| "its time was up".to_owned(), |exit| exit.to_string());
    let log = if log.is_empty() { String::new() } else { format!(", {log}") };
    format!("attempt {attempt}, {how} after {seconds} s{log}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::pipeline::tests::task;
    use crate::model::{ExitStatus, Outcome, Trigger, solo};

    /// R76.
    #[test]
    fn an_attempt_has_what_is_known_and_what_was_said() {
        let mut task = task(solo());
        let at = |text: &str| text.parse().unwrap();
        let begun = at("2026-01-02T03:04:05.5Z");
        task.iterations.push(Iteration::begin("work".to_owned(), 1, Trigger::Flow, begun));
        assert_eq!(text(&task), None, "it has not ended");
        let gate = CommandResult {
            exit: Some(ExitStatus::Code(1)),
            attempt: 1,
            same: 1,
            digest: String::new(),
            text: String::new(),
            log: "/p/work-1.log".to_owned(),
            seconds: 3,
        };
        let commits =
            Commits { head: "c1".to_owned(), lines: vec!["abc1234 Quote\u{1b}[31m fields".to_owned()], more: true };
        let first = &mut task.iterations[0];
        (first.outcome, first.ended_at) = (Some(Outcome::GateFailed), Some(at("2026-01-02T03:05:05.5Z")));
        (first.agent, first.gate, first.commits) = (Some("demo".to_owned()), Some(gate), Some(commits));
        first.log = Some("Quoted fields.\n\n## work 2: passed\u{7}".to_owned());
        let trigger = Trigger::Rejected { text: "\nShorter, please.\nThanks.".to_owned() };
        let mut second = Iteration::begin("work".to_owned(), 2, trigger, begun);
        (second.outcome, second.started_at) = (Some(Outcome::Passed), None);
        second.commits = Some(Commits { head: "c1".to_owned(), lines: Vec::new(), more: false });
        task.iterations.push(second);
        insta::assert_snapshot!(text(&task).unwrap(), @r"
        # Activity log of fix-tests

        The latest attempt comes first.

        ## work 2: passed

        - began by: rejected (Shorter, please.)
        - commits: none

        ## work 1: gate failed

        - agent: demo
        - began by: flow
        - time: 2026-01-02 03:04:05 UTC to 2026-01-02 03:05:05 UTC, 60 s
        - gate: attempt 1, exited 1 after 3 s, /p/work-1.log
        - commits:
          - abc1234 Quote fields
          - and earlier ones

        > Quoted fields.
        >
        > ## work 2: passed
        ");
    }
}
