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
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};

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
    #[error("cannot watch {}: {source}", path.display())]
    Watch { path: PathBuf, source: notify::Error },
    #[error("cannot start a thread: {0}")]
    Thread(std::io::Error),
}

/// Watches as long as it lives.
#[derive(Debug)]
pub struct Watch {
    /// None while it is dropped: without it the thread comes to its end.
    watcher: Option<RecommendedWatcher>,
    thread: Option<JoinHandle<()>>,
}

/// A batch goes out when nothing has happened for so long,
const QUIET: Duration = Duration::from_millis(50);
/// or at the latest so long after its first event.
const LATEST: Duration = Duration::from_millis(500);

/// Events that wait for the thread; more are lost, and the batch says so.
const MAX_EVENTS: usize = 4096;

impl Watch {
    /// Calls `sink`, which must not wait for whoever drops this, on a thread of its own with each batch, for a project's task files and the files beside its settings. Folders that
    /// do not exist are not watched: call again once they do. No more than a few watches of the kernel are taken.
    pub fn project(folder: &Folder, sink: impl FnMut(Batch) + Send + 'static) -> Result<Self, WatchError> {
        Self::folders(&[folder.tasks(), folder.dir().to_owned(), folder.agents_d(), folder.scripts()], sink)
    }

    /// The same for any folders, without those below them.
    pub fn folders(folders: &[PathBuf], sink: impl FnMut(Batch) + Send + 'static) -> Result<Self, WatchError> {
        let (sender, receiver) = mpsc::sync_channel(MAX_EVENTS);
        let lost = Arc::new(AtomicBool::new(false));
        let watch_error = |path: &Path| {
            let path = path.to_owned();
            move |source| WatchError::Watch { path, source }
        };
        let overflow = Arc::clone(&lost);
        let mut watcher = notify::recommended_watcher(move |event| {
            if sender.try_send(event).is_err() {
                overflow.store(true, Ordering::Release);
            }
        })
        .map_err(watch_error(folders.first().map_or(Path::new(""), PathBuf::as_path)))?;
        for folder in folders.iter().filter(|folder| folder.is_dir()) {
            watcher.watch(folder, RecursiveMode::NonRecursive).map_err(watch_error(folder))?;
        }
        let thread = thread::Builder::new()
            .name("watch".to_owned())
            .spawn(move || collect(&receiver, &lost, sink))
            .map_err(WatchError::Thread)?;
        Ok(Self { watcher: Some(watcher), thread: Some(thread) })
    }
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
