//! What goes wrong with terminals.

use std::io;
use std::path::PathBuf;

/// An error of the terminal layer, with the session's folder in it.
#[derive(Debug, thiserror::Error)]
pub enum PtyError {
    #[error("the run in {} was launched before", .0.display())]
    Launched(PathBuf),
    #[error("cannot start the program: {0}")]
    Launch(String),
    #[error("the shim of {} gave no answer: {told}", dir.display())]
    NoShim { dir: PathBuf, told: String },
    #[error("the shim of {} speaks version {theirs} of the protocol, this program version {ours}", dir.display())]
    Version { dir: PathBuf, theirs: u16, ours: u16 },
    #[error("{} cannot be reached: {source}", dir.display())]
    Io { dir: PathBuf, source: io::Error },
    #[error("the session in {} takes no input: {queued} bytes wait", dir.display())]
    Busy { dir: PathBuf, queued: usize },
    #[error("a message of {0} bytes is too long to be typed")]
    TooLong(usize),
    #[error("the session in {} is not connected", .0.display())]
    Disconnected(PathBuf),
    #[error("terminals cannot be served: {0}")]
    Hub(io::Error),
}
