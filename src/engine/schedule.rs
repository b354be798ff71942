//! Which queued tasks may start now. Pure.

use crate::model::{State, Task, TaskId};

/// The tasks that get a place now, first come first served.
///
/// A place is taken by work of the engine or of an agent; a task that waits for a person holds none, so people who
/// are away never block the queue.
pub fn grants<'a>(tasks: impl Iterator<Item = &'a Task> + Clone, max_running: u32) -> Vec<TaskId> {
    let running = tasks.clone().filter(|task| task.state.is_busy() && task.state != State::Queued).count();
    let free = (max_running as usize).saturating_sub(running);
    queue(tasks).into_iter().take(free).collect()
}

/// The queued tasks in the order in which they will start.
pub fn queue<'a>(tasks: impl Iterator<Item = &'a Task>) -> Vec<TaskId> {
    let mut queued: Vec<_> = tasks.filter(|task| task.state == State::Queued).collect();
    queued.sort_by_key(|task| (task.updated_at, task.id));
    queued.into_iter().map(|task| task.id).collect()
}
