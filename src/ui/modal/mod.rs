//! Prompts, forms and overlays: one file each, with its state, its keys and its frame.

/// What lies on top of the panes.
#[derive(Debug)]
pub enum Modal {}
