//! The strip of the demo: one next key at a time, each waiting for what it names.

use crate::model::{State, TaskView};

use super::model::Model;

/// Where the person is in the demo.
#[derive(Debug, Clone, Default)]
pub struct Guide {
    step: usize,
    shown: bool,
}

/// Text, and whether it was done.
type Step = (&'static str, fn(&Model) -> bool);

/// What the strip says, and what has to be so before it goes on.
const STEPS: [Step; 6] = [
    ("1/6 The agent plans. ↓ to csv-quoting, Enter goes in", |model| model.main.attached),
    ("2/6 Ctrl-\\ comes back", |model| !model.main.attached),
    ("3/6 The gate fails once, the agent gets the output. Watch ◐ turn", |model| any(model, passed_a_gate)),
    ("4/6 add-docs asks. Select it, Space, then 1", |model| !any(model, |task| task.task.state == State::Asking)),
    ("5/6 a reviews, a approves", |model| any(model, |task| task.task.reviewed)),
    ("6/6 M merges, q leaves", |model| any(model, |task| task.task.state == State::Merged)),
];
const END: &str = "this was the demo. In your repository: orchestra, then N. q leaves";

impl Guide {
    /// Goes on when the step is taken, and puts the text into the model. Once the person has hidden it, it stays away.
    pub fn follow(&mut self, model: &mut Model) {
        if self.shown && model.strip.is_none() {
            return;
        }
        while STEPS.get(self.step).is_some_and(|(_, taken)| taken(model)) {
            self.step += 1;
        }
        let text = STEPS.get(self.step).map_or(END, |(text, _)| text);
        model.strip = Some(text.to_owned());
        self.shown = true;
    }
}

fn any(model: &Model, holds: impl Fn(&TaskView) -> bool) -> bool {
    model.snapshot.projects.iter().flat_map(|project| &project.tasks).any(holds)
}

fn passed_a_gate(task: &TaskView) -> bool {
    task.task
        .iterations
        .iter()
        .any(|iteration| iteration.gate.as_ref().is_some_and(crate::model::CommandResult::passed))
}
