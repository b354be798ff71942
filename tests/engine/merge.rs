//! Into the base branch, without ever touching what a person has in the checkout; and out of the way, with a way back.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use orchestra::engine::explain;
use orchestra::model::{DeleteScope, Reply, Request, State, TaskView, Trigger};

use crate::WILLING;
use crate::engine::Bench;
use crate::place::{Place, alone, executable};
use crate::repo::{Repository, git};

/// A task on `main` whose work waits for the merge.
fn ready(place: &Place, repository: &Repository) -> Bench {
    let bench = Bench::open(place, repository);
    bench.begin("fix-it", "quick", "# Fix it\n\nPlease.");
    bench.reaches("fix-it", State::Approval);
    bench.approve("fix-it");
    bench.reaches("fix-it", State::Done);
    bench
}

/// An agent that writes `app.txt`.
const EDITOR: &str = "\
rules:
  - when: 'could not be integrated'
    steps:
      - run: \"git commit -qam mine; git rebase -q main; printf 'one\\nboth\\nthree\\n' >app.txt; git add app.txt; GIT_EDITOR=true git rebase --continue\"
      - submit: both
  - {when: 'artifact `summary` by', steps: [{edit: {path: app.txt, old: two, new: mine}}, {submit: the summary}]}
otherwise: []
";

/// All of a person's checkout: files, index, HEAD, stash.
fn checkout(repository: &Repository) -> BTreeMap<PathBuf, Vec<u8>> {
    fn walk(folder: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>) {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if entry.file_type().unwrap().is_dir() {
                if ![".git", ".orchestra"].map(Some).contains(&path.file_name().unwrap().to_str()) {
                    walk(&path, found);
                }
            } else {
                found.insert(path.clone(), fs::read(&path).unwrap());
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(repository.root(), &mut found);
    for name in ["index", "HEAD", "refs/stash", "refs/heads/main", "logs/HEAD"] {
        let path = repository.root().join(".git").join(name);
        found.insert(path.clone(), fs::read(&path).unwrap_or_default());
    }
    found
}

/// R138, R139, R145.
#[test]
fn a_merge_rebases_onto_a_base_that_moved() {
    alone(|place| {
        let repository = Repository::new(place, WILLING);
        let bench = ready(place, &repository);
        let worktree = bench.worktree("fix-it");
        repository.commit("other.txt", "other\n");
        let base = repository.commit_of("main");
        bench.merge("fix-it");
        bench.reaches("fix-it", State::Merged);
        bench.wait("the worktree to be gone", |_| (!worktree.exists()).then_some(()));
        assert_eq!(repository.commit_of("main~1"), base, "one commit on top of the base as it was");
        assert_eq!(repository.git(&["log", "-1", "--format=%s", "main"]), "Fix it");
        assert_eq!(
            (repository.read("work.txt"), repository.read("other.txt")),
            ("work\n".to_owned(), "other\n".to_owned())
        );
        assert_eq!(repository.git(&["status", "--porcelain"]), "");
        bench.wait("the trash", |_| (!repository.trash().is_empty()).then_some(()));
        let trash = repository.trash();
        assert!(trash.len() == 1 && trash[0].starts_with("refs/orchestra/trash/fix-it/"), "{trash:?}");
        let link = repository.root().join(".orchestra/.worktrees/fix-it");
        bench.wait("the link to be gone", |_| (!link.is_symlink()).then_some(()));
    });
}

/// R141.
#[test]
fn a_conflict_goes_back_to_the_agent_with_the_files_named() {
    alone(|place| {
        let repository = Repository::new(place, EDITOR);
        let bench = ready(place, &repository);
        repository.commit("app.txt", "one\ntheirs\nthree\n");
        let base = repository.commit_of("main");
        bench.merge("fix-it");
        let task = bench.reaches("fix-it", State::Approval);
        assert_eq!(repository.commit_of("main"), base, "nothing has moved");
        let Trigger::Integration { text } = &task.iterations[1].trigger else { panic!("{:?}", task.iterations[1]) };
        assert!(text.contains("app.txt"), "{text}");
        let said = bench.said_to(task.conversation("work").unwrap());
        assert!(said.len() == 2 && said[1].contains("app.txt"), "{said:#?}");
        assert!(!task.reviewed, "what comes back is looked at again");
        bench.approve("fix-it");
        bench.merge("fix-it");
        bench.reaches("fix-it", State::Merged);
        assert_eq!(repository.read("app.txt"), "one\nboth\nthree\n");
    });
}

#[test]
fn a_failing_commit_hook_goes_back_to_the_agent() {
    alone(|place| {
        let script = "rules:\n  - {when: 'could not be integrated', steps: [{write: {path: ok.txt, text: ok}}, {submit: mended}]}\n  \
                      - {when: 'artifact `summary` by', steps: [{write: {path: work.txt, text: work}}, {submit: done}]}\notherwise: []\n";
        let repository = Repository::new(place, script);
        let hook =
            repository.write(".git/hooks/pre-commit", "#!/bin/sh\ntest -e ok.txt || { echo nothing is ok; exit 1; }\n");
        executable(&hook);
        let bench = ready(place, &repository);
        let base = repository.commit_of("main");
        bench.merge("fix-it");
        let task = bench.reaches("fix-it", State::Approval);
        let Trigger::Integration { text } = &task.iterations[1].trigger else { panic!("{:?}", task.iterations[1]) };
        assert!(text.contains("pre-commit") && text.contains("nothing is ok"), "{text}");
        assert_eq!(repository.commit_of("main"), base, "nothing has moved");
        bench.approve("fix-it");
        bench.merge("fix-it");
        bench.reaches("fix-it", State::Merged);
        assert_eq!(repository.show("main", "ok.txt"), "ok");
    });
}

/// R142.
#[test]
fn fault_g_a_dirty_checkout_refuses_the_merge_and_stays_as_it_is() {
    alone(|place| {
        let repository = Repository::new(place, EDITOR);
        let bench = ready(place, &repository);
        repository.write("app.txt", "stashed\n");
        repository.git(&["stash", "push", "-q"]);
        repository.write("staged.txt", "staged\n");
        repository.git(&["add", "staged.txt"]);
        repository.write("app.txt", "one\ntwo\nthree, by hand\n");
        let before = checkout(&repository);
        bench.merge("fix-it");
        let refused =
            bench.task_when("fix-it", "refused", |view| view.task.state == State::Done && view.task.reason.is_some());
        let reason = refused.task.reason.as_ref().unwrap();
        assert!(reason.text.contains("app.txt"), "{}", reason.text);
        bench.notice("app.txt");
        assert_eq!(before, checkout(&repository));

        repository.git(&["checkout", "-q", "--", "app.txt"]);
        bench.merge("fix-it");
        bench.reaches("fix-it", State::Merged);
        assert_eq!(repository.read("app.txt"), "one\nmine\nthree\n");
        assert_eq!(repository.git(&["status", "--porcelain"]), "A  staged.txt", "what was staged is staged");
        assert_eq!(repository.git(&["stash", "list"]).lines().count(), 1);
    });
}

/// R142.
#[test]
fn changes_that_are_not_in_the_way_stay_in_place() {
    alone(|place| {
        let repository = Repository::new(place, WILLING);
        let bench = ready(place, &repository);
        repository.write("app.txt", "by hand\n");
        repository.write("new.txt", "new\n");
        bench.merge("fix-it");
        bench.reaches("fix-it", State::Merged);
        assert_eq!(repository.read("work.txt"), "work\n");
        assert_eq!((repository.read("app.txt").as_str(), repository.read("new.txt").as_str()), ("by hand\n", "new\n"));
        assert_eq!(repository.git(&["status", "--porcelain"]), " M app.txt\n?? new.txt");
    });
}

/// R142.
#[test]
fn a_base_that_is_checked_out_nowhere_moves_alone() {
    alone(|place| {
        let repository = Repository::new(place, WILLING);
        let bench = ready(place, &repository);
        repository.git(&["checkout", "-q", "-b", "elsewhere"]);
        let before = checkout(&repository).into_iter().filter(|(path, _)| !path.ends_with("refs/heads/main"));
        let before: BTreeMap<_, _> = before.collect();
        bench.merge("fix-it");
        bench.reaches("fix-it", State::Merged);
        assert_eq!(repository.show("main", "work.txt"), "work");
        let mut after = checkout(&repository);
        after.retain(|path, _| !path.ends_with("refs/heads/main"));
        assert_eq!(before, after);
    });
}

/// R141, R143.
#[test]
fn a_gate_on_the_merged_tree_keeps_the_base_where_it_is_and_its_output_goes_back() {
    alone(|place| {
        let script = "rules:\n  - {when: 'could not be integrated', steps: [{write: {path: fits.txt, text: yes}}, {submit: it fits}]}\n  \
                      - {when: 'artifact `plan` by', steps: [{submit: the plan}]}\n  - {when: 'artifact `summary` by', steps: [{write: \
                      {path: work.txt, text: work}}, {submit: the summary}]}\notherwise: []\n";
        let repository = Repository::new(place, script);
        let runs = place.path("merged");
        // It sees both sides at once: neither the branch nor the base has them alone.
        repository.script(
            "whole.sh",
            &format!(
                "cat work.txt other.txt >>'{}' || exit 1\ntest -e fits.txt || {{ echo nonce-0815 does not fit; exit 1; }}",
                runs.display()
            ),
        );
        repository.flow(
            "whole",
            "{stages: [{name: work, artifact: summary}, {name: wrap, artifact: plan}], integration: {gate: whole.sh, on_failure: work, \
             auto_merge: true}}",
        );
        let bench = Bench::open(place, &repository);
        bench.begin("fix-it", "whole", "Fix it");
        bench.reaches("fix-it", State::Approval);
        repository.commit("other.txt", "other\n");
        let base = repository.commit_of("main");
        bench.approve("fix-it");
        bench.task_when("fix-it", "at its wrap", |view| view.task.stage == 1 && view.task.state == State::Approval);
        bench.approve("fix-it");
        let back = bench
            .task_when("fix-it", "back at its work", |view| view.task.stage == 0 && view.task.state == State::Approval);
        assert_eq!(repository.commit_of("main"), base, "the base has not moved");
        let Trigger::Integration { text } = &back.task.iterations[2].trigger else {
            panic!("{:?}", back.task.iterations)
        };
        assert!(text.contains("nonce-0815 does not fit"), "{text}");
        let said = bench.said_to(back.task.conversation("work").unwrap());
        assert!(said.last().unwrap().contains("nonce-0815 does not fit"), "{said:#?}");
        assert_eq!(place.lines("merged"), ["workother"], "it ran on what both sides make together");
        bench.approve("fix-it");
        bench.task_when("fix-it", "at its wrap", |view| view.task.stage == 1 && view.task.state == State::Approval);
        bench.approve("fix-it");
        bench.reaches("fix-it", State::Merged);
        assert_eq!(repository.show("main", "fits.txt"), "yes");
        assert_eq!(repository.show("main", "other.txt"), "other");
    });
}

#[test]
fn a_delete_keeps_everything_in_the_trash() {
    alone(|place| {
        let repository = Repository::new(place, WILLING);
        let bench = Bench::open(place, &repository);
        bench.begin("fix-it", "quick", "Fix it");
        bench.reaches("fix-it", State::Approval);
        let worktree = bench.worktree("fix-it");
        let inside = |args: &[&str]| git(place, &worktree, args);
        fs::write(worktree.join("committed.txt"), "committed\n").unwrap();
        inside(&["add", "committed.txt"]);
        inside(&["commit", "-q", "-m", "Commit"]);
        fs::write(worktree.join("staged.txt"), "staged\n").unwrap();
        inside(&["add", "staged.txt"]);
        fs::write(worktree.join("staged.txt"), "staged, then changed\n").unwrap();
        fs::write(worktree.join("app.txt"), "changed\n").unwrap();

        let Reply::Delete(facts) = bench.ask("fix-it", |project, task| Request::DeleteFacts { project, task }) else {
            panic!()
        };
        assert_eq!((facts.branch.as_str(), facts.ahead, facts.merged), ("task/fix-it", 1, false));
        assert!(facts.untracked.contains(&"work.txt".to_owned()), "{facts:?}");
        bench.ask("fix-it", |project, task| Request::Delete { project, task, scope: DeleteScope::All });
        assert!(bench.project_view().tasks.is_empty());
        assert!(!worktree.exists());
        assert_eq!(repository.branches(), ["main"]);
        let trash = repository.trash();
        assert_eq!(trash.len(), 1, "{trash:?}");
        let kept = |parent: u8, file: &str| repository.show(&format!("{}^{parent}", trash[0]), file);
        assert_eq!(kept(1, "committed.txt"), "committed");
        assert_eq!(kept(2, "staged.txt"), "staged");
        let files = ["staged.txt", "app.txt", "work.txt"].map(|file| kept(3, file));
        assert_eq!(files, ["staged, then changed", "changed", "work"]);
        let tasks = fs::read_dir(repository.root().join(".orchestra/tasks")).unwrap().count();
        assert_eq!(tasks, 0, "its file is gone too");
    });
}

#[test]
fn a_delete_of_the_worktree_only_leaves_branch_and_task() {
    alone(|place| {
        let repository = Repository::new(place, WILLING);
        let bench = ready(place, &repository);
        let worktree = bench.worktree("fix-it");
        bench.ask("fix-it", |project, task| Request::Delete { project, task, scope: DeleteScope::WorktreeOnly });
        assert!(!worktree.exists());
        assert_eq!(repository.branches(), ["main", "task/fix-it"]);
        assert_eq!(bench.project_view().tasks.len(), 1);
        assert_eq!(repository.trash().len(), 1);
    });
}

#[test]
fn a_task_that_is_deleted_on_its_way_in_leaves_nothing() {
    alone(|place| {
        let (door, repository) = (place.door("never-opened"), Repository::new(place, WILLING));
        repository.script("worktree_setup.sh", &door.wait());
        let bench = Bench::open(place, &repository);
        // Stopped before, or by the deletion itself.
        for (slug, stopped) in [("first", true), ("second", false)] {
            bench.begin(slug, "quick", "Start, and be deleted on the way");
            let _knock = door.reached();
            if stopped {
                bench.stop(slug);
            }
            bench.ask(slug, |project, task| Request::Delete { project, task, scope: DeleteScope::All });
            assert!(!bench.has(slug));
            assert_eq!(repository.branches(), ["main"]);
            assert_eq!(repository.git(&["worktree", "list"]).lines().count(), 1);
        }
    });
}

/// R138: one at a time, and those that wait say for whom.
#[test]
fn the_second_of_two_merges_waits_for_the_first_and_names_it() {
    alone(|place| {
        let (door, repository) = (place.door("door"), Repository::new(place, WILLING));
        repository.script(
            "land.sh",
            &format!("test -e '{0}' || {{ touch '{0}'; {1}; }}", place.path("first").display(), door.wait()),
        );
        repository.flow(
            "landing",
            "{stages: [{name: work, artifact: summary, is_automated: true}], integration: {gate: land.sh, auto_merge: true}}",
        );
        let bench = Bench::open(place, &repository);
        bench.begin("fix-it", "landing", "Fix it");
        let knock = door.reached();
        bench.begin("second", "landing", "Fix that too");
        let view = bench.task_when("second", "waits its turn", |view| view.behind.is_some());
        assert_eq!(view.behind.unwrap().as_str(), "fix-it");
        assert_eq!(bench.task_when("fix-it", "is first", |_| true).behind, None);
        let project = bench.project_view();
        let view = project.tasks.iter().find(|view| view.task.slug.as_str() == "second").unwrap();
        let facts = explain::task(&project, view, view.since);
        let waits = facts.iter().find(|fact| fact.label == "waits for").unwrap();
        assert_eq!(waits.text, "fix-it (integrating), then goes into main");
        knock.open();
        bench.reaches("fix-it", State::Merged);
        let last = bench.task_when("second", "is merged", |view| view.task.state == State::Merged);
        assert_eq!(last.behind, None);
    });
}

/// The two that waited for the first one do not begin together.
#[test]
fn merges_of_one_project_come_one_after_the_other() {
    alone(|place| {
        let each_its_own = "\
rules:
  - {when: 'artifact `summary` by', steps: [{run: 'echo work >\"$ORCHESTRA_TASK_SLUG.txt\"'}, {submit: the summary}]}
otherwise: []
";
        let (door, repository) = (place.door("door"), Repository::new(place, each_its_own));
        let lands = place.path("lands");
        repository.script("land.sh", &format!("echo in >>'{0}'; {1}; echo out >>'{0}'", lands.display(), door.wait()));
        repository.flow(
            "landing",
            "{stages: [{name: work, artifact: summary, is_automated: true}], integration: {gate: land.sh, auto_merge: true}}",
        );
        let bench = Bench::open(place, &repository);
        bench.begin("first", "landing", "Fix it");
        let mut knock = door.reached();
        for slug in ["second", "third"] {
            bench.begin(slug, "landing", "Fix that too");
            bench.task_when(slug, "waits its turn", |view| view.behind.is_some());
        }
        for merged in 1..=2 {
            knock.open();
            let is_merged = |view: &&TaskView| view.task.state == State::Merged;
            bench.wait("one more is merged", |snapshot| {
                let tasks = snapshot.projects.iter().flat_map(|project| &project.tasks);
                (tasks.filter(is_merged).count() == merged).then_some(())
            });
            knock = door.reached();
        }
        knock.open();
        for slug in ["first", "second", "third"] {
            bench.reaches(slug, State::Merged);
        }
        assert_eq!(place.lines("lands"), ["in", "out", "in", "out", "in", "out"]);
    });
}
