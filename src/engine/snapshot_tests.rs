use jiff::Timestamp;

use super::*;
use crate::engine::handle::{Setting, Shared};
use crate::engine::load;
use crate::engine::pipeline::tests::task;
use crate::model::{FailureKind, Slug, solo};
use crate::store::Home;

const TASKS: u32 = 10;

/// An engine with this many projects of ten tasks each, one of which has a process.
fn engine(folder: &std::path::Path, projects: usize) -> Core {
    let home = Home::at(folder.join("home"));
    let setting = Setting { home: home.clone(), program: "/bin/true".into(), project: None };
    let shared = Arc::new(Shared::new(Arc::new(|_| {})));
    let (mut core, _) = Core::new(setting, tokio::sync::mpsc::channel(16), shared).unwrap();
    for number in 0..projects {
        let root = folder.join(format!("project-{number}"));
        std::fs::create_dir_all(root.join(".git")).unwrap();
        let entry = projects::open(&home, &root, &root.join(".git")).unwrap();
        let none = Failure::new(FailureKind::NoRepository, "no repository");
        let mut project = load::load(&home, &entry, Err(none)).unwrap().project;
        project.trouble = None;
        for id in 1..=TASKS {
            let mut task = task(solo());
            (task.id, task.slug) = (TaskId(id), Slug::new(&format!("task-{id}")).unwrap());
            task.state = if id % 3 == 0 { State::Queued } else { State::Working };
            project.book.tasks.insert(task.id, Arc::new(task));
        }
        core.known.order.push(project.id.clone());
        let run = RunId(format!("run-{number}"));
        core.live.insert(run.clone(), live(run, project.id.clone()));
        core.projects.push(project);
    }
    core
}

fn live(run: RunId, project: ProjectId) -> Live {
    Live {
        run,
        place: (project, SessionId::from("task-1")),
        kind: SessionKind::Executor,
        name: "opencode".to_owned(),
        task: Some(TaskId(1)),
        terminal: None,
        exit: None,
        job: None,
        agent: None,
        ends: None,
        since: Timestamp::UNIX_EPOCH,
    }
}

#[test]
fn only_what_changed_is_built_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut core = engine(folder.path(), 3);
    let before = core.snapshot(1);
    let [first, second] = [0, 1].map(|index| core.projects[index].id.clone());
    core.touch(&first);
    core.project_mut(&second).unwrap().book.unread.insert(SessionId::from("task-1"));
    let after = core.snapshot(2);
    let same = |index: usize| Arc::ptr_eq(&before.projects[index], &after.projects[index]);
    assert!(same(0), "nothing in it is another one");
    assert!(!same(1) && after.projects[1].tasks[0].unread);
    assert!(same(2));
}

/// The place in the queue depends on tasks of other projects: a project is marked when its tasks moved up.
#[test]
fn a_move_in_the_queue_shows_in_other_projects() {
    let folder = tempfile::tempdir().unwrap();
    let mut core = engine(folder.path(), 2);
    let places = |snapshot: &Snapshot| -> Vec<u32> {
        snapshot.projects.iter().flat_map(|project| &project.tasks).filter_map(|task| task.queued).collect()
    };
    assert_eq!(places(&core.snapshot(1)), [1, 2, 3, 4, 5, 6]);
    let first = core.projects[0].id.clone();
    let tasks = &mut core.project_mut(&first).unwrap().book.tasks;
    for task in tasks.values_mut() {
        Arc::make_mut(task).state = State::Paused;
    }
    assert_eq!(places(&core.snapshot(2)), [1, 2, 3]);
}
