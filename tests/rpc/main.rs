//! The socket as other programs use it: a real engine in this process, a real socket, and clients that behave or don't.

#![allow(clippy::unwrap_used, reason = "what is not there fails the test")]

mod attach;
mod event;
mod fault;
mod follow;
mod identity;
mod method;
mod socket;
mod start;

#[path = "../support/engine.rs"]
mod engine;
#[path = "../support/place.rs"]
mod place;
#[path = "../support/repo.rs"]
mod repo;

use repo::WILLING;
