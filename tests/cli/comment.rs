//! Comments on lines of a diff, from the note to the agent that reads it.

use crate::{Desk, WILLING, in_place};

/// R97.
#[test]
fn what_is_noted_on_lines_goes_with_the_rejection_once() {
    in_place(|place| {
        let desk = Desk::new(place, WILLING);
        insta::assert_snapshot!(desk.shown(&["new", "fix-it", "-d", "Fix it", "--flow", "quick", "--start"]), @"started fix-it on task/fix-it");
        desk.done(&["wait", "fix-it", "--until", "approval", "--timeout", "60"]);
        insta::assert_snapshot!(desk.shown(&["comment", "fix-it"]), @"nothing is noted on the diff of fix-it");
        insta::assert_snapshot!(desk.shown(&["comment", "fix-it", "--send"]), @r"
        stderr: ✗ a rejection needs a text that says what to change
        exit 4
        ");
        insta::assert_snapshot!(desk.shown(&["comment", "fix-it", "work.txt:1", "play instead"]), @"noted on work.txt:1; orchestra comment fix-it --send sends it");
        let worktree = std::path::PathBuf::from(desk.run(&["path", "fix-it"]).raw.trim());
        std::fs::write(worktree.join("app.txt"), "one\nthree\n").unwrap();
        insta::assert_snapshot!(desk.at(&worktree).shown(&["comment", "app.txt:2", "and four"]), @"noted on app.txt:2; orchestra comment fix-it --send sends it");
        desk.done(&["comment", "fix-it", "app.txt:1", "never mind"]);
        for (place, text) in [
            ("work.txt:2", "x"),
            ("work.txt:0", "x"),
            ("work.txt", "x"),
            ("../secret:1", "x"),
            ("/etc/passwd:1", "x"),
            ("none.txt:1", "x"),
            ("work.txt:1", "  "),
        ] {
            let ran = desk.run(&["comment", "fix-it", place, text]);
            assert!([2, 3].contains(&ran.code), "{place}: {ran:?}");
        }
        insta::assert_snapshot!(desk.shown(&["comment", "fix-it", "--drop", "3"]), @"dropped comment 3 of fix-it");
        insta::assert_snapshot!(desk.shown(&["comment", "fix-it", "--drop", "3"]), @r"
        stderr: ✗ fix-it has no open comment 3. All of them: orchestra comment TASK
        exit 3
        ");
        // On the screen too, where one more is noted; an engine that ends keeps them all.
        let mut screen = desk.terminal(&[], &[]);
        screen.wait_for("fix-it");
        screen.press_until("d", "the diff", |text| text.contains("work.txt") && text.contains("> play instead"));
        let marked = |text: &str| text.lines().any(|line| line.contains('▌') && line.contains("> play instead"));
        screen.press_until("G", "the last line", marked);
        screen.press_until("c", "the prompt", |text| text.contains("comment on work.txt:1"));
        screen.keys("all day\r");
        screen.wait_for("> all day");
        screen.kill();
        desk.done(&["shutdown", "-y"]);
        insta::assert_snapshot!(desk.shown(&["comment", "fix-it"]), @r"
        1  work.txt:1  open
             > work
             play instead
        2  app.txt:2  open
             > three
             and four
        4  work.txt:1  open
             > work
             all day
        ");
        insta::assert_snapshot!(desk.shown(&["reject", "fix-it", "Not yet."]), @"rejected fix-it; work goes on");
        let comments = desk.json(&["comment", "fix-it", "--json"]);
        let comments = comments["comments"].as_array().unwrap();
        assert!(comments.iter().all(|comment| comment["sent_at"].is_string()), "{comments:?}");
        desk.done(&["wait", "fix-it", "--until", "approval", "--timeout", "60"]);
        let told = |desk: &Desk<'_>| {
            let shown = desk.json(&["show", "fix-it", "--json"]);
            shown["task"]["iterations"].as_array().unwrap().last().unwrap()["told"].as_str().unwrap().to_owned()
        };
        insta::assert_snapshot!(told(&desk), @r"
        Not yet.

        app.txt:2: and four
        > three

        work.txt:1: play instead
        > work

        work.txt:1: all day
        > work
        ");
        desk.done(&["reject", "fix-it", "once more"]);
        desk.done(&["wait", "fix-it", "--until", "approval", "--timeout", "60"]);
        assert_eq!(told(&desk), "once more");
        desk.done(&["comment", "fix-it", "app.txt:1", "no more"]);
        insta::assert_snapshot!(desk.shown(&["comment", "fix-it", "--send"]), @"sent the comments on fix-it; work goes on");
        desk.done(&["wait", "fix-it", "--until", "approval", "--timeout", "60"]);
        assert_eq!(told(&desk), "app.txt:1: no more\n> one");
        desk.done(&["archive", "fix-it"]);
        insta::assert_snapshot!(desk.shown(&["comment", "fix-it", "work.txt:1", "late"]), @r"
        stderr: ✗ cannot comment on fix-it: it is archived.
        exit 4
        ");
    });
}
