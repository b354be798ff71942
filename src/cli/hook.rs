//! `orchestra hook`: what an agent does, as its own hooks tell it.
//!
//! Invariants: it ends with 0 and in time whatever happens, for an agent waits for its hooks and takes other codes for
//! an order; nothing is written to standard output, which some agents read; it starts no engine.

use std::io::{IsTerminal as _, Read as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;
use std::time::Duration;

use clap::Args;
use serde::Deserialize as _;
use serde_json::{Value, json};

use super::context::{Context, OfTask};
use super::{Outcome, Run, look, output, send};
use crate::model::{Failure, FailureKind, HookEvent, HookReport, SessionId};
use crate::rpc;

/// After this it ends, told or not.
const LIMIT: Duration = Duration::from_millis(900);
/// What comes later on standard input is not waited for.
const INPUT_LIMIT: Duration = Duration::from_millis(300);
/// Bytes of standard input that are looked at.
const MAX_INPUT: u64 = 1 << 20;

/// Tell what an agent does; run by the agent's hooks
///
/// EVENT is working, idle, asking, done or error. The task is the one whose agent runs it, else the one whose worktree
/// this folder is in. It always ends with 0, within a second.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  orchestra hook working
  orchestra hook idle fix-tests
  echo '{\"message\": \"Which color?\"}' | orchestra hook asking
Standard input may hold a JSON object, as agents give it to their hooks: its message is
what the agent asks.")]
pub(super) struct Hook {
    /// What has begun: working, idle, asking, done or error
    event: String,
    #[command(flatten)]
    task: OfTask,
}

impl Run for Hook {
    fn run(&self, context: &Context) -> Outcome {
        let at = look::now();
        let (sender, told) = sync_channel(1);
        let (hook, context) = (self.clone(), context.clone());
        // Nobody joins it: it ends with the program, wherever it hangs then.
        thread::spawn(move || {
            let report = hook.report().map(|report| HookReport { at: Some(at), ..report });
            let _ = sender.send(report.and_then(|report| hook.tell(&context, &report)));
        });
        match told.recv_timeout(LIMIT) {
            Ok(Ok(())) => {}
            Ok(Err(failure)) => output::note(&format!("nothing was told: {failure}")),
            Err(_) => output::note("nothing was told: the engine does not answer in time."),
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Hook {
    fn report(&self) -> Result<HookReport, Failure> {
        let event = HookEvent::deserialize(json!(self.event)).map_err(|_| {
            Failure::new(FailureKind::Usage, format!("there is no event \"{}\".", self.event))
                .hint("working, idle, asking, done or error")
        })?;
        let input = read();
        let text = if event == HookEvent::Asking { input.recv_timeout(INPUT_LIMIT).ok() } else { None };
        Ok(HookReport { event, text: text.as_ref().and_then(question), at: None })
    }

    fn tell(&self, context: &Context, report: &HookReport) -> Result<(), Failure> {
        let Some(mut link) = context.running()? else { return Ok(()) };
        let told = match Origin::of_environment(&self.task) {
            Some(Origin { project, session, run }) => {
                let params = json!({"project": project, "session": session, "run": run, "report": report});
                link.client.call("session.hook", params)
            }
            None => link.name(&self.task).and_then(|task| {
                let session = send::session(&mut link, &task)?;
                link.call("session.hook", json!({"session": session, "report": report}))
            }),
        };
        told.map(drop)
    }
}

/// The session whose agent runs the hook.
struct Origin {
    /// None: whose agent it is tells the project.
    project: Option<String>,
    session: String,
    run: Option<String>,
}

impl Origin {
    /// As the environment has it, unless another task was named.
    fn of_environment(given: &OfTask) -> Option<Self> {
        let var = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let dir = var("ORCHESTRA_SESSION_DIR").map(PathBuf::from);
        let task = var("ORCHESTRA_TASK_ID");
        let is_own =
            |given: &String| Some(given) == task.as_ref() || Some(given) == var("ORCHESTRA_TASK_SLUG").as_ref();
        if given.task.as_ref().is_some_and(|given| !is_own(given)) {
            return None;
        }
        // An agent without a task is the designer.
        let session = task.or_else(|| dir.is_some().then(|| SessionId::MAIN.to_owned()))?;
        Some(Self { project: rpc::project_root(), session, run: dir.as_deref().and_then(rpc::run_of) })
    }
}

/// The first JSON value on standard input, once it is whole; nothing comes for anything else.
fn read() -> Receiver<Value> {
    let (sender, value) = sync_channel(1);
    thread::spawn(move || {
        let input = std::io::stdin();
        if input.is_terminal() {
            return;
        }
        let values = serde_json::Deserializer::from_reader(input.lock().take(MAX_INPUT)).into_iter::<Value>();
        if let Some(Ok(found)) = { values }.next() {
            let _ = sender.send(found);
        }
    });
    value
}

/// What an agent asks, as its hook has it: Claude Code and Gemini have a message, requests for permission a tool.
fn question(input: &Value) -> Option<String> {
    let text = |key: &str| input[key].as_str().filter(|text| !text.trim().is_empty());
    text("message").map(str::to_owned).or_else(|| Some(format!("approve {}", text("tool_name")?)))
}
