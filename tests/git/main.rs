//! Git safety, with real repositories: what must hold for a person's checkout, and for what agents do beside us.

mod create;
mod diff;
mod fixture;
mod integrate;
mod look;
mod remove;
mod trash;
mod watch;
