//! Random choices that can be made again: all that a run draws follows from its seed.
#![allow(dead_code, clippy::unwrap_used, reason = "each test crate uses a part of it, and panics when it can't go on")]

use std::ops::Range;

/// Names one seed: only that one is run.
const ONE: &str = "ORCHESTRA_SEED";

/// The seeds to run: the one that is asked for, else as many as the variable `many` says, else `usual` ones.
pub fn seeds(many: &str, usual: u64) -> Range<u64> {
    let number = |name| std::env::var(name).ok().map(|text: String| text.parse::<u64>().unwrap());
    match number(ONE) {
        Some(seed) => seed..seed + 1,
        None => 0..number(many).unwrap_or(usual),
    }
}

/// What draws (SplitMix64).
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Dice of their own for somebody else.
    pub fn split(&mut self) -> Self {
        Self(self.next())
    }

    /// A number below `end`, which is not zero.
    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    /// True so many times in a hundred.
    pub fn percent(&mut self, chance: usize) -> bool {
        self.below(100) < chance
    }

    /// One of several.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}
