//! Whatever is typed: no panic, and nothing is destroyed but by the letter of its confirmation.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use orchestra::model::{DeleteFacts, MergeFacts, Reply, Request, ReviewFacts, Size, State, Strategy};
use orchestra::ui::model::{Effect, Then};
use orchestra::ui::msg::Msg;
use proptest::prelude::*;

use super::fixture::Person;

fn key() -> impl Strategy_<Value = KeyEvent> {
    let code = prop_oneof![
        8 => proptest::char::range(' ', '~').prop_map(KeyCode::Char),
        2 => proptest::sample::select("DyMmaArRoxXwWnNsSdzEy.:?/,1290qU{}L ".chars().collect::<Vec<_>>()).prop_map(KeyCode::Char),
        3 => proptest::sample::select(vec![
            KeyCode::Enter, KeyCode::Esc, KeyCode::Tab, KeyCode::BackTab, KeyCode::Up, KeyCode::Down, KeyCode::Left,
            KeyCode::Right, KeyCode::PageUp, KeyCode::PageDown, KeyCode::Home, KeyCode::End, KeyCode::Backspace,
            KeyCode::Delete, KeyCode::F(5), KeyCode::Char('é'), KeyCode::Char('語'),
        ]),
    ];
    let mods = prop_oneof![
        6 => Just(KeyModifiers::NONE),
        1 => Just(KeyModifiers::CONTROL),
        1 => Just(KeyModifiers::ALT),
        1 => Just(KeyModifiers::SHIFT),
    ];
    (code, mods).prop_map(|(code, mods)| KeyEvent::new(code, mods))
}

use proptest::strategy::Strategy as Strategy_;

/// The requests that change or take away what a person has.
fn needs_a_letter(request: &Request) -> Option<&'static [char]> {
    match request {
        Request::Delete { .. } => Some(&['y', 'w']),
        Request::Merge { .. }
        | Request::Restart { .. }
        | Request::Skip { .. }
        | Request::Complete { .. }
        | Request::Archive { .. }
        | Request::InitProject { .. }
        | Request::Trust { .. }
        | Request::SetAuto { auto: true, .. } => Some(&['y']),
        Request::Approve { .. } => Some(&['a']),
        Request::Override { .. } => Some(&['o']),
        _ => None,
    }
}

fn facts(request: &Request) -> Option<Reply> {
    Some(match request {
        Request::DeleteFacts { .. } => Reply::Delete(Box::new(DeleteFacts { ahead: 2, ..DeleteFacts::default() })),
        Request::MergeFacts { .. } => Reply::Merge(Box::new(MergeFacts {
            branch: "task/x".to_owned(),
            base: "main".to_owned(),
            strategy: Strategy::Squash,
            ahead: 1,
            behind: 0,
            dirty: 0,
            stat: orchestra::model::DiffStat::default(),
            conflicts: Vec::new(),
            gate: None,
            refused: None,
        })),
        Request::ReviewFacts { .. } => Reply::Review(Box::new(ReviewFacts {
            artifact: None,
            stat: orchestra::model::DiffStat::default(),
            gate: None,
            gate_log: None,
            base: "main".to_owned(),
            conflicts: Vec::new(),
            next: "done".to_owned(),
        })),
        _ => return None,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_keys_never_panic_and_never_destroy_by_chance(
        start in 0..State::ALL.len(),
        keys in proptest::collection::vec((key(), 1..600i64), 1..120),
        cols in 10..140u16,
        rows in 3..50u16,
    ) {
        let mut person = Person::on(&format!("{}-task", State::ALL[start].word()));
        person.tell(Msg::Resized(Size::new(rows, cols)));
        for (event, pause) in keys {
            person.wait(pause);
            let before = person.model.modal.as_ref().map(|it| (it.serial, it.opened_at));
            person.tell(Msg::Key(event));
            let effects = std::mem::take(&mut person.effects);
            for effect in effects {
                let Effect::Ask { request, then } = effect else { continue };
                if let Some(letters) = needs_a_letter(&request) {
                    let (_, opened) = before.expect("a prompt was open");
                    let old_enough = person.model.now >= opened + jiff::SignedDuration::from_millis(200);
                    let letter = event.code.as_char().is_some_and(|it| letters.contains(&it));
                    prop_assert!(letter && old_enough && event.modifiers.is_empty(), "{request:?} by {event:?}");
                }
                if let (Some(reply), Then::FillModal(_)) = (facts(&request), &then) {
                    person.tell(Msg::Answer { then, result: Ok(reply) });
                }
            }
            person.effects.clear();
            let _ = (person.modal(rows), person.screen());
            let _ = orchestra::ui::footer::footer(&person.model);
            if person.model.main.attached {
                person.tell(Msg::Key(KeyEvent::new(KeyCode::Char('q'), KeyModifiers::CONTROL)));
                prop_assert!(!person.model.main.attached);
            }
        }
    }
}
