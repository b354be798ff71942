//! The one who works in the task files: with an editor that replaces a file by a new one, as most do.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use orchestra::rpc::Client;
use serde_json::json;

use crate::seed::Dice;
use crate::world::World;

/// An editor without any news looks for work after this time.
const BREATH: Duration = Duration::from_millis(100);

pub struct Editor<'a> {
    world: &'a World,
    client: Client,
    dice: Dice,
    written: usize,
}

impl<'a> Editor<'a> {
    pub fn new(world: &'a World, dice: Dice) -> Self {
        Self { world, client: world.client(), dice, written: 0 }
    }

    /// Until `over`.
    pub fn act(mut self, over: &AtomicBool) {
        self.client.subscribe(None).unwrap();
        while !over.load(Ordering::Relaxed) {
            // Whenever the engine is at it too, and now and then when it is not.
            self.client.next_event(Some(Instant::now() + BREATH)).unwrap();
            match self.dice.below(10) {
                0 => self.create(),
                1 => self.remove(),
                2 | 3 => self.edit_header(),
                _ => self.edit_body(),
            }
        }
        self.mend();
    }

    /// Takes back what nobody can read.
    fn mend(&self) {
        for (path, _) in self.files() {
            Self::replace(&path, |text| text.replace("status: nonsense", "status: idle"));
        }
    }

    fn create(&mut self) {
        self.written += 1;
        let slug = format!("hand-{}", self.written);
        let folder = self.folder();
        if folder.exists() {
            let line = format!("By hand {}.", self.written);
            fs::write(folder.join(format!("{slug}.md")), format!("# Task {slug}\n\n{line}\n")).unwrap();
            self.world.record().lines.insert(slug, vec![line]);
        }
    }

    /// Deletes a file whose text the engine has: that is all that a deletion leaves to somebody.
    fn remove(&mut self) {
        let Some((path, slug)) = self.any_file() else { return };
        let lines = self.world.record().lines.get(&slug).cloned().unwrap_or_default();
        let Ok(task) = self.world.call(&mut self.client, "task.show", json!({"task": slug})) else { return };
        let known = task["description"].as_str().unwrap_or_default().to_owned();
        if lines.iter().all(|line| known.contains(line)) {
            _ = fs::remove_file(path);
        }
    }

    fn edit_header(&mut self) {
        let status = *self.dice.pick(&["running", "completed", "reviewed", "idle", "draft", "nonsense"]);
        let Some((path, _)) = self.any_file() else { return };
        Self::replace(&path, |text| {
            let lines = text.lines().map(|line| match line.split_once(": ") {
                Some(("status", _)) => format!("status: {status}\n"),
                _ => format!("{line}\n"),
            });
            lines.collect()
        });
    }

    fn edit_body(&mut self) {
        self.written += 1;
        let (line, Some((path, slug))) = (format!("Line {} of a person.", self.written), self.any_file()) else {
            return;
        };
        if Self::replace(&path, |text| format!("{}\n{line}\n", text.trim_end())) {
            self.world.record().lines.entry(slug).or_default().push(line);
        }
    }

    /// Writes a file anew, unless it is gone; whether it did.
    fn replace(path: &Path, change: impl FnOnce(&str) -> String) -> bool {
        let beside = path.with_extension("swp");
        let Ok(text) = fs::read_to_string(path) else { return false };
        fs::write(&beside, change(&text)).unwrap();
        // A task that was deleted meanwhile must not come to life again by this.
        let there = path.exists();
        let moved = if there { fs::rename(&beside, path) } else { fs::remove_file(&beside) };
        moved.unwrap();
        there
    }

    fn any_file(&mut self) -> Option<(PathBuf, String)> {
        let files = self.files();
        (!files.is_empty()).then(|| self.dice.pick(&files).clone())
    }

    /// Files of tasks, with their slugs.
    fn files(&self) -> Vec<(PathBuf, String)> {
        let entries = fs::read_dir(self.folder()).into_iter().flatten().flatten();
        let mut files: Vec<_> = entries.filter_map(|entry| Some((entry.path(), slug_of(&entry.path())?))).collect();
        files.sort();
        files
    }

    fn folder(&self) -> PathBuf {
        self.world.repository.root().join(".orchestra/tasks")
    }
}

/// The slug in `42:fix-tests.md`.
fn slug_of(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_str()?.strip_suffix(".md")?;
    name.split_once(':').map(|(_, slug)| slug.to_owned())
}
