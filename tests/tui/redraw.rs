//! What another program does to the terminal of the screen, and how a person gets the screen back.

use std::fs::OpenOptions;
use std::io::Write as _;

use crate::place::in_place;
use crate::repo::{Repository, WILLING};
use crate::start;

/// Margins, colors, and text where it does not belong.
const VANDALISM: &[u8] = b"\x1b[10;20r\x1b[?6h\x1b[1;1H\x1b[41mstray rows";

#[test]
fn ctrl_l_takes_the_terminal_back() {
    in_place(|place| {
        let repository = Repository::new(place, WILLING);
        let mut tui = start(place, repository.root(), &[]);
        let before = tui.wait_for("the built-in demo agent");
        // Standard input of the screen is its terminal: whoever opens that may write to it.
        let terminal = format!("/proc/{}/fd/0", tui.pid());
        OpenOptions::new().write(true).open(terminal).unwrap().write_all(VANDALISM).unwrap();
        tui.wait_for("stray rows");
        tui.keys("\x0c");
        let rows =
            |screen: &str| -> Vec<String> { screen.lines().take(9).map(|row| row.trim_end().to_owned()).collect() };
        let now = tui.wait("no stray rows", |screen| !screen.contains("stray rows") && screen.contains("? help"));
        assert_eq!(rows(&now), rows(&before), "each row is where it was");
        tui.keys("q");
        tui.end();
    });
}
