//! Renames: a deleted and a new file that have most of their lines in common.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};

use super::text;

/// Pairs that are compared line by line, at most; over it only equal files pair.
const PAIRS: usize = 40_000;
/// Percent of the larger file's lines that both must have.
const ALIKE: usize = 50;

/// What is kept of a file's content to find its pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Signature {
    pub content: u64,
    /// Sorted; empty for binary files.
    lines: Vec<u64>,
}

impl Signature {
    /// None for an empty file: those are all alike.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        let mut lines: Vec<_> =
            if text::is_binary(bytes) { Vec::new() } else { text::lines(bytes).into_iter().map(hash).collect() };
        lines.sort_unstable();
        (!bytes.is_empty()).then(|| Self { content: hash(bytes), lines })
    }

    /// Percent of lines in common.
    fn likeness(&self, other: &Self) -> usize {
        let (mut a, mut b, mut common) = (0, 0, 0);
        while let (Some(left), Some(right)) = (self.lines.get(a), other.lines.get(b)) {
            a += usize::from(left <= right);
            b += usize::from(right <= left);
            common += usize::from(left == right);
        }
        common * 100 / self.lines.len().max(other.lines.len()).max(1)
    }
}

/// A file that may be one side of a rename.
pub(super) type Candidate<'a> = (&'a Path, &'a Signature);

/// Pairs of old and new path; each path is in one pair at most. Depends on nothing but its arguments.
pub(super) fn pairs(deleted: &[Candidate<'_>], added: &[Candidate<'_>]) -> Vec<(PathBuf, PathBuf)> {
    let exact_only = deleted.len() * added.len() > PAIRS;
    let mut scored = Vec::new();
    for (from, (old, before)) in deleted.iter().enumerate() {
        for (to, (new, after)) in added.iter().enumerate() {
            let score = match before.content == after.content {
                true => 101,
                false if exact_only => 0,
                false => before.likeness(after),
            };
            if score >= ALIKE {
                scored.push((score, old.file_name() == new.file_name(), from, to));
            }
        }
    }
    scored.sort_by_key(|&(score, same_name, from, to)| (usize::MAX - score, !same_name, from, to));
    let (mut used_old, mut used_new) = (vec![false; deleted.len()], vec![false; added.len()]);
    let mut found = Vec::new();
    for (_, _, from, to) in scored {
        if !used_old[from] && !used_new[to] {
            (used_old[from], used_new[to]) = (true, true);
            found.push((deleted[from].0.to_owned(), added[to].0.to_owned()));
        }
    }
    found
}

fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_files_pair_before_similar_ones() {
        let [old, same, near] =
            ["a\nb\nc\nd\n", "a\nb\nc\nd\n", "a\nb\nc\nx\n"].map(|t| Signature::of(t.as_bytes()).unwrap());
        let (gone, moved, other) = (Path::new("gone"), Path::new("moved"), Path::new("a-first"));
        let found = pairs(&[(gone, &old)], &[(other, &near), (moved, &same)]);
        assert_eq!(found, [(gone.to_owned(), moved.to_owned())]);
        assert_eq!(pairs(&[(gone, &old)], &[(other, &near)]).len(), 1);
        let far = Signature::of(b"1\n2\n3\nd\n").unwrap();
        assert!(pairs(&[(gone, &old)], &[(other, &far)]).is_empty());
        assert_eq!(Signature::of(b""), None);
    }
}
