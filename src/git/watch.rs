//! What changes in a worktree, as it happens: paths in batches, and a word when refs or the index moved.
//!
//! Folders that git ignores are not watched, and no watch follows a symlink. Where watches run out (or git cannot tell
//! what is ignored) the watcher says so once and asks for a new look every two seconds instead. Invariants: nothing
//! is read but folder listings; an idle watcher sleeps in the kernel; dropping it ends its thread.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use notify::event::{AccessKind, AccessMode, EventKind};
use notify::{Config, ErrorKind, RecommendedWatcher, RecursiveMode};

use super::command::{fields, path_of};
use super::error::GitError;
use super::repo::Repo;

/// A batch ends when nothing has come for so long, and at the latest after [`LATEST`].
const QUIET: Duration = Duration::from_millis(20);
const LATEST: Duration = Duration::from_millis(100);
const POLL: Duration = Duration::from_secs(2);
/// Events that wait for us; over it a new look is cheaper.
const BACKLOG: usize = 16_384;
const PATIENCE: Duration = Duration::from_secs(5);

/// What was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// Files that changed, relative to the worktree, in order, each once.
    Paths(Vec<PathBuf>),
    /// `HEAD`, the index or the base moved: a new scan is due.
    Git,
    /// More than can be told one by one.
    Rescan,
    /// From now on only `Rescan` comes, every two seconds; the reason, once.
    Polling(String),
}

/// A watch over one worktree, until it is dropped.
#[derive(Debug)]
pub struct Watcher {
    stop: SyncSender<Signal>,
    thread: Option<JoinHandle<()>>,
}

enum Signal {
    Event(notify::Result<notify::Event>),
    Stop,
}

impl Watcher {
    /// Watches the checkout of `repo` ([`Repo::at`]) and the branch `base`; `seen` is called on the watcher's thread.
    /// With more folders than `max_watches` (half of the system's limit when none is given) it polls.
    pub fn start(
        repo: &Repo,
        base: &str,
        max_watches: Option<usize>,
        seen: impl FnMut(Seen) + Send + 'static,
    ) -> Result<Self, GitError> {
        let (stop, signals) = sync_channel(BACKLOG);
        let overflow = Arc::new(AtomicBool::new(false));
        let (sender, full) = (stop.clone(), overflow.clone());
        let sink = move |event| {
            if let Err(TrySendError::Full(_)) = sender.try_send(Signal::Event(event)) {
                full.store(true, Ordering::Relaxed);
            }
        };
        let config = Config::default().with_follow_symlinks(false);
        let (watches, failure) = match <RecommendedWatcher as notify::Watcher>::new(sink, config) {
            Ok(watches) => (Some(watches), None),
            Err(error) => (None, Some(reason(&error))),
        };
        let mut watch = Watch {
            repo: repo.clone(),
            base: repo.common_dir().join("refs/heads").join(base),
            watches,
            watched: HashSet::new(),
            limit: max_watches.unwrap_or_else(system_limit),
            overflow,
            seen: Box::new(seen),
        };
        let thread = std::thread::Builder::new().name("git-watch".to_owned());
        let thread = thread.spawn(move || watch.run(&signals, failure)).map_err(GitError::io(repo.root()))?;
        Ok(Self { stop, thread: Some(thread) })
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        // A thread that has ended already needs no word.
        self.stop.send(Signal::Stop).ok();
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

struct Watch {
    repo: Repo,
    /// The file of the base branch's ref.
    base: PathBuf,
    watches: Option<RecommendedWatcher>,
    watched: HashSet<PathBuf>,
    limit: usize,
    overflow: Arc<AtomicBool>,
    seen: Box<dyn FnMut(Seen) + Send>,
}

/// What came in one batch.
#[derive(Default)]
struct Batch {
    paths: HashSet<PathBuf>,
    git: bool,
    rescan: bool,
}

impl Watch {
    fn run(&mut self, signals: &Receiver<Signal>, failure: Option<String>) {
        let started = failure.map_or_else(|| self.begin(), Err);
        if let Err(reason) = started {
            return self.poll(signals, reason);
        }
        // What changed before the watches stood.
        (self.seen)(Seen::Rescan);
        while let Ok(Signal::Event(first)) = signals.recv() {
            let mut batch = Batch::default();
            self.take(first, &mut batch);
            let latest = Instant::now() + LATEST;
            loop {
                match signals.recv_timeout(QUIET.min(latest.saturating_duration_since(Instant::now()))) {
                    Ok(Signal::Event(event)) => self.take(event, &mut batch),
                    Ok(Signal::Stop) | Err(RecvTimeoutError::Disconnected) => return,
                    Err(RecvTimeoutError::Timeout) => break,
                }
                if Instant::now() >= latest {
                    break;
                }
            }
            if let Err(reason) = self.tell(batch) {
                return self.poll(signals, reason);
            }
        }
    }

    fn poll(&mut self, signals: &Receiver<Signal>, reason: String) {
        self.watches = None;
        (self.seen)(Seen::Polling(reason));
        let mut next = Instant::now();
        loop {
            match signals.recv_timeout(next.saturating_duration_since(Instant::now())) {
                Ok(Signal::Event(_)) => {}
                Ok(Signal::Stop) | Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => {
                    (self.seen)(Seen::Rescan);
                    next = Instant::now() + POLL;
                }
            }
        }
    }

    /// Puts the first watches.
    fn begin(&mut self) -> Result<(), String> {
        let git_dir = self.repo.git_dir().to_owned();
        let common = self.repo.common_dir().to_owned();
        let refs = self.base.parent().map(Path::to_owned).unwrap_or_default();
        for folder in [git_dir.clone(), git_dir.join("logs"), common.clone(), common.join("reftable"), refs] {
            if folder.is_dir() {
                self.watch(&folder)?;
            }
        }
        let flags = ["--others", "--ignored", "--exclude-standard", "--directory", "-z"];
        let output =
            self.repo.call("ls-files").args(flags).timeout(PATIENCE).run().map_err(|error| error.to_string())?;
        let folders = fields(&output.stdout).filter_map(|path| path.strip_suffix(b"/"));
        let ignored: HashSet<PathBuf> = folders.map(|path| self.repo.root().join(path_of(path))).collect();
        let root = self.repo.root().to_owned();
        self.add(&root, &|folder| ignored.contains(folder), &mut |_| {})
    }

    /// Watches `folder` and all below it that is not left out; `file` is called with each file there.
    fn add(
        &mut self,
        folder: &Path,
        skip: &dyn Fn(&Path) -> bool,
        file: &mut dyn FnMut(PathBuf),
    ) -> Result<(), String> {
        let mut folders = vec![folder.to_owned()];
        while let Some(folder) = folders.pop() {
            // The watch first: what appears after the listing is told by it.
            self.watch(&folder)?;
            for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
                let (path, kind) = (entry.path(), entry.file_type());
                if !kind.is_ok_and(|kind| kind.is_dir()) {
                    file(path);
                } else if entry.file_name() != ".git" && !skip(&path) && path.join(".git").symlink_metadata().is_err() {
                    folders.push(path);
                }
            }
        }
        Ok(())
    }

    fn watch(&mut self, folder: &Path) -> Result<(), String> {
        if self.watched.len() >= self.limit {
            return Err(format!("more than {} folders to watch", self.limit));
        }
        let Some(watches) = &mut self.watches else { return Err("no watches here".to_owned()) };
        match notify::Watcher::watch(watches, folder, RecursiveMode::NonRecursive) {
            Ok(()) => {
                self.watched.insert(folder.to_owned());
                Ok(())
            }
            // Gone again, or closed to us: the others stand.
            Err(error) if !matches!(error.kind, ErrorKind::MaxFilesWatch) && !is_full(&error) => Ok(()),
            Err(error) => Err(reason(&error)),
        }
    }

    /// Sorts one event into the batch.
    fn take(&self, event: notify::Result<notify::Event>, batch: &mut Batch) {
        let Ok(event) = event else {
            batch.rescan = true;
            return;
        };
        batch.rescan |= event.need_rescan();
        let read = matches!(event.kind, EventKind::Access(kind) if kind != AccessKind::Close(AccessMode::Write));
        if read {
            return;
        }
        for path in event.paths {
            if self.is_git(&path) {
                batch.git = true;
            } else if let Ok(relative) = path.strip_prefix(self.repo.root())
                && !relative.as_os_str().is_empty()
                && !relative.starts_with(".git")
            {
                batch.paths.insert(relative.to_owned());
            }
        }
    }

    /// Whether a move of this file says that `HEAD`, the index or the base is another now.
    fn is_git(&self, path: &Path) -> bool {
        let parent = path.parent().unwrap_or(Path::new(""));
        let name = path.file_name().unwrap_or(OsStr::new(""));
        let of = |names: &[&str]| names.iter().any(|own| name == OsStr::new(own));
        (parent == self.repo.git_dir() && of(&["HEAD", "index", "MERGE_HEAD"]))
            || (parent == self.repo.git_dir().join("logs") && of(&["HEAD"]))
            || (parent == self.repo.common_dir() && of(&["packed-refs", "config"]))
            || (parent == self.repo.common_dir().join("reftable") && of(&["tables.list"]))
            || path == self.base
    }

    fn tell(&mut self, mut batch: Batch) -> Result<(), String> {
        batch.rescan |= self.overflow.swap(false, Ordering::Relaxed);
        // Watches of folders that went are ended first: a folder that was moved keeps its watch under its old name.
        self.unwatch_gone(&batch.paths);
        if batch.paths.iter().any(|path| path.file_name().is_some_and(|name| name == ".gitignore")) {
            self.begin()?;
        }
        for folder in self.shown(&self.new_folders(&batch.paths))? {
            let mut files = Vec::new();
            let ignored = self.ignored_below(&folder)?;
            self.add(&folder, &|folder| ignored.contains(folder), &mut |file| files.push(file))?;
            let root = self.repo.root();
            batch.paths.extend(files.iter().filter_map(|file| file.strip_prefix(root).ok().map(Path::to_owned)));
        }
        let root = self.repo.root();
        // A folder says nothing by itself, unless it went.
        batch.paths.retain(|path| !root.join(path).symlink_metadata().is_ok_and(|meta| meta.is_dir()));
        if batch.rescan {
            (self.seen)(Seen::Rescan);
        } else {
            if batch.git {
                (self.seen)(Seen::Git);
            }
            if !batch.paths.is_empty() {
                let mut paths: Vec<_> = batch.paths.into_iter().collect();
                paths.sort();
                (self.seen)(Seen::Paths(paths));
            }
        }
        Ok(())
    }

    fn unwatch_gone(&mut self, paths: &HashSet<PathBuf>) {
        let root = self.repo.root();
        let gone = |folder: &PathBuf| self.watched.contains(folder) && folder.symlink_metadata().is_err();
        for folder in paths.iter().map(|path| root.join(path)).filter(gone).collect::<Vec<_>>() {
            for below in self.watched.extract_if(|watched| watched.starts_with(&folder)) {
                if let Some(watches) = &mut self.watches {
                    // The system may have ended it already.
                    notify::Watcher::unwatch(watches, &below).ok();
                }
            }
        }
    }

    fn new_folders(&self, paths: &HashSet<PathBuf>) -> Vec<PathBuf> {
        let folders = paths.iter().map(|path| self.repo.root().join(path));
        let is_new =
            |path: &PathBuf| path.symlink_metadata().is_ok_and(|meta| meta.is_dir()) && !self.watched.contains(path);
        let mut folders: Vec<_> = folders.filter(is_new).collect();
        folders.sort();
        folders
    }

    /// Those of `folders` that git does not ignore and that are no repositories of their own.
    fn shown(&self, folders: &[PathBuf]) -> Result<Vec<PathBuf>, String> {
        if folders.is_empty() {
            return Ok(Vec::new());
        }
        let root = self.repo.root();
        let lines = folders.iter().filter_map(|folder| folder.strip_prefix(root).ok());
        let input: Vec<u8> = lines.flat_map(|path| [b"./", path.as_os_str().as_bytes(), b"/\0"].concat()).collect();
        // This command knows no literal pathspecs; behind "./" nothing in a name has another meaning.
        let call = self.repo.call("check-ignore").args(["-z", "--stdin"]).env("GIT_LITERAL_PATHSPECS", "0");
        let output = call.stdin(input).timeout(PATIENCE).run_with(&[0, 1]).map_err(|error| error.to_string())?;
        let strip = |path: &[u8]| root.join(path_of(&path[2..path.len() - 1]));
        let ignored: HashSet<_> = fields(&output.stdout).filter(|path| path.len() > 3).map(strip).collect();
        let shown = |folder: &&PathBuf| !ignored.contains(*folder) && folder.join(".git").symlink_metadata().is_err();
        Ok(folders.iter().filter(shown).cloned().collect())
    }

    /// Ignored folders below a new one.
    fn ignored_below(&self, folder: &Path) -> Result<HashSet<PathBuf>, String> {
        let root = self.repo.root();
        let flags = ["--others", "--ignored", "--exclude-standard", "--directory", "-z", "--"];
        let call = self.repo.call("ls-files").args(flags).arg(folder).timeout(PATIENCE);
        let output = call.run().map_err(|error| error.to_string())?;
        Ok(fields(&output.stdout)
            .filter_map(|path| path.strip_suffix(b"/"))
            .map(|path| root.join(path_of(path)))
            .collect())
    }
}

fn reason(error: &notify::Error) -> String {
    match error.kind {
        ErrorKind::MaxFilesWatch => "the system's limit of watches is reached".to_owned(),
        _ => error.to_string(),
    }
}

fn is_full(error: &notify::Error) -> bool {
    // ENOSPC and EMFILE: watches and instances have run out.
    matches!(&error.kind, ErrorKind::Io(io) if matches!(io.raw_os_error(), Some(28 | 24)))
}

/// Half of what the system gives one user, for there are other programs too.
fn system_limit() -> usize {
    let text = fs::read_to_string("/proc/sys/fs/inotify/max_user_watches").unwrap_or_default();
    text.trim().parse().map_or(usize::MAX, |limit: usize| limit / 2)
}
