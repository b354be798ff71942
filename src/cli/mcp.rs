//! `orchestra mcp`: the tools of a session's agent, on standard input and output.

use std::process::ExitCode;

use clap::Args;

use super::context::Context;
use super::{Outcome, Run, home, own_path};
use crate::mcp::{self, Session};

/// Serve tools to an agent, by the Model Context Protocol; run by the agent
///
/// On standard input and output, until the input ends. Started by hand it only offers what reads.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  orchestra mcp --session fix-tests
The session is the one that runs it: the option gives no right to another one.")]
pub(super) struct Mcp {
    /// The session that it is started for
    #[arg(long, value_name = "ID")]
    session: Option<String>,
}

impl Run for Mcp {
    fn run(&self, context: &Context) -> Outcome {
        let session = Session::of_environment(home()?, own_path()?, context.place()?, self.session.as_deref())?;
        mcp::serve(session).map(|()| ExitCode::SUCCESS)
    }
}
