//! Git safety, with real repositories: what must hold for a person's checkout, and for what agents do beside us.

#![expect(clippy::unwrap_used, reason = "what fails in a fixture fails the test")]

mod create;
mod diff;
mod fixture;
mod integrate;
mod integrate_kinds;
mod look;
mod remove;
mod trash;
mod watch;
