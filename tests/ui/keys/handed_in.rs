//! What agents hand in: breakdowns, questions and verdicts, as a person looks at them and answers.

use orchestra::model::{
    Answer, Decision, DiffStat, Failure, FailureKind, Iteration, Question, Reply, Request, ReviewFacts, Round, Size,
    SubtaskDraft, TaskId, Verdict,
};
use orchestra::ui::model::Effect;
use orchestra::ui::msg::Msg;

use super::fixture::{Person, changed, project, task_mut};

const DONE: Answer = Ok(Reply::Done { message: None });

fn refused() -> Answer {
    Err(Failure::new(FailureKind::BadState, "item 1 has no title."))
}

fn items(titles: &[&str]) -> Vec<SubtaskDraft> {
    let item = |title: &&str| SubtaskDraft {
        title: (*title).to_owned(),
        description: "It works.".to_owned(),
        instructions: "Write it.".to_owned(),
        depends_on: Vec::new(),
        flow: None,
    };
    titles.iter().map(item).collect()
}

/// Something of the last iteration of a task is another now.
fn hand_in(person: &mut Person, slug: &str, change: impl FnOnce(&mut Iteration)) {
    let told =
        changed(&person.model, |project| change(task_mut(project, slug).iterations.last_mut().expect("a fixture")));
    person.tell(told);
}

fn propose(person: &mut Person, titles: &[&str]) {
    hand_in(person, "approval-task", |iteration| iteration.subtasks = Some(items(titles)));
}

fn approval() -> Request {
    Request::Approve { project: project(), task: TaskId(12) }
}

#[test]
fn only_a_breakdown_that_was_shown_is_approved() {
    let mut person = Person::on("approval-task");
    propose(&mut person, &["Parse", "Print"]);
    person.press("a");
    propose(&mut person, &["Lex"]);
    assert!(person.modal(24).contains("Meanwhile there is another breakdown") && person.modal(24).contains("1  Lex"));
    person.rush("a");
    assert_eq!(person.requests(), [], "the key was for the one before");
    person.press("a");
    assert_eq!(person.requests(), [approval()]);

    // What was changed of the one before says nothing of the new one.
    person.press("aKJx<esc>");
    propose(&mut person, &["Read", "Write"]);
    person.press("a");
    assert!(person.modal(24).contains("2 subtasks") && !person.modal(24).contains("changed"), "{}", person.modal(24));
    person.press("J<esc>a");
    assert!(person.modal(24).contains("2 subtasks · changed"), "{}", person.modal(24));
    person.press("a");
    propose(&mut person, &["Write", "Read"]);
    let Some(Request::EditSubtasks { subtasks, .. }) = person.requests().pop() else { panic!("{}", person.modal(24)) };
    assert_eq!(subtasks, items(&["Write", "Read"]));
}

#[test]
fn what_was_sent_is_answered_before_its_prompt_is_left() {
    let mut person = Person::on("approval-task");
    propose(&mut person, &["Parse", "Print"]);
    person.press("aJa<esc>").answer(DONE);
    assert_eq!(person.requests(), [approval()]);
    person.press("aJa<esc>").answer(refused());
    assert!(person.modal(24).contains("item 1 has no title."));

    let mut person = Person::on("asking-task");
    let question = Question { question: "Which?".to_owned(), context: None, options: Vec::new() };
    let questions = vec![question];
    hand_in(&mut person, "asking-task", |it| it.questions = vec![Round { questions, answers: None }]);
    person.press(" both<enter><esc>").answer(refused());
    assert!(person.modal(24).contains("item 1 has no title.") && person.modal(24).contains("> both"));
    person.press("<esc>");
    assert!(person.model.modal.is_none());
}

#[test]
fn no_words_are_lost() {
    let mut person = Person::on("approval-task");
    propose(&mut person, &["Parse", "Print"]);
    person.press("ae");
    let Some(Effect::EditYaml(sheet)) = person.effects.pop() else { panic!("{:?}", person.effects) };
    let slip = sheet.replace("title: Parse", "title: [Parse it all");
    person.tell(Msg::Edited(Some(slip.clone())));
    assert!(person.modal(24).contains("e goes on with your text"), "{}", person.modal(24));
    person.press("<esc>ae");
    assert_eq!(person.effects.pop(), Some(Effect::EditYaml(slip.clone())));
    person.tell(Msg::Edited(Some(slip.replace("[Parse", "Parse"))));
    assert!(person.modal(24).contains("1  Parse it all"), "{}", person.modal(24));

    // A rejection that was refused: its words are there for the next try.
    person.press("<esc>").effects.clear();
    person.press("arSmaller<enter>").answer(refused());
    person.press("ar");
    assert!(person.modal(24).contains("> Smaller"), "{}", person.modal(24));
    person.press("<enter>").answer(DONE);
    person.press("ar");
    assert!(!person.modal(24).contains("Smaller"), "{}", person.modal(24));
}

#[test]
fn page_keys_go_through_what_is_longer_than_the_screen() {
    let long: Vec<String> = (1..=40).map(|line| format!("fact {line}.")).collect();
    let mut person = Person::on("asking-task");
    person.tell(Msg::Resized(Size::new(24, 80)));
    let question = Question { question: "Which one?".to_owned(), context: Some(long.join("\n")), options: Vec::new() };
    let questions = vec![question];
    hand_in(&mut person, "asking-task", |it| it.questions = vec![Round { questions, answers: None }]);
    person.press(" ");
    assert!(!person.screen().contains("Which one?") && person.screen().contains("PgUp PgDn"), "{}", person.screen());
    person.press("<pgup><pgup><pgup><pgup>");
    assert!(person.screen().contains("Which one?") && person.screen().contains("fact 1."), "{}", person.screen());
    person.press("<pgdn>");
    assert!(!person.screen().contains("fact 1.") && person.screen().contains("fact 19."), "{}", person.screen());
    person.press("b");
    assert!(person.screen().contains("> b"), "{}", person.screen());

    let mut person = Person::on("verdict-task");
    person.tell(Msg::Resized(Size::new(24, 80)));
    let verdict = Verdict { decision: Decision::Reject, reason: long.join("\n"), route_to: None };
    hand_in(&mut person, "verdict-task", |it| it.verdict = Some(verdict));
    let facts = ReviewFacts {
        artifact: None,
        stat: DiffStat::default(),
        gate: None,
        gate_log: None,
        base: "main".to_owned(),
        conflicts: Vec::new(),
        next: String::new(),
    };
    person.press("a").answer(Ok(Reply::Review(Box::new(facts))));
    assert!(person.screen().contains("fact 1.") && !person.screen().contains("reason stays"), "{}", person.screen());
    person.press("<pgdn><pgdn><pgdn>");
    assert!(person.screen().contains("fact 40.") && person.screen().contains("reason stays"), "{}", person.screen());
}
