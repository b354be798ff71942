//! The pipeline tab of a task at work, as a person sees it.

use std::process::Command;

use crate::place::in_place;
use crate::{new_task, repository, start};

/// A gate that says something, then waits for a word on a pipe.
/// R66.
#[test]
fn a_gate_at_work_shows_its_output_and_leaves_its_log() {
    in_place(|place| {
        let word = place.path("word");
        assert!(Command::new("mkfifo").arg(&word).status().expect("mkfifo runs").success());
        let repository = repository(place, "{start: [sh, -c, 'echo made it'], artifact: stdout}");
        let gate = format!("echo looks around; cat {}", word.display());
        repository.write(
            ".orchestra/workflow.yaml",
            &format!("version: 2\nflows:\n  checked:\n    stages:\n      - {{name: work, artifact: summary, gate: \"{gate}\"}}\n"),
        );
        repository.write(".orchestra/config.yaml", "default_flow: checked\n");
        let mut tui = start(place, repository.root(), &[]);
        tui.wait_for("my-app");
        new_task(&mut tui, "Fix it");
        tui.wait_for("trust these files?");
        tui.press_until("y", "an answer to it", |screen| !screen.contains("trust these files?"));
        tui.wait_for("· gate 1");
        tui.keys("\x1b4");
        let screen = tui.wait("the output of the gate", |screen| {
            screen.lines().any(|it| it.trim_end().ends_with("│ looks around"))
        });
        assert!(screen.contains("gate 1 · echo looks around"), "{screen}");
        std::fs::write(&word, "all is well\n").expect("the gate reads");
        tui.wait_for("· review");
        // Into the pane, and the log of the gate.
        tui.keys("\t");
        tui.keys("L");
        tui.wait_for("all is well");
        tui.keys("q");
        tui.wait("the tab", |screen| !screen.contains("Esc close"));
        tui.keys("q");
        assert_eq!(tui.end().0, 0);
    });
}
