//! What agents took, and the budget of a task.
//!
//! Invariant: a call of a model counts once, however often it is told; a budget that is used up pauses the task, and from
//! there on counts anew.

use super::core::Core;
use super::ground::now;
use super::message::TaskPlace;
use super::pipeline::{Event, Wish};
use super::project::Project;
use crate::model::{Answer, BudgetConfig, Failure, ProjectId, Reply, RunId, TaskId, Usage, UsageRecord};

impl Core {
    /// A call of a model has ended.
    pub(super) fn taken(&mut self, run: &RunId, id: &str, usage: Usage) {
        let Some(live) = self.live.get(run) else { return };
        let (project, session, task) = (live.place.0.clone(), live.place.1.clone(), live.task);
        let agent = live.name.clone();
        let Ok(found) = self.project_mut(&project) else { return };
        let stage = task.map_or_else(String::new, |task| found.stage_of(task, run));
        let record = UsageRecord { task, session, agent, stage, usage };
        let kept = found.db.add_usage(id, &record, now()).map_err(Failure::internal);
        let spent = kept.and_then(|is_new| match task.filter(|_| is_new && !usage.is_empty()) {
            Some(task) => found.spent(task),
            None => Ok(None),
        });
        match (spent, task) {
            (Ok(Some(what)), Some(task)) => {
                let at = TaskPlace { project, task };
                self.happened(&at, Event::Person(Wish::Spent { what }), None);
            }
            (Err(failure), _) => self.notices.error(failure.to_string(), None),
            _ => {}
        }
    }

    pub(super) fn usage(&self, project: &ProjectId) -> Answer {
        Ok(Reply::Usage(self.project(project)?.db.usage().map_err(Failure::internal)?))
    }
}

impl Project {
    /// The stage that a run works on, by its conversation: the call that hands in ends when the next stage has begun.
    fn stage_of(&self, id: TaskId, run: &RunId) -> String {
        let Ok(task) = self.task(id) else { return String::new() };
        let own = self.db.session(run).ok().flatten().and_then(|session| session.conversation);
        let of_own = task.conversations.iter().rev().find(|(_, conversation)| Some(conversation) == own.as_ref());
        of_own.map_or(&task.current_stage().name, |(stage, _)| stage).clone()
    }

    /// The sentence of a budget that a task at work has used up.
    fn spent(&mut self, id: TaskId) -> Result<Option<String>, Failure> {
        let budget = self.settings.config.budget;
        if budget == BudgetConfig::default() || !self.task(id)?.state.is_busy() {
            return Ok(None);
        }
        let (all, before) = self.db.usage_of(id).map_err(Failure::internal)?;
        let what = over(budget, all, before);
        if what.is_some() {
            self.db.set_spent(id, &all).map_err(Failure::internal)?;
        }
        Ok(what)
    }
}

/// What is used up, if anything is: `before` was allowed for already.
fn over(budget: BudgetConfig, all: Usage, before: Usage) -> Option<String> {
    let tokens = all.tokens().saturating_sub(before.tokens());
    let cost = all.cost.saturating_sub(before.cost);
    let tokens_over = budget.tokens.filter(|limit| tokens >= u64::from(*limit));
    let cost_over = budget.dollars.filter(|limit| cost >= u64::from(*limit) * 1_000_000);
    let of = match (tokens_over, cost_over) {
        (None, None) => return None,
        (Some(limit), _) => format!("{limit} tokens (`budget.tokens`) are used up: {tokens}"),
        (None, Some(limit)) => format!("${limit} (`budget.dollars`) are used up: {}", dollars(cost)),
    };
    Some(format!("{of}; started again, it may take as much again"))
}

/// `$1.25`.
fn dollars(micros: u64) -> String {
    format!("${}.{:02}", micros / 1_000_000, micros % 1_000_000 / 10_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_counts_from_where_it_was_used_up_last() {
        let budget = BudgetConfig { tokens: Some(100), dollars: Some(2) };
        let usage = |input, output, cost| Usage { input, output, cost, cached: 1_000_000 };
        let none = Usage::default();
        assert_eq!(over(BudgetConfig::default(), usage(u64::MAX, 1, u64::MAX), none), None);
        assert_eq!(over(budget, usage(60, 39, 1_999_999), none), None);
        assert!(over(budget, usage(60, 40, 0), none).unwrap().contains("100 tokens"));
        assert!(over(budget, usage(0, 0, 2_345_000), none).unwrap().contains("used up: $2.34"));
        assert_eq!(over(budget, usage(60, 139, 3_999_999), usage(60, 40, 2_000_000)), None);
        assert!(over(budget, usage(60, 140, 0), usage(60, 40, 0)).is_some());
    }
}
