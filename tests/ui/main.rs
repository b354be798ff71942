//! The screen from outside: keys in, effects and frames out, compared to the column.

mod fixture;
mod keys;
mod parity;
mod steps;
mod view;
mod view_diff;
mod view_layout;
mod view_projects;
mod view_row;
