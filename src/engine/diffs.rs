//! Live diffs: one job in flight for each worktree, the newest request wins, off the engine's thread.
//!
//! Invariants: of worktrees that are followed anew, a few are looked at at the same time and the rest waits, but for the one on
//! the screen; no first look begins before the engine's thread has told what it has to tell.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinHandle;

use super::Place;
use super::core::Core;
use super::handle::Change;
use super::message::{Message, TaskPlace};
use super::project::Totals;
use crate::git::diff::Differ;
use crate::git::watch::{Seen, Watcher};
use crate::git::{Cancel, GitError, Repo};
use crate::model::{Diff, ProjectId};

/// First looks at the same time: each runs git some times, and an engine that begins may have fifty to take.
const LANES: usize = 4;

/// The worktrees whose diffs are kept fresh.
pub(super) struct Diffs {
    followed: HashMap<Place, Follower>,
    watched: Option<Place>,
    lanes: Arc<Semaphore>,
}

impl Default for Diffs {
    fn default() -> Self {
        Self { followed: HashMap::new(), watched: None, lanes: Arc::new(Semaphore::new(LANES)) }
    }
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
    /// Ends the look that is under way with the follower.
    over: Cancel,
    /// Waits for its first look, then starts the thread.
    turn: JoinHandle<()>,
}

/// What a follower looks at, and whom it tells.
struct Scene {
    repo: Repo,
    worktree: PathBuf,
    base: String,
    base_commit: String,
    place: Place,
    inbox: mpsc::Sender<Message>,
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
        if self.diffs.followed.get(&place).is_some_and(Follower::waits) {
            self.diffs.unfollow(&place);
        }
        // Whoever looks at it waits for no other worktree.
        self.begin_to_follow(&place, None);
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
    fn follow_diff(&mut self, place: &Place) {
        self.begin_to_follow(place, Some(Arc::clone(&self.diffs.lanes)));
    }

    fn begin_to_follow(&mut self, place: &Place, lanes: Option<Arc<Semaphore>>) {
        if self.diffs.followed.contains_key(place) {
            return;
        }
        let Ok(project) = self.project(&place.0) else { return };
        let (worktree, base, base_commit) = match project.task_by_session(&place.1) {
            Some(task) => match (project.worktree(task), &task.base_commit) {
                (Ok(worktree), Some(commit)) => (worktree, task.base_branch.clone(), commit.clone()),
                _ => return,
            },
            None => (project.root().to_owned(), "HEAD".to_owned(), "HEAD".to_owned()),
        };
        let (repo, inbox) = (project.repo.clone(), self.inbox.clone());
        let scene = Scene { repo, worktree, base, base_commit, place: place.clone(), inbox };
        self.diffs.followed.insert(place.clone(), Follower::start(scene, lanes));
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
    /// Begins once one of `lanes` is free, and not before the engine's thread rests.
    fn start(scene: Scene, lanes: Option<Arc<Semaphore>>) -> Self {
        let (orders, received) = channel();
        let over = Cancel::default();
        let (seen, canceled) = (orders.clone(), over.clone());
        let turn = tokio::spawn(async move {
            let lane = match lanes {
                Some(lanes) => lanes.acquire_owned().await.ok(),
                None => None,
            };
            let (place, inbox) = (scene.place.clone(), scene.inbox.clone());
            let follow = move || scene.follow((seen, &received), lane, &canceled);
            if let Err(error) = std::thread::Builder::new().name("diff".to_owned()).spawn(follow) {
                // An engine that has gone wants no diff.
                let _ = inbox.send(Message::NoDiff { place, error: error.to_string() }).await;
            }
        });
        Self { orders, over, turn }
    }

    /// It has not begun.
    fn waits(&self) -> bool {
        !self.turn.is_finished()
    }
}

impl Drop for Follower {
    /// The thread ends by itself: nobody waits for that.
    fn drop(&mut self) {
        self.turn.abort();
        self.over.cancel();
        let _ = self.orders.send(Order::Stop);
    }
}

impl Scene {
    /// Follows the worktree until told to stop; `lane` is held for the first look.
    fn follow(
        self,
        (seen, received): (Sender<Order>, &Receiver<Order>),
        lane: Option<OwnedSemaphorePermit>,
        over: &Cancel,
    ) {
        let failed = |error: GitError| {
            // An engine that has gone wants no diff.
            let _ = self.inbox.blocking_send(Message::NoDiff { place: self.place.clone(), error: error.to_string() });
        };
        let repo = match self.repo.at(&self.worktree) {
            Ok(repo) => repo,
            Err(error) => return failed(error),
        };
        let watcher = Watcher::start(&repo, &self.base, None, move |what| {
            let look = match what {
                Seen::Paths(paths) => Look::Paths(paths),
                Seen::Git | Seen::Rescan | Seen::Polling(_) => Look::Everything,
            };
            let _ = seen.send(Order::Look(look));
        });
        let _watcher = watcher.map_err(failed);
        follow((Differ::new(&repo, &self.base, &self.base_commit), lane), received, over, |diff| {
            let diffed = Message::Diffed { place: self.place.clone(), diff: Arc::new(diff) };
            self.inbox.blocking_send(diffed).is_ok()
        });
    }
}

/// Scans once, then follows what changes; several changes that wait are one.
fn follow(
    (mut differ, mut lane): (Differ, Option<OwnedSemaphorePermit>),
    orders: &Receiver<Order>,
    over: &Cancel,
    tell: impl Fn(Diff) -> bool,
) {
    let mut look = Look::Everything;
    loop {
        let diff = match &look {
            Look::Everything => differ.scan(over),
            Look::Paths(paths) => differ.refresh(paths, over),
        };
        drop(lane.take());
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
