//! What persons and sessions say to one another: kept first, then on its way; and what a message of an executor does to its
//! task.
//!
//! Invariants: a message is in the database before anything is typed; what its first word hands in was accepted before the
//! message is kept; who sends it is told by the connection, never by the text.

use super::Place;
use super::core::Core;
use super::ground::now;
use super::handed_in::{filled, wrong};
use super::mail::Letter;
use super::message::TaskPlace;
use super::person::no_agent;
use super::pipeline::{Event, hears};
use super::project::Project;
use super::text::one_line;
use crate::model::{
    Activity, Answer, Failure, FailureKind, HandIn, Prefix, ProjectId, Reply, SessionId, State, Submission, Task,
};
use crate::store::Database;
use crate::store::database::{Delivery, MessageId, StoredMessage};

/// Bytes of a message, at most.
const MAX_BYTES: usize = 64 << 10;
/// Messages of one session that may wait for another one.
const MAX_WAITING: usize = 20;

impl Core {
    /// A text for the agent of a session, typed once it rests. `sender`: the session of the agent that says it; none: a person.
    pub(super) fn send(&mut self, place: &Place, sender: Option<&SessionId>, text: &str) -> Answer {
        filled("the message", text)?;
        if text.len() > MAX_BYTES {
            let failure = wrong(format!("the message has {} KB, {} are the most.", text.len() >> 10, MAX_BYTES >> 10));
            return Err(failure.hint("Say what matters, and name the file that has the rest"));
        }
        let Some(sender) = sender else {
            let said = self.say(place, text)?;
            self.person_spoke(place);
            return Ok(said);
        };
        self.project(&place.0)?.check_receiver(&place.1, sender)?;
        if let Err(failure) = self.project(&place.0)?.check_loop(&place.1, sender) {
            self.tell_loop(&place.0, [sender, &place.1], &failure.message);
            return Err(failure);
        }
        let hears = self.live_at(place).is_some_and(|live| live.agent.is_some());
        let told = self.act_on(place, sender, text, hears)?;
        let id = self.keep(place, Some(sender), text)?;
        if !hears {
            self.call_person(place, sender, text);
        }
        let waits = self.waits(place);
        let message = [told, waits].into_iter().flatten().collect::<Vec<_>>().join(" ");
        Ok(sent(id, Some(message).filter(|text| !text.is_empty())))
    }

    /// What a person says to a live agent, or what the engine says for one.
    pub(super) fn say(&mut self, place: &Place, text: &str) -> Answer {
        if self.live_at(place).is_none_or(|live| live.agent.is_none()) {
            return Err(no_agent(place));
        }
        let id = self.keep(place, None, text)?;
        Ok(sent(id, self.waits(place)))
    }

    /// Keeps a message, and puts it on its way where somebody is there to get it.
    fn keep(&mut self, place: &Place, sender: Option<&SessionId>, text: &str) -> Result<MessageId, Failure> {
        let run = self.live_at(place).filter(|live| live.agent.is_some()).map(|live| live.run.clone());
        let project = self.project_mut(&place.0)?;
        let at = now();
        let id = project.db.queue_message(&place.1, sender, text, at).map_err(Failure::internal)?;
        let (session, sender, text) = (place.1.clone(), sender.cloned(), text.to_owned());
        let message = StoredMessage { id, session, sender, text, delivery: Delivery::Queued, at };
        project.book.unheard.extend(is_for_reading(&message).then(|| message.clone()));
        project.waiting.mail.extend(run.map(|run| Letter::of_message(run, &message)));
        Ok(id)
    }

    /// What keeps a message from being typed at once.
    fn waits(&self, place: &Place) -> Option<String> {
        let Some(live) = self.live_at(place).filter(|live| live.agent.is_some()) else {
            return Some(format!("{} does not run; the message waits until it does", place.1));
        };
        let rests = live.activity() == Activity::Resting;
        (!rests).then(|| format!("{} is at work; the message waits until it rests", place.1))
    }

    /// What the first word of an executor's message does to its task; what to say of it.
    fn act_on(&mut self, to: &Place, sender: &SessionId, text: &str, heard: bool) -> Result<Option<String>, Failure> {
        let project = self.project(&to.0)?;
        let Some(task) = project.task_by_session(sender).cloned() else { return Ok(None) };
        let Some((prefix, rest)) = Prefix::of(text).filter(|_| project.is_above(&task, &to.1)) else {
            return Ok(None);
        };
        filled(&format!("what follows {}", prefix.word()), rest)?;
        let from = (to.0.clone(), sender.clone());
        let submission = match prefix {
            Prefix::Complete => Submission::Artifact { text: rest.to_owned() },
            Prefix::Blocked => Submission::Blocked { reason: rest.to_owned() },
            Prefix::Error | Prefix::Question => return self.ask_by_message(&from, &task, text, heard).map(Some),
        };
        match self.submit(&from, None, &HandIn::from(submission))? {
            Reply::Done { message } => Ok(message),
            _ => Ok(None),
        }
    }

    fn ask_by_message(&mut self, from: &Place, task: &Task, text: &str, heard: bool) -> Result<String, Failure> {
        let stage = task.current_stage();
        let asks = stage.assignment().is_some_and(|assignment| assignment.asks);
        if stage.is_headless() {
            let failure = wrong(format!("stage {} runs without a screen: nothing can be answered in it.", stage.name));
            return Err(
                failure.hint("Ask with ask_questions or orchestra submit --questions: the answers start you again")
            );
        }
        if !asks && Prefix::of(text).is_some_and(|(prefix, _)| prefix == Prefix::Question) {
            let failure = wrong(format!("stage {} asks no questions.", stage.name));
            return Err(failure.hint("Decide yourself, and say so in the result"));
        }
        if !hears(task) {
            let text = format!("{} is {}: it cannot ask for now.", task.slug, task.state.word());
            return Err(Failure::new(FailureKind::BadState, text).hint("Say it without the first word"));
        }
        let at = TaskPlace { project: from.0.clone(), task: task.id };
        let Some(run) = task.session.as_ref().map(|session| session.id.clone()) else { return Err(no_agent(from)) };
        self.apply(&at, Event::Asked { run, text: text.trim_end().to_owned(), heard }, None)?;
        Ok("asked. End your turn now; the answer comes as a message.".to_owned())
    }

    /// Nobody runs who would read it: a person does.
    fn call_person(&mut self, place: &Place, sender: &SessionId, text: &str) {
        let Some(at) = self.task_place(&place.0, sender) else { return };
        let needs_person =
            self.project(&at.project).and_then(|it| it.task(at.task)).is_ok_and(|it| it.state.needs_person());
        if !needs_person {
            let text = format!("{sender} says to {}, which does not run: {}", place.1, one_line(text));
            self.notices.call(text, self.about(&at));
        }
        self.mark_unread(&at);
    }

    /// Two agents have talked for long: the row of the task says so, and waits for a person.
    fn tell_loop(&mut self, project: &ProjectId, between: [&SessionId; 2], text: &str) {
        let Some(at) = between.into_iter().find_map(|session| self.task_place(project, session)) else { return };
        let run = self.project(project).and_then(|it| it.task(at.task)).ok().and_then(|it| it.session.clone());
        if let Some(run) = run.map(|session| session.id) {
            self.happened(&at, Event::Asked { run, text: text.to_owned(), heard: true }, None);
        }
        self.mark_unread(&at);
    }

    fn task_place(&self, project: &ProjectId, session: &SessionId) -> Option<TaskPlace> {
        let task = self.project(project).ok()?.task_by_session(session)?.id;
        Some(TaskPlace { project: project.clone(), task })
    }

    /// A person has said something to a session: it, and those that talk with it, may go on talking.
    pub(super) fn person_spoke(&mut self, place: &Place) {
        let noted = self.project_mut(&place.0).and_then(|project| {
            let last = project.db.last_message().map_err(Failure::internal)?;
            project.db.set_value(&spoke(&place.1), &last.0.to_string()).map_err(Failure::internal)
        });
        if let Err(failure) = noted {
            self.notices.error(failure.to_string(), Some(place.clone()));
        }
    }
}

impl Project {
    /// Whether a session can be written to by another one.
    fn check_receiver(&self, receiver: &SessionId, sender: &SessionId) -> Result<(), Failure> {
        if receiver == sender {
            return Err(wrong(format!("{sender} is this session itself.")).hint("list_sessions shows the others"));
        }
        if *receiver != SessionId::main() {
            let task = self.task_by_session(receiver).ok_or_else(|| {
                let failure = Failure::new(FailureKind::NotFound, format!("there is no session {receiver}."));
                failure.hint("list_sessions shows them; the designer is main")
            })?;
            if task.state.is_closed() || task.state == State::Draft {
                let text = format!("{} is {}: nobody is there to read it.", task.slug, task.state.word());
                return Err(Failure::new(FailureKind::BadState, text));
            }
        }
        let queued = self.db.queued_messages().map_err(Failure::internal)?;
        let waiting = queued.iter().filter(|it| it.session == *receiver && it.sender.as_ref() == Some(sender)).count();
        if waiting >= MAX_WAITING {
            let text = format!("{waiting} messages of yours wait for {receiver} already.");
            return Err(Failure::new(FailureKind::BadState, text).hint("End your turn, and wait for an answer"));
        }
        Ok(())
    }

    /// Whether two agents may go on talking without a person.
    fn check_loop(&self, receiver: &SessionId, sender: &SessionId) -> Result<(), Failure> {
        let heard = |session: &SessionId| -> Result<i64, Failure> {
            let value = self.db.value(&spoke(session)).map_err(Failure::internal)?;
            Ok(value.and_then(|id| id.parse().ok()).unwrap_or(0))
        };
        let since = MessageId(heard(receiver)?.max(heard(sender)?));
        let count = self.db.messages_between(receiver, sender, since).map_err(Failure::internal)?;
        let most = self.settings.config.designer.max_messages;
        if count < most {
            return Ok(());
        }
        let text = format!("{sender} and {receiver} sent each other {count} messages, and no person said a word.");
        Err(Failure::new(FailureKind::BadState, text).hint("End your turn: a person has to look first"))
    }

    /// The session is one to which a task's agent reports: the designer's, or that of the task that it is a part of.
    fn is_above(&self, task: &Task, session: &SessionId) -> bool {
        let parent = task.parent.and_then(|id| self.task(id).ok());
        *session == SessionId::main() || parent.is_some_and(|parent| parent.session_id() == *session)
    }
}

/// Messages of that kind that nobody has typed yet.
pub(super) fn unheard(db: &Database) -> Result<Vec<StoredMessage>, Failure> {
    let mut waiting = db.queued_messages().map_err(Failure::internal)?;
    waiting.retain(is_for_reading);
    Ok(waiting)
}

/// A message of an executor to the designer that only wants to be read.
fn is_for_reading(message: &StoredMessage) -> bool {
    message.session == SessionId::main() && message.sender.is_some() && Prefix::of(&message.text).is_none()
}

/// In the database: the last message that there was when a person said something to a session.
fn spoke(session: &SessionId) -> String {
    format!("spoke.{session}")
}

fn sent(id: MessageId, message: Option<String>) -> Reply {
    Reply::Sent { id: id.0, delivery: Delivery::Queued.word().to_owned(), message }
}
