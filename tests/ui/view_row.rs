//! The rows of the list: order, groups, what holds still, what is cut.

use std::sync::Arc;

use insta::assert_snapshot;
use jiff::SignedDuration;
use orchestra::model::{ProjectId, Reason, ReasonKind, Slug, Snapshot, State, TaskId, TaskView};
use orchestra::ui::glyph::{Signs, Word};
use orchestra::ui::model::{Group, ListState, RowKey};
use orchestra::ui::row::{self, HOLD, Line};
use orchestra::ui::view::visible_rows;

use crate::fixture::{change, key, model, my_app, now, project, shot, snapshot, task};

fn text(snapshot: &Snapshot, list: &ListState) -> Vec<String> {
    let lines = row::lines(snapshot, list, now());
    let name = |line: &Line<'_>| match line {
        Line::Project { project, folded, .. } => format!("{}{}", project.name, if *folded { " folded" } else { "" }),
        Line::Empty { .. } => "empty".to_owned(),
        Line::Title { group, count } => format!("{} {count}", group.word()),
        Line::Session { subject, .. } => format!("- {}", subject.name()),
    };
    lines.iter().map(name).collect()
}

fn with_state(snapshot: &Arc<Snapshot>, slug: &str, state: State) -> Arc<Snapshot> {
    let mut project = (*snapshot.projects[0]).clone();
    let view = project.tasks.iter_mut().find(|view| view.task.slug.as_str() == slug).expect("a task");
    change(view, |task| task.state = state);
    crate::fixture::snapshot(vec![project])
}

#[test]
fn groups_in_their_order() {
    let lines = text(&snapshot(vec![my_app()]), &ListState::default());
    assert_eq!(
        lines,
        [
            "my-app",
            "Needs you 2",
            "- add-docs",
            "- fix-tests",
            "Ready 1",
            "- rate-limit",
            "Running 3",
            "- main",
            "- csv-export",
            "- csv-quoting",
            "Draft 1",
            "- dark-theme",
            "Closed 1",
            "- typo-readme"
        ]
    );
}

/// R113: what an executor said while no designer ran.
#[test]
fn what_nobody_heard_waits_for_the_person() {
    let mut project = my_app();
    let view = project.tasks.iter_mut().find(|view| view.task.slug.as_str() == "csv-export").expect("a task");
    view.unheard = Some("Half of it is in.".to_owned());
    let shown = snapshot(vec![project]);
    let lines = text(&shown, &ListState::default());
    assert_eq!(lines[1..5], ["Needs you 3", "- add-docs", "- fix-tests", "- csv-export"]);
}

/// R116.
#[test]
fn a_merge_that_an_agent_asks_for_waits_for_the_person() {
    let mut project = my_app();
    let view = project.tasks.iter_mut().find(|view| view.task.slug.as_str() == "rate-limit").expect("a task");
    let asks = "main asks for the merge; M merges it".to_owned();
    let reason = Reason { kind: ReasonKind::MergeAsked, text: asks, source: "agent".to_owned(), since: now() };
    change(view, |task| task.reason = Some(reason));
    let lines = text(&snapshot(vec![project]), &ListState::default());
    assert_eq!(lines[1..5], ["Needs you 3", "- add-docs", "- rate-limit", "- fix-tests"]);
}

#[test]
fn those_that_need_a_person_by_why() {
    let states = [State::Paused, State::Quiet, State::Failed, State::Approval, State::Asking];
    let tasks = states.iter().enumerate().map(|(at, state)| task(at as u32 + 1, state.word(), *state, 1)).collect();
    let snapshot = snapshot(vec![project("my-app", None, tasks)]);
    let lines = text(&snapshot, &ListState::default());
    assert_eq!(lines[2..], ["- asking", "- approval", "- failed", "- paused", "- quiet"]);
    let needing: Vec<_> = row::needing(&snapshot).iter().map(|key| format!("{key:?}")).collect();
    assert!(needing[0].contains("asking") && needing[4].contains("quiet"), "{needing:?}");
}

/// `w` goes to unread ones last, and through folded projects too.
#[test]
fn needing_spans_projects() {
    let second = project("billing-api", None, vec![task(1, "invoice", State::Asking, 1)]);
    let keys = row::needing(&snapshot(vec![my_app(), second]));
    let want = [
        key("my-app", "add-docs"),
        key("billing-api", "invoice"),
        key("my-app", "fix-tests"),
        key("my-app", "rate-limit"),
    ];
    assert_eq!(keys, want);
}

#[test]
fn rows_hold_still_after_a_key() {
    let before = snapshot(vec![my_app()]);
    let mut list = ListState::default();
    row::settle(&before, &mut list);
    list.last_key_at = Some(now() - SignedDuration::from_millis(900));
    let after = with_state(&before, "csv-export", State::Asking);
    assert_eq!(text(&after, &list), text(&before, &list), "the row keeps its place and its group");
    let marks = row::lines(&after, &list, now());
    let moved = marks.iter().find_map(|line| match line {
        Line::Session { subject, group, .. } if subject.name() == "csv-export" => Some((subject.group(), *group)),
        _ => None,
    });
    assert_eq!(moved, Some((Group::NeedsYou, Group::Running)), "its mark tells at once");

    list.last_key_at = Some(now() - HOLD);
    assert_eq!(text(&after, &list)[1..5], ["Needs you 3", "- add-docs", "- csv-export", "- fix-tests"]);
}

#[test]
fn a_new_row_stands_below_those_that_hold() {
    let mut list = ListState::default();
    row::settle(&snapshot(vec![my_app()]), &mut list);
    list.last_key_at = Some(now());
    let mut view = my_app();
    view.tasks.push(task(8, "new-one", State::Asking, 0));
    assert_eq!(text(&snapshot(vec![view]), &list)[1..5], ["Needs you 3", "- add-docs", "- fix-tests", "- new-one"]);
}

#[test]
fn heirs() {
    let keys = |names: &[&str]| names.iter().map(|name| key("p", name)).collect::<Vec<_>>();
    let before = keys(&["a", "b", "c"]);
    assert_eq!(row::heir(&key("p", "b"), &before, &keys(&["a", "c"])), Some(key("p", "c")));
    assert_eq!(row::heir(&key("p", "c"), &before, &keys(&["a", "b"])), Some(key("p", "b")));
    assert_eq!(row::heir(&key("p", "b"), &before, &keys(&["x"])), Some(key("p", "x")));
    assert_eq!(row::heir(&key("p", "b"), &before, &[]), None);
}

#[test]
fn filters_match_names_states_and_agents() {
    let snapshot = snapshot(vec![my_app()]);
    let with = |filter: &str| text(&snapshot, &ListState { filter: filter.to_owned(), ..ListState::default() });
    assert_eq!(with("csv"), ["my-app", "Running 2", "- csv-export", "- csv-quoting"]);
    assert_eq!(with("asks"), ["my-app", "Needs you 1", "- add-docs"]);
    assert_eq!(with("merged"), ["my-app", "Closed 1", "- typo-readme"]);
    assert_eq!(with("opencode").len(), 14);
    assert!(with("nothing has this").is_empty());
}

#[test]
fn folded_projects_open_while_a_filter_is_on() {
    let mut list = ListState::default();
    list.folded.insert(ProjectId::from("my-app"));
    let snapshot = snapshot(vec![my_app()]);
    assert_eq!(text(&snapshot, &list), ["my-app folded"]);
    "csv".clone_into(&mut list.filter);
    assert_eq!(text(&snapshot, &list)[1], "Running 2");
}

/// The cutting order: age, `auto`, stage name, state, middle of the slug.
#[test]
fn rows_are_cut_in_order() {
    let mut view = my_app();
    view.tasks.truncate(4);
    change(&mut view.tasks[3], |task| task.auto = true);
    let mut long = task(9, "quote-newlines-in-csv", State::Done, 40);
    long.unread = true;
    view.tasks.push(long);
    let mut model = model(80, 24);
    model.snapshot = snapshot(vec![view]);
    model.messages.news = None;
    let mut lists = Vec::new();
    for width in [40, 34, 28, 24, 20, 16] {
        model.layout.list_width = Some(width);
        let text = shot(&model, None);
        let rows =
            text.lines().skip(2).take(9).map(|line| line.split(['│', '├']).next().unwrap_or_default().to_owned() + "│");
        lists.push(rows.collect::<Vec<_>>().join("\n"));
    }
    assert_snapshot!(lists.join("\n\n"));
}

#[test]
fn words_keep_their_core() {
    let view = task(1, "a", State::Working, 1);
    let word = Word::of_task(&view, now(), Signs::UNICODE);
    assert_eq!((word.to_string().as_str(), word.core.as_ref()), ("work 1/1", "1/1"));
}

/// R138.
#[test]
fn a_merge_that_waits_says_for_whom() {
    let mut second = task(2, "second", State::Integrating, 1);
    let word = |view: &TaskView| Word::of_task(view, now(), Signs::UNICODE);
    assert_eq!(word(&second).to_string(), "merges");
    second.behind = Slug::new("first-fix").ok();
    assert_eq!((word(&second).to_string().as_str(), word(&second).core.as_ref()), ("waits for first-fix", "waits"));
    let mut model = model(80, 24);
    model.snapshot = snapshot(vec![project("my-app", None, vec![second])]);
    model.layout.list_width = Some(40);
    let shown = shot(&model, None);
    assert!(shown.contains("waits for first-fix"), "{shown}");
    model.layout.list_width = Some(24);
    let narrow = shot(&model, None);
    assert!(narrow.contains(" waits │") && !narrow.contains("waits for first-fix │"), "{narrow}");
}

#[test]
fn a_task_that_waits_for_others_says_for_whom() {
    let mut last = task(4, "last", State::Waiting, 1);
    change(&mut last, |task| task.after = vec![TaskId(1), TaskId(2), TaskId(3), TaskId(9)]);
    let mut model = model(80, 24);
    model.layout.list_width = Some(44);
    let mut shown = |states: [State; 3]| {
        let others = [(1, "first"), (2, "second"), (3, "third")].into_iter().zip(states);
        let others = others.map(|((id, slug), state)| task(id, slug, state, 1));
        model.snapshot = snapshot(vec![project("my-app", None, others.chain([last.clone()]).collect())]);
        let shown = shot(&model, None);
        shown.lines().find(|line| line.contains(" last ")).unwrap().split('│').next().unwrap().trim().to_owned()
    };
    let row = shown([State::Merged, State::Working, State::Draft]);
    assert!(row.contains("waits for second +1"), "{row}");
    let row = shown([State::Merged, State::Archived, State::Working]);
    assert!(row.contains("waits for third ") && !row.contains('+'), "{row}");
    let row = shown([State::Merged; 3]);
    assert!(row.contains(" waits ") && !row.contains(" for "), "{row}");
}

#[test]
fn the_list_scrolls_with_the_selection() {
    let tasks = (1..=200).map(|id| task(id, &format!("task-{id}"), State::Working, 1)).collect();
    let mut model = model(80, 24);
    model.snapshot = snapshot(vec![project("my-app", None, tasks)]);
    for (selected, offset) in [(1, 0), (1, 150), (120, 0), (120, 199), (200, 0), (200, 5_000)] {
        model.list.selected = Some(key("my-app", &format!("task-{selected}")));
        model.list.offset = offset;
        let visible = visible_rows(&model);
        assert!(visible.contains(model.list.selected.as_ref().unwrap()), "{selected} from {offset}");
        assert!(visible.len() >= 15, "{selected} from {offset}: {}", visible.len());
    }
    model.list.selected = Some(key("my-app", "task-100"));
    model.list.offset = 95;
    let visible = visible_rows(&model);
    assert_eq!(visible[0], key("my-app", "task-94"), "lines: project, title, then the tasks from line 2 on");
    assert_eq!(visible.len(), 17);
}

#[test]
fn the_nth_row_counts_no_titles() {
    let visible = visible_rows(&model(120, 36));
    assert_eq!(visible[0], RowKey::Project(ProjectId::from("my-app")));
    assert_eq!(visible[1], key("my-app", "add-docs"));
    assert_eq!(visible[3], key("my-app", "rate-limit"));
    assert_eq!(visible.last(), Some(&RowKey::Project(ProjectId::from("billing-api"))));
    // Below 50 columns the one project has no row.
    assert_eq!(visible_rows(&model(48, 20))[0], key("my-app", "add-docs"));
}
