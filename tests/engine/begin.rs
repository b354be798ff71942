//! From a description to a worktree that is ready, and what comes between.

use std::collections::BTreeMap;
use std::fs;

use orchestra::model::{FailureKind, NewTask, Request, State};

use crate::WILLING;
use crate::engine::{Bench, new_task};
use crate::place::{Place, alone};
use crate::repo::Repository;

fn setup_of(place: &Place, body: &str) -> Repository {
    let repository = Repository::new(place, WILLING);
    repository.script("worktree_setup.sh", body);
    repository
}

#[test]
fn a_draft_is_a_file_and_nothing_else() {
    alone(|place| {
        let repository = Repository::new(place, WILLING);
        let bench = Bench::open(place, &repository);
        let id = bench.draft("fix-it", "quick", "# Fix it\n\nPlease.");
        let task = bench.task("fix-it");
        assert_eq!((task.state, task.title.as_str(), task.base_branch.as_str()), (State::Draft, "Fix it", "main"));
        let file = repository.read(&format!(".orchestra/tasks/{id}:fix-it.md"));
        assert!(file.contains("status: draft") && file.contains("base_branch: main"), "{file}");
        assert!(file.ends_with("Please.\n"), "{file}");
        assert_eq!(repository.branches(), ["main"]);
        assert_eq!(repository.git(&["status", "--porcelain"]), "");
    });
}

#[test]
fn new_tasks_that_are_refused_leave_nothing() {
    alone(|place| {
        let repository = Repository::new(place, WILLING);
        let bench = Bench::open(place, &repository);
        bench.draft("fix-it", "quick", "Fix it");
        let refused = |new: NewTask| bench.try_create(new).expect_err("it is refused");
        let taken = refused(new_task("Fix-It", "quick", "Fix it"));
        assert_eq!(taken.kind, FailureKind::Usage);
        assert!(taken.to_string().contains("taken") && taken.hint.is_some(), "{taken}");
        assert!(refused(new_task("other", "nowhere", "Fix it")).to_string().contains("quick"));
        assert!(refused(new_task("other", "quick", " \n")).to_string().contains("description"));
        assert!(refused(new_task("../x", "quick", "Fix it")).to_string().contains("../x"));
        refused(NewTask { base: Some("nowhere".to_owned()), ..new_task("other", "quick", "Fix it") });
        refused(NewTask { agent: Some("nobody".to_owned()), ..new_task("other", "quick", "Fix it") });
        assert_eq!(bench.project_view().tasks.len(), 1);
        let named = bench.made(NewTask { slug: None, ..new_task("", "quick", "Fix it") });
        let view = bench.project_view();
        let slug = view.tasks.iter().find(|view| view.task.id == named).unwrap().task.slug.to_string();
        assert_eq!(slug.split('-').count(), 3, "{slug}");
    });
}

#[test]
fn a_start_makes_branch_and_worktree_and_runs_the_setup_script() {
    alone(|place| {
        let noted = place.path("setup.env");
        let body = format!(
            "{{ echo \"argument=$1\"; echo \"folder=$(pwd -P)\"; env | grep -E '^OR(CHE|KE)STRA_(W|P|TASK|B)'; }} >'{}'",
            noted.display()
        );
        let repository = setup_of(place, &body);
        let bench = Bench::open(place, &repository);
        let id = bench.begin("fix-it", "quick", "# Fix it\n\nPlease.");
        bench.reaches("fix-it", State::Approval);

        let worktree = bench.worktree("fix-it");
        assert!(worktree.starts_with(place.path("orchestra-home/worktrees")), "{}", worktree.display());
        assert_eq!(fs::read_to_string(worktree.join("app.txt")).unwrap(), "one\ntwo\nthree\n");
        assert_eq!(repository.branches(), ["main", "task/fix-it"]);
        assert_eq!(bench.task("fix-it").base_commit.as_deref(), Some(repository.commit_of("main").as_str()));
        let link = repository.root().join(".orchestra/.worktrees/fix-it");
        assert_eq!(link.canonicalize().unwrap(), worktree.canonicalize().unwrap());

        let noted = fs::read_to_string(noted).unwrap();
        let noted: BTreeMap<_, _> = noted.lines().filter_map(|line| line.split_once('=')).collect();
        let (worktree, root, id) = (worktree.to_str().unwrap(), repository.root().to_str().unwrap(), id.to_string());
        assert_eq!((noted["argument"], noted["folder"]), (worktree, worktree));
        for prefix in ["ORCHESTRA", "ORKESTRA"] {
            for (name, value) in [
                ("WORKTREE_PATH", worktree),
                ("PROJECT_ROOT", root),
                ("TASK_ID", if prefix == "ORCHESTRA" { id.as_str() } else { "fix-it" }),
                ("TASK_TITLE", "Fix it"),
                ("BASE_BRANCH", "main"),
                ("BRANCH", "task/fix-it"),
            ] {
                assert_eq!(noted.get(format!("{prefix}_{name}").as_str()), Some(&value), "{prefix}_{name}");
            }
        }
        assert_eq!(noted["ORCHESTRA_TASK_SLUG"], "fix-it");
    });
}

#[test]
fn a_failing_setup_is_told_with_its_log_and_can_be_tried_again() {
    alone(|place| {
        let (ok, runs) = (place.path("ok"), place.path("runs"));
        let body = format!(
            "echo run >>'{}'; echo first words; test -e '{}' || {{ echo no database here; exit 3; }}",
            runs.display(),
            ok.display()
        );
        let repository = setup_of(place, &body);
        let bench = Bench::open(place, &repository);
        bench.begin("fix-it", "quick", "Fix it");
        let failed = bench.task_when("fix-it", "failed", |view| view.task.state == State::Failed);
        let reason = failed.task.reason.clone().unwrap();
        assert_eq!(reason.kind, orchestra::model::ReasonKind::Setup);
        assert!(reason.text.contains("exited 3") && reason.text.contains("no database here"), "{}", reason.text);
        let log = reason.text.rsplit_once("log: ").unwrap().1;
        assert_eq!(fs::read_to_string(log).unwrap().trim_end(), "first words\nno database here");
        assert!(failed.session.is_none(), "no agent works in a worktree that is not ready");

        fs::write(ok, "").unwrap();
        bench.start("fix-it");
        bench.task_when("fix-it", "works", |view| view.task.state == State::Approval);
        assert_eq!(place.lines("runs").len(), 2);
    });
}

#[test]
fn a_setup_that_takes_too_long_is_ended_with_all_that_it_started() {
    alone(|place| {
        let repository = setup_of(place, "setsid sleep 1000 &\nsleep 1000");
        repository.configure("worktrees: {setup_timeout_seconds: 1}");
        let bench = Bench::open(place, &repository);
        bench.begin("fix-it", "quick", "Fix it");
        bench.task_when("fix-it", "failed", |view| view.task.state == State::Failed);
        assert!(bench.reason("fix-it").contains("took over 1 s"), "{}", bench.reason("fix-it"));
    });
}

#[test]
fn fault_g_a_branch_that_is_taken_is_never_made_ours() {
    alone(|place| {
        let repository = Repository::new(place, WILLING);
        repository.git(&["checkout", "-q", "-b", "task/fix-it"]);
        repository.commit("theirs.txt", "theirs\n");
        repository.git(&["checkout", "-q", "main"]);
        let theirs = repository.commit_of("task/fix-it");
        let bench = Bench::open(place, &repository);
        bench.begin("fix-it", "quick", "Fix it");
        bench.task_when("fix-it", "failed", |view| view.task.state == State::Failed);
        assert!(bench.reason("fix-it").contains("task/fix-it"), "{}", bench.reason("fix-it"));

        bench.start("fix-it");
        let again = bench.task_when("fix-it", "failed again", |view| !view.task.state.is_busy());
        assert_eq!(again.task.state, State::Failed, "the second try must not take what the first one could not");
        assert_eq!(repository.commit_of("task/fix-it"), theirs);

        repository.git(&["branch", "-m", "task/fix-it", "theirs"]);
        bench.start("fix-it");
        bench.task_when("fix-it", "works", |view| view.task.state == State::Approval);
        assert_eq!(repository.commit_of("theirs"), theirs);
    });
}

#[test]
fn fault_g_a_folder_that_is_taken_is_left_as_it_is() {
    alone(|place| {
        let repository = Repository::new(place, WILLING);
        let bench = Bench::open(place, &repository);
        let folder = format!("orchestra-home/worktrees/{}/fix-it", bench.project());
        let theirs = place.write(&format!("{folder}/notes.txt"), "mine");
        bench.begin("fix-it", "quick", "Fix it");
        for attempt in 0..2 {
            let stopped = bench.task_when("fix-it", "failed", |view| !view.task.state.is_busy());
            assert_eq!(stopped.task.state, State::Failed, "attempt {attempt}");
            assert!(bench.reason("fix-it").contains("fix-it"), "{}", bench.reason("fix-it"));
            assert_eq!(fs::read_to_string(&theirs).unwrap(), "mine");
            if attempt == 0 {
                bench.start("fix-it");
            }
        }
        fs::rename(place.path(&folder), place.path("theirs")).unwrap();
        bench.start("fix-it");
        bench.task_when("fix-it", "works", |view| view.task.state == State::Approval);
    });
}

#[test]
fn commands_that_nobody_has_looked_at_do_not_run() {
    alone(|place| {
        let runs = place.path("runs");
        let repository = setup_of(place, &format!("echo run >>'{}'", runs.display()));
        let bench = Bench::untrusted(place, &repository);
        let failure = bench.try_create(NewTask { start: true, ..new_task("fix-it", "quick", "Fix it") });
        assert_eq!(failure.expect_err("it is refused").kind, FailureKind::Untrusted);
        bench.draft("fix-it", "quick", "Fix it");
        let failure = bench.refused("fix-it", |project, task| Request::Start { project, task });
        assert_eq!(failure.kind, FailureKind::Untrusted);
        assert!(!runs.exists());
        bench.trust();
        bench.start("fix-it");
        bench.reaches("fix-it", State::Approval);
        assert_eq!(place.lines("runs"), ["run"]);

        repository.script("worktree_setup.sh", "echo other >>'{}'");
        bench.draft("other", "quick", "Fix it");
        let failure = bench.refused("other", |project, task| Request::Start { project, task });
        assert_eq!(failure.kind, FailureKind::Untrusted, "a changed file asks again");
    });
}
