//! The screen from outside: keys in, effects and frames out, drawn on a test terminal and compared to the column.

mod fixture;
mod keys;
mod view;
