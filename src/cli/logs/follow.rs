//! `orchestra logs --follow`: the lines of a session as they come.
//!
//! Invariants: every line is printed once, also when the engine hands over; an agent that takes the place of another one is gone
//! on with from its first line.

use std::process::ExitCode;

use serde_json::{Value, json};

use crate::cli::context::{Context, Link, typed};
use crate::cli::output::{note, print};
use crate::cli::{Outcome, look, watch};
use crate::model::{Failure, FailureKind, RunId, State};
use crate::rpc::{Client, Followed, Lines, Position};

/// What was printed, and how.
struct Printer<'a> {
    context: &'a Context,
    session: &'a str,
    /// The lines that are there already: at most so many are printed of the first run.
    lines: usize,
    /// The run that is followed: what still comes of another one is none of it.
    run: Option<RunId>,
    after: Option<Position>,
    /// All of the run that was followed last.
    whole: bool,
    /// The person knows why nothing is printed.
    told_why: bool,
}

/// Prints the last `lines` lines, then what comes.
pub(super) fn run(context: &Context, link: &mut Link, session: &str, lines: usize) -> Outcome {
    let mut printer = Printer { context, session, lines, run: None, after: None, whole: true, told_why: false };
    while let Some(true) = watch::until(context, link, None, |link| printer.begin(link))? {
        match printer.print(link) {
            Ok(true) => {}
            // Nobody reads it any more.
            Ok(false) => break,
            // Sessions go on from one engine to the next, and so does this.
            Err(failure) if Client::is_gone(&failure) => *link = context.link()?,
            Err(failure) => return Err(failure),
        }
    }
    Ok(ExitCode::SUCCESS)
}

impl Printer<'_> {
    /// Asks for what was not printed yet: whether something is to come. None: that is not known now.
    fn begin(&mut self, link: &mut Link) -> Result<Option<bool>, Failure> {
        // Of a run that began meanwhile all is new.
        let lines = if self.after.is_none() { json!(self.lines) } else { Value::Null };
        let asked = json!({"session": self.session, "after": self.after, "lines": lines});
        let session = self.session;
        // Looked at first: an agent that comes and goes after this is told of by an event.
        let more = if goes_on(link, session) { None } else { Some(false) };
        match link.call("session.follow", asked) {
            Ok(answer) => {
                let Followed { run, alive } = typed(answer)?;
                let is_new = self.after.as_ref().is_none_or(|after| after.run != run);
                if is_new && !self.whole {
                    note(&format!(
                        "an agent of {session} took the place of another one while no engine served: its last lines are missing"
                    ));
                    self.whole = true;
                }
                self.run = Some(run);
                Ok(if alive || is_new { Some(true) } else { more })
            }
            Err(failure) if failure.kind == FailureKind::NotFound && (more.is_none() || self.after.is_some()) => {
                Ok(more)
            }
            Err(failure) => Err(failure),
        }
    }

    /// Prints until the run has ended; whether somebody reads it.
    fn print(&mut self, link: &mut Link) -> Result<bool, Failure> {
        while let Some(told) = link.client.next_notification(None)? {
            if told.method != "session.lines" {
                continue;
            }
            let told: Lines = typed(told.params)?;
            if self.run.as_ref() != Some(&told.run) {
                continue;
            }
            let from = self.after.as_ref().filter(|after| after.run == told.run).map_or(0, |after| after.offset);
            if told.offset > from {
                for line in &told.lines {
                    if self.line(&told, line).is_err() {
                        return Ok(false);
                    }
                }
            }
            if told.alternate && !self.told_why {
                self.told_why = true;
                let session = self.session;
                note(&format!(
                    "{session} draws on the whole screen, of which no lines come: orchestra attach {session} shows it"
                ));
            }
            self.whole = told.ended;
            self.after = Some(Position { run: told.run, offset: told.offset });
            if self.whole {
                return Ok(true);
            }
        }
        Ok(true)
    }

    fn line(&self, told: &Lines, line: &str) -> std::io::Result<()> {
        if self.context.output.json {
            return print(&json!({"session": told.session, "run": told.run, "line": line}).to_string());
        }
        print(line)
    }
}

/// Whether another agent of the task may come.
fn goes_on(link: &mut Link, session: &str) -> bool {
    link.task(session).ok().and_then(|task| look::state(&task)).is_some_and(State::goes_on)
}
