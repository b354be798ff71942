//! Every command in every context and every state.

use std::fmt::Write as _;

use orchestra::model::{Request, SessionId, State};
use orchestra::ui::command::{Command, TABLE};
use orchestra::ui::keymap::Context;
use orchestra::ui::model::{Effect, Pane, Tab, Then};

use super::fixture::{Person, project, row};

fn enter(person: &mut Person, context: Context) {
    let (focus, tab) = match context {
        Context::List => (Pane::List, Tab::Terminal),
        Context::Terminal => (Pane::Main, Tab::Terminal),
        Context::Diff => (Pane::Diff, Tab::Terminal),
        Context::Page => (Pane::Main, Tab::Spec),
        Context::Pipeline => (Pane::Main, Tab::Pipeline),
        Context::Monitor => (Pane::Monitor, Tab::Terminal),
    };
    person.model.layout.focus = focus;
    person.model.main.tab = tab;
}

/// Rule 1: what acts on a task means the same in every pane.
#[test]
fn acting_keys_ask_for_the_same_everywhere() {
    for state in State::ALL {
        let name = format!("{}-task", state.word());
        for entry in TABLE.iter().filter(|entry| entry.acts()) {
            for key in entry.keys() {
                let answers: Vec<_> = Context::ALL
                    .map(|context| {
                        let mut person = Person::on(&name);
                        enter(&mut person, context);
                        person.press(&format!("<{}>", written(key)));
                        (person.news().to_owned(), person.requests(), person.modal(30))
                    })
                    .into();
                assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{key} on {name}: {answers:#?}");
                let (news, requests, modal) = &answers[0];
                assert!(!news.is_empty() || !requests.is_empty() || !modal.is_empty(), "{key} on {name} is silent");
            }
        }
    }
}

/// As a key string has it.
fn written(key: orchestra::ui::keymap::Key) -> String {
    key.typed().filter(|char| *char != ' ').map_or_else(|| key.to_string(), String::from)
}

/// What each acting command says to a task in each state: `yes`, or the reason.
#[test]
fn commands_by_state() {
    let mut table = String::new();
    for state in State::ALL {
        let person = Person::on(&format!("{}-task", state.word()));
        let _ = writeln!(table, "{}", state.word());
        for entry in TABLE.iter().filter(|entry| entry.acts() || entry.command == Command::Attach) {
            let verdict = entry.command.applies(&person.model).err().unwrap_or_else(|| "yes".to_owned());
            let _ = writeln!(table, "  {:<14} {verdict}", entry.name);
        }
    }
    insta::assert_snapshot!(table);
}

#[test]
fn commands_on_the_designer_and_the_project() {
    let mut table = String::new();
    for (name, key) in [("main", row("main")), ("project", orchestra::ui::model::RowKey::Project(project()))] {
        let mut person = Person::on("main");
        person.model.list.selected = Some(key);
        let _ = writeln!(table, "{name}");
        for entry in TABLE.iter().filter(|entry| entry.acts()) {
            let verdict = entry.command.applies(&person.model).err().unwrap_or_else(|| "yes".to_owned());
            let _ = writeln!(table, "  {:<14} {verdict}", entry.name);
        }
    }
    insta::assert_snapshot!(table);
}

#[test]
fn a_refused_key_says_why_with_its_key() {
    let mut person = Person::on("working-task");
    person.press("M");
    assert_eq!(person.news(), "M: working-task is still at work; x stops it");
    person.press("~");
    assert_eq!(person.news(), "~ has no meaning here; ? lists the keys");
    assert_eq!(person.effects, []);
}

#[test]
fn reasons_follow_a_remap() {
    let mut person = Person::on("working-task");
    let bind = [("stop".to_owned(), "f5".to_owned()), ("merge".to_owned(), "f6".to_owned())].into();
    person.model.input.keys =
        orchestra::ui::keymap::Keymap::new(&orchestra::model::KeysConfig { bind, ..Default::default() }).0;
    person.press("<f6>");
    assert_eq!(person.news(), "F6: working-task is still at work; F5 stops it");
}

/// Keys of section 1.1 that ask the engine for something at once.
#[test]
fn requests_of_single_keys() {
    let (id, session) = (project(), SessionId::from("working-task"));
    let size = Person::new().model.size;
    let task = |n| orchestra::model::TaskId(n);
    for (on, keys, wanted) in [
        ("draft-task", "S", Request::Start { project: id.clone(), task: task(1) }),
        ("paused-task", "S", Request::Start { project: id.clone(), task: task(14) }),
        ("working-task", "x", Request::Stop { project: id.clone(), task: task(4), spent: None }),
        ("done-task", "U", Request::SetUnread { project: id.clone(), task: task(17), unread: true }),
        ("working-task", "s", Request::EditSpec { project: id.clone(), session: session.clone(), size }),
        ("working-task", "t", Request::OpenShell { project: id.clone(), session: session.clone(), size }),
        ("main", "x", Request::StopSession { project: id.clone(), session: SessionId::main() }),
        ("working-task", "j", Request::Watch { project: id.clone(), session: SessionId::from("gating-task") }),
        (
            "working-task",
            "mgo on<enter>",
            Request::Send { project: id.clone(), session: session.clone(), text: "go on".to_owned(), sender: None },
        ),
        (
            "asking-task",
            " 1",
            Request::Answer { project: id.clone(), session: SessionId::from("asking-task"), bytes: b"1".to_vec() },
        ),
        (
            "asking-task",
            " both<enter>",
            Request::Send {
                project: id.clone(),
                session: SessionId::from("asking-task"),
                text: "both".to_owned(),
                sender: None,
            },
        ),
    ] {
        let mut person = Person::on(on);
        person.press(keys);
        assert_eq!(person.requests(), [wanted], "{keys} on {on}: {}", person.news());
    }
}

/// What a confirmation asks for, by its letter only.
#[test]
fn requests_behind_a_confirmation() {
    let id = project();
    let task = orchestra::model::TaskId;
    for (on, keys, wanted) in [
        ("paused-task", "Ry", Request::Restart { project: id.clone(), task: task(14) }),
        ("quiet-task", "xy", Request::Stop { project: id.clone(), task: task(10), spent: None }),
        ("working-task", "Ay", Request::SetAuto { project: id.clone(), task: task(4), auto: true }),
        ("working-task", ":skip<enter>y", Request::Skip { project: id.clone(), task: task(4) }),
        ("failed-task", ":complete<enter>y", Request::Complete { project: id.clone(), task: task(16) }),
        ("done-task", ":archive<enter>y", Request::Archive { project: id.clone(), task: task(17) }),
        ("done-task", ":init<enter>y", Request::InitProject { project: id.clone() }),
        (
            "working-task",
            ":send-to<enter>review<enter>once more<enter>",
            Request::SendToStage {
                project: id.clone(),
                task: task(4),
                stage: "review".to_owned(),
                text: "once more".to_owned(),
            },
        ),
    ] {
        let mut person = Person::on(on);
        person.press(keys);
        assert_eq!(person.requests(), [wanted], "{keys} on {on}: {}", person.news());
        assert!(person.model.modal.is_none(), "{keys} on {on}");
        let Some(before) = keys.strip_suffix('y') else { continue };
        for safe in ["<enter>", "n", "<esc>", "<alt-y>"] {
            let mut person = Person::on(on);
            person.press(before).press(safe);
            assert_eq!(person.requests(), [], "{keys} then {safe}");
        }
    }
}

#[test]
fn attach_and_detach() {
    let mut person = Person::on("working-task");
    person.press("<enter>");
    assert!(person.model.main.attached);
    assert_eq!(person.news(), "you are in opencode; Ctrl-\\ or Ctrl-Q comes back");
    person.effects.clear();
    person.press("q?<esc><ctrl-c>");
    assert!(person.effects.iter().all(|effect| matches!(effect, Effect::Key(_))), "{:?}", person.effects);
    assert_eq!(person.effects.len(), 4);
    person.tell(orchestra::ui::msg::Msg::Paste("a\nb".to_owned()));
    assert_eq!(person.effects.pop(), Some(Effect::Paste("a\nb".to_owned())));
    person.press("<ctrl-4>");
    assert!(!person.model.main.attached);
    assert_eq!((person.model.layout.focus, person.selected()), (Pane::List, "working-task"));
    assert_eq!(person.news(), "the agent works on. d shows its diff, Space answers from here");
}

#[test]
fn enter_on_what_does_not_run() {
    let mut person = Person::on("merged-task");
    person.press("<enter>");
    assert_eq!((person.model.main.tab, person.model.main.attached), (Tab::Log, false));

    let mut person = Person::on("draft-task");
    person.press("<enter>");
    assert_eq!(person.news(), "Enter: draft-task is a draft; S starts it, s edits its spec");

    let mut person = Person::on("main");
    person.tell(super::fixture::changed(&person.model, |project| {
        project.designer.as_mut().expect("a fixture").alive = false;
    }));
    person.press("<enter>");
    assert_eq!(person.requests(), [Request::StartDesigner { project: project() }]);

    let mut person = Person::on("main");
    person.model.list.selected = Some(orchestra::ui::model::RowKey::Project(project()));
    person.press("<enter>");
    assert!(person.model.list.folded.contains(&project()));
}

#[test]
fn strict_keys_stand_behind_actions() {
    let mut person = Person::on("working-task");
    let keys = orchestra::model::KeysConfig { strict: true, ..Default::default() };
    person.model.input.keys = orchestra::ui::keymap::Keymap::new(&keys).0;
    person.press("x");
    assert_eq!((person.requests(), person.news()), (vec![], "x: keys.strict is on; . has stop"));
    person.press(".x");
    assert_eq!(
        person.requests(),
        [Request::Stop { project: project(), task: orchestra::model::TaskId(4), spent: None }]
    );
}

#[test]
fn leaving() {
    let mut person = Person::on("working-task");
    person.press("<ctrl-c>");
    assert_eq!((person.news(), person.effects.as_slice()), ("q leaves; agents go on", [].as_slice()));
    person.wait(2_000).press("<ctrl-c>");
    assert_eq!(person.effects, []);
    person.press("<ctrl-z><ctrl-z>");
    assert_eq!(person.effects, []);
    person.press("<ctrl-c>");
    person.effects.clear();
    person.press("<ctrl-c>");
    assert_eq!(person.effects, [Effect::Quit]);
    let mut person = Person::on("working-task");
    person.press("E").press("q");
    assert!(person.model.modal.is_none() && person.effects.is_empty());
    person.press("q");
    assert_eq!(person.effects, [Effect::Quit]);
    let mut person = Person::on("working-task");
    person.press("nq");
    assert!(person.model.modal.is_some() && person.effects.is_empty());
}

#[test]
fn copies() {
    for (letter, text) in [("b", "task/working-task"), ("p", "/trees/working-task"), ("i", "working-task")] {
        let mut person = Person::on("working-task");
        person.press("y").press(letter);
        assert_eq!(person.effects, [Effect::Copy(text.to_owned())]);
    }
    let mut person = Person::on("working-task");
    person.press("yd");
    let [Effect::Copy(patch)] = person.effects.as_slice() else { panic!("{:?}", person.effects) };
    insta::assert_snapshot!(patch, @r"
    diff --git a/src/export/csv.rs b/src/export/csv.rs
    --- a/src/export/csv.rs
    +++ b/src/export/csv.rs
    @@ -38,2 +38,2 @@ fn write_row
     for field in row {
    -    out.push_str(field);
    +    out.push_str(&quote(field));
    @@ -80,2 +80,2 @@ fn quote
     for field in row {
    -    out.push_str(field);
    +    out.push_str(&quote(field));
    diff --git a/src/export/mod.rs b/src/export/mod.rs
    --- a/src/export/mod.rs
    +++ b/src/export/mod.rs
    @@ -3,2 +3,2 @@
     for field in row {
    -    out.push_str(field);
    +    out.push_str(&quote(field));
    ");
}

#[test]
fn untrusted_asks_for_trust_and_goes_on() {
    use orchestra::model::{Failure, FailureKind, Reply, TrustFacts};
    let mut person = Person::on("draft-task");
    person.press("S");
    person.answer(Err(Failure::new(FailureKind::Untrusted, "checks.sh is not trusted")));
    let facts = TrustFacts {
        hash: "a81f0c2e77d1aa00".to_owned(),
        files: vec![("checks.sh".into(), "cargo test\n".into())],
        former: None,
    };
    person.answer(Ok(Reply::Trust(Box::new(facts))));
    person.press("<enter>");
    assert!(person.model.modal.is_none() && person.effects.is_empty());

    person.press("S");
    person.answer(Err(Failure::new(FailureKind::Untrusted, "checks.sh is not trusted")));
    let facts = TrustFacts { hash: "a81f0c2e".to_owned(), files: Vec::new(), former: None };
    person.answer(Ok(Reply::Trust(Box::new(facts)))).press("y");
    person.answer(Ok(Reply::Done { message: None }));
    let request = Request::Start { project: project(), task: orchestra::model::TaskId(1) };
    assert_eq!(person.effects, [Effect::Ask { request, then: Then::Say }]);
}
