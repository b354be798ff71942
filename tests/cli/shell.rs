//! What shells and manual pages get of the program, run in the real ones.

use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use crate::{Desk, WILLING, in_place};

/// What a shell prints that has loaded `shell-init`; none when it is not installed.
fn shell(desk: &Desk<'_>, shell: &str, script: &str) -> Option<String> {
    let found = ["/bin", "/usr/bin", "/usr/local/bin"].iter().any(|dir| Path::new(dir).join(shell).exists());
    if !found {
        _ = writeln!(std::io::stderr(), "SKIPPED: {shell} is not installed");
        return None;
    }
    let bin = Path::new(env!("CARGO_BIN_EXE_orchestra")).parent().unwrap();
    let load = match shell {
        "fish" => "orchestra shell-init fish | source".to_owned(),
        "zsh" => "autoload -Uz compinit; compinit -D; eval \"$(orchestra shell-init zsh)\"".to_owned(),
        _ => format!("eval \"$(orchestra shell-init {shell})\""),
    };
    let output = Command::new(shell)
        .args(["-c", &format!("{load}\n{script}")])
        .env_clear()
        .envs(desk.place.environment())
        .env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", bin.display()))
        .current_dir(&desk.folder)
        .output()
        .unwrap();
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && err.is_empty(), "{shell}: {err}");
    Some(desk.plain(&String::from_utf8_lossy(&output.stdout)))
}

/// A desk with a task at work in its worktree.
fn desk(place: &crate::place::Place) -> Desk<'_> {
    let desk = Desk::new(place, WILLING);
    desk.done(&["new", "fix-it", "-d", "Fix it", "--flow", "quick", "--start"]);
    desk.done(&["new", "other-one", "-d", "Another one"]);
    desk.done(&["wait", "fix-it", "--until", "approval", "--timeout", "60"]);
    desk
}

#[test]
fn bash_changes_folders_and_completes() {
    in_place(|place| {
        let desk = desk(place);
        let complete = |words: &str, index: usize| {
            format!(
                "COMP_WORDS=({words}); COMP_CWORD={index}; COMPREPLY=(); _orchestra_tasks orchestra \"${{COMP_WORDS[{index}]}}\" \
                 \"${{COMP_WORDS[{}]}}\"; echo \"${{COMPREPLY[*]}}\"\n",
                index - 1
            )
        };
        let script = format!(
            "orchestra cd fix-it; pwd\norchestra cd; pwd\norchestra cd nowhere 2>/dev/null || echo refused\npwd\n{}{}{}{}",
            complete("orchestra show ''", 2),
            complete("ork trak start oth", 3),
            complete("orchestra sta", 1),
            complete("orchestra wait fix-it --un", 3),
        );
        let Some(text) = shell(&desk, "bash", &script) else { return };
        let worktree = desk.done(&["path", "fix-it"]);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[..4], [worktree.trim_end(), "$PLACE/my-app", "refused", "$PLACE/my-app"]);
        assert_eq!(lines[4..], ["fix-it other-one", "other-one", "start status", "--until"]);
    });
}

#[test]
fn zsh_changes_folders() {
    in_place(|place| {
        let desk = desk(place);
        let Some(text) = shell(&desk, "zsh", "orchestra cd fix-it; pwd; whence -w _orchestra_tasks") else { return };
        assert_eq!(text, format!("{}_orchestra_tasks: function\n", desk.done(&["path", "fix-it"])));
    });
}

#[test]
fn fish_changes_folders_and_completes() {
    in_place(|place| {
        let desk = desk(place);
        let Some(text) = shell(&desk, "fish", "orchestra cd fix-it; pwd; complete -C 'orchestra show oth'") else {
            return;
        };
        assert_eq!(text, format!("{}other-one\n", desk.done(&["path", "fix-it"])));
    });
}

#[test]
fn completions_and_pages_are_printed_for_every_shell() {
    in_place(|place| {
        let desk = Desk::untrusted(place, WILLING);
        for (shell, word) in
            [("bash", "complete -F _orchestra"), ("zsh", "#compdef orchestra"), ("fish", "complete -c orchestra")]
        {
            assert!(desk.done(&["completions", shell]).contains(word), "{shell}");
            assert!(!desk.done(&["shell-init", shell]).contains("@VERBS@"), "{shell}");
        }
        assert_eq!(desk.run(&["completions", "tcsh"]).code, 2);
        let page = desk.done(&["man"]);
        assert!(page.contains(".TH orchestra 1") && page.contains("orchestra\\-send\\-to\\-stage(1)"), "{page}");
        assert!(desk.done(&["man", "wait"]).contains("\\-\\-until"));
        assert_eq!(desk.run(&["man", "frob"]).code, 2);
        let dir = place.path("man1");
        std::fs::create_dir(&dir).unwrap();
        desk.done(&["man", "--dir", dir.to_str().unwrap()]);
        assert!(dir.join("orchestra-new.1").is_file() && dir.join("orchestra.1").is_file());
        insta::assert_snapshot!(desk.shown(&["wait", "--help"]), @r"
        Wait until a task has come to a state or a status

        Usage: orchestra wait [OPTIONS] --until <STATE> [TASK]

        Arguments:
          [TASK]  Number, slug or `id:slug`; may be left out inside of a task's worktree

        Options:
          -u, --until <STATE>  A state or a status; later ones count as reached
          -t, --timeout <S>    Seconds; without it there is no limit
          -h, --help           Print help

        Everywhere:
              --json          Print one JSON object, errors too
          -y, --yes           Answer confirmations with yes; trust is never given by it
          -C, --in <PROJECT>  The project: a path inside of it, its name or its id; the one around this folder when none is given

        Examples:
          orchestra wait fix-tests --until completed --timeout 1800
          orchestra wait fix-tests --until asking && orchestra attach fix-tests
        Exit codes: 0 reached, 1 failed or deleted, 6 the time is up.
        ");
    });
}
