//! Many projects in one engine: opened, found in every layout, lost, moved, forgotten, and sharing the places to work.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use orchestra::model::{
    Answer, Failure, FailureKind, Hold, NewTask, Opened, ProjectId, ProjectView, Reply, Request, SessionId, Snapshot,
    State, TaskView,
};

use crate::engine::{Bench, new_task};
use crate::place::{Door, Place, alone, executable};
use crate::repo::{Repository, git};
use crate::{WILLING, stops_at};

fn view<'a>(snapshot: &'a Snapshot, name: &str) -> Option<&'a Arc<ProjectView>> {
    snapshot.projects.iter().find(|project| project.name == name)
}

/// Waits until a project satisfies `wanted`.
fn project_when(bench: &Bench, name: &str, wanted: impl Fn(&ProjectView) -> bool) -> Arc<ProjectView> {
    let found = |snapshot: &Snapshot| view(snapshot, name).filter(|project| wanted(project)).cloned();
    bench.wait(&format!("project {name}"), found)
}

fn is_open(bench: &Bench, name: &str) -> Arc<ProjectView> {
    project_when(bench, name, |project| project.trouble.is_none())
}

fn trouble(bench: &Bench, name: &str) -> Failure {
    let project = project_when(bench, name, |project| project.trouble.is_some());
    project.trouble.clone().unwrap()
}

fn open(bench: &Bench, path: &Path) -> Answer {
    bench.engine().call(Request::OpenProject { path: path.to_owned() })
}

fn opened(bench: &Bench, path: &Path) -> ProjectId {
    match open(bench, path) {
        Ok(Reply::Project { id }) => id,
        other => panic!("no project but {other:?}"),
    }
}

fn trust(bench: &Bench, project: &ProjectId) {
    let Ok(Reply::Trust(facts)) = bench.engine().call(Request::TrustFacts { project: project.clone() }) else {
        panic!("no facts")
    };
    bench.engine().call(Request::Trust { project: project.clone(), hash: facts.hash }).unwrap();
}

fn begin(bench: &Bench, project: &ProjectId, slug: &str) {
    let task = NewTask { start: true, ..new_task(slug, "quick", "Do it") };
    bench.engine().call(Request::NewTask { project: project.clone(), task }).unwrap();
}

fn names(snapshot: &Snapshot) -> Vec<&str> {
    snapshot.projects.iter().map(|project| project.name.as_str()).collect()
}

/// All projects are opened, the one of the start first, and what went on in any of them is taken over.
#[test]
fn every_known_project_is_opened_at_start() {
    alone(|place| {
        let door = place.door("door");
        let (app, billing) = two(place, &door);
        let mut bench = Bench::open(place, &app);
        let other = opened(&bench, billing.root());
        trust(&bench, &other);
        begin(&bench, &other, "invoices");
        let knock = door.reached();
        bench.leave();
        bench.come_back();
        bench.task_when("invoices", "alive again", |task| task.session.as_ref().is_some_and(|session| session.alive));
        assert_eq!(names(&bench.engine().snapshot()), ["my-app", "billing-api"]);
        knock.open();
        bench.reaches("invoices", State::Approval);

        // From the other one: it stands first.
        bench.leave();
        bench.start_engine(Some(&billing.root().join(".orchestra")));
        is_open(&bench, "my-app");
        let snapshot = bench.engine().snapshot();
        assert_eq!(names(&snapshot), ["billing-api", "my-app"]);
        assert_eq!(snapshot.opened, Some(Opened { project: other, session: None }));
    });
}

/// `my-app` hands in at once, `billing-api` stops at a door.
fn two(place: &Place, door: &Door) -> (Repository, Repository) {
    (
        Repository::new(place, WILLING),
        Repository::named(place, "billing-api", &stops_at(door, "{submit: went through}")),
    )
}

/// An engine without a face needs no project, and opens those that are known.
#[test]
fn an_engine_without_a_project_opens_what_is_known() {
    alone(|place| {
        let app = Repository::new(place, WILLING);
        let mut bench = Bench::started(place, None);
        assert!(bench.engine().snapshot().projects.is_empty());
        let id = opened(&bench, app.root());
        assert_eq!(bench.engine().snapshot().opened, None);
        bench.leave();
        bench.start_engine(None);
        assert_eq!(is_open(&bench, "my-app").id, id);
    });
}

/// A project whose folder is gone keeps its tasks and its live sessions; moved back, or opened where it is now, it goes on.
#[test]
fn fault_c7_a_repository_that_was_moved_keeps_all_its_state() {
    alone(|place| {
        let door = place.door("door");
        let (app, billing) = two(place, &door);
        let mut bench = Bench::open(place, &app);
        let id = opened(&bench, billing.root());
        trust(&bench, &id);
        begin(&bench, &id, "invoices");
        let knock = door.reached();
        let alive = |task: &TaskView| task.session.as_ref().is_some_and(|session| session.alive);
        bench.task_when("invoices", "alive", alive);
        bench.leave();

        let elsewhere = place.path("moved/billing");
        fs::create_dir(place.path("moved")).unwrap();
        fs::rename(billing.root(), &elsewhere).unwrap();
        bench.come_back();
        let failure = trouble(&bench, "billing-api");
        assert_eq!(failure.kind, FailureKind::NoRepository);
        assert!(failure.to_string().contains("orchestra projects forget billing-api"), "{failure}");
        let task = bench.task_when("invoices", "alive", alive);
        let terminal = bench.engine().terminal(&(id.clone(), SessionId::from("invoices")));
        assert!(terminal.is_some(), "its session can be looked at");
        let refused =
            bench.engine().call(Request::Merge { project: id.clone(), task: task.task.id, into: None }).unwrap_err();
        assert_eq!(refused.kind, FailureKind::NoRepository);
        let refused = bench.engine().call(Request::ForgetProject { project: id.clone() }).unwrap_err();
        assert_eq!(refused.kind, FailureKind::BadState, "{refused}");
        assert!(!billing.root().exists(), "nothing is written where it was");

        assert_eq!(opened(&bench, &elsewhere), id);
        let project = is_open(&bench, "billing");
        assert_eq!((project.id.clone(), project.root.clone()), (id.clone(), elsewhere.clone()));
        let worktree = project.tasks[0].worktree.clone().unwrap();
        assert_eq!(git(place, &worktree, &["rev-parse", "--abbrev-ref", "HEAD"]), "task/invoices");
        knock.open();
        bench.reaches("invoices", State::Approval);
        bench.wait("the artifact", |_| {
            elsewhere.join(".orchestra/.artifacts/invoices/summary.md").is_file().then_some(())
        });
        assert!(elsewhere.join(".orchestra/tasks").read_dir().unwrap().next().is_some());
        assert!(!billing.root().exists());
    });
}

/// The folder vanishes while the engine runs: it is told at the first request, and nothing of it is made again there.
#[test]
fn a_folder_that_vanishes_is_told_and_never_made_again() {
    alone(|place| {
        let app = Repository::new(place, WILLING);
        let bench = Bench::open(place, &app);
        bench.draft("later", "quick", "Do it later");
        let id = bench.project();
        fs::rename(app.root(), place.path("away")).unwrap();
        let refused = bench.refused("later", |project, task| Request::Start { project, task });
        assert_eq!(refused.kind, FailureKind::NoRepository, "{refused}");
        bench.notice("is not in");
        assert!(!app.root().exists());
        assert_eq!(bench.task("later").state, State::Draft);

        fs::rename(place.path("away"), app.root()).unwrap();
        assert_eq!(opened(&bench, app.root()), id);
        bench.ask("later", |project, task| Request::Start { project, task });
        bench.reaches("later", State::Approval);
    });
}

/// What waits for a project that is gone begins when it is there again.
#[test]
fn the_queue_of_a_project_that_is_gone_waits_for_it() {
    alone(|place| {
        let app = Repository::new(place, WILLING);
        app.configure("max_running: 1");
        let door = place.door("door");
        app.write("slow.sh", &door.wait());
        app.agent("slow", "{start: [sh, slow.sh]}");
        app.git(&["add", "."]);
        app.git(&["commit", "-qm", "Add an agent"]);
        let mut bench = Bench::open(place, &app);
        bench.made(NewTask { start: true, agent: Some("slow".to_owned()), ..new_task("first", "quick", "Wait") });
        let knock = door.reached();
        bench.begin("second", "quick", "Go");
        let hold = |task: &TaskView| task.hold;
        bench.task_when("second", "waits", |task| hold(task) == Some(Hold::Project { max: 1 }));
        bench.leave();
        fs::rename(app.root(), place.path("away")).unwrap();
        bench.start_engine(None);
        bench.task_when("second", "waits for its project", |task| hold(task) == Some(Hold::Trouble));
        knock.open();
        bench.task_when("first", "over", |task| !task.task.state.is_busy());
        assert_eq!(bench.task("second").state, State::Queued);
        fs::rename(place.path("away"), app.root()).unwrap();
        opened(&bench, app.root());
        bench.reaches("second", State::Approval);
    });
}

/// A project that git refuses to read, or that has no database, is shown with the reason, and the others work.
#[test]
fn fault_g22_a_project_that_cannot_be_opened_leaves_the_others_alone() {
    alone(|place| {
        let (app, billing) = (Repository::new(place, WILLING), Repository::named(place, "billing-api", WILLING));
        let mut bench = Bench::open(place, &app);
        let id = opened(&bench, billing.root());
        bench.leave();
        let database = place.path("orchestra-home/state").join(id.as_str());
        fs::remove_dir_all(&database).unwrap();
        fs::write(&database, "in the way").unwrap();
        bench.come_back();
        trouble(&bench, "billing-api");
        bench.begin("works", "quick", "Do it");
        bench.reaches("works", State::Approval);

        fs::remove_file(&database).unwrap();
        assert_eq!(opened(&bench, billing.root()), id);
        is_open(&bench, "billing-api");

        bench.leave();
        fs::write(billing.root().join(".git/HEAD"), "no head").unwrap();
        bench.come_back();
        let failure = trouble(&bench, "billing-api");
        assert!(failure.to_string().contains("projects forget"), "{failure}");
        bench.engine().call(Request::ForgetProject { project: id }).unwrap();
        assert_eq!(names(&bench.engine().snapshot()), ["my-app"]);
        bench.leave();
        bench.come_back();
        bench.begin("goes-on", "quick", "Do it");
        bench.reaches("goes-on", State::Approval);
        assert_eq!(names(&bench.engine().snapshot()), ["my-app"]);
    });
}

/// `safe.directory`: what git says is told, with what to do.
#[test]
fn a_repository_of_another_owner_is_refused_with_a_hint() {
    alone(|place| {
        let app = Repository::new(place, WILLING);
        let bench = Bench::started(place, None);
        // Git's own switch for this; it must not come from the environment, which git never gets from us.
        let real = "/usr/bin:/bin:/usr/local/bin".split(':').map(|dir| Path::new(dir).join("git"));
        let real = real.into_iter().find(|path| path.exists()).unwrap();
        let script = format!("#!/bin/sh\nGIT_TEST_ASSUME_DIFFERENT_OWNER=1 exec '{}' \"$@\"\n", real.display());
        executable(&place.write("strict/git", &script));
        let git = orchestra::git::Git::new([("PATH".into(), place.path("strict").into())]).unwrap();
        let error = orchestra::git::Repo::discover(&git, app.root()).unwrap_err();
        assert!(error.hint().unwrap().contains("safe.directory"), "{error}");
        assert!(open(&bench, app.root()).is_ok(), "without it git reads it");
    });
}

/// One project, however it is reached.
#[test]
fn fault_c7_links_worktrees_and_subfolders_lead_to_one_project() {
    alone(|place| {
        let app = Repository::new(place, WILLING);
        let mut bench = Bench::open(place, &app);
        let id = bench.project();
        symlink(app.root(), place.path("link")).unwrap();
        app.git(&["worktree", "add", "-q", "-b", "side", place.path("side").to_str().unwrap()]);
        for path in [place.path("link"), place.path("side"), app.root().join(".orchestra/scripts")] {
            assert_eq!(opened(&bench, &path), id, "{}", path.display());
        }
        assert_eq!(bench.engine().snapshot().projects.len(), 1);
        assert_eq!(bench.project_view().root, app.root());

        // Inside a task's worktree it is that task that is meant.
        bench.begin("inside", "quick", "Do it");
        bench.reaches("inside", State::Approval);
        let worktree = bench.worktree("inside");
        bench.leave();
        bench.start_engine(Some(&worktree));
        let expected = Opened { project: id, session: Some(SessionId::from("inside")) };
        assert_eq!(bench.engine().snapshot().opened, Some(expected));
    });
}

/// A submodule and a nested repository are projects of their own.
#[test]
fn submodules_and_nested_repositories_are_projects_of_their_own() {
    alone(|place| {
        let (app, library) = (Repository::new(place, WILLING), Repository::named(place, "library", WILLING));
        let library = library.root().to_str().unwrap();
        app.git(&["-c", "protocol.file.allow=always", "submodule", "add", "-q", library, "vendor/library"]);
        app.git(&["commit", "-qm", "Add a library"]);
        let nested = app.root().join("tools/nested");
        fs::create_dir_all(&nested).unwrap();
        for args in [&["init", "-q", "-b", "main"][..], &["config", "user.name", "A"], &["config", "user.email", "a@b"]]
        {
            git(place, &nested, args);
        }
        git(place, &nested, &["commit", "-q", "--allow-empty", "-m", "Start"]);
        let bench = Bench::open(place, &app);
        let submodule = app.root().join("vendor/library");
        let ids = [opened(&bench, app.root()), opened(&bench, &submodule), opened(&bench, &nested)];
        assert_eq!(names(&bench.engine().snapshot()), ["my-app", "library", "nested"]);
        assert!(ids[0] != ids[1] && ids[1] != ids[2]);

        // From a linked worktree of the submodule, the submodule's checkout is the project.
        let side = place.path("side");
        git(place, &submodule, &["worktree", "add", "-q", "-b", "side", side.to_str().unwrap()]);
        assert_eq!(opened(&bench, &side), ids[1]);
        assert_eq!(is_open(&bench, "library").root, submodule);
        trust(&bench, &ids[1]);
        git(place, &submodule, &["config", "user.name", "Ada"]);
        git(place, &submodule, &["config", "user.email", "ada@example.invalid"]);
        begin(&bench, &ids[1], "in-library");
        bench.reaches("in-library", State::Approval);
    });
}

/// A bare repository with linked worktrees only: the one that was opened first stays the project, tasks work in it.
#[test]
fn a_bare_repository_with_worktrees_is_a_project() {
    alone(|place| {
        let app = Repository::new(place, WILLING);
        for (bare, name) in [("layout/.bare", "layout"), ("other/.git", "other")] {
            let (bare, top) = (place.path(bare), place.path(name));
            fs::create_dir(&top).unwrap();
            let (from, to) = (app.root().to_str().unwrap(), bare.to_str().unwrap());
            git(place, &top, &["clone", "-q", "--bare", from, to]);
            if name == "layout" {
                fs::write(top.join(".git"), "gitdir: ./.bare\n").unwrap();
            }
            for (key, value) in [("user.name", "Ada"), ("user.email", "ada@example.invalid")] {
                git(place, &bare, &["config", key, value]);
            }
            let bench = Bench::started(place, None);
            let failure = open(&bench, &top).unwrap_err();
            assert!(failure.to_string().contains("git worktree add"), "{failure}");

            let checkout = |name: &str| -> PathBuf { top.join(name) };
            git(place, &top, &["worktree", "add", "-q", checkout("main").to_str().unwrap(), "main"]);
            git(place, &top, &["worktree", "add", "-q", "-b", "next", checkout("next").to_str().unwrap(), "main"]);
            let id = opened(&bench, &checkout("next"));
            let root = |bench: &Bench| {
                let snapshot = bench.engine().snapshot();
                snapshot.projects.iter().find(|project| project.id == id).unwrap().root.clone()
            };
            assert_eq!(root(&bench), checkout("next"), "the one that was opened");
            for path in [checkout("main"), top.clone(), bare.clone()] {
                assert_eq!(opened(&bench, &path), id, "{}", path.display());
                assert_eq!(root(&bench), checkout("next"), "{}", path.display());
            }
            trust(&bench, &id);
            begin(&bench, &id, &format!("in-{name}"));
            bench.reaches(&format!("in-{name}"), State::Approval);
            bench.engine().call(Request::ForgetProject { project: id.clone() }).unwrap_err();
        }
    });
}

/// `GIT_DIR` and its like speak of another repository: they reach no call of ours.
#[test]
fn git_variables_of_the_environment_are_ignored() {
    alone(|place| {
        let (app, other) = (Repository::new(place, WILLING), Repository::named(place, "other", WILLING));
        let vars = [
            ("PATH".into(), "/usr/local/bin:/usr/bin:/bin".into()),
            ("GIT_DIR".into(), other.root().join(".git").into_os_string()),
            ("GIT_WORK_TREE".into(), other.root().into()),
        ];
        let git = orchestra::git::Git::new(vars).unwrap();
        let repo = orchestra::git::Repo::discover(&git, app.root()).unwrap();
        assert_eq!(repo.root(), app.root());
        assert_eq!(repo.main_root(), Some(app.root()));
    });
}

/// The user's cap holds over all projects; who waits sees its place and why, and each gets its turn.
#[test]
fn places_are_shared_by_all_projects() {
    alone(|place| {
        place.write("orchestra-home/config.yaml", "max_running_total: 1\n");
        let door = place.door("door");
        let (app, billing) = two(place, &door);
        let bench = Bench::open(place, &app);
        let other = opened(&bench, billing.root());
        trust(&bench, &other);
        begin(&bench, &other, "invoices");
        let knock = door.reached();
        bench.begin("export", "quick", "Go");
        begin(&bench, &other, "taxes");
        let queued = |slug: &str, place: u32| {
            let view = bench.task_when(slug, "waits", |task| task.queued == Some(place));
            assert_eq!(view.hold, Some(Hold::Total { max: 1 }));
        };
        queued("export", 1);
        queued("taxes", 2);
        knock.open();
        bench.reaches("export", State::Approval);
        door.reached().open();
        bench.reaches("taxes", State::Approval);
    });
}

/// A cap over all projects is no project's to set.
#[test]
fn a_project_cannot_set_the_cap_of_all() {
    alone(|place| {
        let app = Repository::new(place, WILLING);
        app.configure("max_running_total: 99");
        let bench = Bench::untrusted(place, &app);
        let text = bench.notice("max_running_total");
        assert!(text.contains("about all projects"), "{text}");
    });
}

/// What did not change is not built again: the same allocation stands in the next snapshot.
#[test]
fn a_project_that_did_not_change_keeps_its_picture() {
    alone(|place| {
        let (app, billing) = (Repository::new(place, WILLING), Repository::named(place, "billing-api", WILLING));
        let bench = Bench::open(place, &app);
        opened(&bench, billing.root());
        bench.wait("the agents", |snapshot| (!snapshot.agents.is_empty()).then_some(()));
        let pictures = || {
            let snapshot = bench.engine().snapshot();
            ["my-app", "billing-api"].map(|name| Arc::clone(view(&snapshot, name).unwrap()))
        };
        let before = pictures();
        bench.draft("one", "quick", "Do it");
        let after = pictures();
        assert!(!Arc::ptr_eq(&before[0], &after[0]));
        assert!(Arc::ptr_eq(&before[1], &after[1]), "billing-api did not change");
        bench.begin("two", "quick", "Do it");
        bench.reaches("two", State::Approval);
        assert!(Arc::ptr_eq(&before[1], &pictures()[1]), "whatever happened in my-app");
    });
}

/// The base of a task is the branch that is checked out now, whatever it was when the project was opened.
#[test]
fn a_task_starts_from_what_is_checked_out_now() {
    alone(|place| {
        let app = Repository::new(place, WILLING);
        let bench = Bench::open(place, &app);
        app.git(&["switch", "-q", "-c", "next"]);
        app.commit("new.txt", "new\n");
        let facts = bench.engine().call(Request::BaseFacts { project: bench.project(), base: None });
        let Ok(Reply::Base(facts)) = facts else { panic!("no facts but {facts:?}") };
        assert_eq!((facts.name.as_str(), facts.commit.as_str()), ("next", app.commit_of("next").as_str()));
        assert_eq!(facts.upstream, None);
        bench.draft("one", "quick", "Do it");
        assert_eq!(bench.task("one").base_branch, "next");

        app.git(&["branch", "-q", "--track", "behind", "main"]);
        app.git(&["switch", "-q", "main"]);
        app.commit("more.txt", "more\n");
        let base = Some("behind".to_owned());
        let facts = bench.engine().call(Request::BaseFacts { project: bench.project(), base });
        let Ok(Reply::Base(facts)) = facts else { panic!("no facts but {facts:?}") };
        assert_eq!(facts.upstream, Some(("main".to_owned(), 1)));
    });
}
