//! Send to stage: which one.

use crossterm::event::KeyEvent;

use crate::model::{ProjectId, TaskId};
use crate::ui::model::{Model, RowKey};
use crate::ui::row::Subject;

use super::line::{Line, Purpose};
use super::panel::Panel;
use super::picker::{Item, Picked, Picker};
use super::{Body, Step};

/// The chooser.
#[derive(Debug)]
pub struct StageChoice {
    pub picker: Picker,
    project: ProjectId,
    task: TaskId,
    slug: String,
}

impl StageChoice {
    pub fn new(project: ProjectId, task: TaskId, slug: String) -> Self {
        Self { picker: Picker::default(), project, task, slug }
    }

    pub fn key(&mut self, model: &Model, event: KeyEvent) -> Step {
        let items = self.picker.matching(self.items(model));
        match self.picker.navigate(event, items.len()) {
            Picked::Taken => {
                let Some(item) = items.get(self.picker.mark) else { return Step::stay() };
                let stage = item.value.clone();
                let purpose = Purpose::Stage { task: self.task, slug: self.slug.clone(), stage };
                let line = Line::new(model, purpose, self.project.clone(), "");
                Step::Become(Body::Line(Box::new(line)), Vec::new())
            }
            Picked::Moved => Step::stay(),
            Picked::Unused => {
                self.picker.search(event);
                Step::stay()
            }
        }
    }

    pub fn panel(&self, model: &Model, width: u16, height: u16) -> Panel {
        let mut panel = Panel::new(format!("send {} to which stage", self.slug), "↑ ↓   Enter choose   Esc close");
        let items = self.picker.matching(self.items(model));
        self.picker.show(&mut panel, &items, (width, height.into()));
        panel
    }

    fn items(&self, model: &Model) -> Vec<Item<String>> {
        let row = RowKey::Session(self.project.clone(), self.slug.as_str().into());
        let Some(view) = Subject::find(&model.snapshot, &row).and_then(|subject| subject.task()) else {
            return Vec::new();
        };
        let stages = view.task.flow.stages.iter().enumerate();
        stages
            .map(|(index, stage)| Item {
                key: format!("{}", index + 1),
                label: stage.name.clone(),
                text: if index == view.task.stage { "now".to_owned() } else { stage.artifact.clone() },
                refused: None,
                value: stage.name.clone(),
            })
            .collect()
    }
}
