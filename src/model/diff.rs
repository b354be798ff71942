//! What a worktree changed against its base, as the screen shows it.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// Files and lines changed.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Default, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
pub struct DiffStat {
    pub files: u32,
    pub added: u32,
    pub removed: u32,
}

/// All changes of one worktree: commits, staged, unstaged and untracked ones in one view.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Diff {
    /// What it is compared with, for the title (`main`).
    pub base: String,
    /// Commits on the branch since the merge base.
    pub ahead: u32,
    /// Ordered by path. Shared: a refresh rebuilds only the files that changed.
    pub files: Vec<Arc<FileDiff>>,
    /// Files left out over the cap.
    pub omitted: u32,
}

impl Diff {
    pub fn stat(&self) -> DiffStat {
        self.files.iter().fold(DiffStat { files: self.omitted, ..DiffStat::default() }, |sum, file| DiffStat {
            files: sum.files + 1,
            added: sum.added + file.added,
            removed: sum.removed + file.removed,
        })
    }
}

/// How a file changed; `letter` is what the screen shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Change {
    Added,
    Modified,
    Deleted,
    Renamed,
    /// Not known to git yet.
    Untracked,
    /// Mode or kind changed (file, symlink, submodule).
    TypeChanged,
}

impl Change {
    pub const fn letter(self) -> char {
        match self {
            Self::Added => 'A',
            Self::Modified => 'M',
            Self::Deleted => 'D',
            Self::Renamed => 'R',
            Self::Untracked => '?',
            Self::TypeChanged => 'T',
        }
    }
}

/// The changes of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileDiff {
    /// Relative to the worktree; bytes that are no UTF-8 survive here.
    pub path: PathBuf,
    pub old_path: Option<PathBuf>,
    pub change: Change,
    pub added: u32,
    pub removed: u32,
    /// Why there are no hunks; none = `hunks` is the whole truth.
    pub folded: Option<Folded>,
    pub hunks: Vec<Hunk>,
}

impl FileDiff {
    /// This is its path, as text has it.
    pub fn is_at(&self, path: &str) -> bool {
        self.path.to_string_lossy() == path
    }
}

/// Why a file is shown as one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Folded {
    Binary,
    /// Over the size cap; bytes.
    Huge {
        bytes: u64,
    },
    /// FIFO, socket, device: never opened.
    Special,
    Submodule,
}

/// A run of changed lines with their context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hunk {
    /// First line in the old and the new file, from 1.
    pub old_start: u32,
    pub new_start: u32,
    /// The line that names the place (`fn write_row`), empty when none was found.
    pub heading: String,
    pub lines: Vec<DiffLine>,
}

/// As a unified diff has it, with a line break at the end of each line.
impl fmt::Display for Hunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let without = |kind| self.lines.iter().filter(|line| line.kind != kind).count();
        let (old, new) = (without(LineKind::Added), without(LineKind::Removed));
        let title = format!("@@ -{},{old} +{},{new} @@ {}", self.old_start, self.new_start, self.heading);
        writeln!(f, "{}", title.trim_end())?;
        self.lines.iter().try_for_each(|line| writeln!(f, "{}{}", line.kind.sign(), line.text()))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LineKind {
    Context,
    Added,
    Removed,
}

impl LineKind {
    /// The first character of such a line in a unified diff.
    pub const fn sign(self) -> char {
        match self {
            Self::Context => ' ',
            Self::Added => '+',
            Self::Removed => '-',
        }
    }
}

/// One line of a hunk, without its line break. Control characters are still in it: the screen escapes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiffLine {
    pub kind: LineKind,
    /// Line number in the new file, in the old one for a removed line; from 1.
    pub number: u32,
    pub spans: Vec<Span>,
}

impl DiffLine {
    pub fn text(&self) -> String {
        self.spans.iter().map(|span| span.text.as_str()).collect()
    }
}

/// A part of a line; `changed` parts are emphasized.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    pub text: String,
    pub changed: bool,
}
