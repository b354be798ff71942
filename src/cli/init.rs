//! `orchestra init`: the files of `.orchestra/`, never over an existing one.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::context::Context;
use super::{Outcome, Run, open, say};
use crate::model::Failure;
use crate::store::{Folder, init};

#[derive(Debug, Args)]
#[command(after_help = "Example:
  orchestra init ~/src/my-app    what exists is never written over")]
pub(super) struct Init {
    /// A path in the repository; this folder when none is given
    #[arg(default_value = ".")]
    path: PathBuf,
}

impl Run for Init {
    fn run(&self, _: &Context) -> Outcome {
        run(self).map(|()| ExitCode::SUCCESS)
    }
}

fn run(verb: &Init) -> Result<(), Failure> {
    let repo = open::repository(&verb.path)?;
    let folder = Folder::of(repo.root());
    let outcome = init::run(&folder).map_err(Failure::internal)?;
    for path in &outcome.written {
        say(&format!("wrote {}", path.display()));
    }
    for path in &outcome.kept {
        say(&format!("kept  {}", path.display()));
    }
    say("Next: put the checks of your project into .orchestra/scripts/checks.sh, start orchestra, and press N.");
    Ok(())
}
