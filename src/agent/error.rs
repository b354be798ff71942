//! What can go wrong between us and an agent.

use std::io;
use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    #[error("agent \"{name}\" is not known (known: {known})")]
    Unknown { name: String, known: String },
    /// `why` names the key.
    #[error("agents.{agent}: {why}")]
    Manifest { agent: String, why: String },
    #[error("agent \"{agent}\" can't resume a conversation: its entry has no `resume`")]
    CannotResume { agent: String },
    #[error(
        "agent \"{agent}\" has no print mode. Give its entry the command line `headless`, or the stage `mode: interactive`"
    )]
    NoPrintMode { agent: String },
    #[error("\"{id}\" is no conversation id")]
    BadConversation { id: String },
    #[error("the prompt could not be written to {}: {source}", path.display())]
    PromptFile { path: PathBuf, source: io::Error },
    #[error("no free port on the loopback interface: {0}")]
    Port(io::Error),
    #[error("the system gives no random numbers: {0}")]
    Random(getrandom::Error),
}
