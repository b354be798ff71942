//! The one owner of shared state: drives tasks through their flows and serves requests.
//!
//! A thread of its own holds all state (`core`). Requests and the answers of jobs reach it as messages; transitions are
//! computed by `pipeline`, written to the database, and only then done by `driver`. Readers get snapshots.

mod activity_log;
mod agent_run;
mod attention;
mod breakdown;
mod closing;
mod comment;
mod core;
mod create;
mod deletion;
mod diffs;
mod driver;
pub mod explain;
mod facts;
mod files;
mod find;
mod gate;
mod ground;
mod handed_in;
mod handle;
mod headless;
mod hook;
mod integrate;
mod live;
mod load;
mod mail;
mod message;
mod monitor;
mod notice;
mod open;
mod person;
pub mod pipeline;
mod project;
mod pull_request;
mod records;
mod relocate;
mod request;
mod resume;
mod schedule;
mod session;
mod settings;
mod sides;
mod snapshot;
mod talk;
mod task_draft;
mod task_edit;
mod task_files;
mod task_survey;
mod text;
mod tidings;
mod usage;
pub mod variables;
mod watch;

pub use handle::{Actor, Change, Engine, First, Handle, Listener, Listening, Place, Presence, Setting};
