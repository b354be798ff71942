//! The screen, drawn on a test terminal and compared to the column.

mod fixture;
mod view;
mod view_diff;
mod view_layout;
mod view_row;
