//! In a session: sizes, pastes and keys reach the agent as they are.

use std::collections::BTreeSet;

use crate::place::{Place, in_place};
use crate::tui::Tui;
use crate::{new_task, repository, start};

/// Shows its size in braces at each change of it, and what it reads, with escape sequences written out.
const ECHO: &str = r"
say_size() { echo \{$(stty size)\}; }
trap say_size WINCH
stty raw -echo
printf '\033[?2004hready '
say_size
while :; do dd bs=1 count=1 2>/dev/null | od -An -c | tr -d ' \n'; done";

/// What the program has read and the sizes that it was told, from its pane: either may come in the middle of the other.
fn told(screen: &str) -> (String, Vec<String>) {
    let pane = screen.lines().filter_map(|line| line.rsplit('│').next()).map(str::trim_end);
    let mut read = String::new();
    let mut sizes = Vec::new();
    for (index, part) in pane.collect::<String>().split(['{', '}']).enumerate() {
        if index % 2 == 0 {
            read.extend(part.split_whitespace());
        } else {
            sizes.push(part.to_owned());
        }
    }
    (read, sizes)
}

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
        // Before the first change.
        let screen = tui.wait("its first size", |screen| !told(screen).1.is_empty());
        let mut all = BTreeSet::from_iter(told(&screen).1);
        for ((rows, cols), word) in [((50, 200), "alpha"), ((20, 48), "beta"), ((24, 80), "gamma")] {
            tui.resize(rows, cols);
            tui.wait("a frame of the new size", |screen| {
                let lines: Vec<_> = screen.lines().collect();
                let widest = lines.iter().map(|line| line.chars().count()).max();
                lines.len() == usize::from(rows) && widest == Some(usize::from(cols))
            });
            tui.keys(word);
            let screen = tui.wait(word, |screen| told(screen).0.contains(word));
            all.extend(told(&screen).1);
        }
        assert!(all.len() >= 4, "a size each time: {all:?}");
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
            ["n", "r"].iter().any(|end| told(screen).0.contains(&format!("033[200~one\\{end}two033[201~")))
        });
        leave(tui);
    });
}
