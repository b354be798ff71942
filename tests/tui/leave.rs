//! Leaving by key, by signal and by `kill -9`, and coming back to what went on.

use rustix::process::{Pid, Signal, kill_process};

use crate::place::{Door, Place, in_place};
use crate::repo::Repository;
use crate::tui::Tui;
use crate::{new_task, repository, scripted, start};

/// An agent that shows its pid, stops at `door`, and hands in.
fn script(door: &Door) -> String {
    format!(
        "rules:\n  - {{when: 'artifact `summary` by', steps: [{{run: 'echo pid $PPID.'}}, {{run: \"{}\"}}, {{say: behind the door}}, \
         {{submit: done}}]}}\notherwise: []\n",
        door.wait()
    )
}

/// A task at work, stopped at the door.
fn at_work(place: &Place, door: &Door) -> (Repository, Tui) {
    let repository = repository(place, &scripted(place, &script(door)));
    let mut tui = start(place, repository.root(), &[]);
    tui.wait_for("my-app");
    new_task(&mut tui, "Fix it");
    tui.wait_for("pid ");
    (repository, tui)
}

fn restored(raw: &str) {
    let end = &raw[raw.rfind("\x1b[?1049l").unwrap_or_else(|| panic!("the alternate screen stays: {raw:?}"))..];
    let last = |on: &str, off: &str| (raw.rfind(on), raw.rfind(off));
    assert!(raw.rfind("\x1b[?25h") > raw.rfind("\x1b[?25l"), "the cursor stays hidden");
    for mode in ["1000", "1002", "1006", "2004", "1004"] {
        let (on, off) = last(&format!("\x1b[?{mode}h"), &format!("\x1b[?{mode}l"));
        assert!(on.is_none() || off > on, "mode {mode} stays on");
    }
    assert!(!end.contains("\x1b[?1049h"), "{end:?}");
}

#[test]
fn q_leaves_the_agents_running_and_says_so() {
    in_place(|place| {
        let door = place.door("door");
        let (repository, mut tui) = at_work(place, &door);
        let knock = door.reached();
        tui.keys("q");
        let (code, raw) = tui.end();
        assert_eq!(code, 0);
        assert!(raw.contains("left. 1 agent goes on in the background"), "{raw}");
        restored(&raw);
        knock.open();
        let mut tui = start(place, repository.root(), &[]);
        tui.wait_for("behind the door");
        tui.wait("the task's end", |screen| screen.contains("done"));
        tui.keys("x");
        tui.keys("q");
        assert_eq!(tui.end().0, 0);
    });
}

#[test]
fn after_kill_9_the_agents_go_on_and_their_screens_are_back() {
    in_place(|place| {
        let door = place.door("door");
        let (repository, tui) = at_work(place, &door);
        let knock = door.reached();
        let before = tui.wait_for("pid ");
        let pid = |screen: &str| screen.split_once("pid ").map(|(_, rest)| rest.split('.').next().unwrap().to_owned());
        tui.kill();
        let mut tui = start(place, repository.root(), &[]);
        let after = tui.wait_for("pid ");
        assert_eq!(pid(&after), pid(&before), "the same agent");
        assert!(after.contains("Fix it") || after.contains("demo agent"), "{after}");
        knock.open();
        tui.wait_for("behind the door");
        tui.keys("q");
        assert_eq!(tui.end().0, 0);
    });
}

#[test]
fn sigterm_gives_the_terminal_back() {
    in_place(|place| {
        let door = place.door("door");
        let (repository, tui) = at_work(place, &door);
        let _knock = door.reached();
        kill_process(Pid::from_raw(tui.pid() as i32).unwrap(), Signal::TERM).unwrap();
        let (_, raw) = tui.end();
        restored(&raw);
        assert!(raw.contains("goes on in the background"), "{raw}");
        let mut tui = start(place, repository.root(), &[]);
        tui.wait("the agent at work", |screen| screen.contains("pid "));
        tui.keys("q");
        assert_eq!(tui.end().0, 0);
    });
}
