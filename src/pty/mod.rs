//! Terminals: the screen of a session, and what goes in and out of it.
//!
//! Invariants: the emulator is never reached but through `Screen`, which clamps sizes and survives its panics; nothing that
//! a program writes leaves a `Grid` as anything but text and style.

mod base64;
mod cell;
mod charset;
mod checkpoint;
mod color;
mod csi;
mod damage;
mod emulator;
mod filter;
mod grid;
mod journal;
mod keys;
mod kitty;
mod modes;
mod mouse;
mod reply;
mod screen;
mod scrollback;
mod sgr;
mod signal;

pub use cell::{Attributes, Cell, Style, Width};
pub use color::{Color, Palette, Rgb};
pub use emulator::panic_is_survived;
pub use grid::{Cursor, Grid};
pub use keys::{encode_focus, encode_key, encode_paste};
pub use modes::{CursorShape, Modes, MouseEncoding, MouseMode};
pub use mouse::encode_mouse;
pub use reply::Outer;
pub use screen::{Fed, Screen, ScreenError};
pub use scrollback::{Frame, Line, Scrollback};
pub use signal::{BlockedOn, ProgramState, ProgramStatus, Progress, PromptMark, Signal};
