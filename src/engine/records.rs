//! What only the database knows: artifacts and messages, read when somebody asks.

use super::core::Core;
use super::message::TaskPlace;
use crate::model::{
    Answer, ArtifactRecord, Failure, FailureKind, MessageRecord, ProjectId, Reply, SessionId, TaskRecords, Trigger,
};
use crate::store::database::StoredMessage;

/// Messages that an answer has at most.
const MESSAGES: u32 = 1000;

impl Core {
    pub(super) fn task_records(&self, at: &TaskPlace) -> Answer {
        let project = self.project(&at.project)?;
        let task = project.task(at.task)?;
        let stored = project.db.artifacts(task.id).map_err(Failure::internal)?;
        let history = project.artifacts_dir(task).join("history");
        let artifacts = stored.into_iter().map(|artifact| ArtifactRecord {
            path: history.join(format!("{}-{}.md", artifact.stage, artifact.iteration)),
            name: artifact.name,
            stage: artifact.stage,
            iteration: artifact.iteration,
        });
        let messages = project.db.messages(&task.session_id(), MESSAGES).map_err(Failure::internal)?;
        let messages = messages.into_iter().map(record).collect();
        let activity_log = project.activity_log(task).map(|(_, path)| path);
        let (usage, _) = project.db.usage_of(task.id).map_err(Failure::internal)?;
        Ok(Reply::Records(Box::new(TaskRecords { artifacts: artifacts.collect(), activity_log, usage, messages })))
    }

    /// What an agent of this stage, or of the current one, would be started with.
    pub(super) fn prompt_of(&self, at: &TaskPlace, stage: Option<&str>) -> Answer {
        let project = self.project(&at.project)?;
        let task = project.task(at.task)?;
        let index = match stage {
            None => task.stage,
            Some(name) => task.flow.stages.iter().position(|stage| stage.name == name).ok_or_else(|| {
                let names: Vec<_> = task.flow.stages.iter().map(|stage| stage.name.as_str()).collect();
                let text = format!("there is no stage \"{name}\"; the flow has {}.", names.join(", "));
                Failure::new(FailureKind::NotFound, text)
            })?,
        };
        let of_stage = task.iterations.iter().rev().find(|it| it.stage == task.flow.stages[index].name);
        let trigger = of_stage.map_or(&Trigger::Flow, |iteration| &iteration.trigger);
        Ok(Reply::Text { text: self.stage_prompt(project, task, index, trigger)? })
    }

    /// `since`: only those after the one with this number.
    pub(super) fn messages(&self, project: &ProjectId, session: Option<&SessionId>, since: Option<i64>) -> Answer {
        let db = &self.project(project)?.db;
        let messages = match session {
            Some(session) => db.messages(session, MESSAGES),
            None => db.all_messages(MESSAGES),
        };
        let mut messages = messages.map_err(Failure::internal)?;
        messages.retain(|message| since.is_none_or(|since| message.id.0 > since));
        Ok(Reply::Messages(messages.into_iter().map(record).collect()))
    }
}

fn record(message: StoredMessage) -> MessageRecord {
    MessageRecord {
        id: message.id.0,
        session: message.session,
        sender: message.sender,
        text: message.text,
        delivery: message.delivery.word().to_owned(),
        at: message.at,
    }
}
