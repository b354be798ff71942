//! The program as a person has it: keys in, the screen out, in a terminal of its own.

#![allow(clippy::unwrap_used, reason = "what is not there fails the test")]

use std::fs;
use std::path::Path;

mod attach;
mod demo;
mod designer;
mod leave;
mod open;
mod pipeline;
mod redraw;

#[path = "../support/place.rs"]
mod place;
#[path = "../support/repo.rs"]
mod repo;
#[path = "../support/tui.rs"]
mod tui;

use place::Place;
use tui::Tui;

const WIDE: (u16, u16) = (36, 120);

/// The program in `dir`, with nothing of the person's environment.
fn start(place: &Place, dir: &Path, args: &[&str]) -> Tui {
    let env = place.environment();
    let env: Vec<_> = env.iter().map(|(name, value)| (*name, value.as_str())).collect();
    Tui::start(dir, args, &env, WIDE)
}

/// Folders that the demo keeps its things in.
fn demo_folders(place: &Place) -> usize {
    fs::read_dir(place.path("tmp")).map_or(0, |dir| {
        dir.flatten().filter(|it| it.file_name().to_string_lossy().starts_with("orchestra-demo")).count()
    })
}

/// The row of a task in the list, which is below the title.
fn row<'a>(screen: &'a str, slug: &str) -> &'a str {
    let rows = screen.lines().skip(1).filter_map(|line| line.split('│').next());
    rows.filter(|row| !row.contains('─')).find(|row| row.contains(slug)).unwrap_or_default()
}

/// Moves the selection to a task, as a person would.
fn select(tui: &mut Tui, slug: &str) {
    let index = |screen: &str, text: &str| {
        screen.lines().skip(1).position(|line| line.split('│').next().is_some_and(|row| row.contains(text)))
    };
    loop {
        let screen = tui.wait(slug, |screen| !row(screen, slug).is_empty() && index(screen, "▌").is_some());
        if row(&screen, slug).contains('▌') {
            return;
        }
        let marked = index(&screen, "▌");
        tui.keys(if marked < index(&screen, slug) { "\x1b[B" } else { "\x1b[A" });
        tui.wait("the selection to move", |screen| index(screen, "▌") != marked);
    }
}

/// A repository without settings; its agent is the person's own, so that nobody has to be asked for trust.
fn repository(place: &Place, agent: &str) -> repo::Repository {
    place.write("orchestra-home/config.yaml", &format!("agent: own\nagents:\n  own: {agent}\n"));
    repo::Repository::bare_of_settings(place)
}

/// The entry of an agent that plays a script.
fn scripted(place: &Place, script: &str) -> String {
    let script = place.write("script.yaml", script);
    format!(
        "{{start: [orchestra, demo-agent, --script, '{}', --conversation, '{{conversation}}', --, '{{prompt}}'], \
         conversation: preset, events: osc7501, quit: [\"\\x04\"]}}",
        script.display()
    )
}

/// `n`, and one line.
fn new_task(tui: &mut Tui, description: &str) {
    tui.keys("n");
    tui.wait_for("Enter start");
    tui.keys(description);
    tui.keys("\r");
}
