//! Processes of Orchestra itself that descend from a session's: nobody's leftovers.
//!
//! An agent that runs a verb of the command line may start the engine, and with it the shims of other sessions: as a
//! subreaper its shim becomes their ancestor, and must neither end them with its program nor lend them its rights.

use std::path::{Path, PathBuf};

use super::process::{arguments, variable};
use super::shim::VERB;

/// The verb of an engine without a face.
pub const ENGINE_VERB: &str = "serve";

/// The folder of the session whose shim the process is, if it calls itself one.
pub fn shim_dir(pid: u32) -> Option<PathBuf> {
    let mut words = arguments(pid).into_iter();
    words.next().filter(|verb| verb == VERB)?;
    words.next().map(PathBuf::from).filter(|dir| dir.is_absolute())
}

/// Whether the process is a shim or an engine of the home whose folder of sessions is `run`.
pub(super) fn is_kin(run: &Path, pid: u32) -> bool {
    let is_engine = || {
        let folder = |name: &str| variable(pid, name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let home = folder("ORCHESTRA_HOME").or_else(|| folder("HOME").map(|home| home.join(".orchestra")));
        home.as_deref() == run.parent() && arguments(pid).first().is_some_and(|verb| verb == ENGINE_VERB)
    };
    shim_dir(pid).is_some_and(|dir| dir.parent() == Some(run)) || is_engine()
}
