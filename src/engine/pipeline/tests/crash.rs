//! The engine dies before and after each effect of a task's whole way: what comes after it does the effects that are still
//! written down once more, and the task ends the same.

use std::collections::BTreeSet;

use super::drawn::{rejection, whole};
use super::*;

/// Steps after which a task that has not ended never will.
const ENDLESS: usize = 500;

/// When the engine dies: at the `at`th effect that it does.
#[derive(Debug, Clone, Copy)]
enum Death {
    /// It is written down, and not done.
    Before { at: usize },
    /// It is done, and what came of it is not written down.
    After { at: usize },
}

/// What outlives the engine: the database, and what effects have done to the world.
struct World {
    story: Story,
    /// Effects that are written down, oldest first.
    pending: Vec<Effect>,
    /// What was done, by keys: the same thing twice is once.
    done: BTreeSet<String>,
    performed: usize,
}

impl World {
    fn new() -> Self {
        let mut task = task(whole());
        task.flow.integration.on_failure = Some("work".to_owned());
        Self { story: Story { task, steps: 0 }, pending: Vec::new(), done: BTreeSet::new(), performed: 0 }
    }

    /// From a draft to its end, with one death at most.
    fn live(mut self, death: Option<Death>) -> Self {
        self.tell(Event::Person(Wish::Start));
        for _ in 0..ENDLESS {
            if self.story.task.state == State::Merged && self.pending.is_empty() {
                return self;
            }
            match self.pending.first().cloned() {
                Some(effect) => self.perform(&effect, death),
                None => self.go_on(),
            }
        }
        panic!("it does not end: {:?}", self.story.task);
    }

    fn perform(&mut self, effect: &Effect, death: Option<Death>) {
        self.performed += 1;
        match death {
            Some(Death::Before { at }) if at == self.performed => return,
            Some(Death::After { at }) if at == self.performed => {
                self.done.insert(effect.key());
                return;
            }
            _ => {}
        }
        self.done.insert(effect.key());
        // Effect and answer are struck off and written in one transaction.
        self.pending.remove(0);
        for event in self.answers(effect) {
            self.tell(event);
        }
    }

    fn tell(&mut self, event: Event) {
        let effects = self.story.tell(event);
        self.pending.extend(effects);
    }

    /// What an effect comes to. Gate, script, review and integration fail once each.
    fn answers(&self, effect: &Effect) -> Vec<Event> {
        let task = &self.story.task;
        let first = |stage: &str| task.iterations.iter().filter(|iteration| iteration.stage == stage).count() < 2;
        match effect.clone() {
            Effect::Prepare { run } => vec![Event::WorktreeReady { run, base_commit: "c0".into() }],
            Effect::RunGate { run, .. } => {
                vec![Event::GateDone { run, result: gate_result(i32::from(first("work")), 1) }]
            }
            Effect::RunScript { run, .. } => {
                let result = gate_result(i32::from(first("format")), 1);
                vec![Event::ScriptDone { run, result, text: "formatted".into() }]
            }
            Effect::MakeSubtasks { run, .. } => vec![Event::SubtasksMade { run }],
            Effect::Integrate { run } if first("review") || !self.has_conflicted() => {
                vec![Event::IntegrationFailed { run, text: "conflict".into() }]
            }
            Effect::Integrate { run } => vec![Event::Integrated { run, commit: "c1".into() }],
            Effect::Launch { .. }
            | Effect::Tell { .. }
            | Effect::EndSession { .. }
            | Effect::EndJob { .. }
            | Effect::KeepArtifact { .. }
            | Effect::LogAttempt { .. }
            | Effect::CleanUp { .. } => Vec::new(),
        }
    }

    fn has_conflicted(&self) -> bool {
        self.story.task.iterations.iter().any(|iteration| matches!(iteration.trigger, Trigger::Integration { .. }))
    }

    /// What comes from outside while nothing is to be done.
    fn go_on(&mut self) {
        let (agent, task) = (self.story.agent(), &self.story.task);
        let in_review = task.current_stage().rejection_stage().is_some();
        let rejects = in_review && !task.iterations.iter().any(|it| it.outcome == Some(Outcome::SentBack));
        let event = match task.state {
            State::Queued => Event::Granted,
            State::Children => Event::ChildrenClosed,
            State::Approval | State::Verdict => Event::Person(Wish::Approve),
            State::Done => Event::Person(Wish::Merge { into: None }),
            State::Working if task.iteration().is_some_and(|iteration| iteration.submitted) => {
                Event::AgentChanged { run: agent, activity: Activity::Resting, attended: false }
            }
            State::Working => {
                Event::Submitted { run: agent, hand_in: if rejects { rejection() } else { due(task) }.into() }
            }
            state => panic!("nothing leads out of {state:?}"),
        };
        self.tell(event);
    }
}

#[test]
fn a_death_before_or_after_any_effect_changes_nothing_of_the_end() {
    let undisturbed = World::new().live(None);
    let stages: BTreeSet<_> = undisturbed.story.task.iterations.iter().map(|it| it.stage.as_str()).collect();
    assert_eq!(stages.len(), undisturbed.story.task.flow.stages.len(), "it has been at every stage");
    for at in 1..=undisturbed.performed {
        for death in [Death::Before { at }, Death::After { at }] {
            let ended = World::new().live(Some(death));
            assert_eq!(ended.story.task, undisturbed.story.task, "{death:?}");
            assert_eq!(ended.done, undisturbed.done, "{death:?}");
        }
    }
}
