//! Text for agents: kept until the receiver rests, typed once, and struck off when the shim says that it was typed.

use std::time::{Duration, Instant};

use super::Place;
use super::core::Core;
use super::handle::Shared;
use super::live::Live;
use super::message::TaskPlace;
use crate::model::{Activity, ProjectId, RunId};
use crate::pty;
use crate::store::database::{Delivery, EffectId, MessageId};

/// Between a paste and its Enter: the slowest agent needs 60 ms.
const ENTER_DELAY: Duration = Duration::from_millis(150);

/// A text that waits for its receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Letter {
    /// The process that it is for.
    pub run: RunId,
    /// Makes the typing happen once.
    pub id: RunId,
    pub text: String,
    pub origin: Origin,
    pub sent: bool,
}

impl Letter {
    /// A person's message, by its number in the database.
    pub fn of_person(run: RunId, id: MessageId, text: String) -> Self {
        Self { run, id: RunId(format!("message-{}", id.0)), text, origin: Origin::Person(id), sent: false }
    }
}

/// Who waits for a letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    Effect(EffectId),
    /// A person's message, in the database.
    Person(MessageId),
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

    /// What persons said to a session that nobody has typed yet goes to its new process.
    pub(super) fn readdress(&mut self, place: &Place, run: &RunId) {
        let Ok(project) = self.project_mut(&place.0) else { return };
        let messages = match project.db.queued_messages() {
            Ok(messages) => messages,
            Err(error) => return self.notices.error(error.to_string(), None),
        };
        let mut letters: Vec<Letter> = messages
            .into_iter()
            .filter(|message| message.session == place.1)
            .map(|message| Letter::of_person(run.clone(), message.id, message.text))
            .collect();
        // What is being typed stays where it is.
        project.waiting.mail.retain(|letter| letter.sent || letters.iter().all(|other| other.origin != letter.origin));
        letters.retain(|letter| project.waiting.mail.iter().all(|other| other.origin != letter.origin));
        for letter in letters {
            self.post(&place.0, letter);
        }
    }

    /// Types what waits for agents that rest; one letter per agent at a time, so that each starts a turn of its own.
    pub(super) fn deliver_messages(&mut self) {
        for index in 0..self.projects.len() {
            let mut mail = std::mem::take(&mut self.projects[index].waiting.mail);
            let mut under_way: Vec<RunId> = mail.iter().filter(|letter| letter.sent).map(|it| it.run.clone()).collect();
            for letter in mail.iter_mut().filter(|letter| !letter.sent) {
                let Some(live) = self.live.get_mut(&letter.run) else { continue };
                if under_way.contains(&letter.run) || !ready(live, &self.shared) {
                    continue;
                }
                let Some(terminal) = &live.terminal else { continue };
                if terminal.submit(letter.id.as_str(), &letter.text, ENTER_DELAY).is_err() {
                    continue;
                }
                letter.sent = true;
                under_way.push(letter.run.clone());
                if let Some(agent) = live.agent.as_mut().filter(|_| matches!(letter.origin, Origin::Person(_))) {
                    agent.attended = true;
                }
            }
            self.projects[index].waiting.mail = mail;
        }
    }

    /// When a letter that waits only for a person to be done with typing can go.
    pub(super) fn mail_due(&self) -> Option<Instant> {
        let now = Instant::now();
        let unsent = self.projects.iter().flat_map(|project| &project.waiting.mail).filter(|letter| !letter.sent);
        let places = unsent.filter_map(|letter| Some(&self.live.get(&letter.run)?.place));
        places.filter_map(|place| self.shared.typed_until(place)).filter(|due| *due > now).min()
    }

    /// Its prompt, or what the flow has to say to it, is still to be typed.
    pub(super) fn is_to_be_told(&self, at: &TaskPlace, run: &RunId) -> bool {
        let waits = |letter: &Letter| letter.run == *run && !matches!(letter.origin, Origin::Person(_));
        self.project(&at.project).is_ok_and(|project| project.waiting.mail.iter().any(waits))
    }

    /// The shim has typed a letter.
    pub(super) fn letter_typed(&mut self, run: &RunId, id: &str) {
        for project in &mut self.projects {
            let Some(index) =
                project.waiting.mail.iter().position(|letter| letter.run == *run && letter.id.as_str() == id)
            else {
                continue;
            };
            let letter = project.waiting.mail.remove(index);
            if let Err(failure) = project.settle(letter.origin, Delivery::Delivered) {
                self.notices.error(failure.to_string(), None);
            }
            return self.prompt_typed(run);
        }
    }

    /// Letters to a process that has gone. Those of effects are over, since the launch that follows says the same; of
    /// a message that was being typed nobody can tell whether it arrived; the others wait in the database.
    pub(super) fn mail_of_gone(&mut self, run: &RunId) {
        for project in &mut self.projects {
            let gone: Vec<_> = project.waiting.mail.extract_if(.., |letter| letter.run == *run).collect();
            for letter in gone.into_iter().filter(|it| it.sent || !matches!(it.origin, Origin::Person(_))) {
                if let Err(failure) = project.settle(letter.origin, Delivery::Unknown) {
                    self.notices.error(failure.to_string(), None);
                }
            }
        }
    }
}

/// At rest, and nobody in the middle of a line.
fn ready(live: &Live, shared: &Shared) -> bool {
    live.alive() && live.activity() == Activity::Resting && !shared.attended(&live.place)
}
