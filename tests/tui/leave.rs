//! Leaving by key, by signal and by `kill -9`, and coming back to what went on.

use std::time::Instant;

use orchestra::rpc::{self, Client, FaceKind};
use orchestra::store::Home;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use crate::place::{Door, PATIENCE, Place, in_place};
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
fn flows_go_on_without_a_screen() {
    in_place(|place| {
        let door = place.door("door");
        let (_repository, mut tui) = at_work(place, &door);
        let knock = door.reached();
        tui.keys("q");
        assert_eq!(tui.end().0, 0);
        let home = Home::at(place.path("orchestra-home"));
        let mut client = rpc::wait_for_server(&home, PATIENCE).unwrap().expect("an engine without a face serves");
        assert_eq!(client.greeting().face.kind, FaceKind::Headless);
        client.subscribe(None).unwrap();
        knock.open();
        let until = Instant::now() + PATIENCE;
        let done = |client: &mut Client| {
            let tasks = client.call("task.list", json!({})).unwrap();
            tasks.to_string().contains(r#""state":"done""#)
        };
        while !done(&mut client) {
            client.next_event(Some(until)).unwrap().expect("the task is done in time");
        }
    });
}

#[test]
fn a_second_screen_says_where_the_first_one_is_and_takes_over_when_told_to() {
    in_place(|place| {
        let door = place.door("door");
        let (repository, first) = at_work(place, &door);
        let _knock = door.reached();
        let mut declined = start(place, repository.root(), &[]);
        let asked = declined.wait_for("Take it over here?");
        assert!(asked.contains("Orchestra runs on /dev/") && asked.contains(&first.pid().to_string()), "{asked}");
        declined.keys("n\r");
        let (code, raw) = declined.end();
        assert_eq!(code, 5, "{raw}");
        assert!(raw.contains("it was left there"), "{raw}");
        first.wait_for("pid ");
        let mut second = start(place, repository.root(), &[]);
        second.wait_for("Take it over here?");
        second.keys("y\r");
        second.wait_for("pid ");
        let (code, raw) = first.end();
        assert_eq!(code, 0);
        restored(&raw);
        assert!(raw.contains("taken over"), "{raw}");
        second.keys("q");
        assert_eq!(second.end().0, 0);
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
