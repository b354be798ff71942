//! The designer that begins with the screen.

use crate::place::{Place, in_place};
use crate::repo::Repository;
use crate::{row, start};

const SETTINGS: &str = "agent: own\ndesigner: {autostart: true}\nagents:\n  own: {start: [sh, -c, 'echo \"told: $1\" | head -3; read _', sh, '{prompt}']}\n";

/// R12, R111.
#[test]
fn it_begins_where_a_person_wants_it_so_and_is_told_of_its_place() {
    in_place(|place: &Place| {
        place.write("orchestra-home/config.yaml", SETTINGS);
        let repository = Repository::bare_of_settings(place);
        let mut tui = start(place, repository.root(), &[]);
        tui.wait("the designer's row", |screen| row(screen, "main").contains("designer"));
        tui.keys("\x1b[B");
        tui.wait_for("told: # Your place");
        tui.wait_for("You are the designer of this project");
        tui.keys("q");
        assert_eq!(tui.end().0, 0);
    });
}

/// R12.
#[test]
fn commands_that_nobody_trusts_are_asked_for_first() {
    in_place(|place: &Place| {
        let repository = Repository::bare_of_settings(place);
        repository.write(".orchestra/config.yaml", SETTINGS);
        let mut tui = start(place, repository.root(), &[]);
        tui.wait_for("not trusted yet");
        tui.keys("q");
        let (code, raw) = tui.end();
        assert!(code == 0 && !raw.contains("told:"), "{raw}");
    });
}
