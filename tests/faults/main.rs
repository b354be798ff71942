//! The engine is killed, at every point at which something leaves it: nothing is lost, and nothing happens twice.

#![allow(clippy::unwrap_used, reason = "what is not there fails the test")]

mod check;
mod death;
mod host;
mod kill;

#[path = "../support/engine.rs"]
mod engine;
#[path = "../support/place.rs"]
mod place;
#[path = "../support/repo.rs"]
mod repo;
#[path = "../support/seed.rs"]
mod seed;
