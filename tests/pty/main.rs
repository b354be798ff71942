//! Terminals with real programs behind real shims.
//!
//! Nothing here sleeps: tests wait for events of the hub, for the end of a process, or for a predicate that is looked at
//! after each event.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod engine_death;
mod flood;
mod launch;
mod raw;
mod stop;
mod support;
mod typing;
