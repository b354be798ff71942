//! What a transition costs until it is on disk: the pure step and its transaction, as the engine makes them.
//!
//! `cargo bench --bench transition` prints one row of the table in docs/performance.md.

#![expect(clippy::print_stdout, clippy::disallowed_methods, reason = "it measures, and prints what it found")]

use std::time::Instant;

use jiff::Timestamp;
use orchestra::engine::pipeline::{Event, Stamp, Wish, step};
use orchestra::model::{RunId, Slug, Task, solo};
use orchestra::store::Database;
use orchestra::store::database::StoredEffect;

const TRANSITIONS: u32 = 5_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = tempfile::tempdir()?;
    let mut database = Database::open(dir.path())?;
    let now = Timestamp::now();
    let id = database.next_task_id()?;
    let description = "What is to be done. ".repeat(50);
    let mut task = Task { id, description, ..Task::draft(Slug::new("bench")?, solo(), now) };
    let mut micros = Vec::with_capacity(TRANSITIONS as usize);
    for number in 0..TRANSITIONS {
        // To and fro between two states, with the effects that this has.
        let wish = if number % 2 == 0 { Wish::Start } else { Wish::Stop };
        let stamp = Stamp { now, run: RunId(format!("1-{number}")) };
        let begun = Instant::now();
        let effects = step(&mut task, Event::Person(wish), &stamp)?;
        let stored = effects
            .iter()
            .map(|effect| Ok(StoredEffect { key: effect.key(), json: serde_json::to_value(effect)? }))
            .collect::<Result<Vec<_>, serde_json::Error>>()?;
        database.transition(&task, &stored, None)?;
        micros.push(begun.elapsed().as_micros());
    }
    micros.sort_unstable();
    let at = |part: usize| micros[(micros.len() * part / 100).min(micros.len() - 1)];
    println!("| a transition, on disk: p50, p99 | {} µs, {} µs |", at(50), at(99));
    Ok(())
}
