//! What changed, as numbered events: found by comparing one snapshot with the next.
//!
//! Invariants: numbers only grow, also from one engine to the next; a reader that is too far behind is told so, and never
//! holds up anybody.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use tokio::sync::watch;

use super::wire::{Event, EventKind};
use crate::model::{ProjectId, ProjectView, SessionView, Snapshot, TaskId, TaskView};

/// Events that are kept for those who come back.
const KEPT: usize = 4096;

/// Something that changed, and whose it is.
type Change = (EventKind, Option<ProjectId>, Option<TaskId>);

/// The last events.
pub struct Journal {
    ring: Mutex<VecDeque<Event>>,
    /// Number of the last event.
    last: watch::Sender<u64>,
}

impl Journal {
    /// An empty journal; `now` makes its numbers greater than those of every engine before.
    pub fn new(now: Timestamp) -> Self {
        let first = now.as_microsecond().max(0).cast_unsigned();
        Self { ring: Mutex::default(), last: watch::Sender::new(first) }
    }

    pub fn last(&self) -> u64 {
        *self.last.borrow()
    }

    /// Tells of every new number.
    pub fn follow(&self) -> watch::Receiver<u64> {
        self.last.subscribe()
    }

    /// Adds what differs between two snapshots.
    pub fn add(&self, old: &Snapshot, new: &Snapshot, at: Timestamp) {
        let changes = compare(old, new);
        if changes.is_empty() {
            return;
        }
        let mut ring = self.ring();
        let mut seq = self.last();
        for (kind, project, task) in changes {
            seq += 1;
            if ring.len() == KEPT {
                ring.pop_front();
            }
            ring.push_back(Event { seq, kind, project, task, at });
        }
        drop(ring);
        self.last.send_replace(seq);
    }

    /// The events after `seq`, at most `limit`; none: some of them are not known any more.
    pub fn after(&self, seq: u64, limit: usize) -> Option<Vec<Event>> {
        let ring = self.ring();
        let first = ring.front().map_or(self.last() + 1, |event| event.seq);
        if seq + 1 < first || seq > self.last() {
            return None;
        }
        let skipped = (seq + 1 - first) as usize;
        Some(ring.iter().skip(skipped).take(limit).cloned().collect())
    }

    fn ring(&self) -> MutexGuard<'_, VecDeque<Event>> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What differs between two snapshots, in the order of the projects and tasks. Pure.
fn compare(old: &Snapshot, new: &Snapshot) -> Vec<Change> {
    let mut changes = Vec::new();
    for project in &new.projects {
        match old.projects.iter().find(|former| former.id == project.id) {
            None => changes.push((EventKind::ProjectOpened, Some(project.id.clone()), None)),
            Some(former) if Arc::ptr_eq(former, project) => {}
            Some(former) => compare_projects(former, project, &mut changes),
        }
    }
    let gone = old.projects.iter().filter(|former| new.projects.iter().all(|project| project.id != former.id));
    changes.extend(gone.map(|former| (EventKind::ProjectForgotten, Some(former.id.clone()), None)));
    let told = old.notices.last().map_or(0, |notice| notice.seq);
    for notice in new.notices.iter().filter(|notice| notice.seq > told) {
        let about = notice.about.as_ref();
        let task = about.and_then(|(project, session)| {
            let project = new.projects.iter().find(|view| view.id == *project)?;
            Some(project.tasks.iter().find(|view| view.task.slug.as_str() == session.as_str())?.task.id)
        });
        changes.push((EventKind::Notice, about.map(|(project, _)| project.clone()), task));
    }
    changes
}

fn compare_projects(old: &ProjectView, new: &ProjectView, changes: &mut Vec<Change>) {
    let mut tell = |kind, task| changes.push((kind, Some(new.id.clone()), task));
    let own = |view: &ProjectView| (view.branch.clone(), view.initialized, view.name.clone(), view.root.clone());
    if own(old) != own(new) || old.flows != new.flows || old.config != new.config {
        tell(EventKind::ProjectChanged, None);
    }
    // Both lists are ordered by id.
    let mut former = old.tasks.iter().peekable();
    for task in &new.tasks {
        let id = Some(task.task.id);
        while let Some(gone) = former.next_if(|view| view.task.id < task.task.id) {
            tell(EventKind::TaskDeleted, Some(gone.task.id));
        }
        match former.next_if(|view| view.task.id == task.task.id) {
            None => tell(EventKind::TaskCreated, id),
            Some(former) => compare_tasks(former, task).into_iter().for_each(|kind| tell(kind, id)),
        }
    }
    former.for_each(|gone| tell(EventKind::TaskDeleted, Some(gone.task.id)));
    let differ = |old: &[SessionView], new: &[SessionView]| {
        old.len() != new.len()
            || new.iter().any(|it| old.iter().find(|former| former.id == it.id).is_none_or(|old| differs(old, it)))
    };
    if differ(old.designer.as_slice(), new.designer.as_slice()) || differ(&old.shells, &new.shells) {
        tell(EventKind::SessionChanged, None);
    }
}

fn compare_tasks(old: &TaskView, new: &TaskView) -> Vec<EventKind> {
    let mut kinds = Vec::new();
    let (was, is) = (&old.task, &new.task);
    let state = (was.state, was.reviewed, &was.reason) != (is.state, is.reviewed, &is.reason);
    if state {
        kinds.push(EventKind::TaskState);
    }
    let around = |view: &TaskView| (view.unread, view.queued, view.gate, view.worktree.clone());
    if !state && ((!Arc::ptr_eq(was, is) && was != is) || around(old) != around(new)) {
        kinds.push(EventKind::TaskChanged);
    }
    if (old.diff, old.ahead) != (new.diff, new.ahead) {
        kinds.push(EventKind::DiffChanged);
    }
    let session = match (&old.session, &new.session) {
        (Some(old), Some(new)) => differs(old, new),
        (old, new) => old.is_some() != new.is_some(),
    };
    if session {
        kinds.push(EventKind::SessionChanged);
    }
    kinds
}

fn differs(old: &SessionView, new: &SessionView) -> bool {
    (old.alive, old.exit, &old.activity, old.waiting) != (new.alive, new.exit, &new.activity, new.waiting)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Notice, NoticeKind};

    fn notices(count: u64) -> Snapshot {
        let notice = |seq| Notice {
            seq,
            kind: NoticeKind::News,
            text: String::new(),
            about: None,
            at: Timestamp::UNIX_EPOCH,
            bell: false,
        };
        Snapshot { notices: (1..=count).map(|seq| Arc::new(notice(seq))).collect(), ..Snapshot::default() }
    }

    #[test]
    fn numbers_go_on_and_what_is_too_old_is_not_known() {
        let journal = Journal::new(Timestamp::from_microsecond(1000).unwrap());
        assert_eq!((journal.last(), journal.after(1000, 9)), (1000, Some(vec![])));
        assert_eq!((journal.after(999, 9), journal.after(1001, 9)), (None, None));
        journal.add(&notices(0), &notices(3), Timestamp::UNIX_EPOCH);
        let seqs = |since, limit| Some(journal.after(since, limit)?.iter().map(|event| event.seq).collect::<Vec<_>>());
        assert_eq!((seqs(1000, 9), seqs(1001, 1)), (Some(vec![1001, 1002, 1003]), Some(vec![1002])));
        journal.add(&notices(3), &notices(3), Timestamp::UNIX_EPOCH);
        assert_eq!(journal.last(), 1003, "nothing changed");
        journal.add(&notices(3), &notices(3 + KEPT as u64), Timestamp::UNIX_EPOCH);
        assert_eq!((seqs(1002, 9), seqs(1003, 1)), (None, Some(vec![1004])));
    }
}
