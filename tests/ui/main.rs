//! The screen, drawn on a test terminal and compared to the column.

mod fixture;
mod view;
