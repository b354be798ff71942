//! `orchestra submit`: an agent hands in the artifact of its stage.
//!
//! It drops a file into its session's folder, so it works whether an engine runs just now or not.

use std::io::Read as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::context::Context;
use super::{Outcome, Run, say};
use crate::model::{Failure, FailureKind, Submission};
use crate::store::dropbox;

/// The longest artifact, in bytes.
const MAX_BYTES: u64 = 5 * 1024 * 1024;

#[derive(Debug, Args)]
#[command(after_help = "Example:
  orchestra submit summary.md    or pipe the text into it")]
pub(super) struct Submit {
    /// File with the text; standard input when none is given or with `-`
    file: Option<PathBuf>,
}

impl Run for Submit {
    fn run(&self, _: &Context) -> Outcome {
        run(self).map(|()| ExitCode::SUCCESS)
    }
}

fn run(verb: &Submit) -> Result<(), Failure> {
    let Some(dir) = std::env::var_os("ORCHESTRA_SESSION_DIR").map(PathBuf::from) else {
        return Err(Failure::new(FailureKind::Usage, "this is no session of Orchestra.")
            .hint("An agent runs `orchestra submit` inside the worktree that was made for it."));
    };
    let text = read(verb)?;
    if text.trim().is_empty() {
        return Err(Failure::new(FailureKind::Usage, "the text is empty.")
            .hint("orchestra submit FILE, or pipe the text into it"));
    }
    dropbox::put(&dir, &Submission::Artifact { text })
        .map_err(|error| Failure::internal(format!("cannot hand it in: {error}")))?;
    say("submitted. End your turn now; the gate and the review come next.");
    Ok(())
}

fn read(verb: &Submit) -> Result<String, Failure> {
    let name = verb.file.as_deref().filter(|file| file.as_os_str() != "-");
    let mut bytes = Vec::new();
    let read = match name {
        Some(file) => std::fs::File::open(file).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes)),
        None => std::io::stdin().lock().take(MAX_BYTES + 1).read_to_end(&mut bytes),
    };
    let place = name.map_or_else(|| "standard input".to_owned(), |file| file.display().to_string());
    read.map_err(|error| Failure::new(FailureKind::Usage, format!("cannot read {place}: {error}")))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(Failure::new(FailureKind::Usage, format!("{place} is larger than 5 MB.")).hint("Submit a summary"));
    }
    String::from_utf8(bytes).map_err(|_| Failure::new(FailureKind::Usage, format!("{place} is no UTF-8 text")))
}
