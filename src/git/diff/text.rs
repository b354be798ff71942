//! Hunks of two texts: Myers with a deadline, the changed words of paired lines, and a heading for each hunk.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;
use std::time::{Duration, Instant};

use similar::{Algorithm, DiffOp, capture_diff_slices_deadline, group_diff_ops};

use crate::model::{DiffLine, Hunk, LineKind, Span};

/// Lines of context around a change.
const CONTEXT: usize = 3;
/// After this much time a diff gets coarser, not later.
const LINES_BUDGET: Duration = Duration::from_millis(200);
const WORDS_BUDGET: Duration = Duration::from_millis(50);
/// Longer lines are not compared word by word, bytes.
const LONGEST: usize = 2_000;
/// Longest heading, characters.
const HEADING: usize = 80;

/// Hunks with the counts of added and removed lines.
pub(super) struct Changes {
    pub hunks: Vec<Hunk>,
    pub added: u32,
    pub removed: u32,
}

/// Whether git would call it binary: a NUL in its first 8,000 bytes.
pub(super) fn is_binary(bytes: &[u8]) -> bool {
    memchr::memchr(0, &bytes[..bytes.len().min(8_000)]).is_some()
}

/// Lines with their line breaks.
pub(super) fn lines(bytes: &[u8]) -> Vec<&[u8]> {
    bytes.split_inclusive(|&b| b == b'\n').collect()
}

pub(super) fn changes(old: &[u8], new: &[u8]) -> Changes {
    let (old, new) = (lines(old), lines(new));
    let mut ids = HashMap::new();
    let mut number = |lines: &[&'_ [u8]]| -> Vec<usize> {
        lines
            .iter()
            .map(|line| {
                let next = ids.len();
                *ids.entry(line.to_vec()).or_insert(next)
            })
            .collect()
    };
    let (old_ids, new_ids) = (number(&old), number(&new));
    let deadline = Instant::now() + LINES_BUDGET;
    let ops = capture_diff_slices_deadline(Algorithm::Myers, &old_ids, &new_ids, Some(deadline));
    let (mut added, mut removed) = (0, 0);
    for op in ops.iter().filter(|op| !matches!(op, DiffOp::Equal { .. })) {
        removed += op.old_range().len() as u32;
        added += op.new_range().len() as u32;
    }
    let words = Words { deadline: Instant::now() + WORDS_BUDGET };
    let hunks = group_diff_ops(ops, CONTEXT).iter().map(|group| words.hunk(group, &old, &new)).collect();
    Changes { hunks, added, removed }
}

struct Words {
    deadline: Instant,
}

impl Words {
    fn hunk(&self, group: &[DiffOp], old: &[&[u8]], new: &[&[u8]]) -> Hunk {
        let first = group.first().expect("invariant: a group has an operation");
        let (old_at, new_at) = (first.old_range().start, first.new_range().start);
        let mut lines = Vec::new();
        for op in group {
            let (olds, news) = (op.old_range(), op.new_range());
            if matches!(op, DiffOp::Equal { .. }) {
                lines.extend(news.map(|n| plain(LineKind::Context, n, new[n])));
            } else {
                self.replaced(&mut lines, (olds, old), (news, new));
            }
        }
        // An empty side starts at 0, as in a unified diff.
        let start = |at: usize, len: usize| if len == 0 { 0 } else { at as u32 + 1 };
        Hunk {
            old_start: start(old_at, old.len()),
            new_start: start(new_at, new.len()),
            heading: heading(&new[..new_at]),
            lines,
        }
    }

    /// Removed lines, then added ones; the nth of each are compared word by word.
    fn replaced(&self, lines: &mut Vec<DiffLine>, old: (Range<usize>, &[&[u8]]), new: (Range<usize>, &[&[u8]])) {
        let ((olds, old), (news, new)) = (old, new);
        let mut removed: Vec<_> = olds.map(|n| plain(LineKind::Removed, n, old[n])).collect();
        let mut added: Vec<_> = news.map(|n| plain(LineKind::Added, n, new[n])).collect();
        for (before, after) in removed.iter_mut().zip(&mut added) {
            if Instant::now() < self.deadline
                && let Some((left, right)) = self.emphasized(&before.spans[0].text, &after.spans[0].text)
            {
                before.spans = left;
                after.spans = right;
            }
        }
        lines.append(&mut removed);
        lines.append(&mut added);
    }

    /// The spans of both lines, or none when they have too little in common to help the eye.
    fn emphasized(&self, before: &str, after: &str) -> Option<(Vec<Span>, Vec<Span>)> {
        if before.len().max(after.len()) > LONGEST {
            return None;
        }
        let (left, right) = (words(before), words(after));
        let ops = capture_diff_slices_deadline(Algorithm::Myers, &left, &right, Some(self.deadline));
        let same: usize = ops
            .iter()
            .filter(|op| matches!(op, DiffOp::Equal { .. }))
            .flat_map(|op| &left[op.old_range()])
            .map(|word| word.trim().len())
            .sum();
        let longest = before.trim().len().max(after.trim().len());
        if same * 3 < longest || same == 0 {
            return None;
        }
        let side = |words: &[&str], range: fn(&DiffOp) -> Range<usize>| {
            let parts = ops.iter().map(|op| (words[range(op)].concat(), !matches!(op, DiffOp::Equal { .. })));
            parts.filter(|(text, _)| !text.is_empty()).map(|(text, changed)| Span { text, changed }).collect::<Vec<_>>()
        };
        Some((side(&left, DiffOp::old_range), side(&right, DiffOp::new_range)))
    }
}

fn plain(kind: LineKind, index: usize, line: &[u8]) -> DiffLine {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let text = String::from_utf8_lossy(line).into_owned();
    DiffLine { kind, number: index as u32 + 1, spans: vec![Span { text, changed: false }] }
}

/// Runs of word characters, runs of spaces, and single other characters.
fn words(text: &str) -> Vec<&str> {
    let class = |c: char| match c {
        c if c.is_alphanumeric() || c == '_' => 0,
        c if c.is_whitespace() => 1,
        _ => 2,
    };
    let mut words = Vec::new();
    let mut start = 0;
    let mut last = None;
    for (at, c) in text.char_indices() {
        let now = class(c);
        if last.is_some_and(|last| last != now || now == 2) {
            words.push(&text[start..at]);
            start = at;
        }
        last = Some(now);
    }
    if start < text.len() {
        words.push(&text[start..]);
    }
    words
}

/// The nearest line above that opens a definition: by its first word at any depth, or by standing at the margin.
fn heading(above: &[&[u8]]) -> String {
    const OPENERS: [&str; 17] = [
        "fn",
        "pub",
        "async",
        "impl",
        "struct",
        "enum",
        "trait",
        "mod",
        "def",
        "class",
        "function",
        "func",
        "export",
        "static",
        "interface",
        "type",
        "describe",
    ];
    let opens = |line: &str| {
        let word = line.trim_start().split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
        OPENERS.contains(&word) || line.starts_with(|c: char| c.is_alphabetic() || c == '_' || c == '$')
    };
    let text = |line: &&[u8]| -> String {
        let line: Cow<'_, str> = String::from_utf8_lossy(&line[..line.len().min(4 * HEADING)]);
        line.trim_end().to_owned()
    };
    let found = above.iter().rev().map(text).find(|line| opens(line)).unwrap_or_default();
    found.trim_start().chars().take(HEADING).collect()
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::*;

    fn unified(hunks: &[Hunk]) -> String {
        let mut text = String::new();
        for hunk in hunks {
            writeln!(text, "@@ {} {} {}", hunk.old_start, hunk.new_start, hunk.heading).unwrap();
            for line in &hunk.lines {
                text.push(line.kind.sign());
                for span in &line.spans {
                    let (open, close) = if span.changed { ("[", "]") } else { ("", "") };
                    text.extend([open, &span.text, close]);
                }
                text.push('\n');
            }
        }
        text
    }

    #[test]
    fn a_hunk_has_context_heading_and_changed_words() {
        let old = "fn write_row() {\n    a();\n    b();\n    c();\n    d();\n    out.push_str(field);\n}\n";
        let new = old.replace("field", "&quote(field)");
        let found = changes(old.as_bytes(), new.as_bytes());
        assert_eq!((found.added, found.removed), (1, 1));
        insta::assert_snapshot!(unified(&found.hunks), @r"
        @@ 3 3 fn write_row() {
             b();
             c();
             d();
        -    out.push_str(field);
        +    out.push_str([&quote(]field)[)];
         }
        ");
    }

    #[test]
    fn lines_with_little_in_common_are_not_emphasized() {
        let found = changes(b"let total = 1;\n", b"return Err(\"unrelated words here\");\n");
        assert!(found.hunks[0].lines.iter().all(|line| line.spans.len() == 1 && !line.spans[0].changed));
    }

    #[test]
    fn an_empty_side_starts_at_zero() {
        let found = changes(b"", b"a\nb\n");
        assert_eq!((found.hunks[0].old_start, found.hunks[0].new_start, found.added), (0, 1, 2));
        assert!(changes(b"same\n", b"same\n").hunks.is_empty());
    }

    #[test]
    fn words_keep_every_byte() {
        let text = "let  é_x = f(a,b);\t";
        assert_eq!(words(text).concat(), text);
        assert_eq!(words("a+b"), ["a", "+", "b"]);
    }
}
