//! In a session: sizes, pastes and keys reach the agent as they are.

use crate::place::{Place, in_place};
use crate::tui::Tui;
use crate::{new_task, repository, start};

/// Shows its size at each change of it, and what it reads, with escape sequences written out.
const ECHO: &str = r"trap 'stty size' WINCH; stty raw -echo; printf '\033[?2004hready '; stty size; while :; do dd bs=1 count=1 2>/dev/null | od -An -c | tr -d ' \n'; done";

fn attached(place: &Place) -> Tui {
    let script = place.write("echo.sh", ECHO);
    let repository = repository(place, &format!("{{start: [sh, '{}']}}", script.display()));
    let mut tui = start(place, repository.root(), &[]);
    tui.wait_for("my-app");
    new_task(&mut tui, "Fix it");
    tui.wait_for("ready");
    tui.keys("\r");
    tui.wait_for("attached");
    tui
}

fn leave(mut tui: Tui) {
    tui.keys("\x1c");
    tui.wait("the list", |screen| !screen.contains("attached"));
    tui.keys("q");
    assert_eq!(tui.end().0, 0);
}

#[test]
fn sizes_follow_the_terminal() {
    in_place(|place| {
        let mut tui = attached(place);
        for ((rows, cols), word) in [((50, 200), "alpha"), ((20, 48), "beta"), ((24, 80), "gamma")] {
            tui.resize(rows, cols);
            tui.wait("a frame of the new size", |screen| {
                let lines: Vec<_> = screen.lines().collect();
                let widest = lines.iter().map(|line| line.chars().count()).max();
                lines.len() == usize::from(rows) && widest == Some(usize::from(cols))
            });
            // The shell tells the new size after the first letter; the others come after that.
            let (first, rest) = word.split_at(1);
            tui.keys(first);
            tui.wait("the program to hear of its new size", |screen| {
                screen.lines().any(|line| line.contains(first) && line.contains(char::is_numeric))
            });
            tui.keys(rest);
            tui.wait_for(rest);
        }
        leave(tui);
    });
}

#[test]
fn a_paste_arrives_in_one_piece_and_marked() {
    in_place(|place| {
        let mut tui = attached(place);
        tui.keys("\x1b[200~one\ntwo\x1b[201~");
        // What breaks a line arrives as the Enter of a terminal would.
        tui.wait("the paste", |screen| {
            ["n", "r"].iter().any(|end| screen.contains(&format!("033[200~one\\{end}two033[201~")))
        });
        leave(tui);
    });
}
