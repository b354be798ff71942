//! Several projects in one list: folding, narrowing, where new tasks go, and where the selection goes.

use std::sync::Arc;

use orchestra::model::{
    Failure, FailureKind, Opened, ProjectId, ProjectView, Reply, Request, SessionId, Snapshot, State, TaskId,
};
use orchestra::ui::model::{Effect, RowKey};
use orchestra::ui::msg::Msg;
use orchestra::ui::row;

use super::fixture::{Person, changed, project, task_mut};

fn other() -> ProjectId {
    ProjectId::from("billing-api-77e1d0")
}

fn in_other(session: &str) -> RowKey {
    RowKey::Session(other(), SessionId::from(session))
}

/// `my-app` as ever, and `billing-api` with these of its tasks.
fn two(model: &orchestra::ui::model::Model, slugs: &[&str]) -> Snapshot {
    let mut snapshot = Snapshot::clone(&model.snapshot);
    let mut billing = ProjectView::clone(&snapshot.projects[0]);
    (billing.id, billing.name, billing.designer) = (other(), "billing-api".to_owned(), None);
    billing.tasks.retain(|task| slugs.contains(&task.task.slug.as_str()));
    snapshot.projects.push(Arc::new(billing));
    snapshot
}

fn with_two(slugs: &[&str]) -> Person {
    let mut person = Person::on("working-task");
    let snapshot = two(&person.model, slugs);
    person.tell(Msg::Snapshot(Arc::new(snapshot)));
    person.effects.clear();
    person
}

fn keys(person: &Person) -> Vec<RowKey> {
    row::keys(&person.model.snapshot, &person.model.list, person.model.now)
}

#[test]
fn new_tasks_go_to_the_project_of_the_row() {
    let mut person = with_two(&["asking-task"]);
    person.press("nFix dates<enter>");
    let Some(Request::NewTask { project: asked, .. }) = person.requests().pop() else { panic!() };
    assert_eq!(asked, project());
    person.press("<esc>");
    person.model.list.selected = Some(in_other("asking-task"));
    person.press("nFix taxes<enter>");
    let Some(Request::NewTask { project: asked, .. }) = person.requests().pop() else { panic!() };
    assert_eq!(asked, other());
    person.press("<esc>");
    person.model.list.selected = Some(RowKey::Project(other()));
    person.press("N");
    assert!(person.modal(24).contains("new task · billing-api"));
}

/// Trust is asked of the project that the request is for, whatever is selected by then.
#[test]
fn trust_is_asked_of_the_project_of_the_request() {
    let mut person = with_two(&["draft-task"]);
    person.model.list.selected = Some(in_other("draft-task"));
    person.press("S");
    person.model.list.selected = Some(RowKey::Project(project()));
    person.answer(Err(Failure::new(FailureKind::Untrusted, "not trusted")));
    assert_eq!(person.requests(), [Request::TrustFacts { project: other() }]);
}

#[test]
fn a_project_folds_to_one_row() {
    let mut person = with_two(&["asking-task", "done-task"]);
    person.press("h");
    assert_eq!(person.model.list.selected, Some(RowKey::Project(project())));
    let rows = keys(&person);
    let billing = ["asking-task", "done-task"].map(in_other);
    assert_eq!(rows[..2], [RowKey::Project(project()), RowKey::Project(other())]);
    assert_eq!(rows[2..], billing);
    person.press("j<enter>");
    assert_eq!(keys(&person), [RowKey::Project(project()), RowKey::Project(other())]);
    person.press("l");
    assert_eq!(keys(&person).len(), 4);
}

/// `w` goes over all projects, by why they wait, and unfolds what it finds.
#[test]
fn w_goes_over_all_projects() {
    let mut person = with_two(&["asking-task", "failed-task"]);
    person.model.list.selected = Some(RowKey::Project(other()));
    person.press("h");
    let mut visited = Vec::new();
    for _ in 0..5 {
        person.press("w");
        visited.push(person.model.list.selected.clone().unwrap());
    }
    let mine = |session: &str| RowKey::Session(project(), SessionId::from(session));
    let first = [mine("asking-task"), in_other("asking-task"), mine("approval-task"), mine("verdict-task")];
    assert_eq!(visited[..4], first);
    assert_eq!(visited[4], mine("blocked-task"));
    assert!(person.model.list.folded.is_empty());
}

#[test]
fn the_list_is_narrowed_to_one_project_and_back() {
    let mut person = with_two(&["asking-task"]);
    person.model.list.selected = Some(in_other("asking-task"));
    person.press(":scope<enter>");
    assert_eq!(person.model.list.scope, Some(other()));
    assert!(keys(&person).iter().all(|key| *key.project() == other()));
    assert!(person.news().contains("billing-api"), "{}", person.news());
    // What stands elsewhere is shown when it is gone to.
    person.press("w");
    assert_ne!(person.model.list.selected, Some(in_other("asking-task")));
    assert_eq!(person.model.list.scope, None);

    person.press(":scope<enter>").press(":scope<enter>");
    assert_eq!(person.model.list.scope, None);
    // A project that is forgotten narrows nothing.
    person.model.list.scope = Some(ProjectId::from("gone-000000"));
    assert!(keys(&person).len() > 3);
}

#[test]
fn with_one_project_there_is_nothing_to_narrow() {
    let mut person = Person::on("working-task");
    person.press(":scope<enter>");
    assert_eq!(person.news(), "scope: there is one project only");
}

/// The first selection: a session of the project that the program was started in, or the very task.
#[test]
fn the_first_selection_is_where_the_program_was_started() {
    let selected = |opened: Option<Opened>, slugs: &[&str]| {
        let blank = Person::new();
        let mut snapshot = two(&blank.model, slugs);
        snapshot.opened = opened;
        let mut person = Person::new();
        person.model.list.selected = None;
        person.model.list.folded.insert(other());
        person.model.list.scope = Some(project());
        person.tell(Msg::Snapshot(Arc::new(snapshot)));
        person.model.list.selected.clone().unwrap()
    };
    let opened = |session: Option<&str>| Some(Opened { project: other(), session: session.map(SessionId::from) });
    assert_eq!(selected(opened(None), &["asking-task", "done-task"]), in_other("asking-task"));
    assert_eq!(selected(opened(Some("done-task")), &["asking-task", "done-task"]), in_other("done-task"));
    assert_eq!(selected(opened(None), &[]), RowKey::Project(other()), "it has no session");
    assert!(matches!(selected(None, &["asking-task"]), RowKey::Session(id, _) if id == project()));
}

/// After a merge or a delete the nearest session of the same project is selected, and never the project's own row.
#[test]
fn the_selection_goes_to_the_nearest_session() {
    let close = |person: &mut Person, slug: &'static str, gone: bool| {
        let mut snapshot = Snapshot::clone(&person.model.snapshot);
        let billing = Arc::make_mut(&mut snapshot.projects[1]);
        if gone {
            billing.tasks.retain(|task| task.task.slug.as_str() != slug);
        } else {
            task_mut(billing, slug).state = State::Merged;
        }
        person.tell(Msg::Snapshot(Arc::new(snapshot)));
    };
    for gone in [false, true] {
        let mut person = with_two(&["asking-task", "done-task"]);
        person.model.list.selected = Some(in_other("done-task"));
        close(&mut person, "done-task", gone);
        assert_eq!(person.model.list.selected, Some(in_other("asking-task")), "gone: {gone}");
    }
    // The last one of all that was merged stays: it is a session still.
    let mut person = Person::on("done-task");
    person.tell(changed(&person.model, |project| {
        project.designer = None;
        project.tasks.retain(|task| task.task.slug.as_str() == "done-task");
    }));
    person.tell(changed(&person.model, |project| task_mut(project, "done-task").state = State::Merged));
    assert_eq!(person.selected(), "done-task");
}

/// A project whose repository is gone: its row says so, Enter looks again, and nothing new is begun in it.
#[test]
fn a_project_that_is_not_open_can_be_looked_for_and_forgotten() {
    let mut person = with_two(&[]);
    let mut snapshot = Snapshot::clone(&person.model.snapshot);
    let text = "billing-api is not in /src/billing-api any more; nothing of it was changed.";
    let billing = Arc::make_mut(&mut snapshot.projects[1]);
    billing.trouble = Some(Failure::new(FailureKind::NoRepository, text));
    billing.root = "/src/billing-api".into();
    person.tell(Msg::Snapshot(Arc::new(snapshot)));
    person.model.list.selected = Some(RowKey::Project(other()));
    person.press("<enter>");
    assert_eq!(person.requests(), [Request::OpenProject { path: "/src/billing-api".into() }]);
    person.press("N");
    assert!(person.model.modal.is_none());
    assert_eq!(person.news(), format!("N: {text}"));
    person.press(":forget<enter>");
    assert_eq!(person.requests(), [Request::ForgetProject { project: other() }]);
    person.effects.push(Effect::Redraw);
    person.press(".");
    assert!(person.modal(24).contains("actions · billing-api"));
}

/// A task that was made in another project than the one that is narrowed to is shown all the same.
#[test]
fn a_new_task_is_shown_wherever_it_is() {
    let mut person = with_two(&["asking-task"]);
    person.model.list.selected = Some(in_other("asking-task"));
    person.press("nFix taxes<enter>");
    person.model.list.scope = Some(project());
    person.answer(Ok(Reply::Task { id: TaskId(1), message: None }));
    let first = person.model.snapshot.projects[1].tasks[0].task.id;
    assert_ne!(first, TaskId(0));
    let mut snapshot = Snapshot::clone(&person.model.snapshot);
    let billing = Arc::make_mut(&mut snapshot.projects[1]);
    Arc::make_mut(&mut billing.tasks[0].task).id = TaskId(1);
    person.tell(Msg::Snapshot(Arc::new(snapshot)));
    assert_eq!(person.model.list.selected, Some(in_other("asking-task")));
    assert_eq!(person.model.list.scope, None);
}
