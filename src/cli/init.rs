//! `orchestra init`: the files of `.orchestra/`, never over an existing one.

use std::path::PathBuf;

use clap::Args;

use super::{open, say};
use crate::model::Failure;
use crate::store::{Folder, init};

#[derive(Debug, Args)]
pub(super) struct Init {
    /// A path in the repository; this folder when none is given
    #[arg(default_value = ".")]
    path: PathBuf,
}

pub(super) fn run(verb: &Init) -> Result<(), Failure> {
    let repo = open::repository(&verb.path)?;
    let folder = Folder::of(repo.root());
    let outcome = init::run(&folder).map_err(Failure::internal)?;
    for path in &outcome.written {
        say(&format!("wrote {}", path.display()));
    }
    for path in &outcome.kept {
        say(&format!("kept  {}", path.display()));
    }
    say("Next: edit scripts/checks.sh, then orchestra, then N.");
    Ok(())
}
