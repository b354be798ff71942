//! What a person is told before a decision: gathered in jobs, since all of it asks git.

use std::path::Path;
use std::sync::Arc;

use super::core::Core;
use super::create::git_failure;
use super::message::{Answerer, TaskPlace};
use super::monitor::last_gate;
use super::project::Project;
use crate::git::facts::{self, Facts};
use crate::git::{Cancel, GitError, Head, Repo};
use crate::model::{
    BaseFacts, DeleteFacts, Failure, FailureKind, MergeFacts, ProjectId, Reply, ReviewFacts, SessionKind, State, Task,
};

impl Core {
    pub(super) fn delete_facts(&mut self, at: &TaskPlace, answerer: Answerer) {
        let sessions = self.processes(at);
        self.gather(at, answerer, move |project, task| {
            let (repo, worktree) = (project.repo.clone(), project.worktree_path(&task));
            move || {
                let found = gather(&repo, &worktree, &task)?;
                Ok(Reply::Delete(Box::new(DeleteFacts {
                    branch: task.branch.clone(),
                    base: task.base_branch.clone(),
                    ahead: found.ahead,
                    merged: found.merged,
                    changed: found.changed,
                    untracked: found.untracked,
                    bytes: found.bytes,
                    sessions,
                    unsaved: found.unsaved,
                })))
            }
        });
    }

    pub(super) fn merge_facts(&mut self, at: &TaskPlace, into: Option<String>, answerer: Answerer) {
        let into = match self.project(&at.project).and_then(|project| project.checked_target(at.task, into)) {
            Ok(into) => into,
            Err(failure) => return answerer.answer(Err(failure)),
        };
        self.gather(at, answerer, |project, task| {
            let (repo, worktree) = (project.repo.clone(), project.worktree_path(&task));
            let stat = project.seen(&task.session_id()).stat;
            move || {
                let found = gather(&repo, &worktree, &task)?;
                let base = into.as_ref().unwrap_or(&task.base_branch);
                let behind = match &into {
                    Some(into) => repo.ahead_behind(into, &task.branch).map_err(|error| git_failure(&error))?.1,
                    None => found.behind,
                };
                let integration = &task.flow.integration;
                Ok(Reply::Merge(Box::new(MergeFacts {
                    branch: task.branch.clone(),
                    base: base.clone(),
                    strategy: integration.strategy,
                    ahead: found.ahead,
                    behind,
                    dirty: (found.changed.len() + found.untracked.len()) as u32,
                    stat,
                    conflicts: conflicts(&repo, &task.branch, base),
                    gate: integration.gate.as_ref().map(|gate| gate.command.clone()),
                    refused: refused(&task),
                })))
            }
        });
    }

    pub(super) fn review_facts(&mut self, at: &TaskPlace, answerer: Answerer) {
        self.gather(at, answerer, |project, task| {
            let repo = project.repo.clone();
            let stage = task.current_stage();
            let artifact = project.last_artifact(&task);
            let gate = last_gate(&task).filter(|_| stage.gate.is_some());
            let facts = ReviewFacts {
                artifact,
                stat: project.seen(&task.session_id()).stat,
                gate: gate.map(|gate| gate_line(&task, gate)),
                gate_log: gate.map(|gate| gate.log.clone().into()),
                base: task.base_branch.clone(),
                conflicts: Vec::new(),
                next: next(&task),
            };
            move || {
                Ok(Reply::Review(Box::new(ReviewFacts {
                    conflicts: conflicts(&repo, &task.branch, &task.base_branch),
                    ..facts
                })))
            }
        });
    }

    /// What a task would start from, now: a person may have committed or switched since the last look.
    pub(super) fn base_facts(&mut self, project: &ProjectId, base: Option<String>, answerer: Answerer) {
        match self.project(project).map(|project| project.repo.clone()) {
            Ok(repo) => drop(tokio::task::spawn_blocking(move || {
                let facts = base_of(&repo, base).map_err(|error| git_failure(&error));
                answerer.answer(facts.map(|facts| Reply::Base(Box::new(facts))));
            })),
            Err(failure) => answerer.answer(Err(failure)),
        }
    }

    /// Prepares with the project at hand, then asks git in a job, which answers.
    fn gather<J>(&mut self, at: &TaskPlace, answerer: Answerer, prepare: impl FnOnce(&Project, Arc<Task>) -> J)
    where
        J: FnOnce() -> Result<Reply, Failure> + Send + 'static,
    {
        let job = self.project(&at.project).and_then(|project| {
            let task = Arc::clone(project.task(at.task)?);
            Ok(prepare(project, task))
        });
        match job {
            Ok(job) => drop(tokio::task::spawn_blocking(move || answerer.answer(job()))),
            Err(failure) => answerer.answer(Err(failure)),
        }
    }

    /// The processes of a task that a delete would end.
    fn processes(&self, at: &TaskPlace) -> Vec<(SessionKind, String)> {
        let live = self.live.values().filter(|live| live.alive() && super::driver::of_task(live, at));
        live.map(|live| (live.kind, live.name.clone())).collect()
    }
}

fn base_of(repo: &Repo, wanted: Option<String>) -> Result<BaseFacts, GitError> {
    let wanted = match (wanted, repo.head()?) {
        (Some(wanted), _) => wanted,
        (None, Head::Branch(branch)) => branch,
        (None, Head::Detached(_)) => "HEAD".to_owned(),
    };
    let base = repo.resolve_base(&wanted)?;
    let upstream = if base.is_branch { repo.upstream(&base.name)? } else { None };
    let upstream = upstream.map(|name| {
        let behind = repo.ahead_behind(&name, &base.commit)?.1;
        Ok((name, behind))
    });
    Ok(BaseFacts { name: base.name, commit: base.commit, upstream: upstream.transpose()? })
}

fn gather(repo: &Repo, worktree: &Path, task: &Task) -> Result<Facts, Failure> {
    facts::gather(repo, worktree, &task.branch, &task.base_branch, &Cancel::default())
        .map_err(|error| git_failure(&error))
}

/// Files that would conflict; a prediction that fails is no reason to say nothing else.
fn conflicts(repo: &Repo, branch: &str, base: &str) -> Vec<String> {
    repo.predict(branch, base).unwrap_or_default()
}

fn refused(task: &Task) -> Option<Failure> {
    (task.state != State::Done)
        .then(|| Failure::new(FailureKind::BadState, format!("{} is {}, not done.", task.slug, task.state.word())))
}

fn gate_line(task: &Task, gate: &crate::model::CommandResult) -> String {
    let command = task.current_stage().gate.as_ref().map_or("", |gate| gate.command.as_str());
    let name = command.rsplit('/').next().unwrap_or(command);
    let verdict = if gate.passed() { "passed" } else { "failed" };
    format!("{name} {verdict} on attempt {}    {}", gate.attempt, duration(gate.seconds))
}

fn duration(seconds: u32) -> String {
    match (seconds / 60, seconds % 60) {
        (0, seconds) => format!("{seconds} s"),
        (minutes, seconds) => format!("{minutes} m {seconds} s"),
    }
}

/// What an approval leads to.
fn next(task: &Task) -> String {
    if let Some(stage) = task.rejected_stage().filter(|_| task.state == State::Verdict) {
        return format!("back to {stage}; o overrides it");
    }
    let waits = task.state == State::Approval;
    let then = task.current_stage().breakdown().and_then(|it| it.completion_stage.clone());
    match task.iteration().and_then(|iteration| iteration.subtasks.as_ref()).filter(|_| waits).map(Vec::len) {
        // A single one is done in the task itself.
        Some(1) => format!("1 subtask, as stages of {}", task.slug),
        Some(count) => format!("{count} subtasks, then {}", then.unwrap_or_else(|| following(task))),
        None => following(task),
    }
}

/// What comes after the stage.
fn following(task: &Task) -> String {
    let following = task.next_stage().filter(|_| task.state == State::Approval);
    match following {
        Some(stage) => stage.name.clone(),
        None if task.flow.integration.auto_merge => format!("merged into {}", task.base_branch),
        None => "reviewed; then M merges".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::pipeline::tests::task;
    use crate::model::{
        Breakdown, ChildFailure, Decision, Iteration, Output, SubtaskDraft, Trigger, Verdict, Work, solo,
    };

    fn waiting(state: State, output: Output) -> Task {
        let mut flow = solo();
        let mut first = flow.stages[0].clone();
        first.name = "plan".to_owned();
        flow.stages.insert(0, first);
        if let Work::Agent(assignment) = &mut flow.stages[0].work {
            assignment.output = output;
        }
        let begun = Iteration::begin("plan".to_owned(), 1, Trigger::Flow, jiff::Timestamp::UNIX_EPOCH);
        Task { state, iterations: vec![begun], ..task(flow) }
    }

    #[test]
    fn a_breakdown_leads_to_its_subtasks() {
        let breakdown = |completion_stage: Option<&str>| {
            let completion_stage = completion_stage.map(str::to_owned);
            Output::Subtasks(Breakdown {
                flow: "solo".to_owned(),
                completion_stage,
                on_child_failure: ChildFailure::Fail,
            })
        };
        let draft = SubtaskDraft {
            title: "a".to_owned(),
            description: "b".to_owned(),
            instructions: String::new(),
            depends_on: Vec::new(),
            flow: None,
        };
        for (count, completion, said) in [
            (2, None, "2 subtasks, then work"),
            (3, Some("plan"), "3 subtasks, then plan"),
            (1, None, "1 subtask, as stages of fix-tests"),
        ] {
            let mut task = waiting(State::Approval, breakdown(completion));
            task.iterations[0].subtasks = Some(vec![draft.clone(); count]);
            assert_eq!(next(&task), said);
        }
        assert_eq!(next(&waiting(State::Approval, Output::Artifact)), "work");
    }

    #[test]
    fn a_rejection_leads_back() {
        let mut task = waiting(State::Verdict, Output::Verdict { rejection_stage: "plan".to_owned() });
        let verdict = |decision| Verdict { decision, reason: "slow".to_owned(), route_to: None };
        task.iterations[0].verdict = Some(verdict(Decision::Reject));
        assert_eq!(next(&task), "back to plan; o overrides it");
        task.iterations[0].verdict = Some(verdict(Decision::Approve));
        task.state = State::Approval;
        assert_eq!(next(&task), "work");
    }
}
