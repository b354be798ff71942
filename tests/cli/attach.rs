//! A session on another terminal.

use crate::place::Place;
use crate::tui::Tui;
use crate::{Desk, in_place};

/// Tells its size, and what it reads in capital letters.
const AGENT: &str = "\
trap 'echo size $(stty size)' WINCH
stty -echo
echo ready
echo size $(stty size)
while :; do
    # A signal ends a read, too.
    if read -r line; then echo \"$line\" | tr a-z A-Z; test \"$line\" = end && exit 5; fi
done
";

fn desk(place: &Place) -> Desk<'_> {
    let desk = Desk::untrusted(place, "rules: []\notherwise: []\n");
    let agent = place.write("agent.sh", AGENT);
    desk.repository
        .agent("plain", &format!("{{start: [sh, '{}', '{{prompt}}'], conversation: none}}", agent.display()));
    desk.done(&["trust", "--trust"]);
    desk.done(&["new", "fix-it", "-d", "Fix it", "--agent", "plain", "--start"]);
    desk.done(&["wait", "fix-it", "--until", "working", "--timeout", "60"]);
    desk
}

fn attach(desk: &Desk<'_>) -> Tui {
    let terminal = desk.terminal(&["attach", "fix-it"], &[]);
    terminal.wait_for("ready");
    terminal
}

#[test]
fn keys_go_there_sizes_too_and_both_detach_keys_leave() {
    in_place(|place| {
        let desk = desk(place);
        for key in ["\x1c", "\x11"] {
            let mut terminal = attach(&desk);
            terminal.wait_for("size 30 100");
            terminal.keys("hello\r");
            terminal.wait_for("HELLO");
            terminal.resize(24, 80);
            terminal.wait_for("size 24 80");
            terminal.keys(key);
            let (code, raw) = terminal.end();
            assert_eq!(code, 0);
            let after = raw.rsplit("\x1b[?1049l").next().unwrap();
            assert!(after.contains("left fix-it; it goes on"), "{after:?}");
            assert!(raw.contains("\x1b[?25h\x1b[?1049l"), "the cursor is back before the screen is: {raw:?}");
        }
        let task = desk.json(&["show", "fix-it", "--json"]);
        assert!(task["task"]["session"].is_string(), "{task}");
    });
}

#[test]
fn the_end_of_the_session_and_a_signal_end_it() {
    in_place(|place| {
        let desk = desk(place);
        let terminal = attach(&desk);
        let pid = rustix::process::Pid::from_raw(terminal.pid().cast_signed()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        let (code, raw) = terminal.end();
        assert!(code == 0 && raw.rsplit("\x1b[?1049l").next().unwrap().contains("left fix-it"), "{code}: {raw:?}");

        let (mut one, other) = (attach(&desk), attach(&desk));
        one.keys("both\r");
        other.wait_for("BOTH");
        one.keys("end\r");
        for terminal in [one, other] {
            let (code, raw) = terminal.end();
            assert!(code == 0 && raw.contains("fix-it has ended, exit code 5"), "{code}: {raw:?}");
        }
        let (code, raw) = desk.terminal(&["attach", "fix-it"], &[]).end();
        assert!(code == 4 && raw.contains("no live session") && !raw.contains("\x1b[?1049h"), "{code}: {raw:?}");
    });
}

#[test]
fn a_handover_of_the_engine_is_not_seen() {
    in_place(|place| {
        let desk = desk(place);
        let mut terminal = attach(&desk);
        desk.done(&["rpc", "engine.handover"]);
        terminal.press_until("again\r", "an answer through the next engine", |screen| screen.contains("AGAIN"));
        terminal.keys("\x1c");
        assert_eq!(terminal.end().0, 0);
    });
}
