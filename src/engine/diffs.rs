//! Live diffs: one job in flight for each worktree, the newest request wins, off the engine's thread.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use super::Place;
use super::core::Core;
use super::handle::Change;
use super::message::{Message, TaskPlace};
use super::project::Totals;
use crate::git::diff::Differ;
use crate::git::watch::{Seen, Watcher};
use crate::git::{Cancel, GitError, Repo};
use crate::model::{Diff, Failure, ProjectId};

/// The worktrees whose diffs are kept fresh.
#[derive(Default)]
pub(super) struct Diffs {
    followed: HashMap<Place, Follower>,
    watched: Option<Place>,
}

impl Diffs {
    /// Begins anew with the next look, from wherever the worktree is then.
    pub fn unfollow(&mut self, place: &Place) {
        self.followed.remove(place);
    }

    /// Follows nothing of a project any more.
    pub fn forget(&mut self, project: &ProjectId) {
        self.followed.retain(|place, _| place.0 != *project);
    }
}

/// Keeps one worktree's diff fresh on a thread of its own; ends when it is dropped.
struct Follower {
    orders: Sender<Order>,
}

enum Order {
    Look(Look),
    Stop,
}

/// How much of a worktree has to be looked at.
enum Look {
    Everything,
    Paths(Vec<PathBuf>),
}

impl Core {
    /// This session's diff is on the screen.
    pub(super) fn watch_diff(&mut self, place: Place) {
        self.follow_diff(&place);
        self.diffs.watched = Some(place);
        self.shared.tell(Change::Diff);
    }

    /// Follows the worktree of a task as long as there is one that can change.
    pub(super) fn follow_worktree(&mut self, at: &TaskPlace) {
        let Ok(task) = self.project(&at.project).and_then(|project| project.task(at.task)) else { return };
        let place = (at.project.clone(), task.session_id());
        if task.base_commit.is_some() && !task.state.is_closed() {
            self.follow_diff(&place);
        } else {
            self.diffs.followed.remove(&place);
        }
    }

    /// Begins to follow a worktree, if it is not followed yet.
    pub(super) fn follow_diff(&mut self, place: &Place) {
        if self.diffs.followed.contains_key(place) {
            return;
        }
        let Ok(project) = self.project(&place.0) else { return };
        let of = match project.task_by_session(&place.1) {
            Some(task) => match (project.worktree(task), &task.base_commit) {
                (Ok(worktree), Some(commit)) => (worktree, task.base_branch.clone(), commit.clone()),
                _ => return,
            },
            None => (project.root().to_owned(), "HEAD".to_owned(), "HEAD".to_owned()),
        };
        match Follower::start(&project.repo, of, place.clone(), self.inbox.clone()) {
            Ok(follower) => drop(self.diffs.followed.insert(place.clone(), follower)),
            Err(failure) => self.notices.error(format!("no live diff of {}: {failure}", place.1), Some(place.clone())),
        }
    }

    pub(super) fn diffed(&mut self, place: Place, diff: Arc<Diff>) {
        let seen = Totals { stat: diff.stat(), ahead: diff.ahead };
        if let Ok(project) = self.project_mut(&place.0) {
            project.book.seen.insert(place.1.clone(), seen);
        }
        let mut diffs = HashMap::clone(&self.shared.diffs.load());
        let shown = self.diffs.watched.as_ref() == Some(&place);
        diffs.insert(place, diff);
        self.shared.diffs.store(Arc::new(diffs));
        if shown {
            self.shared.tell(Change::Diff);
        }
    }
}

impl Follower {
    fn start(
        repo: &Repo,
        (worktree, base, base_commit): (PathBuf, String, String),
        place: Place,
        inbox: tokio::sync::mpsc::Sender<Message>,
    ) -> Result<Self, Failure> {
        let repo = repo.clone();
        let (orders, received) = channel();
        let seen = orders.clone();
        let thread = move || {
            let failed = |error: GitError| {
                // An engine that has gone wants no diff.
                let _ = inbox.blocking_send(Message::NoDiff { place: place.clone(), error: error.to_string() });
            };
            let repo = match repo.at(&worktree) {
                Ok(repo) => repo,
                Err(error) => return failed(error),
            };
            let watcher = Watcher::start(&repo, &base, None, move |what| {
                let look = match what {
                    Seen::Paths(paths) => Look::Paths(paths),
                    Seen::Git | Seen::Rescan | Seen::Polling(_) => Look::Everything,
                };
                let _ = seen.send(Order::Look(look));
            });
            let _watcher = watcher.map_err(failed);
            follow(Differ::new(&repo, &base, &base_commit), &received, |diff| {
                inbox.blocking_send(Message::Diffed { place: place.clone(), diff: Arc::new(diff) }).is_ok()
            });
        };
        std::thread::Builder::new().name("diff".to_owned()).spawn(thread).map_err(Failure::internal)?;
        Ok(Self { orders })
    }
}

impl Drop for Follower {
    /// The thread ends by itself after the diff that it may be at: nobody waits for that.
    fn drop(&mut self) {
        let _ = self.orders.send(Order::Stop);
    }
}

/// Scans once, then follows what changes; several changes that wait are one.
fn follow(mut differ: Differ, orders: &Receiver<Order>, tell: impl Fn(Diff) -> bool) {
    let never = Cancel::default();
    let mut look = Look::Everything;
    loop {
        let diff = match &look {
            Look::Everything => differ.scan(&never),
            Look::Paths(paths) => differ.refresh(paths, &never),
        };
        // A worktree in the middle of a move is looked at again with its next change.
        if let Ok(diff) = diff
            && !tell(diff)
        {
            return;
        }
        let Ok(Order::Look(first)) = orders.recv() else { return };
        look = first;
        while let Ok(order) = orders.try_recv() {
            match order {
                Order::Look(more) => look = look.and(more),
                Order::Stop => return,
            }
        }
    }
}

impl Look {
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Paths(mut paths), Self::Paths(more)) => {
                paths.extend(more);
                Self::Paths(paths)
            }
            _ => Self::Everything,
        }
    }
}
