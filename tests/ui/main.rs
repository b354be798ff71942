//! The screen from outside: keys in, effects and frames out.

mod keys;
