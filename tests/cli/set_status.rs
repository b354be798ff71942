//! `set-status`: the moves that are allowed, where each of them arrives, and those that are not.

use rusqlite::{Connection, OpenFlags};

use crate::{Desk, in_place};

/// What the database holds: state, and the status that follows from it.
fn stored(desk: &Desk<'_>) -> String {
    let state = desk.place.path("orchestra-home/state");
    let folder = std::fs::read_dir(state).unwrap().next().unwrap().unwrap().path();
    let database = Connection::open_with_flags(folder.join("orchestra.db"), OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    database.query_row("SELECT state FROM tasks WHERE slug = 'fix-it'", [], |row| row.get(0)).unwrap()
}

/// What the task file says.
fn written(desk: &Desk<'_>) -> String {
    let folder = desk.repository.root().join(".orchestra/tasks");
    let mut files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let file = files.find(|path| path.to_string_lossy().ends_with("fix-it.md")).unwrap();
    let text = std::fs::read_to_string(file).unwrap();
    text.lines().find_map(|line| line.strip_prefix("status: ")).unwrap().to_owned()
}

/// R90.
#[test]
fn allowed_moves_reach_the_task_file_the_database_and_the_screen() {
    in_place(|place| {
        let desk = Desk::new(place, "rules: []\notherwise: [{say: waiting}]\n");
        desk.done(&["new", "fix-it", "-d", "Fix it"]);
        assert_eq!((written(&desk).as_str(), stored(&desk).as_str()), ("draft", "draft"));
        insta::assert_snapshot!(desk.shown(&["set-status", "fix-it", "draft"]), @"fix-it is draft");
        for (status, why) in
            [("completed", "it is a draft"), ("idle", "cannot be set by hand"), ("reviewed", "by hand")]
        {
            let refused = desk.run(&["set-status", "fix-it", status]);
            assert!(refused.code == 4 && refused.err.contains(why), "{status}: {refused:?}");
        }
        assert_eq!((written(&desk).as_str(), stored(&desk).as_str()), ("draft", "draft"), "a refusal changes nothing");

        let screen = desk.terminal(&[], &[]);
        screen.wait("the draft", |text| text.contains("· fix-it"));
        let ran = desk.run(&["set-status", "fix-it", "running"]);
        assert!(ran.code == 0 && ran.out.starts_with("fix-it is running"), "{ran:?}");
        desk.done(&["wait", "fix-it", "--until", "quiet", "--timeout", "60"]);
        assert_eq!((written(&desk).as_str(), stored(&desk).as_str()), ("idle", "quiet"));
        screen.wait("the agent at rest", |text| text.contains("○ fix-it"));

        // What was stopped goes on by its status.
        desk.done(&["stop", "fix-it"]);
        assert_eq!((written(&desk).as_str(), stored(&desk).as_str()), ("idle", "paused"));
        screen.wait("the stop", |text| text.contains("‖ fix-it"));
        desk.done(&["set-status", "fix-it", "running"]);
        screen.wait("the agent at rest again", |text| text.contains("○ fix-it"));
        assert_eq!((written(&desk).as_str(), stored(&desk).as_str()), ("idle", "quiet"));

        insta::assert_snapshot!(desk.shown(&["set-status", "fix-it", "completed"]), @"fix-it is completed");
        assert_eq!((written(&desk).as_str(), stored(&desk).as_str()), ("completed", "done"));
        screen.wait("the task done", |text| text.contains("✓ fix-it"));
        insta::assert_snapshot!(desk.shown(&["set-status", "fix-it", "completed"]), @"fix-it is completed");
        for (status, why) in
            [("running", "it is done"), ("draft", "by hand"), ("idle", "by hand"), ("reviewed", "by hand")]
        {
            let refused = desk.run(&["set-status", "fix-it", status]);
            assert!(refused.code == 4 && refused.err.contains(why), "{status}: {refused:?}");
        }
        assert_eq!((written(&desk).as_str(), stored(&desk).as_str()), ("completed", "done"));
        screen.kill();
    });
}
