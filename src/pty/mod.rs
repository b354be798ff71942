//! Terminals: programs behind shims, their screens, and what goes in and out of them.
//!
//! A shim (a process of this binary) owns a program, its PTY and its history, and outlives the engine; a [`Hub`] connects
//! an engine to its shims. Invariants: the emulator is never reached but through `Screen`, which clamps sizes and survives
//! its panics; nothing that a program writes leaves a `Grid` as anything but text and style; no end of an engine harms a
//! program.

mod base64;
mod cell;
mod charset;
mod checkpoint;
mod color;
mod csi;
mod damage;
mod emulator;
mod error;
mod filter;
mod frame;
mod grid;
pub mod history;
mod hub;
mod journal;
mod keys;
mod kin;
mod kitty;
mod link;
mod modes;
mod mouse;
mod painter;
mod place;
mod process;
mod reactor;
mod reflow;
mod reply;
mod screen;
mod scrollback;
mod sgr;
mod shim;
mod signal;
mod tail;
mod terminal;
mod transcript;
mod wire;

pub use cell::{Attributes, Cell, Style, Width};
pub use color::{Color, Palette, Rgb};
pub use emulator::panic_is_survived;
pub use error::PtyError;
pub use frame::StopPlan;
pub use grid::{Cursor, Grid};
pub use history::Frame;
pub use hub::{Adopted, Event, Hub, TerminalEvent};
pub use keys::{encode_focus, encode_key, encode_paste};
pub use kin::{ENGINE_VERB, shim_dir};
pub use modes::{CursorShape, Modes, MouseEncoding, MouseMode};
pub use mouse::encode_mouse;
pub use painter::{PAINTER_RESET, Painter};
pub use place::{Pids, Place};
pub use process::{Process, ancestry};
pub use reply::Outer;
pub use screen::{Fed, Screen, ScreenError};
pub use scrollback::{Line, Scrollback};
pub use shim::{VERB as SHIM_VERB, shim_main};
pub use signal::{BlockedOn, ProgramState, ProgramStatus, Progress, PromptMark, Signal};
pub use tail::{Tail, Told};
pub use terminal::Terminal;
pub use transcript::transcript;
