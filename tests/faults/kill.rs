//! The kill test: the engine dies in the middle of a person's way with four tasks, again and again.

use std::fmt::Write as _;
use std::io::Write as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use crate::death::Death;
use crate::place::{Place, in_place};
use crate::seed::{Dice, seeds};
use crate::{check, host};

/// How many seeds are run when nobody says how many.
const USUAL: u64 = 16;
/// Runs at a time: each waits for its agents most of the time.
const AT_ONCE: usize = 6;
/// An engine is killed at most so often in one run.
const KILLS: usize = 3;

#[test]
fn fault_p7_a_killed_engine_loses_nothing_and_does_nothing_twice() {
    let Some(death) = Death::new() else { return };
    let points = whole_run(&death);
    let (seeds, start) = (seeds("ORCHESTRA_SEEDS", USUAL), Instant::now());
    say(&format!("{points} points to die at; seeds {seeds:?}"));
    let (next, failed) = (AtomicU64::new(seeds.start), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                // One failure is enough.
                while let Some(seed) = Some(next.fetch_add(1, Ordering::Relaxed)).filter(|seed| seeds.contains(seed)) {
                    if let Err(told) = killed_run(&death, points, seed) {
                        say(&told);
                        failed.lock().unwrap().push(seed);
                        next.store(seeds.end, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    say(&format!("{} s", start.elapsed().as_secs()));
    let again = "again: ORCHESTRA_SEED=N cargo nextest run --test faults";
    assert!(failed.is_empty(), "failed seeds: {failed:?}; {again}");
}

/// A run that nobody breaks off is as it has to be; at how many points it could be broken off.
fn whole_run(death: &Death) -> usize {
    let mut points = 0;
    in_place(|place| {
        let repository = host::furnish(place);
        let (status, count) = death.points(&mut host_command(place), &log(place, 0));
        assert!(status.success(), "{}", story(place, 0));
        assert_eq!(check::faults(place, &repository), [""; 0]);
        assert_eq!(place.end_leftovers(), [""; 0]);
        points = count;
    });
    points
}

/// One run with the deaths that follow from `seed`; what was wrong with it.
fn killed_run(death: &Death, points: usize, seed: u64) -> Result<(), String> {
    let mut told = Ok(());
    in_place(|place| {
        let (mut dice, repository) = (Dice::new(seed), host::furnish(place));
        let (kills, mut story_so_far) = (1 + dice.below(KILLS), format!("seed {seed}:"));
        let (mut faults, mut left) = (Vec::new(), points);
        for engine in 0..=kills {
            // The last one is left alone. The others begin where the one before came to.
            let point = if engine < kills { 1 + dice.below(left) } else { usize::MAX };
            left = left.saturating_sub(point).max(points / KILLS);
            let status = death.at(point, &mut host_command(place), &log(place, engine));
            if status.success() {
                break;
            } else if status.signal() != Some(9) {
                faults.push(format!("engine {engine} failed: {status}"));
                break;
            }
            write!(story_so_far, " died at {point};").unwrap();
        }
        if faults.is_empty() {
            faults = check::faults(place, &repository);
            faults.extend(place.end_leftovers().into_iter().map(|process| format!("left behind: {process}")));
        }
        if !faults.is_empty() {
            let engines: String = (0..=kills).map(|engine| story(place, engine)).collect();
            told = Err(format!("{story_so_far}\n  {}\n{engines}", faults.join("\n  ")));
        }
    });
    told
}

fn host_command(place: &Place) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "host::host", "--nocapture", "--include-ignored", "--test-threads=1"]);
    command.env_clear().envs(place.environment()).env("TEST_PLACE", place.path("")).current_dir(place.path(""));
    command
}

fn log(place: &Place, engine: usize) -> PathBuf {
    place.path(&format!("engine-{engine}.log"))
}

/// What an engine said.
fn story(place: &Place, engine: usize) -> String {
    let Ok(said) = std::fs::read_to_string(log(place, engine)) else { return String::new() };
    format!("engine {engine}:\n{}\n", said.trim_start())
}

fn say(text: &str) {
    _ = writeln!(std::io::stderr(), "{text}");
}
