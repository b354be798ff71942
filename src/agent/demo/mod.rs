//! The scripted agent: an interactive terminal program that plays a script, so that a demonstration and the tests
//! need no model, and `orchestra` itself can be tried where no agent is installed.
//!
//! It is an agent like any other: it is started through a manifest, tells its status by OSC 7501, hands in by
//! `orchestra submit`, keeps its conversation, and resumes it.

mod conversation;
mod player;
mod repository;
mod script;
mod terminal;

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::{env, fs, iter};

use clap::Parser;

use self::conversation::{Conversation, Speaker};
use self::player::{Player, headline};
use self::terminal::{Status, Terminal, Typed};

pub use self::repository::{DemoFile, DemoTask, files, tasks};
pub use self::script::{Choice, Script, ScriptRule, Step};

/// The hidden verb that starts it.
pub const VERB: &str = "demo-agent";

/// The arguments of `orchestra demo-agent`.
#[derive(Debug, Parser)]
#[command(name = "orchestra demo-agent", about = "The scripted agent of the demonstration")]
struct Options {
    /// Name of the conversation
    #[arg(long, default_value = "default")]
    conversation: String,
    /// Go on with the conversation
    #[arg(long)]
    resume: bool,
    /// Play this script instead of the demonstration's
    #[arg(long)]
    script: Option<PathBuf>,
    /// Answer one message, then leave
    #[arg(long, requires = "prompt")]
    print: bool,
    /// The first message
    prompt: Option<String>,
}

/// Runs `orchestra demo-agent` with `args`, those after the verb. Needs a terminal.
pub fn main(args: impl Iterator<Item = OsString>) -> ExitCode {
    let options = match Options::try_parse_from(iter::once("orchestra demo-agent".into()).chain(args)) {
        Ok(options) => options,
        Err(error) => {
            // Help and usage go where clap sends them; a closed stream is no news.
            _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    match run(options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            _ = writeln!(io::stderr(), "demo agent: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: Options) -> io::Result<()> {
    let id = super::launch::checked(&options.conversation).map_err(io::Error::other)?;
    let script = match &options.script {
        None => Script::built_in(),
        Some(path) => Script::parse(&fs::read_to_string(path)?).map_err(io::Error::other)?,
    };
    let conversation = Conversation::open(&memory()?, &id)?;
    let mut player = Player { terminal: Terminal::open()?, script, conversation };
    player.terminal.strong("orchestra demo agent")?;
    player.terminal.faint("scripted, no model · /help tells what it plays · /exit leaves\n\n")?;
    if options.resume {
        recall(&mut player)?;
    }
    match options.prompt {
        Some(prompt) => player.answer(&prompt)?,
        None => player.terminal.report(Status::Idle)?,
    }
    if options.print {
        return Ok(());
    }
    while let Typed::Message(message) = player.terminal.prompt()? {
        player.answer(&message)?;
    }
    Ok(())
}

fn recall(player: &mut Player) -> io::Result<()> {
    for saying in std::mem::take(&mut player.conversation.past) {
        match saying.who {
            Speaker::You => player.terminal.strong(&format!("> {}", headline(&saying.text)))?,
            Speaker::Agent => player.terminal.faint(&saying.text)?,
        }
    }
    Ok(())
}

/// The folder of the conversations.
fn memory() -> io::Result<PathBuf> {
    let home = env::var_os("ORCHESTRA_HOME").map(PathBuf::from).filter(|home| home.is_absolute());
    let home = home.or_else(|| env::home_dir().map(|home| home.join(".orchestra")));
    home.map(|home| home.join("demo")).ok_or_else(|| io::Error::other("neither ORCHESTRA_HOME nor HOME is set"))
}
