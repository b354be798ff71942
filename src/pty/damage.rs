//! Which rows of a screen may have changed since when.
//!
//! Invariant: a row that changed is marked; one that did not may be.

use crate::model::Size;

/// The generation of the last possible change, for each row and for all.
#[derive(Debug, Clone)]
pub(super) struct Damage {
    rows: Vec<u64>,
    everything: u64,
    /// The generation that is being made.
    now: u64,
    touched: bool,
}

impl Damage {
    /// All of a screen that is new in `generation`.
    pub(super) fn everything(size: Size, generation: u64) -> Self {
        Self { rows: vec![0; usize::from(size.rows)], everything: generation, now: generation, touched: true }
    }

    /// From here on, marks belong to this generation.
    pub(super) fn begin(&mut self, generation: u64) {
        self.now = generation;
        self.touched = false;
    }

    pub(super) fn mark(&mut self, row: u16) {
        if let Some(changed) = self.rows.get_mut(usize::from(row)) {
            *changed = self.now;
            self.touched = true;
        }
    }

    pub(super) fn mark_everything(&mut self) {
        self.everything = self.now;
        self.touched = true;
    }

    /// Whether there were marks since `begin`.
    pub(super) const fn is_touched(&self) -> bool {
        self.touched
    }

    /// Whether further marks of this generation tell nothing new.
    pub(super) const fn is_everything(&self) -> bool {
        self.touched && self.everything == self.now
    }

    pub(super) fn changed_after(&self, generation: u64, row: u16) -> bool {
        self.everything > generation || self.rows.get(usize::from(row)).is_some_and(|&changed| changed > generation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_told_to_those_who_looked_before() {
        let mut damage = Damage::everything(Size::new(3, 3), 1);
        assert!(damage.changed_after(0, 2) && !damage.changed_after(1, 2));
        damage.begin(2);
        assert!(!damage.is_touched() && !damage.is_everything());
        damage.mark(1);
        assert!(damage.is_touched() && damage.changed_after(1, 1) && !damage.changed_after(1, 2));
        damage.mark_everything();
        assert!(damage.is_everything() && damage.changed_after(1, 2) && !damage.changed_after(2, 2));
    }
}
