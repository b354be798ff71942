//! Key strings against a model: what each key asks for, what each modal looks like.

mod command;
mod docs;
mod fixture;
mod handed_in;
mod modal;
mod pane;
mod projects;
mod property;
mod update;
