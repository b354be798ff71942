//! In a session: sizes, pastes and keys reach the agent as they are.

use crate::place::in_place;
use crate::repo::Repository;
use crate::start;

/// Shows its size at each change of it, and what it reads, with escape sequences written out.
const ECHO: &str = r#"trap 'stty size' WINCH; stty raw -echo; printf '\033[?2004hready '; stty size; while :; do dd bs=1 count=1 2>/dev/null | od -An -c | tr -d ' \n'; done"#;

fn attached(place: &crate::place::Place) -> crate::tui::Tui {
    let repository = Repository::bare_of_settings(place);
    let mut tui = start(place, repository.root(), &[]);
    tui.wait_for("my-app");
    tui.keys("t");
    tui.wait_for("attached");
    let script = place.write("echo.sh", ECHO);
    tui.keys(&format!("sh {}\r", script.display()));
    tui.wait_for("ready ");
    tui
}

#[test]
fn sizes_follow_the_terminal() {
    in_place(|place| {
        let mut tui = attached(place);
        for (rows, cols) in [(50, 200), (20, 48), (24, 80)] {
            tui.resize(rows, cols);
            tui.keys("z");
            tui.wait("a frame of the new size", |screen| screen.lines().count() <= usize::from(rows) && screen.contains('z'));
        }
        tui.keys("\x1c");
        tui.wait("the list", |screen| !screen.contains("attached"));
        tui.keys("q");
        assert_eq!(tui.end().0, 0);
    });
}

#[test]
fn a_paste_arrives_in_one_piece_and_marked() {
    in_place(|place| {
        let mut tui = attached(place);
        tui.keys("\x1b[200~one\ntwo\x1b[201~");
        tui.wait("the paste", |screen| {
            let flat: String = screen.split_whitespace().collect();
            flat.contains("033[200~one") && flat.contains("two033[201~")
        });
        tui.keys("\x1c");
        tui.wait("the list", |screen| !screen.contains("attached"));
        tui.keys("q");
        assert_eq!(tui.end().0, 0);
    });
}
