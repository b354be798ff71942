//! What the engine watches on disk: the folders in which agents drop what they hand in.
//!
//! One watcher for all sessions: a kernel gives a user only some hundred of them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::mpsc;

use super::message::Message;
use crate::model::RunId;
use crate::store::{atomic, dropbox};

/// The watched folders.
pub(super) struct Watches {
    watcher: Option<RecommendedWatcher>,
    runs: Arc<Mutex<HashMap<PathBuf, RunId>>>,
}

impl Watches {
    pub fn new(inbox: mpsc::Sender<Message>) -> Self {
        let runs: Arc<Mutex<HashMap<PathBuf, RunId>>> = Arc::default();
        let known = Arc::clone(&runs);
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            let Ok(event) = event else { return };
            let known = known.lock().unwrap_or_else(PoisonError::into_inner);
            let run = event.paths.iter().find_map(|path| known.get(path.parent()?));
            if let Some(run) = run {
                let _ = inbox.blocking_send(Message::Dropped { run: run.clone() });
            }
        });
        Self { watcher: watcher.ok(), runs }
    }

    /// Tells of what is dropped into a session's folder.
    pub fn submissions(&mut self, session_dir: &Path, run: RunId) -> Result<(), String> {
        let folder = dropbox::folder(session_dir);
        atomic::create_private_dir(&folder).map_err(|error| error.to_string())?;
        self.runs.lock().unwrap_or_else(PoisonError::into_inner).insert(folder.clone(), run);
        let Some(watcher) = &mut self.watcher else { return Err("no file watcher is to be had".to_owned()) };
        watcher.watch(&folder, RecursiveMode::NonRecursive).map_err(|error| error.to_string())
    }

    /// Tells nothing any more; what is returned takes its time to drop.
    pub fn end(&mut self) -> impl Sized + use<> {
        self.watcher.take()
    }

    /// Forgets a session that has ended.
    pub fn forget(&mut self, run: &RunId) {
        let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(folder) = runs.iter().find(|(_, of)| *of == run).map(|(folder, _)| folder.clone()) else { return };
        runs.remove(&folder);
        drop(runs);
        if let Some(watcher) = &mut self.watcher {
            // The folder may be gone already.
            let _ = watcher.unwatch(&folder);
        }
    }
}
