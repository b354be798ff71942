//! `orchestra version`: of this program, and of the engine that runs.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::context::Context;
use super::{Outcome, Run};
use crate::rpc::PROTOCOL;

/// Print the version, and that of the engine that runs
#[derive(Debug, Args)]
#[command(after_help = "Example:
  orchestra version --json")]
pub(super) struct Version {}

impl Run for Version {
    fn run(&self, context: &Context) -> Outcome {
        const OWN: &str = env!("CARGO_PKG_VERSION");
        // An engine that does not answer has no version to tell.
        let engine = context.running().ok().flatten().map(|link| link.client.greeting().clone());
        let told = json!({"version": OWN, "protocol": PROTOCOL, "engine": engine});
        context.output.result(&told, || {
            let other = engine.filter(|engine| engine.version != OWN);
            let other = other
                .map_or_else(String::new, |engine| format!("\nengine {}, process {}", engine.version, engine.face.pid));
            format!("orchestra {OWN}{other}")
        });
        Ok(ExitCode::SUCCESS)
    }
}
