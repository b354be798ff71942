//! Tells when task files, settings or flows changed on disk.
//!
//! Invariants: a burst of events becomes one batch; a batch says what to look at, never what is there. Our own writes come
//! back too: a reader knows them by their content, which is what it wrote itself
//! ([`super::database::Database::task_text`]), and so needs no clock and misses no edit made at the same moment. A folder that
//! comes, or comes back, is watched from then on, and the batch asks for a look at everything.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use notify::event::ModifyKind;
use notify::{Event, EventKind, PollWatcher, RecursiveMode, Watcher};

use super::paths::{Folder, Home};

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

/// What is watched.
#[derive(Debug, Clone, Default)]
struct Subjects {
    /// All that lies directly in these folders, which may be missing.
    folders: Vec<PathBuf>,
    /// Single files, which may be missing or links.
    files: Vec<PathBuf>,
}

/// Watches as long as it lives.
pub struct Watch {
    /// None while it is dropped: without it the thread comes to its end.
    watcher: Arc<Mutex<Option<Box<dyn Watcher + Send>>>>,
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
    /// Calls `sink`, which must not wait for whoever drops this, on a thread of its own with each batch: for a project's task files
    /// and the files beside its settings, and for the user's settings. No more than a few watches of the kernel are taken.
    pub fn project(home: &Home, folder: &Folder, sink: impl FnMut(Batch) + Send + 'static) -> Result<Self, WatchError> {
        let folders = vec![
            folder.dir().to_owned(),
            folder.tasks(),
            folder.agents(),
            folder.agents_d(),
            folder.scripts(),
            folder.schemas(),
        ];
        Self::start(Subjects { folders, files: vec![home.config()] }, sink)
    }

    /// Where the kernel gives no watches (its limit is reached), the folders are looked through every [`POLL`] instead.
    fn start(subjects: Subjects, sink: impl FnMut(Batch) + Send + 'static) -> Result<Self, WatchError> {
        let (sender, receiver) = mpsc::sync_channel(MAX_EVENTS);
        let lost = Arc::new(AtomicBool::new(false));
        let overflow = Arc::clone(&lost);
        let pass = move |event| {
            if sender.try_send(event).is_err() {
                overflow.store(true, Ordering::Release);
            }
        };
        let (watcher, limit) = match native(&subjects, pass.clone()) {
            Ok(watcher) => (watcher, None),
            Err(error) => (polling(&subjects, pass)?, Some(error)),
        };
        let watcher = Arc::new(Mutex::new(Some(watcher)));
        let collector = Collector { subjects, watcher: Arc::clone(&watcher), lost };
        let thread = thread::Builder::new()
            .name("watch".to_owned())
            .spawn(move || collector.collect(&receiver, sink))
            .map_err(WatchError::Thread)?;
        Ok(Self { watcher, thread: Some(thread), limit })
    }

    /// Why folders are looked through instead of watched, for one notice.
    pub const fn limit(&self) -> Option<&notify::Error> {
        self.limit.as_ref()
    }
}

fn native(subjects: &Subjects, pass: impl notify::EventHandler) -> notify::Result<Box<dyn Watcher + Send>> {
    let mut watcher = notify::recommended_watcher(pass)?;
    subjects.arm(&mut watcher)?;
    Ok(Box::new(watcher))
}

fn polling(subjects: &Subjects, pass: impl notify::EventHandler) -> Result<Box<dyn Watcher + Send>, WatchError> {
    let config = notify::Config::default().with_poll_interval(POLL);
    let mut watcher = PollWatcher::new(pass, config).map_err(WatchError::Poll)?;
    subjects.arm(&mut watcher).map_err(WatchError::Poll)?;
    Ok(Box::new(watcher))
}

impl Subjects {
    /// Watches all that exists of it; what is watched already stays so.
    fn arm(&self, watcher: &mut dyn Watcher) -> notify::Result<()> {
        let places: BTreeSet<PathBuf> = self.places().into_iter().filter(|place| place.is_dir()).collect();
        places.iter().try_for_each(|place| watcher.watch(place, RecursiveMode::NonRecursive))
    }

    /// The folders that have to be watched: those meant, those around what may come, and those in which links end.
    fn places(&self) -> Vec<PathBuf> {
        let files =
            self.files.iter().chain(self.targets().iter().map(|(_, target)| target)).cloned().collect::<Vec<_>>();
        let around = self.folders.iter().chain(&files).filter_map(|path| path.parent()).map(Path::to_owned);
        self.folders.iter().cloned().chain(around).collect()
    }

    /// The files that are links, with where they lead.
    fn targets(&self) -> Vec<(PathBuf, PathBuf)> {
        let links = self.files.iter().filter(|file| file.is_symlink());
        links.filter_map(|file| Some((file.clone(), file.canonicalize().ok()?))).collect()
    }

    /// The subject that an event at `path` is about.
    fn subject(&self, path: PathBuf) -> Option<PathBuf> {
        let own = self.files.contains(&path)
            || path.parent().is_some_and(|parent| self.folders.iter().any(|it| it == parent));
        if own && !is_temporary(&path) {
            return Some(path);
        }
        self.targets().into_iter().find(|(_, target)| *target == path).map(|(link, _)| link)
    }

    /// An event at `path` may mean that other folders have to be watched.
    fn moves(&self, path: &Path) -> bool {
        self.folders.iter().any(|folder| folder == path)
            || (self.files.iter().any(|file| file == path) && path.is_symlink())
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        drop(self.watcher.lock().unwrap_or_else(PoisonError::into_inner).take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Makes batches of events.
struct Collector {
    subjects: Subjects,
    watcher: Arc<Mutex<Option<Box<dyn Watcher + Send>>>>,
    lost: Arc<AtomicBool>,
}

impl Collector {
    fn collect(&self, receiver: &Receiver<notify::Result<Event>>, mut sink: impl FnMut(Batch)) {
        while let Ok(first) = receiver.recv() {
            let mut batch = Batch::default();
            self.add(&mut batch, first);
            let end = Instant::now() + LATEST;
            loop {
                match receiver.recv_timeout(QUIET.min(end.saturating_duration_since(Instant::now()))) {
                    Ok(event) => self.add(&mut batch, event),
                    Err(RecvTimeoutError::Timeout) => break,
                    // Dropped: nobody wants what has been collected.
                    Err(RecvTimeoutError::Disconnected) => return,
                }
            }
            batch.rescan |= self.lost.swap(false, Ordering::AcqRel);
            if batch.rescan {
                // A folder that came is watched before it is looked at. One that cannot be is seen with its parent only.
                let mut watcher = self.watcher.lock().unwrap_or_else(PoisonError::into_inner);
                let _ = watcher.as_deref_mut().map(|watcher| self.subjects.arm(watcher));
            }
            if batch != Batch::default() {
                sink(batch);
            }
        }
    }

    fn add(&self, batch: &mut Batch, event: notify::Result<Event>) {
        let Ok(event) = event else {
            batch.rescan = true;
            return;
        };
        batch.rescan |= event.need_rescan();
        let changes = match event.kind {
            EventKind::Access(_) => false,
            EventKind::Modify(kind) => kind != ModifyKind::Metadata(notify::event::MetadataKind::AccessTime),
            _ => true,
        };
        if changes {
            // What happens within a folder changes its own times: that alone is no reason to look at everything.
            let comes_or_goes = !matches!(
                event.kind,
                EventKind::Modify(ModifyKind::Metadata(_) | ModifyKind::Data(_) | ModifyKind::Any)
            );
            batch.rescan |= comes_or_goes && event.paths.iter().any(|path| self.subjects.moves(path));
            batch.paths.extend(event.paths.into_iter().filter_map(|path| self.subjects.subject(path)));
        }
    }
}

impl Batch {
    /// A look at everything.
    pub fn all() -> Self {
        Self { rescan: true, ..Self::default() }
    }

    pub fn is_empty(&self) -> bool {
        !self.rescan && self.paths.is_empty()
    }

    pub fn merge(&mut self, other: Self) {
        self.rescan |= other.rescan;
        self.paths.extend(other.paths);
    }

    /// Whether `path` has to be looked at again.
    pub fn touches(&self, path: &Path) -> bool {
        self.rescan || self.paths.contains(path)
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
        let watch = Watch::project(&home(folder), folder, move |batch| {
            let _ = sender.send(batch);
        });
        (watch.unwrap(), receiver)
    }

    /// Made if it is not there.
    fn home(folder: &Folder) -> Home {
        let home = Home::at(folder.root().join("home"));
        fs::create_dir_all(home.root()).unwrap();
        home
    }

    /// Waits for a batch that satisfies `wanted`.
    fn expect(batches: &Receiver<Batch>, wanted: impl Fn(&Batch) -> bool) {
        let end = Instant::now() + DEADLINE;
        while !wanted(&batches.recv_timeout(end.saturating_duration_since(Instant::now())).unwrap()) {}
    }

    #[test]
    fn folders_that_come_later_are_watched() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::of(dir.path());
        let (_watch, batches) = watched(&folder);
        fs::write(dir.path().join("app.rs"), "nothing of ours").unwrap();
        let task = folder.tasks().join("1:one.md");
        for _ in 0..2 {
            fs::create_dir_all(folder.tasks()).unwrap();
            fs::write(&task, "one").unwrap();
            expect(&batches, |batch| {
                assert!(!batch.paths.iter().any(|path| path.ends_with("app.rs")), "{batch:?}");
                batch.rescan
            });
            // Once more, so that it is the watch of the folder itself that tells it.
            while batches.recv_timeout(QUIET * 4).is_ok() {}
            fs::write(&task, "two").unwrap();
            expect(&batches, |batch| batch.paths.contains(&task));
            fs::remove_dir_all(folder.dir()).unwrap();
            expect(&batches, |batch| batch.rescan);
            while batches.recv_timeout(QUIET * 4).is_ok() {}
        }
    }

    #[test]
    fn the_settings_of_the_user_are_watched_through_a_link() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::of(dir.path());
        let home = home(&folder);
        let (_watch, batches) = watched(&folder);
        fs::write(home.projects(), "nothing of ours").unwrap();
        fs::write(home.config(), "agent: one").unwrap();
        expect(&batches, |batch| {
            assert!(!batch.paths.contains(&home.projects()), "{batch:?}");
            batch.paths.contains(&home.config())
        });
        let dotfiles = dir.path().join("dotfiles");
        fs::create_dir(&dotfiles).unwrap();
        fs::write(dotfiles.join("orchestra.yaml"), "agent: two").unwrap();
        fs::remove_file(home.config()).unwrap();
        std::os::unix::fs::symlink(dotfiles.join("orchestra.yaml"), home.config()).unwrap();
        expect(&batches, |batch| batch.rescan);
        while batches.recv_timeout(QUIET * 4).is_ok() {}
        atomic::write(&dotfiles.join("orchestra.yaml"), b"agent: three").unwrap();
        expect(&batches, |batch| batch.paths.contains(&home.config()));
    }

    #[test]
    fn edits_in_any_manner_are_told() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::of(dir.path());
        fs::create_dir_all(folder.tasks()).unwrap();
        let (_watch, batches) = watched(&folder);
        let task = folder.tasks().join("1:one.md");
        let expect = |path: &Path| {
            expect(&batches, |batch| {
                assert!(batch.paths.iter().all(|path| !is_temporary(path)), "{batch:?}");
                batch.paths.contains(path)
            });
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
        let subjects = Subjects { folders: vec![dir.path().to_owned()], files: Vec::new() };
        let _watcher = polling(&subjects, sender).unwrap();
        let file = dir.path().join("1:one.md");
        fs::write(&file, "one").unwrap();
        let collector = Collector { subjects, watcher: Arc::default(), lost: Arc::default() };
        let mut batch = Batch::default();
        while !batch.paths.contains(&file) {
            collector.add(&mut batch, events.recv_timeout(DEADLINE).unwrap());
        }
        collector.add(&mut batch, Ok(Event::new(EventKind::Other).set_flag(notify::event::Flag::Rescan)));
        assert!(batch.rescan, "what the kernel lost is looked at");
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
