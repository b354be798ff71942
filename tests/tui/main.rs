//! The program as a person has it: keys in, the screen out, in a terminal of its own.

use std::fs;
use std::path::Path;

mod attach;
mod demo;
mod leave;
mod open;

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
    fs::read_dir(place.path("tmp")).map_or(0, |dir| dir.flatten().filter(|it| it.file_name().to_string_lossy().starts_with("orchestra-demo")).count())
}

/// The row of a task in the list.
fn row<'a>(screen: &'a str, slug: &str) -> &'a str {
    screen.lines().filter_map(|line| line.split('│').next()).find(|line| line.contains(slug)).unwrap_or_default()
}
