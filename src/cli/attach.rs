//! `orchestra attach`: a session's screen on this terminal, full size, with the same keys to leave as in the screen.
//!
//! Invariants: every byte goes to the session but the detach keys; whatever way it ends, the terminal is as it was; a
//! handover of the engine is not seen.

mod keys;
mod outer;

use std::io::Write as _;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use serde_json::{Value, json};

use super::context::{Context, Link, OfTask, typed};
use super::output::say;
use super::{Outcome, Run};
use super::{send, watch};
use crate::model::{Failure, FailureKind, SessionId, SessionKind, Size};
use crate::rpc::{Client, Notifier, SessionView};
use keys::Detach;
pub(super) use outer::size;
use outer::{Outer, Seen};

/// Attach to the session of a task, or to `main`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  orchestra attach fix-tests
  orchestra attach main            starts the designer when it does not run
Ctrl-\\ or Ctrl-Q leaves; the agent goes on. keys.detach in the settings has others.")]
pub(super) struct Attach {
    #[command(flatten)]
    session: OfTask,
}

/// How long a session may take until it runs: a setup script may be at work.
const START: Duration = Duration::from_mins(1);

/// How a session was left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// By its program; the exit code, negative for a signal, where it is known.
    Exited(Option<i64>),
    /// By the person: it goes on.
    Left,
}

/// How a look at a session ends.
enum End {
    Detached,
    /// Exit code of its program, negative for a signal.
    Exited(Option<i64>),
    /// The engine went away: maybe over to another one.
    EngineGone,
    /// A signal, or the end of the terminal.
    Leave,
}

impl Run for Attach {
    fn run(&self, context: &Context) -> Outcome {
        need_terminal("orchestra logs TASK --follow prints instead.")?;
        let mut link = context.link()?;
        let name = link.name(&self.session)?;
        let session = send::session(&mut link, &name)?;
        if session == SessionId::MAIN {
            link.call("session.start_designer", json!({}))?;
        }
        let told = match show_session(context, &mut link, &session)? {
            Ended::Exited(Some(code)) => format!("{session} has ended, exit code {code}"),
            Ended::Exited(None) => format!("{session} has ended"),
            Ended::Left => format!("left {session}; it goes on. orchestra attach {session} comes back"),
        };
        say(&told);
        Ok(ExitCode::SUCCESS)
    }
}

/// Takes the terminal for a session, until one of the two leaves.
pub(super) fn show_session(context: &Context, link: &mut Link, session: &str) -> Result<Ended, Failure> {
    let detach = Detach::new(&super::agents::settings(context).unwrap_or_default(), kind(link, session)?);
    let mut at = begin(context, link, session)?;
    let outer = Outer::enter()?;
    let end = loop {
        match look(link, &at, &outer, &detach) {
            Ok(End::EngineGone) => *link = context.link()?,
            ended => break ended,
        }
        match begin(context, link, session) {
            Ok(again) => at = again,
            // The next engine has not taken it over: it ended in between.
            Err(failure) if failure.kind == FailureKind::BadState => break Ok(End::Exited(None)),
            Err(failure) => break Err(failure),
        }
    };
    drop(outer);
    Ok(match end? {
        End::Exited(code) => Ended::Exited(code),
        End::Detached | End::EngineGone | End::Leave => Ended::Left,
    })
}

/// Fails without a terminal; `hint` says what to do then.
pub(super) fn need_terminal(hint: &str) -> Result<(), Failure> {
    if outer::is_terminal() {
        return Ok(());
    }
    Err(Failure::new(FailureKind::BadState, "attaching needs a terminal on standard input and output.").hint(hint))
}

fn kind(link: &mut Link, session: &str) -> Result<SessionKind, Failure> {
    let sessions: Vec<SessionView> = typed(link.call("session.list", json!({}))?["sessions"].take())?;
    let is_shell = sessions.iter().any(|it| it.id == session && it.kind == "shell");
    Ok(if is_shell { SessionKind::Shell } else { SessionKind::Executor })
}

/// Asks for the session's screen; what names the session from now on. One that is just being started is waited for.
fn begin(context: &Context, link: &mut Link, session: &str) -> Result<Value, Failure> {
    match ask(link, session) {
        Err(failure) if failure.kind == FailureKind::BadState && link.starts(session) => {
            let begun = watch::until(context, link, Some(Instant::now() + START), |link| match ask(link, session) {
                Err(failure) if failure.kind == FailureKind::BadState && link.starts(session) => Ok(None),
                answer => answer.map(Some),
            })?;
            begun.ok_or(failure)
        }
        answer => answer,
    }
}

fn ask(link: &mut Link, session: &str) -> Result<Value, Failure> {
    let at = link.params(json!({"session": session}));
    let Size { rows, cols } = size();
    link.client.call("session.attach", with(&at, json!({"rows": rows, "cols": cols})))?;
    Ok(at)
}

/// Shows the session until one of the two sides has enough.
fn look(link: &mut Link, at: &Value, outer: &Outer, detach: &Detach) -> Result<End, Failure> {
    let notifier = link.client.notifier();
    let (other, done) = UnixStream::pair().map_err(Failure::internal)?;
    std::thread::scope(|scope| {
        // Frames come on a thread of their own: this one waits for the person.
        let client = &mut link.client;
        let frames = scope.spawn(move || {
            let end = show(client);
            drop(done);
            end
        });
        let end = serve((outer, &other), &notifier, at, detach);
        // Ends the other thread, wherever it waits.
        notifier.close();
        let shown = frames.join().map_err(|_| Failure::internal("the screen could not be shown"))?;
        match end? {
            Some(end) => Ok(end),
            None => shown,
        }
    })
}

/// Writes frames as they come.
fn show(client: &mut Client) -> Result<End, Failure> {
    let mut out = std::io::stdout();
    loop {
        let told = match client.next_notification(None) {
            Ok(Some(told)) => told,
            Ok(None) => return Ok(End::EngineGone),
            Err(failure) if Client::is_gone(&failure) => return Ok(End::EngineGone),
            Err(failure) => return Err(failure),
        };
        match told.method.as_str() {
            "session.output" => {
                let bytes = STANDARD.decode(told.params["bytes"].as_str().unwrap_or_default()).unwrap_or_default();
                if out.write_all(&bytes).and_then(|()| out.flush()).is_err() {
                    return Ok(End::Leave);
                }
            }
            "session.exited" => return Ok(End::Exited(told.params["exit"].as_i64())),
            _ => {}
        }
    }
}

/// Passes on what the person types; none: the other side ended it.
fn serve(
    (outer, other): (&Outer, &UnixStream),
    notifier: &Notifier,
    at: &Value,
    detach: &Detach,
) -> Result<Option<End>, Failure> {
    let mut pasting = false;
    loop {
        match outer.wait(other)? {
            Seen::Input(bytes) => {
                let left = detach.find(&bytes, &mut pasting);
                let sent = &bytes[..left.unwrap_or(bytes.len())];
                if !sent.is_empty() {
                    let input = with(at, json!({"bytes": STANDARD.encode(sent)}));
                    if notifier.notify("session.input", &input).is_err() {
                        return Ok(None);
                    }
                }
                if left.is_some() {
                    return Ok(Some(End::Detached));
                }
            }
            Seen::Resized => {
                let Size { rows, cols } = size();
                if notifier.notify("session.resize", &with(at, json!({"rows": rows, "cols": cols}))).is_err() {
                    return Ok(None);
                }
            }
            Seen::Done => return Ok(None),
            Seen::Leave => return Ok(Some(End::Leave)),
        }
    }
}

/// Parameters, and more of them.
fn with(params: &Value, more: Value) -> Value {
    let mut all = params.clone();
    if let (Some(all), Value::Object(more)) = (all.as_object_mut(), more) {
        all.extend(more);
    }
    all
}
