//! tmp
mod command; mod disk; mod error; mod repo;
pub mod worktree; pub mod integrate; pub mod trash; pub mod diff; pub mod watch;
pub use command::{Cancel, Git, Hooks};
pub use error::GitError;
pub use repo::{Base, Head, InProgress, Repo};
pub use worktree::WorktreePlan;
pub struct LimitedOutput { pub status: std::process::ExitStatus, text: String }
impl LimitedOutput { pub fn text(&self) -> String { self.text.clone() } }
pub fn run_limited(mut c: std::process::Command, _d: std::time::Duration) -> std::io::Result<LimitedOutput> { let o = c.output()?; Ok(LimitedOutput { status: o.status, text: String::from_utf8_lossy(&o.stdout).into_owned() }) }
