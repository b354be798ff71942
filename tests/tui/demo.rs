//! `orchestra demo` by its keys, and a task of one's own in it.

use crate::place::in_place;
use crate::{demo_folders, new_task, row, select, start};

#[test]
fn the_demo_from_its_first_screen_to_the_merge() {
    in_place(|place| {
        let mut tui = start(place, &place.path(""), &["demo"]);
        tui.wait_for("1/6");
        tui.wait("the agent to work", |screen| row(screen, "csv-quoting").contains("/2"));
        select(&mut tui, "csv-quoting");
        tui.keys("\r");
        tui.wait_for("attached");
        tui.wait_for("2/6");
        tui.keys("\x1c");
        tui.wait_for("3/6");
        tui.wait("the gate to have failed once and passed", |screen| row(screen, "csv-quoting").contains("review"));
        tui.wait_for("4/6");
        select(&mut tui, "add-docs");
        tui.keys(" ");
        tui.wait_for("1-2 answer");
        tui.press_until("1", "the end of add-docs", |screen| row(screen, "add-docs").contains("done"));
        tui.wait_for("5/6");
        select(&mut tui, "csv-quoting");
        tui.keys("a");
        let review = tui.wait_for("checks.sh passed on attempt 2");
        assert!(review.contains("no conflict predicted"), "{review}");
        tui.press_until("a", "the approval", |screen| screen.contains("6/6"));
        tui.keys("M");
        tui.wait_for("merge csv-quoting?");
        tui.press_until("y", "the merge", |screen| row(screen, "csv-quoting").contains("merged"));
        assert_eq!(demo_folders(place), 1);
        tui.keys("q");
        let (code, raw) = tui.end();
        assert_eq!(code, 0);
        assert!(raw.contains("demo repository in ") && raw.contains("left the demo"), "{raw}");
        assert_eq!(demo_folders(place), 0, "it cleans up");
    });
}

#[test]
fn a_task_by_the_form_and_one_by_a_line() {
    in_place(|place| {
        let mut tui = start(place, &place.path(""), &["demo"]);
        tui.wait_for("1/6");
        tui.keys("N");
        tui.wait_for("new task");
        tui.keys("submit: by the form");
        tui.keys("\t");
        tui.keys("by-form");
        tui.keys("\r");
        tui.wait("the form's task", |screen| row(screen, "by-form").contains("/2"));
        new_task(&mut tui, "submit: by a line");
        tui.wait("the line's task", |screen| {
            screen.lines().skip(1).filter(|line| line.contains("summary waits for your approval")).count() >= 3
        });
        tui.keys("q");
        assert_eq!(tui.end().0, 0);
    });
}
