//! The full-screen face: a model, messages that change it, and a view of it.
//!
//! A keypress becomes a `Msg`, `update` changes the `Model` and returns `Effect`s as data; `view` draws a model and
//! changes nothing. Only the runtime touches the terminal, the clock and the engine.

pub mod command;
pub mod footer;
pub mod glyph;
pub mod guide;
pub mod keymap;
pub mod modal;
pub mod model;
pub mod msg;
pub mod picture;
pub mod pipeline;
pub mod row;
pub mod runtime;
pub mod text;
pub mod theme;
pub mod update;
pub mod view;
