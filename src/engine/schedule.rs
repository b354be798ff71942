//! Which queued tasks may start, and what the others wait for. Pure.
//!
//! A place is taken by work of the engine or of an agent; a task that waits for a person holds none, so people who are away
//! never block the queue. Invariants, checked by the property tests: nothing is granted above the cap of its project or above
//! the one of all projects; who came first goes first, but for those whose project is full; a place that becomes free goes
//! to somebody.

use std::sync::Arc;

use super::core::Core;
use super::integrate::earlier;
use super::message::TaskPlace;
use super::pipeline::Event;
use crate::model::{Hold, State, Task, TaskId};

/// A project's part in the schedule.
pub struct Row<'a, T> {
    /// The project's cap, from 1.
    pub max: u32,
    /// False: nothing of it can start.
    pub usable: bool,
    pub tasks: T,
    /// Decides between tasks that came at the same moment.
    pub name: &'a str,
}

/// What is to happen to the queued tasks. Indices are those of the rows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// They start now, in this order.
    pub granted: Vec<(usize, TaskId)>,
    /// They go on waiting, first come first.
    pub queue: Vec<(usize, TaskId, Queued)>,
}

/// Where a task stands in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Queued {
    /// Over all projects, from 1.
    pub place: u32,
    pub hold: Hold,
}

/// Gives the free places away.
pub fn plan<'a, T>(rows: &[Row<'a, T>], max_total: u32) -> Plan
where
    T: Iterator<Item = &'a Task> + Clone,
{
    let works = |row: &Row<'a, T>, task: &Task| holds_place(task) && !is_held_back(task, row.tasks.clone());
    let working = |row: &Row<'a, T>| row.tasks.clone().filter(|task| works(row, task)).count();
    let mut running: Vec<usize> = rows.iter().map(working).collect();
    let mut total: usize = running.iter().sum();
    let waiting = |(index, row): (usize, &Row<'a, T>)| {
        let queued = row.tasks.clone().filter(|task| task.state == State::Queued);
        let name = row.name;
        queued.map(move |task| ((task.updated_at, name, task.id), index)).collect::<Vec<_>>()
    };
    let mut queued: Vec<_> = rows.iter().enumerate().flat_map(waiting).collect();
    queued.sort_unstable();
    let mut plan = Plan::default();
    for ((_, _, task), index) in queued {
        let row = &rows[index];
        let hold = if !row.usable {
            Hold::Trouble
        } else if running[index] >= row.max as usize {
            Hold::Project { max: row.max }
        } else if total >= max_total as usize {
            Hold::Total { max: max_total }
        } else {
            running[index] += 1;
            total += 1;
            plan.granted.push((index, task));
            continue;
        };
        let place = plan.queue.len() as u32 + 1;
        plan.queue.push((index, task, Queued { place, hold }));
    }
    plan
}

/// The task has work under way.
fn holds_place(task: &Task) -> bool {
    task.state.is_busy() && task.state != State::Queued
}

/// It only waits for its turn to be integrated: the work that it waits for may need its place.
fn is_held_back<'a>(task: &Task, tasks: impl Iterator<Item = &'a Task>) -> bool {
    task.state == State::Integrating && earlier(task, tasks).is_some()
}

impl Core {
    pub(super) fn plan(&self) -> Plan {
        let rows: Vec<_> = self
            .projects
            .iter()
            .map(|project| Row {
                max: project.settings.config.max_running,
                usable: project.trouble.is_none(),
                tasks: project.tasks().map(Arc::as_ref),
                name: project.id.as_str(),
            })
            .collect();
        plan(&rows, self.known.max_running_total)
    }

    /// Gives free places to queued tasks.
    pub(super) fn grant_places(&mut self) {
        for (index, task) in self.plan().granted {
            let at = TaskPlace { project: self.projects[index].id.clone(), task };
            self.happened(&at, Event::Granted, None);
        }
    }
}

#[cfg(test)]
#[path = "schedule_tests.rs"]
mod tests;
