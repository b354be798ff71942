//! What came of the task files, told once: a few one by one, many in one sum.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::Place;
use super::notice::Notices;
use crate::store::watch::Batch;

/// More tidings than these are summed up.
const FEW: usize = 5;
/// What is wrong with single files, in a sum.
const EXAMPLES: usize = 3;

/// What is known of a project's files beside their texts.
#[derive(Default)]
pub(super) struct Look {
    /// What is to be looked at.
    pub changes: Arc<Changes>,
    pub tidings: Tidings,
    /// Files that are wrong, with what was told of them.
    told: HashMap<PathBuf, String>,
}

/// What changed on disk and has not been looked at: however much it is, one message brings it.
#[derive(Default)]
pub(super) struct Changes(Mutex<Batch>);

/// One thing that happened to a task file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Tiding {
    New,
    Edited,
    Restored,
    Renamed,
    /// Left as it is, for a reason that is no fault.
    LeftAlone,
    /// A part of an edit was not taken, and is put right in the file.
    Refused,
    Unread,
}

/// Tidings that are still to be told.
#[derive(Default)]
pub(super) struct Tidings(Vec<(Tiding, String, Option<Place>)>);

impl Changes {
    /// Adds to what is to be looked at; true: nobody has been told that there is something.
    pub fn add(&self, batch: Batch) -> bool {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let first = all.is_empty();
        all.merge(batch);
        first && !all.is_empty()
    }

    pub fn take(&self) -> Batch {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Look {
    /// Whether this has not been told of the file yet.
    pub fn is_news(&mut self, path: &Path, what: &str) -> bool {
        self.told.insert(path.to_owned(), what.to_owned()).is_none_or(|former| former != what)
    }

    /// The file is in order, or gone.
    pub fn in_order(&mut self, path: &Path) {
        self.told.remove(path);
    }

    /// Forgets what was told of files that are none any more.
    pub fn keep(&mut self, exists: impl Fn(&Path) -> bool) {
        self.told.retain(|path, _| exists(path));
    }
}

impl Tiding {
    const fn is_fault(self) -> bool {
        matches!(self, Self::Refused | Self::Unread)
    }

    const fn words(self) -> &'static str {
        match self {
            Self::New => "new drafts",
            Self::Edited => "edits read",
            Self::Restored => "deleted and written again",
            Self::Renamed => "named again as they were",
            Self::LeftAlone => "left alone",
            Self::Refused => "edits put right",
            Self::Unread => "that cannot be read",
        }
    }
}

impl Tidings {
    pub fn add(&mut self, tiding: Tiding, text: impl Into<String>, about: Option<Place>) {
        self.0.push((tiding, text.into(), about));
    }

    pub fn tell(&mut self, notices: &mut Notices) {
        let all = std::mem::take(&mut self.0);
        if all.len() > FEW {
            let text = sum(&all);
            return if all.iter().any(|(tiding, ..)| tiding.is_fault()) {
                notices.error(text, None);
            } else {
                notices.news(text, None);
            };
        }
        for (tiding, text, about) in all {
            if tiding.is_fault() { notices.error(text, about) } else { notices.news(text, about) }
        }
    }
}

fn sum(all: &[(Tiding, String, Option<Place>)]) -> String {
    let mut kinds: Vec<_> = all.iter().map(|(tiding, ..)| *tiding).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let count = |kind| all.iter().filter(|(tiding, ..)| *tiding == kind).count();
    let parts: Vec<_> = kinds.iter().map(|kind| format!("{} {}", count(*kind), kind.words())).collect();
    let mut text = format!("{} task files changed: {}", all.len(), parts.join(", "));
    let mut faults = all.iter().filter(|(tiding, ..)| tiding.is_fault()).map(|(_, text, _)| text);
    for fault in faults.by_ref().take(EXAMPLES) {
        // Writing to a string cannot fail.
        let _ = write!(text, ". {fault}");
    }
    match faults.count() {
        0 => {}
        more => drop(write!(text, ". And {more} more")),
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_tidings_are_one_sum_with_examples() {
        let mut tidings = Tidings::default();
        for number in 0..995 {
            tidings.add(Tiding::New, format!("{number}"), None);
        }
        for number in 0..5 {
            tidings.add(Tiding::Unread, format!("{number}:x.md is bad"), None);
        }
        let mut notices = Notices::default();
        tidings.tell(&mut notices);
        let told: Vec<_> = notices.list().iter().map(|notice| notice.text.clone()).collect();
        assert_eq!(
            told,
            [
                "1000 task files changed: 995 new drafts, 5 that cannot be read. 0:x.md is bad. 1:x.md is bad. 2:x.md is bad. And 2 more"
            ]
        );
        tidings.tell(&mut notices);
        assert_eq!(notices.list().len(), 1);
    }

    #[test]
    fn one_message_brings_all_changes() {
        let changes = Changes::default();
        assert!(!changes.add(Batch::default()));
        assert!(changes.add(Batch::all()) && !changes.add(Batch::all()));
        assert!(changes.take().rescan && changes.take().is_empty());
    }

    #[test]
    fn a_fault_is_told_once() {
        let mut look = Look::default();
        let path = Path::new("/t/1:x.md");
        assert!(look.is_news(path, "bad") && !look.is_news(path, "bad") && look.is_news(path, "worse"));
        look.in_order(path);
        assert!(look.is_news(path, "worse"));
        look.keep(|_| false);
        assert!(look.is_news(path, "worse"));
    }
}
