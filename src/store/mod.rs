//! Disk truth: the database, the task files, settings, flows, trust, and the places where all of it lives.
//!
//! Invariants: every durable file is written whole or not at all ([`atomic`]); nothing is written or read through a
//! link that leads out of the folder it belongs to; what a person wrote is never overwritten unseen; no clock is read
//! here, times come from the caller. All calls block: run them in blocking jobs.

pub mod artifact;
pub mod atomic;
pub mod config;
pub mod database;
pub mod dropbox;
pub mod init;
pub mod lock;
pub mod paths;
pub mod projects;
pub mod prompt;
pub mod slug;
pub mod task_file;
pub mod template;
pub mod trust;
pub mod watch;
pub mod workflow;
mod yaml;

pub use atomic::FileError;

pub use config::ConfigError;
pub use database::{Database, DatabaseError};
pub use paths::{Folder, Home};
