//! Commands and shells in a task's worktree, and verbs that know by the folder which task is meant.

use crate::{Desk, WILLING, in_place};

/// A desk with a task that waits for approval.
fn desk(place: &crate::place::Place) -> Desk<'_> {
    let desk = Desk::new(place, WILLING);
    desk.done(&["new", "fix-it", "-d", "Fix it", "--flow", "quick", "--start"]);
    desk.done(&["wait", "fix-it", "--until", "approval", "--timeout", "60"]);
    desk
}

#[test]
fn exec_runs_in_the_worktree_and_its_exit_code_is_the_child_s() {
    in_place(|place| {
        let desk = desk(place);
        let worktree = desk.done(&["path", "fix-it"]);
        assert_eq!(desk.done(&["exec", "fix-it", "--", "pwd"]), worktree);
        assert_eq!(desk.done(&["exec", "fix-it", "cat", "work.txt"]), "work\n");
        let variables = desk.done(&["exec", "fix-it", "--", "sh", "-c", "env | grep ^ORCH | sort"]);
        insta::assert_snapshot!(variables, @r"
        ORCHESTRA_BASE_BRANCH=main
        ORCHESTRA_BRANCH=task/fix-it
        ORCHESTRA_HOME=$PLACE/orchestra-home
        ORCHESTRA_PORT_BASE=20010
        ORCHESTRA_PROJECT_ROOT=$PLACE/my-app
        ORCHESTRA_TASK_ID=1
        ORCHESTRA_TASK_SLUG=fix-it
        ORCHESTRA_TASK_TITLE=fix-it
        ORCHESTRA_WORKTREE_PATH=$PLACE/orchestra-home/worktrees/my-app-ID/fix-it
        ");
        assert_eq!(desk.run(&["exec", "fix-it", "--", "sh", "-c", "exit 7"]).code, 7);
        assert_eq!(desk.run(&["exec", "fix-it", "--", "sh", "-c", "kill -TERM $$"]).code, -1, "killed, as the child");
        insta::assert_snapshot!(desk.shown(&["exec", "fix-it", "--", "no-such-program"]), @r"
        stderr: cannot run no-such-program: No such file or directory (os error 2)
        exit 127
        ");
        assert_eq!(desk.piped(&["exec", "fix-it", "cat"], "through").out, "through");
    });
}

#[test]
fn a_shell_opens_in_the_worktree() {
    in_place(|place| {
        let desk = desk(place);
        let mut terminal = desk.terminal(&["shell", "fix-it"], &[]);
        terminal.keys("echo \"in $ORCHESTRA_TASK_SLUG\"; cat work.txt; exit 3\r");
        let (code, text) = terminal.end();
        assert!(code == 3 && text.contains("in fix-it") && text.contains("work\r\n"), "{code}: {text}");
    });
}

#[test]
fn inside_a_worktree_the_task_may_be_left_out() {
    in_place(|place| {
        let desk = desk(place);
        desk.done(&["new", "other", "-d", "Another one"]);
        let worktree = desk.json(&["path", "fix-it", "--json"])["path"].as_str().unwrap().to_owned();
        let inside = desk.at(std::path::Path::new(&worktree));
        assert_eq!(inside.json(&["show", "--json"])["task"]["slug"], "fix-it");
        assert!(inside.done(&["diff", "--stat"]).contains("work.txt"));
        assert_eq!(inside.done(&["path"]), desk.done(&["path", "fix-it"]));
        assert_eq!(inside.done(&["path", "--project"]), "$PLACE/my-app\n");
        assert_eq!(inside.json(&["auto", "on", "--json"])["task"]["auto"], true);
        assert_eq!(inside.json(&["status", "--json"])["project"]["name"], "my-app");
        assert!(inside.done(&["send", "well done"]).contains("fix-it"));
    });
}
