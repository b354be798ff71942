//! Text for agents: kept until the receiver rests, typed once, and struck off when the shim says that it was typed.
//!
//! A program that is only just starting swallows keys. What the flow has to say to an agent that tells of its turns is
//! therefore struck off only when a turn begins; until then it gets another Enter, then the text again, some times.

use std::time::{Duration, Instant};

use super::Place;
use super::core::Core;
use super::handle::Shared;
use super::live::{AgentSide, Live};
use super::message::TaskPlace;
use crate::agent::prompt;
use crate::model::{Activity, Prefix, ProjectId, RunId, SessionId};
use crate::pty;
use crate::store::database::{Delivery, EffectId, MessageId, StoredMessage};

/// Between a paste and its Enter: the slowest agent needs 60 ms.
const ENTER_DELAY: Duration = Duration::from_millis(150);

/// Within this time after its Enter an agent that tells of its turns has begun one; each time that it did not, it gets as much more.
const TURN_BEGINS: Duration = Duration::from_secs(4);

/// A text is typed so often. On a busy machine an agent that says that it rests may take half a minute until it sees keys.
const TRIES: u8 = 4;

/// A text that waits for its receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Letter {
    /// The process that it is for.
    pub run: RunId,
    /// Makes the typing happen once.
    pub id: RunId,
    pub text: String,
    pub origin: Origin,
    pub state: Sending,
    /// It says that the work of this session is done: it goes once the gate has nothing against that.
    pub report_of: Option<SessionId>,
}

/// How far a letter is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sending {
    Waits,
    /// The shim types it, for the `tries`th time.
    Typed {
        tries: u8,
    },
    /// It was typed, and the turn that it begins is still to come.
    Unseen {
        since: Instant,
        tries: u8,
        next: Remedy,
    },
}

/// What is done for a letter that begins no turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Remedy {
    Enter,
    Again,
    Tell,
}

impl Letter {
    pub const fn new(run: RunId, id: RunId, text: String, origin: Origin) -> Self {
        Self { run, id, text, origin, state: Sending::Waits, report_of: None }
    }

    /// A message, by its number in the database. An agent's stands in a fence: only what a person says is typed as it is.
    pub fn of_message(run: RunId, message: &StoredMessage) -> Self {
        let is_report = Prefix::of(&message.text).is_some_and(|(prefix, _)| prefix == Prefix::Complete);
        let id = RunId(format!("message-{}", message.id.0));
        let report_of = message.sender.clone().filter(|_| is_report);
        Self { report_of, ..Self::new(run, id, told(message), Origin::Message(message.id)) }
    }

    /// The flow waits for the turn that it begins.
    const fn is_of_flow(&self) -> bool {
        !matches!(self.origin, Origin::Message(_))
    }

    const fn is_sent(&self) -> bool {
        !matches!(self.state, Sending::Waits)
    }
}

/// Who waits for a letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    Effect(EffectId),
    /// A message of a person or of another session, in the database.
    Message(MessageId),
    /// The first prompt of an agent that takes it by keys: the launch stands for it.
    Launch,
}

impl Core {
    /// Takes a letter in. One whose typing an engine before this one began is not typed again.
    pub(super) fn post(&mut self, project: &ProjectId, letter: Letter) {
        let begun = pty::Place::new(self.ground.home.session(&letter.run)).submitted();
        let reached = self.live.get(&letter.run).is_some_and(|live| live.terminal.is_some());
        let Ok(found) = self.project_mut(project) else { return };
        if !begun.iter().any(|id| id == letter.id.as_str()) {
            return found.waiting.mail.push(letter);
        }
        let settled = found.settle(letter.origin, if reached { Delivery::Delivered } else { Delivery::Unknown });
        if let Err(failure) = settled {
            self.notices.error(failure.to_string(), None);
        }
        self.prompt_typed(&letter.run);
    }

    /// What was said to a session that nobody has typed yet goes to its new process.
    pub(super) fn readdress(&mut self, place: &Place, run: &RunId) {
        let Ok(project) = self.project_mut(&place.0) else { return };
        let messages = match project.db.queued_messages() {
            Ok(messages) => messages,
            Err(error) => return self.notices.error(error.to_string(), None),
        };
        let mut letters: Vec<Letter> = messages
            .into_iter()
            .filter(|message| message.session == place.1)
            .map(|message| Letter::of_message(run.clone(), &message))
            .collect();
        // What is being typed stays where it is.
        project
            .waiting
            .mail
            .retain(|letter| letter.is_sent() || letters.iter().all(|other| other.origin != letter.origin));
        letters.retain(|letter| project.waiting.mail.iter().all(|other| other.origin != letter.origin));
        for letter in letters {
            self.post(&place.0, letter);
        }
    }

    /// Types what waits for agents that rest; one letter per agent at a time, so that each starts a turn of its own.
    pub(super) fn deliver_messages(&mut self) {
        for index in 0..self.projects.len() {
            let mut mail = std::mem::take(&mut self.projects[index].waiting.mail);
            let mut under_way: Vec<RunId> =
                mail.iter().filter(|letter| letter.is_sent()).map(|it| it.run.clone()).collect();
            for letter in mail.iter_mut().filter(|letter| !letter.is_sent()) {
                let Some(live) = self.live.get_mut(&letter.run) else { continue };
                if under_way.contains(&letter.run) || !ready(live, &self.shared) {
                    continue;
                }
                let reporter = letter.report_of.as_ref().and_then(|it| self.projects[index].task_by_session(it));
                if reporter.is_some_and(|task| task.state.is_busy()) {
                    continue;
                }
                let Some(terminal) = &live.terminal else { continue };
                if terminal.submit(letter.id.as_str(), &letter.text, ENTER_DELAY).is_err() {
                    continue;
                }
                letter.state = Sending::Typed { tries: 1 };
                under_way.push(letter.run.clone());
                if let Some(agent) = live.agent.as_mut().filter(|_| matches!(letter.origin, Origin::Message(_))) {
                    agent.attended = true;
                }
            }
            self.projects[index].waiting.mail = mail;
        }
    }

    /// When a letter that waits only for a person to be done with typing can go.
    pub(super) fn mail_due(&self) -> Option<Instant> {
        let now = Instant::now();
        let unsent = self.projects.iter().flat_map(|project| &project.waiting.mail).filter(|letter| !letter.is_sent());
        let places = unsent.filter_map(|letter| Some(&self.live.get(&letter.run)?.place));
        let typing = places.filter_map(|place| self.shared.typed_until(place)).filter(|due| *due > now);
        let all = self.projects.iter().flat_map(|project| &project.waiting.mail);
        let unseen = all.filter_map(|letter| match letter.state {
            Sending::Unseen { since, tries, .. } => Some(since + TURN_BEGINS * u32::from(tries)),
            _ => None,
        });
        typing.chain(unseen).min()
    }

    /// Its prompt, or what the flow has to say to it, is still to be typed.
    pub(super) fn is_to_be_told(&self, at: &TaskPlace, run: &RunId) -> bool {
        let waits = |letter: &Letter| letter.run == *run && letter.is_of_flow();
        self.project(&at.project).is_ok_and(|project| project.waiting.mail.iter().any(waits))
    }

    /// The shim has typed a letter.
    pub(super) fn letter_typed(&mut self, run: &RunId, id: &str) {
        let live = self.live.get(run);
        let tells = live.and_then(|live| live.agent.as_ref()).is_some_and(|agent| agent.events.is_some());
        // One that has told nothing of itself so far may only just be starting.
        let is_heard = live.and_then(|live| live.agent.as_ref()).is_some_and(AgentSide::is_heard);
        let works = live.is_some_and(|live| live.activity() == Activity::Working);
        for project in &mut self.projects {
            let Some(index) =
                project.waiting.mail.iter().position(|letter| letter.run == *run && letter.id.as_str() == id)
            else {
                continue;
            };
            let letter = &mut project.waiting.mail[index];
            if let (Sending::Typed { tries }, true) =
                (letter.state, tells && !works && (letter.is_of_flow() || !is_heard))
            {
                let next = match tries {
                    1 => Remedy::Enter,
                    TRIES.. => Remedy::Tell,
                    _ => Remedy::Again,
                };
                letter.state = Sending::Unseen { since: Instant::now(), tries, next };
                return;
            }
            let letter = project.waiting.mail.remove(index);
            if let Err(failure) = project.settle(letter.origin, Delivery::Delivered) {
                self.notices.error(failure.to_string(), None);
            }
            return self.prompt_typed(run);
        }
    }

    /// A turn has begun: what was typed has arrived.
    pub(super) fn letter_taken(&mut self, run: &RunId) {
        self.settle_unseen(|letter| letter.run == *run);
    }

    fn settle_unseen(&mut self, is: impl Fn(&Letter) -> bool) {
        let unseen = |letter: &mut Letter| matches!(letter.state, Sending::Unseen { .. }) && is(letter);
        let mut typed = Vec::new();
        for project in &mut self.projects {
            for letter in project.waiting.mail.extract_if(.., unseen).collect::<Vec<_>>() {
                if let Err(failure) = project.settle(letter.origin, Delivery::Delivered) {
                    self.notices.error(failure.to_string(), None);
                }
                typed.push(letter.run);
            }
        }
        for run in typed {
            self.prompt_typed(&run);
        }
    }

    /// What was typed and has begun no turn is typed again, at the end a person is told.
    pub(super) fn remedy_unseen(&mut self) {
        let now = Instant::now();
        let mut silent = Vec::new();
        for letter in self.projects.iter_mut().flat_map(|project| &mut project.waiting.mail) {
            let Sending::Unseen { since, tries, next } = letter.state else { continue };
            let terminal = self.live.get(&letter.run).and_then(|live| live.terminal.as_ref());
            let Some(terminal) = terminal.filter(|_| since + TURN_BEGINS * u32::from(tries) <= now) else { continue };
            // One that is out of reach is gone: its end settles the letter.
            match next {
                Remedy::Enter => {
                    _ = terminal.input(b"\r");
                    letter.state = Sending::Unseen { since: now, tries, next: Remedy::Again };
                }
                Remedy::Again => {
                    letter.id = RunId(format!("{}-again", letter.id));
                    letter.state = Sending::Typed { tries: tries + 1 };
                    _ = terminal.submit(letter.id.as_str(), &letter.text, ENTER_DELAY);
                }
                Remedy::Tell => silent.push(letter.run.clone()),
            }
        }
        for run in silent {
            self.settle_unseen(|letter| letter.run == run);
            let Some(place) = self.live.get(&run).map(|live| live.place.clone()) else { continue };
            let text = format!("{} took nothing of what was typed to it. Enter attaches", place.1);
            self.notices.error(text, Some(place));
            // It rests, and nothing is on its way to it any more.
            self.activity_changed(&run);
        }
    }

    /// Letters to a process that has gone. Those of effects are over, since the launch that follows says the same; of
    /// a message that was being typed nobody can tell whether it arrived; the others wait in the database.
    pub(super) fn mail_of_gone(&mut self, run: &RunId) {
        for project in &mut self.projects {
            let gone: Vec<_> = project.waiting.mail.extract_if(.., |letter| letter.run == *run).collect();
            for letter in gone.into_iter().filter(|it| it.is_sent() || !matches!(it.origin, Origin::Message(_))) {
                if let Err(failure) = project.settle(letter.origin, Delivery::Unknown) {
                    self.notices.error(failure.to_string(), None);
                }
            }
        }
    }
}

/// A message as its receiver is told of it.
pub(super) fn told(message: &StoredMessage) -> String {
    match &message.sender {
        None => message.text.clone(),
        Some(sender) => prompt::message(sender.as_str(), &message.text),
    }
}

/// At rest, nobody in the middle of a line, and past its start.
fn ready(live: &Live, shared: &Shared) -> bool {
    let rests = live.alive() && live.activity() == Activity::Resting && !shared.attended(&live.place);
    rests && has_drawn(live)
}

/// Its server may say that an agent rests while its terminal is still as the shell left it: what is typed then is lost,
/// and what has lines is cut into as many messages.
fn has_drawn(live: &Live) -> bool {
    let tells = live.agent.as_ref().is_some_and(|agent| agent.events.is_some());
    let drawn = |terminal: &pty::Terminal| terminal.lines().iter().any(|line| !line.trim().is_empty());
    !tells || live.terminal.as_ref().is_some_and(drawn)
}
