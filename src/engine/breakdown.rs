//! A task taken apart: its proposed subtasks checked, changed by a person, made, and followed to their end.
//!
//! Invariants: a subtask is made once, whatever crashes on the way (its parent, iteration and index tell it); what a parent
//! is told of its subtasks follows from their states alone.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::core::Core;
use super::ground::now;
use super::handed_in::{filled, wrong};
use super::message::TaskPlace;
use super::pipeline::{Event, Wish};
use super::project::Project;
use crate::model::{
    Answer, Failure, FailureKind, Flow, Item, NewTask, ReasonKind, RunId, Slug, State, SubtaskDraft, Task, TaskId,
};
use crate::store::database::EffectId;
use crate::store::slug;

/// Subtasks in one breakdown.
const MAX_SUBTASKS: usize = 50;
/// How deep tasks may lie in one another.
const MAX_DEPTH: usize = 4;

/// Whether subtasks can be made of these: each says what it is, and what it depends on can come first.
pub(super) fn check(subtasks: &[SubtaskDraft]) -> Result<(), Failure> {
    if subtasks.is_empty() || subtasks.len() > MAX_SUBTASKS {
        return Err(wrong(format!("1 to {MAX_SUBTASKS} subtasks, not {}.", subtasks.len())));
    }
    for (index, item) in subtasks.iter().enumerate() {
        filled(&format!("the title of subtask {index}"), &item.title)?;
        filled(&format!("the description of subtask {index}"), &item.description)?;
        if let Some(bad) = item.depends_on.iter().find(|other| **other >= subtasks.len()) {
            let last = subtasks.len() - 1;
            return Err(wrong(format!("subtask {index} depends on {bad}; there are 0 to {last}, counted from 0.")));
        }
    }
    match order(subtasks) {
        Ok(_) => Ok(()),
        Err(cycle) => {
            let names: Vec<_> = cycle.iter().map(ToString::to_string).collect();
            Err(wrong(format!("subtasks depend on one another in a circle: {}.", names.join(", "))))
        }
    }
}

/// Indices in an order in which each comes after what it depends on; those that are left over, where there is none.
fn order(subtasks: &[SubtaskDraft]) -> Result<Vec<usize>, Vec<usize>> {
    let mut done: Vec<usize> = Vec::new();
    while done.len() < subtasks.len() {
        let free = |index: &usize| {
            !done.contains(index) && subtasks[*index].depends_on.iter().all(|other| done.contains(other))
        };
        match (0..subtasks.len()).find(free) {
            Some(index) => done.push(index),
            None => return Err((0..subtasks.len()).filter(|index| !done.contains(index)).collect()),
        }
    }
    Ok(done)
}

impl Core {
    /// The breakdown as a person wants it.
    pub(super) fn edit_subtasks(&mut self, at: TaskPlace, subtasks: Vec<SubtaskDraft>) -> Answer {
        check(&subtasks)?;
        self.project(&at.project)?.check_flows(&subtasks)?;
        self.wish(at.project, at.task, Wish::EditSubtasks { subtasks })
    }

    /// Makes the subtasks of an accepted breakdown, and starts them.
    pub(super) fn make_subtasks(&mut self, at: &TaskPlace, run: RunId, iteration: usize, key: EffectId) {
        let made = self.project_mut(&at.project).and_then(|project| project.make_subtasks(at.task, iteration));
        let event = match made {
            Ok(Made::Folded(flow)) => Event::SubtaskFolded { run, stages: flow.stages },
            Ok(Made::Tasks(tasks)) => {
                for task in tasks {
                    self.happened(&TaskPlace { project: at.project.clone(), task }, Event::Person(Wish::Start), None);
                }
                Event::SubtasksMade { run }
            }
            Err(failure) => Event::SubtasksRefused { run, error: failure.to_string() },
        };
        self.happened(at, event, Some(key));
    }

    /// Brings to tasks what became of those that they wait for.
    pub(super) fn follow_relatives(&mut self) {
        let news: Vec<(TaskPlace, Event)> = self
            .projects
            .iter()
            .flat_map(|project| {
                let tasks = project.tasks().filter(|task| !task.state.is_closed());
                tasks.filter_map(|task| {
                    let at = TaskPlace { project: project.id.clone(), task: task.id };
                    Some((at, project.news_of_relatives(task)?))
                })
            })
            .collect();
        for (at, event) in news {
            self.happened(&at, event, None);
        }
    }
}

/// What was made of a breakdown.
enum Made {
    /// The only subtask becomes a part of the task itself.
    Folded(Flow),
    /// Those that are still drafts.
    Tasks(Vec<TaskId>),
}

impl Project {
    /// The subtasks of a task, in the order of their numbers.
    pub fn children(&self, parent: TaskId) -> impl Iterator<Item = &Arc<Task>> {
        self.tasks().filter(move |task| task.parent == Some(parent))
    }

    fn news_of_relatives(&self, task: &Task) -> Option<Event> {
        match task.state {
            State::Waiting => {
                // One that was deleted or archived holds nobody back.
                let over = |id: &TaskId| self.task(*id).map_or(true, |other| other.state.is_closed());
                task.after.iter().all(over).then_some(Event::DependenciesMet)
            }
            State::Children if task.job.is_none() => {
                if let Some(failed) = self.children(task.id).find(|child| child.state == State::Failed) {
                    let error = failed.reason.as_ref().map_or_else(String::new, |reason| reason.text.clone());
                    let fails = task.current_stage().breakdown().is_none_or(|it| it.on_child_failure.fails());
                    return fails.then(|| Event::ChildFailed { slug: failed.slug.clone(), error });
                }
                self.children(task.id).all(|child| child.state.is_closed()).then_some(Event::ChildrenClosed)
            }
            State::Failed if task.reason.as_ref().is_some_and(|reason| reason.kind == ReasonKind::Children) => {
                let mended = !self.children(task.id).any(|child| child.state == State::Failed);
                mended.then_some(Event::ChildrenMended)
            }
            _ => None,
        }
    }

    /// The task that a header names, by number or slug.
    pub fn meant(&self, word: &str) -> Result<TaskId, Failure> {
        let is = |task: &&Arc<Task>| task.slug.as_str() == word || task.id.to_string() == word;
        let found = self.tasks().find(is).map(|task| task.id);
        found.ok_or_else(|| Failure::new(FailureKind::NotFound, format!("there is no task {word} in {}", self.name)))
    }

    /// The tasks that `task`, which has not started yet, is to wait for.
    pub fn dependencies(&self, task: &Task, words: &[String]) -> Result<Vec<TaskId>, Failure> {
        if !matches!(task.state, State::Draft | State::Waiting) {
            return Err(Failure::new(FailureKind::BadState, format!("{} has started already", task.slug)));
        }
        let after = words.iter().map(|word| self.meant(word)).collect::<Result<Vec<_>, _>>()?;
        let mut open = after.clone();
        let mut seen = BTreeSet::new();
        while let Some(id) = open.pop() {
            if id == task.id {
                return Err(wrong(format!("{} would wait for itself", task.slug)));
            }
            if seen.insert(id) {
                open.extend(self.task(id).map(|other| other.after.clone()).unwrap_or_default());
            }
        }
        Ok(after)
    }

    /// Slugs of the parent and of the tasks that it waits for, for its header.
    pub fn relatives(&self, task: &Task) -> (Option<String>, Vec<String>) {
        let slug = |id: &TaskId| self.task(*id).ok().map(|other| other.slug.to_string());
        (task.parent.as_ref().and_then(slug), task.after.iter().filter_map(slug).collect())
    }

    /// The flows that items name for themselves are there.
    pub(super) fn check_flows(&self, subtasks: &[SubtaskDraft]) -> Result<(), Failure> {
        let mut named = subtasks.iter().filter_map(|item| item.flow.as_deref());
        named.try_for_each(|name| self.flow(name).map(drop).map_err(|failure| wrong(failure.message)))
    }

    fn make_subtasks(&mut self, parent: TaskId, iteration: usize) -> Result<Made, Failure> {
        let parent = Arc::clone(self.task(parent)?);
        let proposed = parent.iterations.get(iteration).and_then(|it| it.subtasks.clone()).unwrap_or_default();
        check(&proposed)?;
        let flow_of = |item: &SubtaskDraft| {
            item.flow.clone().or_else(|| Some(parent.current_stage().breakdown()?.flow.clone())).unwrap_or_default()
        };
        let in_mode = |flow| self.in_mode(flow, parent.agent.as_deref(), parent.mode);
        let flows =
            proposed.iter().map(|item| self.flow(&flow_of(item)).map(in_mode)).collect::<Result<Vec<_>, _>>()?;
        if let ([_], [flow]) = (&proposed[..], &flows[..]) {
            return Ok(Made::Folded(flow.clone()));
        }
        self.check_depth(&parent)?;
        let order = order(&proposed).map_err(|_| wrong("subtasks depend on one another in a circle."))?;
        let mut ids = vec![TaskId(0); proposed.len()];
        for index in order {
            let item = Item { iteration, index };
            let known = self.children(parent.id).find(|child| child.item == Some(item)).map(|child| child.id);
            let after: Vec<TaskId> = proposed[index].depends_on.iter().map(|other| ids[*other]).collect();
            ids[index] = match known {
                Some(id) => id,
                None => self.make_subtask(&parent, &proposed[index], (item, flows[index].clone()), after)?,
            };
        }
        let is_draft = |id: &TaskId| self.task(*id).is_ok_and(|task| task.state == State::Draft);
        Ok(Made::Tasks(ids.into_iter().filter(is_draft).collect()))
    }

    fn make_subtask(
        &mut self,
        parent: &Task,
        draft: &SubtaskDraft,
        (item, flow): (Item, Flow),
        after: Vec<TaskId>,
    ) -> Result<TaskId, Failure> {
        let slugs = self.db.slugs().map_err(Failure::internal)?;
        let taken = |slug: &str| slugs.iter().any(|taken| taken == slug);
        let wished = slug::from_description(&draft.title).filter(|slug| !taken(slug.as_str()));
        let slug = match wished {
            Some(slug) => slug,
            None => slug::from_description(&draft.title)
                .map_or_else(|| slug::random(taken), |slug| slug::free(&slug, taken)),
        };
        let new = NewTask {
            title: Some(draft.title.clone()),
            description: format!("{}\n\n{}", draft.description.trim(), draft.instructions.trim()),
            flow: Some(flow.name.clone()),
            agent: parent.agent.clone(),
            model: parent.model.clone(),
            mode: parent.mode,
            auto: parent.auto,
            parent: Some(parent.id),
            after,
            ..NewTask::default()
        };
        let mut task = Task { flow, item: Some(item), ..self.draft(Slug::clone(&slug), new)? };
        let id = self.db.next_task_id().map_err(Failure::internal)?;
        self.number(&mut task, id);
        self.commit(task, &[], None, now())?;
        Ok(id)
    }

    /// A task lies no deeper than [`MAX_DEPTH`] tasks below one without a parent.
    pub(super) fn check_depth(&self, parent: &Task) -> Result<(), Failure> {
        let up = |task: &Task| task.parent.and_then(|id| self.task(id).ok()).map(|task| Task::clone(task));
        let depth = std::iter::successors(Some(parent.clone()), up).take(MAX_DEPTH + 1).count();
        if depth < MAX_DEPTH {
            return Ok(());
        }
        Err(Failure::new(
            FailureKind::BadState,
            format!("{} lies {MAX_DEPTH} tasks deep: it has no subtasks.", parent.slug),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(depends_on: &[usize]) -> SubtaskDraft {
        SubtaskDraft {
            title: "a title".to_owned(),
            description: "what".to_owned(),
            instructions: String::new(),
            depends_on: depends_on.to_vec(),
            flow: None,
        }
    }

    /// R79.
    #[test]
    fn circles_and_indices_out_of_range_are_refused() {
        assert!(check(&[item(&[]), item(&[0]), item(&[0]), item(&[1, 2])]).is_ok());
        for (items, said) in [
            (vec![item(&[1]), item(&[0])], "in a circle: 0, 1"),
            (vec![item(&[0])], "in a circle: 0"),
            (vec![item(&[]), item(&[2])], "subtask 1 depends on 2; there are 0 to 1"),
            (vec![], "1 to 50 subtasks, not 0"),
        ] {
            let failure = check(&items).unwrap_err();
            assert!(failure.to_string().contains(said), "{failure}");
        }
    }

    /// R79.
    #[test]
    fn each_comes_after_what_it_depends_on() {
        assert_eq!(order(&[item(&[3]), item(&[]), item(&[0, 1]), item(&[1])]), Ok(vec![1, 3, 0, 2]));
    }
}
