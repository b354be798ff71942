//! What each modal looks like, and how its keys behave.

use std::path::PathBuf;

use orchestra::model::{
    BaseFacts, Comment, DeleteFacts, DeleteScope, DiffStat, Failure, FailureKind, FormerTrust, MergeFacts, ProjectView,
    Reply, Request, ReviewFacts, SessionId, SessionKind, Snapshot, Strategy, TaskId, TaskTemplate, TrustFacts,
};
use orchestra::ui::model::{Effect, Then};
use orchestra::ui::msg::Msg;

use super::fixture::{NOW, Person, changed, project, row};

fn delete_facts() -> DeleteFacts {
    DeleteFacts {
        branch: "task/quiet-task".to_owned(),
        base: "main".to_owned(),
        ahead: 2,
        merged: false,
        changed: ["src/date.ts", "src/tz.ts", "test/date.test.ts"].map(str::to_owned).to_vec(),
        untracked: vec!["notes.md".to_owned()],
        bytes: 1_200_000_000,
        sessions: vec![
            (SessionKind::Executor, "opencode is running (11 m)".to_owned()),
            (SessionKind::Shell, "1 shell with vim".to_owned()),
        ],
        unsaved: vec!["dump.bin (80 MB)".to_owned()],
    }
}

fn review_facts() -> ReviewFacts {
    ReviewFacts {
        artifact: Some(("summary".to_owned(), "Rate limit on all API routes, 100 a minute, in Redis.".to_owned())),
        stat: DiffStat { files: 9, added: 212, removed: 9 },
        gate: Some("checks.sh passed on attempt 2    1 m 12 s".to_owned()),
        gate_log: Some(PathBuf::from("/logs/work-2.log")),
        base: "main".to_owned(),
        conflicts: Vec::new(),
        next: "reviewed; then M merges".to_owned(),
    }
}

fn merge_facts() -> MergeFacts {
    MergeFacts {
        branch: "task/done-task".to_owned(),
        base: "main".to_owned(),
        strategy: Strategy::Rebase,
        ahead: 2,
        behind: 1,
        dirty: 1,
        stat: DiffStat { files: 3, added: 41, removed: 7 },
        conflicts: vec!["src/api.rs".to_owned()],
        gate: Some("checks.sh".to_owned()),
        refused: None,
    }
}

#[test]
fn the_form() {
    let mut person = Person::on("working-task");
    person.press("NQuote fields that contain a newline when exporting CSV.<enter>See tests/export_quotes.rs.");
    person.press("<tab>Done-Task<alt-enter>");
    insta::assert_snapshot!(person.modal(24));
    let asked = [Request::Templates { project: project() }, Request::BaseFacts { project: project(), base: None }];
    assert_eq!(person.requests(), asked);
    person.press("<ctrl-u><tab><tab><right><tab><right><tab> <tab> ");
    insta::assert_snapshot!(person.modal(24));
    person.press("<ctrl-enter>");
    let Some(Request::NewTask { task, .. }) = person.requests().pop() else { panic!() };
    assert_eq!(
        (task.slug.as_deref(), task.flow.as_deref(), task.agent.as_deref()),
        (Some("quote-fields-contain"), Some("default"), Some("codex"))
    );
    assert_eq!((task.auto, task.start, task.base), (true, false, None));
}

/// R29: a template fills description, flow and agent, and gives back what was typed.
#[test]
fn the_form_begins_with_a_template() {
    let bug = TaskTemplate {
        name: "bug".to_owned(),
        title: Some("A bug".to_owned()),
        flow: Some("default".to_owned()),
        agent: Some("codex".to_owned()),
        model: Some("large".to_owned()),
        auto: true,
        body: "# Bug\n\n{{description}}\n\nAdd a test that fails before.\n".to_owned(),
        ..TaskTemplate::default()
    };
    let chore = TaskTemplate {
        name: "chore".to_owned(),
        flow: Some("gone".to_owned()),
        body: "Tidy up.".to_owned(),
        ..TaskTemplate::default()
    };
    let mut person = Person::on("working-task");
    person.press("NThe export drops a line.");
    let without = person.modal(24);
    let found = Reply::Templates { found: vec![bug, chore], broken: vec!["bad.md: line 2: no".to_owned()] };
    person.answer(Err(Failure::new(FailureKind::NotFound, "no base"))).answer(Ok(found));
    assert!(!without.contains("Template") && person.modal(24).contains("‹ none ›"), "{without}");
    person.press("<tab><right>");
    for (cols, rows) in [(120, 36), (80, 24), (48, 20)] {
        person.tell(Msg::Resized(orchestra::model::Size::new(rows, cols)));
        insta::assert_snapshot!(format!("the_form_with_a_template_{cols}x{rows}"), person.screen());
    }
    person.press("<right>");
    let chore = person.modal(24);
    assert!(chore.contains("Tidy up.") && chore.contains("The export drops a line."), "{chore}");
    assert!(chore.contains("Template chore: there is no flow \"gone\"."), "{chore}");
    person.press("<right>");
    assert!(person.modal(24).contains("│ Description  The export drops a line."), "{}", person.modal(24));
    person.press("<right><alt-enter>");
    let Some(Request::NewTask { task, .. }) = person.requests().pop() else { panic!() };
    assert_eq!(task.description, "# Bug\n\nThe export drops a line.\n\nAdd a test that fails before.");
    assert_eq!((task.title.as_deref(), task.model.as_deref(), task.auto), (Some("A bug"), Some("large"), true));
    assert_eq!((task.flow.as_deref(), task.agent.as_deref()), (Some("default"), Some("codex")));
}

/// The commit stands beside the base; a base that was typed is asked for, and one that is none is refused in the form.
#[test]
fn the_form_shows_what_the_base_is() {
    let facts =
        |name: &str, upstream| BaseFacts { name: name.to_owned(), commit: "a81f0c2e77d1aa0042".to_owned(), upstream };
    let base = |person: &Person| {
        let modal = person.modal(24);
        let row = modal.lines().find(|line| line.contains("│ Base")).expect("a row").to_owned();
        row.trim_matches(|c| "│ ".contains(c)).to_owned()
    };
    let mut person = Person::on("working-task");
    person.press("N");
    assert_eq!(base(&person), "Base         main                  branch or commit");
    person.answer(Ok(Reply::Base(Box::new(facts("main", Some(("origin/main".to_owned(), 3)))))));
    assert_eq!(base(&person), "Base         main                  a81f0c2, 3 commits behind origin");

    person.press("<tab><tab><ctrl-u>release<tab>");
    let asked = Request::BaseFacts { project: project(), base: Some("release".to_owned()) };
    assert!(matches!(person.effects.last(), Some(Effect::Ask { request, .. }) if *request == asked));
    person.answer(Err(Failure::new(FailureKind::NotFound, "there is no branch or commit release.")));
    assert!(person.modal(24).contains("there is no branch or commit release."));
    assert_eq!(base(&person), "Base         release               branch or commit");

    // Switched behind our back, and nobody has typed into the field.
    let mut person = Person::on("working-task");
    person.press("N").answer(Ok(Reply::Base(Box::new(facts("next", None)))));
    assert_eq!(base(&person), "Base         next                  a81f0c2");
}

#[test]
fn the_form_keeps_its_text_and_shows_refusals() {
    let mut person = Person::on("working-task");
    person.press("N<alt-enter>");
    assert!(person.modal(24).contains("Description is empty."));
    person.press("Fix dates<esc>N");
    assert!(person.modal(24).contains("Fix dates"));
    person.press("<alt-enter><alt-enter>");
    let sent = |effect: &&Effect| matches!(effect, Effect::Ask { request: Request::NewTask { .. }, .. });
    assert_eq!(person.effects.iter().filter(sent).count(), 1, "sent once");
    person.answer(Err(Failure::new(FailureKind::Conflict, "branch task/fix-dates exists.").hint("Take another slug.")));
    assert!(person.modal(24).contains("branch task/fix-dates exists. Take another slug."));
    person.press("<alt-enter>");
    person.answer(Ok(Reply::Task { id: TaskId(20), message: Some("started fix-dates".to_owned()) }));
    assert!(person.model.modal.is_none());
    assert_eq!(person.news(), "started fix-dates");
    person.press("N");
    assert!(!person.modal(24).contains("Fix dates"));
    person.press("<esc>");
    person.tell(changed(&person.model, |project| {
        let mut new = project.tasks[0].clone();
        let task = std::sync::Arc::make_mut(&mut new.task);
        (task.id, task.slug) = (TaskId(20), orchestra::model::Slug::new("fix-dates").expect("a fixture"));
        project.tasks.push(new);
    }));
    assert_eq!(person.selected(), "fix-dates");
}

#[test]
fn the_form_goes_through_the_editor() {
    let mut person = Person::on("working-task");
    person.press("Nold<ctrl-g>");
    assert_eq!(person.effects.last(), Some(&Effect::EditText("old".to_owned())));
    person.tell(Msg::Edited(Some("new\ntext\n".to_owned())));
    assert!(person.modal(24).contains("new"));
    person.tell(Msg::Edited(None));
    assert!(person.modal(24).contains("text"));
}

#[test]
fn one_line() {
    let mut person = Person::on("working-task");
    person.press("nfirst<enter>");
    person.answer(Err(Failure::new(FailureKind::Internal, "the disk is full")));
    insta::assert_snapshot!(person.modal(24),);
    person.press("<esc>m<up>");
    assert!(!person.modal(24).contains("first"), "another history");
    person.press("one<alt-enter>two<ctrl-j>three");
    insta::assert_snapshot!(person.modal(24),);
    person.press("<esc>j<esc>k").press("m");
    assert!(person.modal(24).contains("three"), "the draft survives");
    person.press("<enter>m<up>");
    assert!(person.modal(24).contains("three"), "history");
    person.press("<esc>k").press("m<enter>");
    assert!(person.modal(24).contains("There is no text yet."));
}

#[test]
fn delete() {
    let mut person = Person::on("quiet-task");
    person.press("D");
    assert!(person.modal(24).contains("..."));
    person.press("y");
    assert_eq!(person.requests(), [Request::DeleteFacts { project: project(), task: TaskId(10) }]);

    let mut person = Person::on("quiet-task");
    person.press("D").answer(Ok(Reply::Delete(Box::new(delete_facts()))));
    insta::assert_snapshot!(person.modal(24));
    person.press("<enter>");
    assert!(person.model.modal.is_none() && person.effects.is_empty());
    for (letter, scope) in [("y", DeleteScope::All), ("w", DeleteScope::WorktreeOnly)] {
        person.press("D").answer(Ok(Reply::Delete(Box::new(delete_facts())))).press(letter);
        assert_eq!(person.requests(), [Request::Delete { project: project(), task: TaskId(10), scope }]);
    }
    person.press("D").answer(Ok(Reply::Delete(Box::default())));
    insta::assert_snapshot!(person.modal(24));
}

#[test]
fn stray_typing_cannot_answer() {
    let mut person = Person::on("quiet-task");
    person.press("D").answer(Ok(Reply::Delete(Box::new(delete_facts())))).rush("yyyy");
    assert_eq!(person.requests(), []);
    person.rush("<esc>");
    assert!(person.model.modal.is_none());
    person.press("R").rush("y").wait(200).repeat("y");
    assert_eq!(person.requests(), [Request::DeleteFacts { project: project(), task: TaskId(10) }][..0]);
    person.tell(Msg::Paste("y".to_owned()));
    assert_eq!(person.requests(), []);
    person.press("y");
    assert_eq!(person.requests(), [Request::Restart { project: project(), task: TaskId(10) }]);
}

#[test]
fn facts_for_another_modal_are_dropped() {
    let mut person = Person::on("quiet-task");
    person.press("D");
    let Some(Effect::Ask { then, .. }) = person.effects.pop() else { panic!() };
    person.press("<esc>k").press("D");
    person.tell(Msg::Answer { then: then.clone(), result: Ok(Reply::Delete(Box::new(delete_facts()))) });
    person.effects.clear();
    person.press("y");
    assert_eq!(person.requests(), []);
    assert!(matches!(then, Then::FillModal(_)));
}

#[test]
fn a_look_at_the_diff_and_back() {
    let mut person = Person::on("quiet-task");
    person.press("D").answer(Ok(Reply::Delete(Box::new(delete_facts())))).press("d");
    assert!(person.model.modal.is_none());
    person.press("j<esc>");
    assert!(person.modal(24).contains("delete quiet-task?"));
    person.press("y");
    assert_eq!(person.requests().len(), 1);
}

#[test]
fn merge() {
    let mut person = Person::on("done-task");
    person.press("M").answer(Ok(Reply::Merge(Box::new(merge_facts()))));
    insta::assert_snapshot!(person.modal(24));
    person.press("y");
    assert_eq!(person.requests(), [Request::Merge { project: project(), task: TaskId(17), into: None }]);

    let refused = Failure::new(FailureKind::Dirty, "main has changes in src/api.rs.").hint("Commit them, then M.");
    let facts = MergeFacts { refused: Some(refused), ..merge_facts() };
    person.press("M").answer(Ok(Reply::Merge(Box::new(facts))));
    insta::assert_snapshot!(person.modal(24));
    person.press("y");
    assert_eq!(person.requests(), []);
}

#[test]
fn other_confirmations() {
    let mut frames = Vec::new();
    for (on, keys) in [
        ("paused-task", "R"),
        ("quiet-task", "x"),
        ("working-task", "A"),
        ("working-task", ":skip<enter>"),
        ("failed-task", ":complete<enter>"),
        ("failed-task", ":archive<enter>"),
        ("failed-task", ":init<enter>"),
    ] {
        let mut person = Person::on(on);
        person.press(keys);
        frames.push(person.modal(24));
    }
    insta::assert_snapshot!(frames.join("\n"));
}

#[test]
fn review() {
    let mut person = Person::on("done-task");
    person.press("a").answer(Ok(Reply::Review(Box::new(review_facts()))));
    insta::assert_snapshot!(person.modal(24));
    person.repeat("a").rush("<enter>");
    assert_eq!(person.requests(), []);
    person.press("a").answer(Ok(Reply::Review(Box::new(review_facts())))).press("a");
    assert_eq!(person.requests(), [Request::Approve { project: project(), task: TaskId(17) }]);

    person.press("r").answer(Ok(Reply::Review(Box::new(review_facts())))).press("r<enter>");
    assert!(person.modal(24).contains("Say what is to be changed."));
    person.press("more tests");
    insta::assert_snapshot!(person.modal(24));
    person.press("<esc><esc>r").answer(Ok(Reply::Review(Box::new(review_facts())))).press("r<enter>");
    let feedback = "more tests".to_owned();
    assert_eq!(person.requests(), [Request::Reject { project: project(), task: TaskId(17), feedback, fresh: false }]);

    let facts = ReviewFacts { next: "review".to_owned(), ..review_facts() };
    let mut person = Person::on("approval-task");
    person.press("a").answer(Ok(Reply::Review(Box::new(facts)))).press("l");
    assert!(person.modal(24).contains("a approve, next: review"));
    assert_eq!(person.effects, [Effect::OpenEditor { path: PathBuf::from("/logs/work-2.log"), line: None }]);
}

#[test]
fn peek() {
    let mut person = Person::on("asking-task");
    person.press(" ");
    insta::assert_snapshot!(person.modal(24));
    assert_eq!(person.effects, [Effect::ReadScreen { project: project(), session: SessionId::from("asking-task") }]);
    person.rush("3");
    person.press(" ");
    assert!(person.modal(24).contains("> 3"), "there is no third option: text");
    person.press("<ctrl-u> ");
    assert!(person.model.modal.is_none(), "the same key closes it while the line is empty");
    person.effects.clear();
    person.press(" ");
    person.rush("<esc>").rush(" ").rush("1");
    assert_eq!(person.requests(), [], "stray typing cannot answer");
    person.press("<down>");
    assert_eq!(person.selected(), "approval-task");
    assert!(person.modal(24).contains("approval-task"));
    let lines = ["", "• Ran cargo test", "", "  Done: 3 files.", ""].map(str::to_owned).to_vec();
    person.tell(Msg::Screen { project: project(), session: SessionId::from("approval-task"), lines });
    insta::assert_snapshot!(person.modal(24));
    person.press("12 files<esc> ");
    assert!(person.modal(24).contains("> 12 files"), "the draft survives");
}

#[test]
fn peek_sees_options_on_the_screen() {
    let mut person = Person::on("asking-task");
    person.tell(changed(&person.model, |project| {
        let task = project.tasks.iter_mut().find(|it| it.task.slug.as_str() == "asking-task").expect("a fixture");
        let text = "opencode wants to run a command".to_owned();
        task.session.as_mut().expect("a fixture").activity = orchestra::model::Activity::Asking { text };
    }));
    person.press(" ");
    let lines = ["$ rm -rf target", "❯ 1. Yes", "  2. No"].map(str::to_owned).to_vec();
    person.tell(Msg::Screen { project: project(), session: SessionId::from("asking-task"), lines });
    insta::assert_snapshot!(person.modal(24));
    person.effects.clear();
    person.press("2");
    let session = SessionId::from("asking-task");
    assert_eq!(person.requests(), [Request::Answer { project: project(), session, bytes: b"2".to_vec() }]);
}

#[test]
fn help() {
    let mut person = Person::on("working-task");
    person.press("?");
    insta::assert_snapshot!(person.modal(60));
    person.press("<tab>");
    assert!(person.modal(60).contains("help · terminal"));
    person.press("merg");
    insta::assert_snapshot!(person.modal(12));
    person.press("<enter>");
    assert_eq!(person.news(), "merge: working-task is still at work; x stops it");
    person.press("?start<ctrl-u>stop<enter>");
    assert_eq!(person.requests(), [Request::Stop { project: project(), task: TaskId(4), spent: None }]);
    person.press("??");
    assert!(person.model.modal.is_none());
}

#[test]
fn palette() {
    let mut person = Person::on("working-task");
    person.press(":me");
    insta::assert_snapshot!(person.modal(24));
    person.press("<esc><ctrl-k>asking<enter>");
    assert_eq!(person.selected(), "asking-task");
    person.effects.clear();
    person.press(":picture<enter>");
    assert_eq!(person.effects, [Effect::Picture]);
    person.press(":zzzz<enter>");
    assert!(person.modal(24).contains("nothing matches"));
}

#[test]
fn actions() {
    let mut person = Person::on("done-task");
    person.press(".");
    insta::assert_snapshot!(person.modal(40));
    person.press("x");
    assert_eq!(person.requests(), [Request::Stop { project: project(), task: TaskId(17), spent: None }]);
    person.press(".S");
    assert_eq!(person.news(), "start: done-task is done; m sends it on, M merges");
}

#[test]
fn explain() {
    let mut person = Person::on("paused-task");
    person.model.messages.errors.push(orchestra::ui::model::Message {
        text: "Cannot merge rate-limit: main has changes in src/api.rs. Nothing was changed.".to_owned(),
        about: None,
        at: person.model.now,
    });
    person.press("E");
    insta::assert_snapshot!(person.modal(24));
}

#[test]
fn trust() {
    let mut person = Person::on("draft-task");
    person.press("S").answer(Err(Failure::new(FailureKind::Untrusted, "not trusted")));
    let script = (1..=20).map(|n| format!("step {n}")).collect::<Vec<_>>().join("\n");
    let facts = TrustFacts {
        hash: "a81f0c2e77d1aa0042".to_owned(),
        files: vec![(PathBuf::from(".orchestra/scripts/worktree_setup.sh"), script)],
        former: Some(FormerTrust { at: Some(NOW.parse().unwrap()), changed: 1 }),
    };
    person.model.now += jiff::SignedDuration::from_hours(75);
    person.answer(Ok(Reply::Trust(Box::new(facts))));
    insta::assert_snapshot!(person.modal(24));
    person.press("v");
    assert!(person.modal(30).contains("step 20"));
    person.press("y");
    let hash = "a81f0c2e77d1aa0042".to_owned();
    assert_eq!(person.requests(), [Request::Trust { project: project(), hash }]);
}

#[test]
fn stage_and_copy() {
    let mut person = Person::on("working-task");
    person.press(":send-to<enter>");
    insta::assert_snapshot!(person.modal(24));
    person.press("<esc>y");
    insta::assert_snapshot!(person.modal(24));
}

#[test]
fn frames_lie_over_the_main_area() {
    let mut person = Person::on("asking-task");
    person.press("N");
    insta::assert_snapshot!(person.screen());
    person.press("<esc> ");
    person.tell(Msg::Resized(orchestra::model::Size::new(24, 80)));
    insta::assert_snapshot!(person.screen());
}

/// R97.
#[test]
fn comments_are_noted_on_the_marked_line_and_sent() {
    let mut person = Person::on("done-task");
    person.press("C");
    assert!(person.news().contains("there are none"), "{}", person.news());
    person.press("dc");
    assert!(person.news().contains("mark a line first"), "{}", person.news());
    person.press("jjc");
    assert!(person.modal(24).contains("comment on "), "{}", person.modal(24));
    person.press("not<esc>").requests();
    person.press("c this<enter>");
    let requests = person.requests();
    let [Request::AddComment { task: TaskId(17), comment, .. }] = &requests[..] else { panic!("{requests:?}") };
    assert_eq!((comment.text.as_str(), comment.line > 0, comment.quote.is_some()), ("not this", true, true));

    let noted = Comment {
        id: 1,
        path: comment.path.clone(),
        side: comment.side,
        line: comment.line,
        quote: comment.quote.clone().unwrap(),
        text: comment.text.clone(),
        at: person.model.now,
        sent_at: None,
    };
    let mut snapshot = Snapshot::clone(&person.model.snapshot);
    for view in &mut snapshot.projects {
        let mut changed = ProjectView::clone(view);
        changed.tasks.iter_mut().for_each(|task| task.comments = vec![noted.clone()]);
        *view = std::sync::Arc::new(changed);
    }
    person.tell(Msg::Snapshot(std::sync::Arc::new(snapshot)));
    assert_eq!(person.model.diff.comments, [noted]);
    person.effects.clear();
    person.press("C");
    let reject = || Request::Reject { project: project(), task: TaskId(17), feedback: String::new(), fresh: false };
    assert_eq!(person.requests(), [reject()]);
    person.press("r").answer(Ok(Reply::Review(Box::new(review_facts()))));
    assert!(person.modal(24).contains("comments 1 open"), "{}", person.modal(24));
    person.press("r");
    assert!(person.modal(24).contains("with 1 comment on the diff"), "{}", person.modal(24));
    person.press("<enter>");
    assert_eq!(person.requests(), [reject()]);
    person.model.list.selected = Some(row("working-task"));
    person.press("C");
    assert!(person.requests().is_empty() && person.news().contains("still at work"), "{}", person.news());
}
