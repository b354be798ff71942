//! What is refused, and how: slips, missing things, nobody to ask, nobody who reads.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use crate::{Desk, WILLING, in_place};

#[test]
fn slips_of_the_tongue() {
    in_place(|place| {
        let desk = Desk::new(place, WILLING);
        desk.done(&["new", "fix-it", "-d", "Fix it"]);
        insta::assert_snapshot!(desk.shown(&["statsu"]), @r#"
        stderr: ✗ there is no verb "statsu". Nearest: orchestra status. All of them: orchestra --help
        exit 2
        "#);
        insta::assert_snapshot!(desk.shown(&["statsu", "--json"]), @r#"
        {"error":{"code":"usage","hint":"Nearest: orchestra status. All of them: orchestra --help","message":"there is no verb \"statsu\"."}}
        exit 2
        "#);
        insta::assert_snapshot!(desk.shown(&["show", "fix-ti"]), @r#"
        stderr: ✗ there is no task "fix-ti" in my-app. All of them: orchestra status
        exit 3
        "#);
        insta::assert_snapshot!(desk.shown(&["show", "fix-ti", "--json"]), @r#"
        {"error":{"code":"not_found","hint":"All of them: orchestra status","message":"there is no task \"fix-ti\" in my-app."}}
        exit 3
        "#);
        insta::assert_snapshot!(desk.shown(&["show"]), @r"
        stderr: ✗ no task was named, and this folder is no task's worktree. Name one; orchestra status lists them.
        exit 2
        ");
        insta::assert_snapshot!(desk.shown(&["approve", "fix-it", "--json"]), @r#"
        {"error":{"code":"bad_state","hint":null,"message":"cannot approve fix-it: it is a draft; orchestra start fix-it starts it"}}
        exit 4
        "#);
        insta::assert_snapshot!(desk.shown(&["set-status", "fix-it", "finished"]), @r"
        stderr: error: invalid value 'finished' for '<STATUS>'
          [possible values: draft, running, idle, completed, reviewed]

        For more information, try '--help'.
        exit 2
        ");
        insta::assert_snapshot!(desk.shown(&["new", "fix-it", "-d", "Again"]), @r#"
        stderr: ✗ slug "fix-it" is taken. Try fix-it-2.
        exit 2
        "#);
        insta::assert_snapshot!(desk.shown(&["new", "a/b", "-d", "Again"]), @r#"
        stderr: ✗ slug "a/b" may have only a-z, 0-9 and -, and starts with a letter or a digit.
        exit 2
        "#);
        insta::assert_snapshot!(desk.shown(&["new", "one", "--base", "nowhere", "-d", "Again"]), @r"
        stderr: ✗ there is no branch or commit nowhere.
        exit 3
        ");
        insta::assert_snapshot!(desk.shown(&["new", "--start", "--draft", "--json"]), @r#"
        {"error":{"code":"usage","hint":"Usage: orchestra new --start --json [SLUG] [-] For more information, try '--help'.","message":"the argument '--start' cannot be used with '--draft'"}}
        exit 2
        "#);
        insta::assert_snapshot!(desk.shown(&["path", "fix-it"]), @r"
        stderr: ✗ fix-it has no worktree (draft). orchestra start fix-it makes it.
        exit 4
        ");
        insta::assert_snapshot!(desk.shown(&["status", "--in", "elsewhere"]), @r#"
        stderr: ✗ there is no open project "elsewhere". Open: my-app
        exit 3
        "#);
        insta::assert_snapshot!(desk.shown(&["rpc", "task.sing"]), @r#"
        stderr: ✗ there is no method "task.sing". Nearest: task.list
        exit 2
        "#);
        insta::assert_snapshot!(desk.shown(&["cd", "fix-it"]), @r#"
        stderr: ✗ a program cannot change the folder of your shell. In ~/.bashrc: eval "$(orchestra shell-init bash)". Now: cd "$(orchestra path fix-it)"
        exit 2
        "#);
    });
}

#[test]
fn without_a_terminal_nobody_is_asked() {
    in_place(|place| {
        let desk = Desk::untrusted(place, WILLING);
        insta::assert_snapshot!(desk.shown(&["trust"]), @r"
        stderr: ✗ trust is asked of a person, and there is nobody to ask. orchestra trust --list shows the files; --trust gives it.
        exit 4
        ");
        insta::assert_snapshot!(desk.shown(&["trust", "-y"]), @r"
        stderr: ✗ trust is asked of a person, and there is nobody to ask. orchestra trust --list shows the files; --trust gives it.
        exit 4
        ");
        insta::assert_snapshot!(desk.shown(&["new"]), @r"
        stderr: ✗ a task needs a description, and there is no terminal. Give one with -d TEXT or --file FILE, or pipe it in: orchestra new SLUG -
        exit 4
        ");
        insta::assert_snapshot!(desk.shown(&["new", "--json"]), @r#"
        {"error":{"code":"bad_state","hint":"Give one with -d TEXT or --file FILE, or pipe it in: orchestra new SLUG -","message":"a task needs a description, and there is no terminal."}}
        exit 4
        "#);
        insta::assert_snapshot!(desk.shown(&["new", "fix-it", "-d", "Fix it", "--start"]), @r"
        stderr: ✗ the commands of my-app are not trusted yet. orchestra trust shows what wants to run and asks; --trust lets it run as it is now.
        exit 4
        ");
        desk.done(&["new", "fix-it", "-d", "Fix it"]);
        insta::assert_snapshot!(desk.shown(&["edit", "fix-it"]), @r"
        stderr: ✗ an editor needs a terminal. orchestra spec TASK --path tells the file; edit it with anything.
        exit 4
        ");
        insta::assert_snapshot!(desk.shown(&["shell", "fix-it"]), @r"
        stderr: ✗ a shell needs a terminal. orchestra exec TASK -- CMD runs a command.
        exit 4
        ");
        insta::assert_snapshot!(desk.shown(&["attach", "fix-it"]), @r"
        stderr: ✗ attaching needs a terminal on standard input and output. orchestra logs TASK --follow prints instead.
        exit 4
        ");
        insta::assert_snapshot!(desk.shown(&["start", "fix-it", "--json"]), @r#"
        {"error":{"code":"untrusted","hint":"orchestra trust shows what wants to run and asks; --trust lets it run as it is now.","message":"the commands of my-app are not trusted yet."}}
        exit 4
        "#);
        assert_eq!(desk.run(&["start", "fix-it", "--trust"]).code, 0);
    });
}

#[test]
fn trust_is_a_person_s_yes() {
    in_place(|place| {
        let desk = Desk::untrusted(place, WILLING);
        let list = desk.done(&["trust", "--list"]);
        assert!(list.contains("config.yaml") && list.contains("scripts/checks.sh"), "{list}");
        let mut terminal = desk.terminal(&["trust"], &[]);
        terminal.wait_for("Let these files run commands? [y/N]");
        terminal.keys("\r");
        let (code, text) = terminal.end();
        assert!(code == 1 && text.contains("not trusted"), "{code}: {text}");
        let mut terminal = desk.terminal(&["trust"], &[]);
        terminal.wait_for("Let these files run commands? [y/N]");
        terminal.keys("y\r");
        assert_eq!(terminal.end().0, 0);
        desk.done(&["new", "fix-it", "-d", "Fix it", "--start"]);
        insta::assert_snapshot!(desk.shown(&["trust", "--revoke"]), @"trust is taken back; the next start asks");
        assert_eq!(desk.run(&["new", "two", "-d", "Fix it", "--start"]).code, 4);
    });
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    in_place(|place| {
        let desk = Desk::new(place, WILLING);
        for index in 0..40 {
            desk.done(&["new", &format!("task-{index}"), "-d", "Fix it"]);
        }
        let mut child = desk.command(&["status"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut first = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
        assert!(first.starts_with("my-app"));
    });
}

#[test]
fn colors_are_for_terminals_and_for_those_who_want_them() {
    in_place(|place| {
        let desk = Desk::new(place, WILLING);
        desk.done(&["new", "fix-it", "-d", "Fix it"]);
        assert!(!desk.done(&["status"]).contains('\x1b'));
        let (_, colored) = desk.terminal(&["status"], &[]).end();
        assert!(colored.contains("\x1b[2m"), "{colored:?}");
        let (_, plain) = desk.terminal(&["status"], &[("NO_COLOR", "1")]).end();
        assert!(!plain.contains('\x1b') && plain.contains("fix-it"), "{plain:?}");
    });
}

#[test]
fn names_cannot_write_to_the_terminal() {
    in_place(|place| {
        let desk = Desk::new(place, WILLING);
        desk.done(&["new", "fix-it", "-t", "a\x1b[31mb", "-d", "one\x1b]0;title\x07two"]);
        let shown = desk.done(&["show", "fix-it"]);
        assert!(!shown.contains('\x1b') && shown.contains("a·[31mb"), "{shown}");
    });
}

#[test]
fn outside_of_a_repository() {
    in_place(|place| {
        let desk = Desk::new(place, WILLING);
        let elsewhere = desk.at(&place.path("home"));
        insta::assert_snapshot!(elsewhere.shown(&["status"]), @r"
        my-app
          no tasks yet. orchestra new -d TEXT makes one
        ");
        insta::assert_snapshot!(elsewhere.shown(&["new", "fix-it", "-d", "Fix it"]), @r"
        stderr: ✗ $PLACE/home is not in a git repository. Try: orchestra demo, or cd to a repository.
        exit 1
        ");
        insta::assert_snapshot!(elsewhere.shown(&["new", "fix-it", "-d", "Fix it", "-C", "my-app"]), @"kept fix-it as a draft; orchestra start fix-it starts it");
        insta::assert_snapshot!(elsewhere.shown(&["status", "--in", desk.folder.to_str().unwrap()]), @r"
        my-app
        Draft
          · fix-it     now
        ");
        insta::assert_snapshot!(elsewhere.shown(&["projects"]), @"my-app-ID  1 task, 0 at work       $PLACE/my-app");
        insta::assert_snapshot!(elsewhere.shown(&["projects", "forget", "my-app"]), @r"
        stderr: ✗ Forget my-app? Its files and its state stay on disk. There is nobody to ask. -y answers yes; nothing was changed.
        exit 4
        ");
        insta::assert_snapshot!(elsewhere.shown(&["projects", "forget", "my-app", "-y"]), @"forgot my-app; opening it again brings its tasks back");
        insta::assert_snapshot!(elsewhere.shown(&["status", "--all"]), @"no projects yet. cd to a repository, then: orchestra");
    });
}
