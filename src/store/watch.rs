//! Tells when task files, settings or flows changed on disk.
//!
//! Invariants: a burst of events becomes one batch; a batch says what to look at, never what is there. Our own writes come
//! back too: a reader knows them by their content, which is what it wrote itself
//! ([`super::database::Database::task_text`]), and so needs no clock and misses no edit made at the same moment.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use notify::event::ModifyKind;
use notify::{Event, EventKind, PollWatcher, RecursiveMode, Watcher};

use super::paths::Folder;

/// What changed since the last batch.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Batch {
    /// Files to look at again, some of them gone; by path.
    pub paths: BTreeSet<PathBuf>,
    /// True: events were lost, look at everything.
    pub rescan: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    #[error("cannot watch the project's files: {0}")]
    Poll(notify::Error),
    #[error("cannot start a thread: {0}")]
    Thread(std::io::Error),
}

/// Watches as long as it lives.
pub struct Watch {
    /// None while it is dropped: without it the thread comes to its end.
    watcher: Option<Box<dyn Watcher + Send>>,
    thread: Option<JoinHandle<()>>,
    limit: Option<notify::Error>,
}

/// A batch goes out when nothing has happened for so long,
const QUIET: Duration = Duration::from_millis(50);
/// or at the latest so long after its first event.
const LATEST: Duration = Duration::from_millis(500);

/// How often folders are looked through that cannot be watched.
const POLL: Duration = Duration::from_millis(1500);
/// Events that wait for the thread; more are lost, and the batch says so.
const MAX_EVENTS: usize = 4096;

impl Watch {
    /// Calls `sink`, which must not wait for whoever drops this, on a thread of its own with each batch, for a project's task files and the files beside its settings. Folders that
    /// do not exist are not watched: call again once they do. No more than a few watches of the kernel are taken.
    pub fn project(folder: &Folder, sink: impl FnMut(Batch) + Send + 'static) -> Result<Self, WatchError> {
        Self::folders(&[folder.tasks(), folder.dir().to_owned(), folder.agents_d(), folder.scripts()], sink)
    }

    /// The same for any folders, without those below them. Where the kernel gives no watches (its limit is reached), the folders
    /// are looked through every [`POLL`] instead.
    pub fn folders(folders: &[PathBuf], sink: impl FnMut(Batch) + Send + 'static) -> Result<Self, WatchError> {
        let (sender, receiver) = mpsc::sync_channel(MAX_EVENTS);
        let lost = Arc::new(AtomicBool::new(false));
        let overflow = Arc::clone(&lost);
        let pass = move |event| {
            if sender.try_send(event).is_err() {
                overflow.store(true, Ordering::Release);
            }
        };
        let (watcher, limit) = match native(folders, pass.clone()) {
            Ok(watcher) => (watcher, None),
            Err(error) => (polling(folders, pass)?, Some(error)),
        };
        let thread = thread::Builder::new()
            .name("watch".to_owned())
            .spawn(move || collect(&receiver, &lost, sink))
            .map_err(WatchError::Thread)?;
        Ok(Self { watcher: Some(watcher), thread: Some(thread), limit })
    }

    /// Why folders are looked through instead of watched, for one notice.
    pub const fn limit(&self) -> Option<&notify::Error> {
        self.limit.as_ref()
    }
}

fn native(folders: &[PathBuf], pass: impl notify::EventHandler) -> notify::Result<Box<dyn Watcher + Send>> {
    let mut watcher = notify::recommended_watcher(pass)?;
    existing(folders).try_for_each(|folder| watcher.watch(folder, RecursiveMode::NonRecursive))?;
    Ok(Box::new(watcher))
}

fn polling(folders: &[PathBuf], pass: impl notify::EventHandler) -> Result<Box<dyn Watcher + Send>, WatchError> {
    let config = notify::Config::default().with_poll_interval(POLL);
    let mut watcher = PollWatcher::new(pass, config).map_err(WatchError::Poll)?;
    existing(folders)
        .try_for_each(|folder| watcher.watch(folder, RecursiveMode::NonRecursive))
        .map_err(WatchError::Poll)?;
    Ok(Box::new(watcher))
}

fn existing(folders: &[PathBuf]) -> impl Iterator<Item = &PathBuf> {
    folders.iter().filter(|folder| folder.is_dir())
}

impl Drop for Watch {
    fn drop(&mut self) {
        drop(self.watcher.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn collect(receiver: &Receiver<notify::Result<Event>>, lost: &AtomicBool, mut sink: impl FnMut(Batch)) {
    while let Ok(first) = receiver.recv() {
        let mut batch = Batch::default();
        batch.add(first);
        let end = Instant::now() + LATEST;
        loop {
            match receiver.recv_timeout(QUIET.min(end.saturating_duration_since(Instant::now()))) {
                Ok(event) => batch.add(event),
                Err(RecvTimeoutError::Timeout) => break,
                // Dropped: nobody wants what has been collected.
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
        batch.rescan |= lost.swap(false, Ordering::AcqRel);
        if batch != Batch::default() {
            sink(batch);
        }
    }
}

impl Batch {
    fn add(&mut self, event: notify::Result<Event>) {
        let Ok(event) = event else {
            self.rescan = true;
            return;
        };
        self.rescan |= event.need_rescan();
        let changes = match event.kind {
            EventKind::Access(_) => false,
            EventKind::Modify(kind) => kind != ModifyKind::Metadata(notify::event::MetadataKind::AccessTime),
            _ => true,
        };
        if changes {
            self.paths.extend(event.paths.into_iter().filter(|path| !is_temporary(path)));
        }
    }
}

/// The files that [`super::atomic`] renames into place.
fn is_temporary(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b".orchestra-"))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::mpsc::Sender;

    use super::*;
    use crate::store::atomic;

    const DEADLINE: Duration = Duration::from_secs(10);

    fn watched(folder: &Folder) -> (Watch, Receiver<Batch>) {
        let (sender, receiver): (Sender<Batch>, _) = mpsc::channel();
        let watch = Watch::project(folder, move |batch| {
            let _ = sender.send(batch);
        });
        (watch.unwrap(), receiver)
    }

    #[test]
    fn edits_in_any_manner_are_told() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::of(dir.path());
        fs::create_dir_all(folder.tasks()).unwrap();
        let (_watch, batches) = watched(&folder);
        let task = folder.tasks().join("1:one.md");
        let expect = |path: &Path| {
            let end = Instant::now() + DEADLINE;
            loop {
                let batch = batches.recv_timeout(end.saturating_duration_since(Instant::now())).unwrap();
                assert!(batch.paths.iter().all(|path| !is_temporary(path)), "{batch:?}");
                if batch.paths.contains(path) {
                    return;
                }
            }
        };
        fs::write(&task, "one").unwrap();
        expect(&task);
        atomic::write(&task, b"two").unwrap();
        expect(&task);
        fs::remove_file(&task).unwrap();
        expect(&task);
        fs::write(folder.config(), "agent: x").unwrap();
        expect(&folder.config());
    }

    #[test]
    fn fault_f7_without_watches_folders_are_looked_through() {
        let dir = tempfile::tempdir().unwrap();
        let (sender, events) = mpsc::channel();
        let _watcher = polling(&[dir.path().to_owned()], sender).unwrap();
        let file = dir.path().join("1:one.md");
        fs::write(&file, "one").unwrap();
        let mut batch = Batch::default();
        while !batch.paths.contains(&file) {
            batch.add(events.recv_timeout(DEADLINE).unwrap());
        }
    }

    #[test]
    fn fault_f12_a_storm_is_a_few_batches() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::of(dir.path());
        fs::create_dir_all(folder.tasks()).unwrap();
        let (watch, batches) = watched(&folder);
        let last = folder.tasks().join("last.md");
        let started = Instant::now();
        for number in 0..2000 {
            fs::write(folder.tasks().join(format!("{number}:x.md")), "").unwrap();
        }
        fs::write(&last, "").unwrap();
        let mut count = 0;
        loop {
            count += 1;
            let batch = batches.recv_timeout(DEADLINE).unwrap();
            if batch.rescan || batch.paths.contains(&last) {
                break;
            }
        }
        let most = started.elapsed().as_millis() / QUIET.as_millis() + 1;
        assert!(count <= most, "{count} batches in {:?}", started.elapsed());
        drop(watch);
    }
}
