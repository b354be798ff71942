//! Random operations from all sides at once: two people at shells, one at the socket, one in the task files.
//!
//! Whatever they do, and whatever is refused: no task and no text is lost, no number is given twice, nothing runs beside
//! the rules, and the files, the database and the screen say the same.

#![allow(clippy::unwrap_used, reason = "what is not there fails the test")]

mod actor;
mod check;
mod files;
mod observer;
mod world;

#[path = "../support/place.rs"]
mod place;
#[path = "../support/repo.rs"]
mod repo;
#[path = "../support/seed.rs"]
mod seed;

use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::ScopedJoinHandle;

use crate::actor::{Actor, Hands};
use crate::files::Editor;
use crate::place::in_place;
use crate::seed::{Dice, seeds};
use crate::world::World;

/// How many seeds are run when nobody says how many.
const USUAL: u64 = 2;
/// Operations of each of those who ask; the other one edits as long.
const OPERATIONS: usize = 40;

#[test]
fn fault_p15_random_operations_from_all_sides_keep_every_invariant() {
    for seed in seeds("ORCHESTRA_ROUNDS", USUAL) {
        let run = || in_place(|place| round(&World::new(place), seed));
        if let Err(panic) = catch_unwind(AssertUnwindSafe(run)) {
            let again = "again: ORCHESTRA_SEED=N cargo nextest run --test random";
            _ = writeln!(std::io::stderr(), "failed seed: {seed}; {again}");
            resume_unwind(panic);
        }
    }
}

fn round(world: &World, seed: u64) {
    let mut dice = Dice::new(seed);
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let mut others = vec![scope.spawn(|| observer::watch(world, &over))];
        let editor = Editor::new(world, dice.split());
        others.push(scope.spawn(|| editor.act(&over)));
        let hands = [Hands::Shell, Hands::Shell, Hands::Socket];
        let actors: Vec<_> = hands
            .into_iter()
            .enumerate()
            .map(|(index, hands)| {
                let actor = Actor::new(world, hands, index, dice.split());
                scope.spawn(move || actor.act(OPERATIONS))
            })
            .collect();
        let mut results: Vec<_> = actors.into_iter().map(ScopedJoinHandle::join).collect();
        over.store(true, Ordering::Relaxed);
        results.extend(others.into_iter().map(ScopedJoinHandle::join));
        if let Some(panic) = results.into_iter().find_map(Result::err) {
            resume_unwind(panic);
        }
    });
    world.settle();
    check::refusals(world, &mut dice);
    world.settle();
    check::all(world);
}
