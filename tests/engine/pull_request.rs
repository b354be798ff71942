//! A pull request on request: the branch is pushed, `gh` does the rest.

use orchestra::model::{FailureKind, Reply, Request, State};

use crate::WILLING;
use crate::engine::Bench;
use crate::place::{Place, alone, executable};
use crate::repo::Repository;

/// Notes how it was called; knows one pull request.
const GH: &str = "#!/bin/sh
case \"$1 $2\" in
'--version ') exit 0;;
'pr create')
  [ -e \"$HOME/open\" ] && { echo \"a pull request for branch $4 already exists\" >&2; exit 1; }
  printf '%s\\n' \"$@\" >\"$HOME/gh\"; env >\"$HOME/env\"; : >\"$HOME/open\"
  echo 'Creating pull request' >&2; echo https://example.invalid/pull/7;;
'pr view') echo https://example.invalid/pull/7;;
esac
";

fn ready(place: &Place) -> (Repository, Bench) {
    let repository = Repository::new(place, WILLING);
    let bench = Bench::open(place, &repository);
    bench.begin("fix-it", "quick", "# Fix it\n\nPlease.");
    bench.reaches("fix-it", State::Approval);
    (repository, bench)
}

fn wanted(bench: &Bench) -> Result<String, orchestra::model::Failure> {
    let answer = bench.try_ask("fix-it", |project, task| Request::OpenPullRequest { project, task })?;
    let Reply::Done { message: Some(message) } = answer else { panic!("{answer:?}") };
    Ok(message)
}

/// R144.
#[test]
fn the_branch_is_pushed_and_the_pull_request_opened_once() {
    alone(|place| {
        let (repository, bench) = ready(place);
        let failure = wanted(&bench).unwrap_err();
        assert!(failure.message.contains("has no commit that main has not"), "{failure}");
        let worktree = bench.worktree("fix-it");
        crate::repo::git(place, &worktree, &["add", "-A"]);
        crate::repo::git(place, &worktree, &["commit", "-qm", "Fix it"]);
        let failure = wanted(&bench).unwrap_err();
        assert_eq!(failure.kind, FailureKind::NotFound);
        assert!(failure.to_string().contains("git remote add origin"), "{failure}");
        let remote = place.path("remote.git");
        repository.git(&["init", "-q", "--bare", remote.to_str().unwrap()]);
        repository.git(&["remote", "add", "origin", remote.to_str().unwrap()]);
        let failure = wanted(&bench).unwrap_err();
        assert!(failure.to_string().contains("gh auth login"), "{failure}");
        let pushed = || crate::repo::git(place, &remote, &["for-each-ref", "--format=%(refname)"]);
        assert_eq!(pushed(), "", "without gh nothing is pushed");

        executable(&place.write("bin/gh", GH));
        std::fs::write(worktree.join("app.txt"), "later\n").unwrap();
        let message = wanted(&bench).unwrap();
        assert!(
            message.ends_with("is open; 1 uncommitted files are not in it: https://example.invalid/pull/7"),
            "{message}"
        );
        assert_eq!(pushed(), "refs/heads/task/fix-it");
        let asked = place.lines("home/gh").join("\n");
        assert!(
            asked.starts_with("pr\ncreate\n--head\ntask/fix-it\n--base\nmain\n--title\nFix it\n--body\n"),
            "{asked}"
        );
        assert!(asked.contains("Please.") && asked.contains("## Summary\n\nthe summary"), "{asked}");
        let env = place.lines("home/env");
        assert!(env.iter().any(|line| line == "GH_PROMPT_DISABLED=1"), "{env:?}");
        let again = wanted(&bench).unwrap();
        assert!(again.contains("is open already") && again.contains("/pull/7"), "{again}");
    });
}

/// R144.
#[test]
fn a_branch_that_moved_on_the_remote_is_never_forced() {
    alone(|place| {
        let (repository, bench) = ready(place);
        executable(&place.write("bin/gh", GH));
        let worktree = bench.worktree("fix-it");
        crate::repo::git(place, &worktree, &["add", "-A"]);
        crate::repo::git(place, &worktree, &["commit", "-qm", "Fix it"]);
        let remote = place.path("remote.git");
        repository.git(&["init", "-q", "--bare", remote.to_str().unwrap()]);
        repository.git(&["remote", "add", "upstream", remote.to_str().unwrap()]);
        repository.git(&["push", "-q", "-u", "upstream", "main:trunk"]);
        let tree = repository.git(&["rev-parse", "main^{tree}"]);
        let other = repository.git(&["commit-tree", &tree, "-m", "of somebody else"]);
        repository.git(&["push", "-q", "upstream", &format!("{other}:refs/heads/task/fix-it")]);
        let failure = wanted(&bench).unwrap_err();
        assert!(failure.message.contains("upstream does not take task/fix-it"), "{failure}");
        assert_eq!(crate::repo::git(place, &remote, &["rev-parse", "task/fix-it"]), other);
        repository.git(&["push", "-q", "upstream", ":refs/heads/task/fix-it"]);
        wanted(&bench).unwrap();
        assert_eq!(place.lines("home/gh")[5], "trunk", "the base as the remote calls it");
    });
}

#[test]
fn commands_that_nobody_trusts_push_nothing() {
    alone(|place| {
        let (repository, bench) = ready(place);
        repository.git(&["config", "core.sshCommand", "touch ran"]);
        assert_eq!(wanted(&bench).unwrap_err().kind, FailureKind::Untrusted);
    });
}
