//! What can go wrong between us and a repository, with the path or branch that it is about.

use std::path::{Path, PathBuf};

/// A git operation that failed. Nothing was changed unless the variant says so.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    #[error("no git was found on PATH")]
    NoGit,
    #[error("git {found} is too old; 2.38 or newer is needed")]
    GitTooOld { found: String },
    #[error("{} is not in a git repository", .path.display())]
    NotARepository { path: PathBuf },
    #[error("{} is a bare repository; a worktree needs a checkout beside it", .path.display())]
    Bare { path: PathBuf },
    #[error("{} has no commit yet; a worktree needs one", .name)]
    NoCommits { name: String },
    #[error("{} belongs to another user, and git refuses to read it", .path.display())]
    OtherOwner { path: PathBuf },
    #[error("there is no branch or commit {name}")]
    NoSuchRef { name: String },
    #[error("branch {branch} exists already")]
    BranchTaken { branch: String },
    #[error("branch {branch} cannot exist beside branch {other}")]
    BranchClash { branch: String, other: String },
    #[error("branch {branch} is checked out in {}", .path.display())]
    BranchInUse { branch: String, path: PathBuf },
    #[error("branch {branch} moved while we worked on it")]
    BranchMoved { branch: String },
    #[error("{} exists already", .path.display())]
    PathTaken { path: PathBuf },
    #[error("{} is locked: another git process works there, or died there", .lock.display())]
    IndexLocked { lock: PathBuf },
    #[error("{} is locked: another git process moves that ref, or died doing so", .lock.display())]
    RefLocked { lock: PathBuf },
    #[error("worktree {} is locked: {reason}", .path.display())]
    WorktreeLocked { path: PathBuf, reason: String },
    #[error("worktree {} was moved to {}", .path.display(), .to.display())]
    WorktreeMoved { path: PathBuf, to: PathBuf },
    #[error("worktree {} is missing", .path.display())]
    WorktreeMissing { path: PathBuf },
    #[error("{} is not a worktree of this repository", .path.display())]
    NotAWorktree { path: PathBuf },
    #[error("git does not know who you are: {detail}")]
    NoIdentity { detail: String },
    #[error("the repository's hooks or commands are not trusted, or changed since")]
    Untrusted { hash: String, what: Vec<String> },
    #[error("{} is no regular file, and git would wait on it for ever", .path.display())]
    Blocked { path: PathBuf },
    #[error("git {verb} did not end within {seconds} s in {}", .cwd.display())]
    TimedOut { verb: String, cwd: PathBuf, seconds: u64 },
    #[error("git {verb} was canceled")]
    Canceled { verb: String },
    #[error("git {verb} was killed in {}", .cwd.display())]
    Killed { verb: String, cwd: PathBuf },
    #[error("git {verb} printed more than {limit} bytes")]
    TooMuchOutput { verb: String, limit: usize },
    #[error("git {verb} failed in {}: {stderr}", .cwd.display())]
    Failed { verb: String, cwd: PathBuf, code: i32, stderr: String },
    #[error("git {verb} printed what we do not understand: {text}")]
    Unreadable { verb: String, text: String },
    #[error("{}: {source}", .path.display())]
    Io { path: PathBuf, source: std::io::Error },
    #[error("watching {}: {source}", .path.display())]
    Watch { path: PathBuf, source: notify::Error },
}

impl GitError {
    /// The next step for a person, where there is one.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoGit | Self::GitTooOld { .. } => "Install a current git.".to_owned(),
            Self::NotARepository { .. } => "Try: orchestra demo, or cd to a repository.".to_owned(),
            Self::Bare { .. } => "Make a checkout: git worktree add ../checkout".to_owned(),
            Self::NoCommits { .. } => "Try: git commit --allow-empty -m start".to_owned(),
            Self::OtherOwner { path } => {
                format!("If you trust it: git config --global --add safe.directory {}", path.display())
            }
            Self::BranchTaken { .. } | Self::BranchClash { .. } => "Choose another slug.".to_owned(),
            Self::PathTaken { path } => format!("Nothing there was touched. Look at {}", path.display()),
            Self::IndexLocked { lock } | Self::RefLocked { lock } => {
                format!("Wait for it. If no git runs any more: rm {}", lock.display())
            }
            Self::WorktreeLocked { path, .. } => format!("Unlock it: git worktree unlock {}", path.display()),
            Self::WorktreeMoved { to, .. } => format!("Move it back: it is in {}", to.display()),
            Self::NoIdentity { .. } => "Set it: git config --global user.name, and user.email".to_owned(),
            Self::Untrusted { .. } => "Look at them, then trust the project.".to_owned(),
            Self::Blocked { path } => format!("Remove it: rm {}", path.display()),
            _ => return None,
        })
    }

    pub(crate) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self + '_ {
        move |source| Self::Io { path: path.to_owned(), source }
    }
}
