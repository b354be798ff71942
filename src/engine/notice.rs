//! News and errors for the person, kept in the order in which they came.

use std::sync::Arc;

use super::Place;
use super::ground::now;
use crate::model::{Notice, NoticeKind};

/// Notices that are kept.
const KEPT: usize = 1000;

#[derive(Default)]
pub(super) struct Notices {
    list: Vec<Arc<Notice>>,
    seq: u64,
}

impl Notices {
    pub fn news(&mut self, text: impl Into<String>, about: Option<Place>) {
        self.push(NoticeKind::News, text.into(), about);
    }

    pub fn error(&mut self, text: impl Into<String>, about: Option<Place>) {
        self.push(NoticeKind::Error, text.into(), about);
    }

    /// News that is worth a bell: something needs the person.
    pub fn call(&mut self, text: impl Into<String>, about: Option<Place>) {
        self.push(NoticeKind::News, text.into(), about);
        if let Some(notice) = self.list.last_mut() {
            Arc::make_mut(notice).bell = true;
        }
    }

    pub fn list(&self) -> Vec<Arc<Notice>> {
        self.list.clone()
    }

    fn push(&mut self, kind: NoticeKind, text: String, about: Option<Place>) {
        self.seq += 1;
        if self.list.len() == KEPT {
            self.list.remove(0);
        }
        self.list.push(Arc::new(Notice { seq: self.seq, kind, text, about, at: now(), bell: false }));
    }
}
