//! Repositories: facts about them, and the few moves that we make in them.
//!
//! Everything is synchronous and may take long: callers run it in blocking jobs. Invariants (PRODUCT.md section 6): a
//! person's checkout, index and stash are never touched but by a fast-forward that git itself accepts; reads take
//! no lock and run nothing that a repository names; nothing is removed that the caller has not recorded as ours.

mod command;
pub mod diff;
mod disk;
mod error;
pub mod facts;
pub mod forge;
mod history;
pub mod include;
pub mod integrate;
mod process;
mod repo;
mod settings;
pub mod trash;
pub mod trust;
pub mod watch;
pub mod worktree;

pub use command::{Git, Hooks};
pub use error::GitError;
pub use process::Cancel;
pub use repo::{Base, Head, InProgress, Repo};
