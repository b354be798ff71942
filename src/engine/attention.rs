//! Where persons are: agents are not interrupted there, and the size of who came or typed last counts.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::Place;

/// For how long after a key a person counts as typing.
const TYPED_LATELY: Duration = Duration::from_mins(2);

/// Somebody who can be attached to one session at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Viewer(u64);

/// Who is where at the moment.
#[derive(Debug, Default)]
pub(super) struct Attention {
    /// Those who are attached; who came or typed last is the last one.
    attached: Vec<(Viewer, Place)>,
    typed: HashMap<Place, Instant>,
    viewers: u64,
    /// Counts up whenever somebody else may give the size.
    turn: u64,
}

impl Viewer {
    /// The screen of the engine's own process.
    pub const FACE: Self = Self(0);
}

impl Attention {
    /// One more viewer.
    pub fn viewer(&mut self) -> Viewer {
        self.viewers += 1;
        Viewer(self.viewers)
    }

    /// The viewer is attached here now, or nowhere; whether it has left another place with that.
    pub fn attach(&mut self, viewer: Viewer, place: Option<Place>) -> bool {
        let former = self.attached.iter().position(|(who, _)| *who == viewer);
        if former.map(|index| &self.attached[index].1) == place.as_ref() {
            return false;
        }
        let left = former.map(|index| self.attached.remove(index)).is_some();
        self.turn += 1;
        self.attached.extend(place.map(|place| (viewer, place)));
        left
    }

    /// The viewer typed into a session.
    pub fn typed(&mut self, viewer: Viewer, place: &Place) {
        self.typed.insert(place.clone(), Instant::now());
        let here = |(who, at): &(Viewer, Place)| *who == viewer && at == place;
        if let Some(index) = self.attached.iter().position(here).filter(|_| !self.leads(viewer, place)) {
            self.turn += 1;
            let moved = self.attached.remove(index);
            self.attached.push(moved);
        }
    }

    /// Whether the session has the size of this viewer.
    pub fn leads(&self, viewer: Viewer, place: &Place) -> bool {
        self.attached.iter().rev().find(|(_, at)| at == place).is_none_or(|(who, _)| *who == viewer)
    }

    /// Tells one time of giving the size from the next.
    pub const fn turn(&self) -> u64 {
        self.turn
    }

    /// Somebody is attached to the session, or typed into it a short while ago.
    pub fn is_at(&self, place: &Place) -> bool {
        self.attached.iter().any(|(_, at)| at == place)
            || self.typed.get(place).is_some_and(|at| at.elapsed() < TYPED_LATELY)
    }

    /// When whoever typed into the session lately no longer counts as typing.
    pub fn typed_until(&self, place: &Place) -> Option<Instant> {
        self.typed.get(place).map(|at| *at + TYPED_LATELY)
    }

    /// Somebody typed into the session since it was asked last.
    pub fn take_typed(&mut self, place: &Place) -> bool {
        self.typed.remove(place).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(session: &str) -> Place {
        ("p".into(), session.into())
    }

    #[test]
    fn several_may_be_attached_and_the_last_one_leads() {
        let mut attention = Attention::default();
        let (face, other) = (Viewer::FACE, attention.viewer());
        assert!(attention.leads(face, &place("a")), "nobody is attached");
        assert!(!attention.attach(face, Some(place("a"))));
        assert!(!attention.attach(other, Some(place("a"))));
        assert!(attention.leads(other, &place("a")) && !attention.leads(face, &place("a")));
        assert!(!attention.attach(face, Some(place("a"))), "it was there already");
        assert!(!attention.leads(face, &place("a")));
        attention.typed(face, &place("a"));
        assert!(attention.leads(face, &place("a")));
        assert!(attention.attach(other, None) && attention.is_at(&place("a")));
        assert!(attention.attach(face, Some(place("b"))) && attention.take_typed(&place("a")));
        assert!(!attention.is_at(&place("a")) && attention.is_at(&place("b")));
    }
}
