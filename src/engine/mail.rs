//! Text for agents: kept until the receiver rests, typed once, and struck off when the shim says that it was typed.

use std::time::{Duration, Instant};

use super::core::Core;
use super::handle::Shared;
use super::live::Live;
use crate::model::{Activity, RunId};
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
    /// a message that was being typed nobody can tell whether it arrived.
    pub(super) fn mail_of_gone(&mut self, run: &RunId) {
        for project in &mut self.projects {
            let (gone, kept): (Vec<_>, Vec<_>) =
                project.waiting.mail.drain(..).partition(|letter| {
                    letter.run == *run && (letter.sent || !matches!(letter.origin, Origin::Person(_)))
                });
            project.waiting.mail = kept;
            for letter in gone {
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
