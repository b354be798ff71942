//! Live diffs: one job in flight for each worktree, the newest request wins, off the engine's thread.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use super::Place;
use super::core::Core;
use super::handle::Change;
use super::message::Message;
use super::project::Seen;
use crate::git::diff::Differ;
use crate::git::watch::{Batch, Watcher};
use crate::git::{GitError, Repo};
use crate::model::Diff;

/// The worktrees whose diffs are kept fresh.
#[derive(Default)]
pub(super) struct Diffs {
    followed: HashMap<Place, Follower>,
    watched: Option<Place>,
}

/// Keeps one worktree's diff fresh on a thread of its own; ends when it is dropped.
struct Follower {
    orders: Sender<Order>,
}

enum Order {
    Changed(Batch),
    Stop,
}

impl Core {
    /// This session's diff is on the screen.
    pub(super) fn watch_diff(&mut self, place: Place) {
        self.follow_diff(&place);
        self.diffs.watched = Some(place);
        (self.listener)(Change::Diff);
    }

    /// Begins to follow a worktree, if it is not followed yet.
    pub(super) fn follow_diff(&mut self, place: &Place) {
        if self.diffs.followed.contains_key(place) {
            return;
        }
        let Ok(project) = self.project(&place.0) else { return };
        let (worktree, base) = match project.task_by_session(&place.1) {
            Some(task) => match project.worktree(task) {
                Ok(worktree) => (worktree, task.base_branch.clone()),
                Err(_) => return,
            },
            None => (project.root().to_owned(), "HEAD".to_owned()),
        };
        let follower = Follower::start(project.repo.clone(), worktree, base, place.clone(), self.inbox.clone());
        match follower {
            Ok(follower) => drop(self.diffs.followed.insert(place.clone(), follower)),
            Err(error) => self.notices.error(format!("no live diff of {}: {error}", place.1), Some(place.clone())),
        }
    }

    /// A worktree is gone, or about to go.
    pub(super) fn forget_diff(&mut self, place: &Place) {
        self.diffs.followed.remove(place);
    }

    pub(super) fn diffed(&mut self, place: Place, diff: Arc<Diff>) {
        let seen = Seen { stat: diff.stat(), ahead: diff.ahead };
        if let Ok(project) = self.project_mut(&place.0) {
            project.seen.insert(place.1.clone(), seen);
        }
        let mut diffs = HashMap::clone(&self.shared.diffs.load());
        let shown = self.diffs.watched.as_ref() == Some(&place);
        diffs.insert(place, diff);
        self.shared.diffs.store(Arc::new(diffs));
        if shown {
            (self.listener)(Change::Diff);
        }
    }
}

impl Follower {
    fn start(
        repo: Repo,
        worktree: PathBuf,
        base: String,
        place: Place,
        inbox: tokio::sync::mpsc::Sender<Message>,
    ) -> Result<Self, GitError> {
        let (orders, received) = channel();
        let changes = orders.clone();
        let watcher = Watcher::start(&repo, &worktree, move |batch| {
            let _ = changes.send(Order::Changed(batch));
        })?;
        let folder = worktree.clone();
        let differ = Differ::new(repo, worktree, base);
        std::thread::Builder::new()
            .name("diff".to_owned())
            .spawn(move || {
                follow(differ, &received, |diff| {
                    inbox.blocking_send(Message::Diffed { place: place.clone(), diff: Arc::new(diff) }).is_ok()
                });
                drop(watcher);
            })
            .map_err(GitError::io(&folder))?;
        Ok(Self { orders })
    }
}

impl Drop for Follower {
    /// The thread ends by itself after the diff that it may be at: nobody waits for that.
    fn drop(&mut self) {
        let _ = self.orders.send(Order::Stop);
    }
}

/// Scans once, then follows the batches; several that wait are one.
fn follow(mut differ: Differ, orders: &Receiver<Order>, tell: impl Fn(Diff) -> bool) {
    let mut changes = Batch::rescan();
    loop {
        // A worktree in the middle of a move is looked at again with its next change.
        if let Ok(diff) = differ.refresh(&changes)
            && !tell(diff)
        {
            return;
        }
        let Ok(Order::Changed(first)) = orders.recv() else { return };
        changes = first;
        while let Ok(order) = orders.try_recv() {
            match order {
                Order::Changed(more) => changes = changes.and(more),
                Order::Stop => return,
            }
        }
    }
}
