//! `orchestra wait`: until a task has come somewhere.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::json;

use super::context::{Context, Link, OfTask};
use super::{Outcome, Run, look, watch};
use crate::model::{Failure, FailureKind, State, Status};
use crate::rpc::TaskView;

/// Wait until a task has come to a state or a status
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  orchestra wait fix-tests --until completed --timeout 1800
  orchestra wait fix-tests --until asking && orchestra attach fix-tests
Exit codes: 0 reached, 1 failed or deleted, 6 the time is up.")]
pub(super) struct Wait {
    #[command(flatten)]
    task: OfTask,
    /// A state or a status; later ones count as reached
    #[arg(long, short, value_name = "STATE", value_parser = parsed)]
    until: Goal,
    /// Seconds; without it there is no limit
    #[arg(long, short, value_name = "S")]
    timeout: Option<u64>,
}

/// A word to be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Goal(&'static str);

/// How waiting ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Reached,
    /// It will not come there without somebody's help.
    Never,
    NotYet,
}

/// What is seen of the task.
enum Seen {
    Task(Box<TaskView>, Verdict),
    Deleted,
}

impl Run for Wait {
    fn run(&self, context: &Context) -> Outcome {
        let deadline = self.timeout.and_then(|seconds| Instant::now().checked_add(Duration::from_secs(seconds)));
        let mut link = context.link()?;
        let name = link.name(&self.task)?;
        let id = link.task(&name)?.id.to_string();
        match watch::until(context, &mut link, deadline, |link| self.look(link, &id))? {
            Some(Seen::Task(task, verdict)) => {
                context.output.result(&json!({"task": task}), || {
                    let why = look::why(&task);
                    let colon = if why.is_empty() { "" } else { ": " };
                    format!("{} has come to {}{colon}{why}", task.slug, task.state)
                });
                Ok(ExitCode::from(u8::from(verdict == Verdict::Never)))
            }
            Some(Seen::Deleted) => {
                context.output.failure(&Failure::new(FailureKind::NotFound, format!("{name} was deleted.")));
                Ok(ExitCode::from(1))
            }
            None => {
                let seconds = self.timeout.unwrap_or_default();
                let told = format!("{name} has not come to {} within {seconds} s.", self.until.0);
                Err(Failure::new(FailureKind::Timeout, told).hint("orchestra explain TASK says why."))
            }
        }
    }
}

impl Wait {
    fn look(&self, link: &mut Link, id: &str) -> Result<Option<Seen>, Failure> {
        let task = match link.task(id) {
            Ok(task) => task,
            Err(failure) if failure.kind == FailureKind::NotFound => return Ok(Some(Seen::Deleted)),
            Err(failure) => return Err(failure),
        };
        let verdict = self.until.verdict(&task.state, &task.status);
        Ok((verdict != Verdict::NotYet).then(|| Seen::Task(Box::new(task), verdict)))
    }
}

impl Goal {
    fn verdict(self, state: &str, status: &str) -> Verdict {
        let far = rank(state).max(rank(status).filter(|_| state == "done" || state == "archived"));
        let passed = rank(self.0).zip(far).is_some_and(|(goal, far)| far > goal);
        if state == self.0 || status == self.0 || passed {
            Verdict::Reached
        } else if matches!(state, "failed" | "merged" | "archived") {
            Verdict::Never
        } else {
            Verdict::NotYet
        }
    }
}

/// How far a word is on the way; none: it is not on it (paused, blocked, failed, archived).
fn rank(word: &str) -> Option<u8> {
    Some(match word {
        "draft" | "waiting" => 0,
        "setup" | "running" => 1,
        "queued" => 2,
        "working" | "scripting" => 3,
        "gating" | "integrating" | "children" | "quiet" | "asking" | "approval" | "verdict" | "idle" => 4,
        "done" | "completed" => 5,
        "reviewed" => 6,
        "merged" => 7,
        _ => return None,
    })
}

fn parsed(word: &str) -> Result<Goal, String> {
    // `draft` is a state as well.
    const STATUSES: [Status; 4] = [Status::Running, Status::Idle, Status::Completed, Status::Reviewed];
    let words: Vec<_> = State::ALL.into_iter().map(State::word).chain(STATUSES.map(Status::word)).collect();
    let found = words.iter().copied().find(|it| *it == word);
    found.map(Goal).ok_or_else(|| format!("it is one of {}", words.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_states_count_as_reached() {
        for (goal, state, status, wanted) in [
            ("working", "setup", "running", Verdict::NotYet),
            ("working", "working", "running", Verdict::Reached),
            ("working", "quiet", "idle", Verdict::Reached),
            ("running", "queued", "running", Verdict::Reached),
            ("asking", "quiet", "idle", Verdict::NotYet),
            ("asking", "done", "completed", Verdict::Reached),
            ("idle", "approval", "idle", Verdict::Reached),
            ("completed", "done", "reviewed", Verdict::Reached),
            ("reviewed", "done", "completed", Verdict::NotYet),
            ("reviewed", "merged", "completed", Verdict::Reached),
            ("merged", "archived", "reviewed", Verdict::Never),
            ("completed", "archived", "reviewed", Verdict::Reached),
            ("completed", "failed", "idle", Verdict::Never),
            ("failed", "failed", "idle", Verdict::Reached),
            ("paused", "done", "completed", Verdict::NotYet),
            ("failed", "merged", "completed", Verdict::Never),
        ] {
            assert_eq!(Goal(goal).verdict(state, status), wanted, "{goal} while {state}, {status}");
        }
        assert!(parsed("finished").unwrap_err().contains("completed"));
    }
}
