//! Terminals: programs behind shims, their screens and their history.
//!
//! A shim (a process of this binary) owns the program and its PTY and outlives the engine; an engine
//! connects to shims. Invariant: nothing here knows of tasks, agents or git; only `model` is imported.

pub mod history; // every byte on disk, written by the shim
