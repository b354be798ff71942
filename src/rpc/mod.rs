//! The socket: JSON-RPC 2.0, one JSON per line, for every program that is not the engine's own process.
//!
//! Invariants: a client can break nothing but its own connection; nothing that a client does waits on the engine's
//! thread or on the screen's; who asks is told by the kernel, never by an argument.

mod address;
mod attach;
mod call;
mod caller;
mod client;
mod connection;
mod detail;
mod family;
mod follow;
mod journal;
mod keys;
mod look;
mod method;
mod outbox;
mod own_session;
#[cfg(test)]
mod page;
mod refusal;
mod resolve;
mod rights;
mod runs;
mod schema;
mod server;
mod signature;
mod start;
mod subscription;
mod unified;
mod usage;
mod verbs;
mod view;
mod wire;

pub use client::{Client, Notification, Notifier};
pub use detail::{ArtifactView, DueView, GateView, IterationView, RoundView, TaskDetail};
pub use follow::{Followed, Position};
pub use look::{
    AllTasksView, DiffView, EngineView, ExplainView, FactView, FileView, MessagesView, OutputView, ProjectsView,
    SessionsView, TasksView,
};
pub use own_session::{OwnSession, project_root, run_of};
pub use refusal::note as note_refusal;
pub use schema::schema;
pub use server::Server;
pub use signature::{Signature, of as signatures};
pub use start::{start_headless, wait_for_server};
pub use subscription::Subscribed;
pub use usage::{FiguresView, UsageRowView, UsageView};
pub use view::{DiffStatView, MessageView, ProjectView, ReasonView, SessionView, TaskView};
pub use wire::{Event, EventKind, Face, FaceKind, Fault, Greeting, Lines, PROTOCOL};
