//! Agents that run headless: one turn, whose end is their exit. What they printed is read then: it is the log of the turn,
//! it names the conversation, and of some agents it is the result.
//!
//! Invariants: what persons said to such a session goes with the prompt of a launch, once, since nothing can be typed; how a
//! run was started decides how it is treated, not what its task does now.

use std::path::PathBuf;

use super::core::Core;
use super::gate::LOG_LINES;
use super::handed_in::check;
use super::live::{AgentSide, Live};
use super::mail::{Origin, told};
use super::message::{Message, TaskPlace};
use super::pipeline::{Conversation, Event};
use super::project::Project;
use crate::agent::due::Due;
use crate::agent::{ArtifactBy, Manifest, find, prompt};
use crate::model::{
    AgentFact, ExitStatus, Failure, FailureKind, Flow, HandIn, Mode, Output, ProjectId, RunId, Submission, Task,
    Trigger, Work,
};
use crate::store::atomic;
use crate::store::database::{Delivery, MessageId};

/// In an agent's folder: the numbers of the messages that its prompt holds.
const CARRIED_FILE: &str = "carried.json";

impl AgentSide {
    /// What it prints is read when it has ended.
    fn prints(&self) -> bool {
        self.mode == Mode::Headless || self.manifest.artifact == ArtifactBy::Stdout
    }
}

impl Core {
    /// How a run was started.
    pub(super) fn mode_of(&self, at: &TaskPlace, run: &RunId) -> Mode {
        let task = self.project(&at.project).and_then(|project| project.task(at.task));
        let stage = task.ok().and_then(|task| {
            let session = task.session.as_ref().filter(|session| session.id == *run)?;
            task.flow.stages.get(session.stage)
        });
        if stage.is_some_and(crate::model::Stage::is_headless) { Mode::Headless } else { Mode::Interactive }
    }

    /// What an agent of this stage is told at first.
    pub(super) fn stage_prompt(
        &self,
        project: &Project,
        task: &Task,
        index: usize,
        trigger: &Trigger,
    ) -> Result<String, Failure> {
        project.prompt(task, index, trigger, self.handed_in_by(project, task, index))
    }

    fn handed_in_by(&self, project: &Project, task: &Task, stage: usize) -> ArtifactBy {
        let manifest = self.manifest(project, task.agent.as_deref().or(task.flow.stages[stage].agent()));
        manifest.map(|manifest| manifest.artifact).unwrap_or_default()
    }

    /// The `n`th reminder to hand in, from 1, with what was wrong with the last try; none for a script.
    pub(super) fn reminder(&self, project: &Project, task: &Task, n: u8) -> Option<String> {
        let stage = task.current_stage();
        let earlier_stages = &super::files::earlier(task, task.stage);
        let by = self.handed_in_by(project, task, task.stage);
        let due = Due { artifact: &stage.artifact, assignment: stage.assignment()?, earlier_stages, by };
        let refused = self.refused(project, task);
        let refused = refused.map_or_else(String::new, |why| format!("\n\nWhat you printed does not count: {why}"));
        Some(format!("{}{refused}", due.reminder(n)))
    }

    /// What a launch begins with: all of it in a new conversation, the news in one that goes on.
    pub(super) fn opening(
        &self,
        (project, task): (&Project, &Task),
        goes_on: bool,
        (conversation, trigger): (Conversation, &Trigger),
    ) -> Result<String, Failure> {
        let artifact = task.current_stage().artifact.as_str();
        let reminder = || {
            let n = task.iteration().map_or(1, |iteration| iteration.reminders);
            self.reminder(project, task, n).unwrap_or_default()
        };
        Ok(match (goes_on, conversation) {
            (true, Conversation::Continue) => prompt::go_on(artifact),
            (true, Conversation::Remind) => reminder(),
            (true, _) => prompt::feedback(trigger, artifact).unwrap_or_else(|| prompt::go_on(artifact)),
            (false, Conversation::Remind) => {
                let whole = self.stage_prompt(project, task, task.stage, trigger)?;
                format!("{whole}\n# Once more\n\n{}\n", reminder())
            }
            (false, _) => self.stage_prompt(project, task, task.stage, trigger)?,
        })
    }

    /// Why the last thing that an agent of the task printed was no result.
    fn refused(&self, project: &Project, task: &Task) -> Option<&str> {
        let of_task = self.live.values().filter(|live| live.place.0 == project.id && live.task == Some(task.id));
        let mut agents = of_task.filter(|live| !live.alive()).filter_map(|live| live.agent.as_ref());
        agents.find_map(|agent| agent.refused.as_deref())
    }

    /// Puts what was said to a session behind a prompt, and notes in the run's folder that it went with it.
    pub(super) fn carry(&self, at: &TaskPlace, run: &RunId, prompt: String) -> Result<String, Failure> {
        let project = self.project(&at.project)?;
        let session = project.task(at.task)?.session_id();
        let mut messages = project.db.queued_messages().map_err(Failure::internal)?;
        messages.retain(|message| message.session == session);
        let ids: Vec<i64> = messages.iter().map(|message| message.id.0).collect();
        let json = serde_json::to_vec(&ids).map_err(Failure::internal)?;
        atomic::write(&self.box_of(run).join(CARRIED_FILE), &json).map_err(Failure::internal)?;
        Ok(messages.iter().fold(prompt, |text, message| {
            let head = if message.sender.is_some() { "A message" } else { "A person says" };
            format!("{}\n\n# {head}\n\n{}\n", text.trim_end(), prompt::plain(&told(message)))
        }))
    }

    /// A run has begun: the messages that its prompt holds have arrived.
    pub(super) fn strike_carried(&mut self, project: &ProjectId, run: &RunId) {
        let Ok(bytes) = std::fs::read(self.box_of(run).join(CARRIED_FILE)) else { return };
        let ids: Vec<i64> = serde_json::from_slice(&bytes).unwrap_or_default();
        let settled = self.project_mut(project).and_then(|project| {
            ids.into_iter().try_for_each(|id| project.settle(Origin::Message(MessageId(id)), Delivery::Delivered))
        });
        if let Err(failure) = settled {
            self.notices.error(failure.to_string(), None);
        }
    }

    /// A process has ended. What an agent printed is read first where something hangs on it, off the engine's thread.
    pub(super) fn exited(&mut self, run: &RunId, status: ExitStatus) {
        let live = self.live.get(run).filter(|live| live.alive());
        let prints = live.and_then(|live| live.agent.as_ref()).is_some_and(AgentSide::prints);
        let Some(at) = self.task_of(run).filter(|_| prints) else { return self.ended_untold(run, status) };
        let (session, log, run) = (self.ground.home.session(run), self.turn_log(&at), run.clone());
        let of = at.clone();
        self.blocking_for(&of, move || {
            let text = super::session::output(&session, LOG_LINES);
            // The session's own history has it too, for a while.
            let unkept = log.and_then(|log| atomic::write(&log, text.as_bytes()).map_err(Failure::internal)).err();
            Message::Printed { run, status, text, unkept }
        });
    }

    /// An agent's process has ended, perhaps before its conversation was known: now or never it is found.
    fn ended_untold(&mut self, run: &RunId, status: ExitStatus) {
        let alive = self.live.get(run).is_some_and(Live::alive);
        let Some(look) = self.look_for_conversation(run).filter(|_| alive) else {
            return self.ended(run, status, None);
        };
        let run = run.clone();
        self.begin_job(self.task_of(&run), move || Message::Sought { run, status, conversation: look() });
    }

    /// What could be found of an agent that has ended is known.
    pub(super) fn sought(&mut self, run: &RunId, status: ExitStatus, conversation: Option<String>) {
        if let Some(id) = conversation {
            self.fact(run, &AgentFact::Conversation { id });
        }
        self.ended(run, status, None);
    }

    /// Where the output of the turn that has just ended is kept.
    fn turn_log(&self, at: &TaskPlace) -> Result<PathBuf, Failure> {
        let project = self.project(&at.project)?;
        let task = project.task(at.task)?;
        let turn = task.iteration().map_or(1, |iteration| iteration.reminders + 1);
        let name = project.log_file(task, "gate")?;
        Ok(name.with_extension(format!("turn-{turn}.log")))
    }

    /// What an agent printed has been read.
    pub(super) fn printed(&mut self, run: &RunId, status: ExitStatus, text: &str) {
        let pattern = self.live.get(run).and_then(|live| live.agent.as_ref()?.manifest.conversation_pattern.clone());
        if let Some(id) = pattern.and_then(|pattern| pattern.groups(text).remove("id")) {
            self.fact(run, &AgentFact::Conversation { id });
        }
        let by = self.live.get(run).and_then(|live| live.agent.as_ref()?.manifest.usage.clone());
        for (number, usage) in by.iter().flat_map(|by| by.read(text)).enumerate() {
            self.fact(run, &AgentFact::Usage { id: format!("{run}:{number}"), usage });
        }
        self.ended(run, status, Some(text));
    }

    /// Of an agent whose output is its artifact: hands that in, as if by `orchestra submit`.
    pub(super) fn hand_in_printed(&mut self, at: &TaskPlace, run: &RunId, (status, text): (ExitStatus, &str)) {
        let agent = self.live.get(run).and_then(|live| live.agent.as_ref());
        let by_stdout = agent.is_some_and(|agent| agent.manifest.artifact == ArtifactBy::Stdout);
        if !by_stdout || !status.success() {
            return;
        }
        let taken = self.project(&at.project).and_then(|project| {
            let task = project.task(at.task)?;
            let hand_in = result(task, text)?;
            check(project, task, &hand_in).map(|()| hand_in)
        });
        match taken {
            Ok(hand_in) => self.happened(at, Event::Submitted { run: run.clone(), hand_in }, None),
            Err(failure) => {
                if let Some(agent) = self.live.get_mut(run).and_then(|live| live.agent.as_mut()) {
                    agent.refused = Some(failure.to_string());
                }
                self.notices.error(format!("what the agent printed is no result: {failure}"), self.about(at));
            }
        }
    }
}

impl Project {
    /// The flow with all stages in the mode that a person asked for; stages whose agent has no such mode stay as they are.
    pub fn in_mode(&self, mut flow: Flow, agent: Option<&str>, mode: Option<Mode>) -> Flow {
        let Some(mode) = mode else { return flow };
        for stage in &mut flow.stages {
            let Work::Agent(assignment) = &mut stage.work else { continue };
            let name = agent.or(assignment.agent.as_deref()).or(self.settings.config.agent.as_deref());
            if name.map(str::to_owned).or_else(|| self.first_agent()).is_some_and(|name| self.has_mode(&name, mode)) {
                assignment.mode = mode;
            }
        }
        flow
    }

    fn has_mode(&self, agent: &str, mode: Mode) -> bool {
        self.settings.catalog.get(agent).is_ok_and(|manifest| manifest.command_lines(mode).is_ok())
    }

    /// The agent of stages for which nobody names one.
    fn first_agent(&self) -> Option<String> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        find::agents(&self.settings.catalog, &path)
            .into_iter()
            .find(|agent| agent.path.is_some())
            .map(|agent| agent.name)
    }
}

/// A print mode that cannot go on with a conversation begins anew, and is told everything again.
pub(super) fn resumable<'a>(known: Option<&'a str>, manifest: &Manifest, mode: Mode) -> Option<&'a str> {
    known.filter(|_| mode == Mode::Interactive || manifest.resumes(mode))
}

/// What a text hands in for the task's stage: the text itself, or the JSON in it.
fn result(task: &Task, text: &str) -> Result<HandIn, Failure> {
    let assignment = task.current_stage().assignment();
    let output = assignment.map(|assignment| &assignment.output);
    let wrong = |error: serde_json::Error| {
        Failure::new(FailureKind::Usage, format!("it must be JSON, alone or in a fenced block: {error}."))
    };
    let kind = match output {
        None | Some(Output::Artifact) => {
            let by_schema = assignment.is_some_and(|assignment| assignment.schema.is_some());
            let text = if by_schema { json_in(text) } else { text };
            return Ok(Submission::Artifact { text: text.to_owned() }.into());
        }
        Some(Output::Verdict { .. }) => "verdict",
        Some(Output::Subtasks(_)) => "subtasks",
    };
    let mut value: serde_json::Value = serde_json::from_str(json_in(text)).map_err(wrong)?;
    if let Some(fields) = value.as_object_mut() {
        // Questions and the like name themselves.
        fields.entry("kind").or_insert_with(|| kind.into());
    }
    serde_json::from_value(value).map_err(wrong)
}

/// The JSON in a text: all of it, else its last fenced block, else what stands in its outermost braces.
fn json_in(text: &str) -> &str {
    let text = text.trim();
    if text.starts_with(['{', '[']) {
        return text;
    }
    let fenced = text.rfind("\n```").and_then(|end| {
        let begin = text[..end].rfind("```")?;
        let block = &text[begin..end];
        Some(block.split_once('\n')?.1.trim())
    });
    let braced = || Some(&text[text.find('{')?..=text.rfind('}')?]);
    fenced.or_else(braced).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::pipeline::tests::task;
    use crate::model::{Assignment, Decision, Verdict, Work};

    /// R70.
    #[test]
    fn a_verdict_is_found_alone_in_a_fence_and_among_words() {
        let mut task = task(crate::model::solo());
        let output = Output::Verdict { rejection_stage: "work".to_owned() };
        task.flow.stages[0].work = Work::Agent(Assignment { output, ..Assignment::default() });
        let json = r#"{"decision": "reject", "reason": "no `test`", "route_to": "work"}"#;
        let verdict =
            Verdict { decision: Decision::Reject, reason: "no `test`".to_owned(), route_to: Some("work".to_owned()) };
        for text in [
            json.to_owned(),
            format!("I looked.\n```json\n{json}\n```\nThat is all."),
            format!("```sh\nls\n```\nThen:\n\n```\n{json}\n```"),
            format!("My verdict: {json}"),
        ] {
            assert_eq!(result(&task, &text).unwrap(), Submission::Verdict(verdict.clone()).into(), "{text}");
        }
        for text in ["approve", "", "{\"decision\": \"maybe\", \"reason\": \"\"}"] {
            assert!(result(&task, text).unwrap_err().to_string().contains("JSON"), "{text}");
        }
    }
}
