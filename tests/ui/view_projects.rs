//! Several projects on the screen.

use std::sync::Arc;

use insta::assert_snapshot;
use orchestra::model::{Failure, FailureKind, Hold, ProjectId, ProjectView, Size, Snapshot, State};
use orchestra::ui::model::{Model, RowKey};

use crate::fixture::{AgentScreen, key, model, now, project, shot, snapshot, task};

/// `my-app`, `billing-api` open below it, and `old-site`, which is gone.
fn three(cols: u16, rows: u16) -> Model {
    let mut wide = model(120, 36);
    let mut all: Vec<ProjectView> =
        Snapshot::clone(&wide.snapshot).projects.into_iter().map(Arc::unwrap_or_clone).collect();
    all[0].tasks.truncate(4);
    let mut gone = project("old-site", None, vec![task(1, "redirects", State::Queued, 90)]);
    gone.tasks[0].queued = Some(1);
    gone.tasks[0].hold = Some(Hold::Trouble);
    gone.trouble = Some(trouble());
    all.push(gone);
    wide.snapshot = snapshot(all);
    wide.list.folded.clear();
    wide.size = Size::new(rows, cols);
    wide
}

fn trouble() -> Failure {
    let text = "old-site is not in /home/you/old-site any more; nothing of it was changed.";
    Failure::new(FailureKind::NoRepository, text).hint(
        "Move it back, or open it where it is now: orchestra PATH. To drop it: orchestra projects forget old-site",
    )
}

#[test]
fn three_projects_120x36() {
    assert_snapshot!(shot(&three(120, 36), Some(&AgentScreen::WIDE)));
}

#[test]
fn three_projects_80x24() {
    let mut model = three(80, 24);
    model.list.selected = Some(RowKey::Project(ProjectId::from("old-site")));
    assert_snapshot!(shot(&model, None));
}

#[test]
fn a_queued_task_says_what_it_waits_for() {
    let mut model = three(120, 36);
    model.list.selected = Some(key("old-site", "redirects"));
    assert!(shot(&model, None).contains("It waits for its project: old-site is not in"));
    let mut all: Vec<ProjectView> =
        Snapshot::clone(&model.snapshot).projects.into_iter().map(Arc::unwrap_or_clone).collect();
    all[2].trouble = None;
    for (hold, text) in [
        (Hold::Project { max: 8 }, "It waits for a free place: all 8 of its project are taken (max_running); it is"),
        (Hold::Total { max: 1 }, "It waits for a free place: the only one of all projects is taken"),
    ] {
        all[2].tasks[0].hold = Some(hold);
        model.snapshot = snapshot(all.clone());
        let shown = shot(&model, None);
        assert!(shown.contains(text), "{shown}");
        assert!(shown.contains("queued 1"), "{shown}");
    }
}

/// Narrowed to one project: its rows only, without the marks of folding; who needs you is counted over all.
#[test]
fn one_project_of_three() {
    let mut model = three(80, 24);
    model.list.scope = Some(ProjectId::from("billing-api"));
    model.list.selected = Some(key("billing-api", "invoice-pdf"));
    assert_snapshot!(shot(&model, None));
}

/// The welcome is for who has nothing at all.
#[test]
fn no_welcome_beside_another_project() {
    let empty = project("my-app", None, Vec::new());
    let other = project("billing-api", None, vec![task(1, "invoice-pdf", State::Asking, 4)]);
    let mut model = Model::new(snapshot(vec![empty.clone(), other]), now(), Size::new(24, 80));
    model.list.selected = Some(RowKey::Project(ProjectId::from("my-app")));
    let shown = shot(&model, None);
    assert!(!shown.contains("welcome") && shown.contains("No sessions yet."), "{shown}");
    model.snapshot = snapshot(vec![empty.clone(), project("billing-api", None, Vec::new())]);
    assert!(shot(&model, None).contains("welcome"));
    let mut gone = project("old-site", None, Vec::new());
    gone.trouble = Some(trouble());
    model.snapshot = snapshot(vec![empty, gone]);
    assert!(!shot(&model, None).contains("welcome"));
}
