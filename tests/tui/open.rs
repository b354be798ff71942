//! Where the screen cannot open: a message, a next step, an exit code, and no full screen.

use std::process::Command;

use crate::place::{Place, in_place};
use crate::repo::{Repository, git};
use crate::{start, tui::Tui};

const ALTERNATE_SCREEN: &str = "\x1b[?1049h";

fn refused(tui: Tui, why: &str) {
    let (code, raw) = tui.end();
    assert_eq!(code, 1, "{raw}");
    assert!(raw.contains('✗') && raw.contains(why), "{raw}");
    assert!(raw.contains("git "), "it names the next step: {raw}");
    assert!(!raw.contains(ALTERNATE_SCREEN), "{raw}");
}

#[test]
fn outside_a_repository() {
    in_place(|place| refused(start(place, &folder(place, "plain"), &[]), "not in a git repository"));
}

#[test]
fn in_a_bare_repository() {
    in_place(|place| {
        let folder = folder(place, "bare.git");
        git(place, &folder, &["init", "-q", "--bare"]);
        refused(start(place, &folder, &[]), "bare");
    });
}

#[test]
fn in_a_repository_without_commits() {
    in_place(|place| {
        let folder = folder(place, "young");
        git(place, &folder, &["init", "-q"]);
        refused(start(place, &folder, &[]), "no commit");
    });
}

#[test]
fn without_a_terminal() {
    in_place(|place| {
        let repository = Repository::bare_of_settings(place);
        let program = Command::new(env!("CARGO_BIN_EXE_orchestra"))
            .current_dir(repository.root())
            .env_clear()
            .envs(place.environment())
            .output()
            .unwrap();
        assert_eq!(program.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&program.stderr).contains("terminal"));
    });
}

#[test]
fn a_path_and_a_slip_of_the_tongue() {
    in_place(|place| {
        let repository = Repository::bare_of_settings(place);
        let mut tui = start(place, &place.path(""), &[repository.root().to_str().unwrap()]);
        tui.wait_for("my-app");
        tui.keys("q");
        assert_eq!(tui.end().0, 0);
        let (code, raw) = start(place, repository.root(), &["dmeo"]).end();
        assert!(code == 2 && raw.contains("orchestra demo"), "{raw}");
    });
}

fn folder(place: &Place, name: &str) -> std::path::PathBuf {
    std::fs::create_dir_all(place.path(name)).unwrap();
    place.path(name)
}
