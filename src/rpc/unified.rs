//! A diff as unified text, as `git diff` writes it.

use std::fmt::Write as _;
use std::path::Path;

use crate::model::{Change, Diff, FileDiff, Folded};

/// All files of a diff.
pub fn text(diff: &Diff) -> String {
    let mut text = String::new();
    for file in &diff.files {
        // Writing to a string does not fail.
        let _ = write_file(&mut text, file);
    }
    if diff.omitted > 0 {
        let _ = writeln!(text, "# {} more files", diff.omitted);
    }
    text
}

fn write_file(out: &mut String, file: &FileDiff) -> std::fmt::Result {
    let new = name(&file.path);
    let old = file.old_path.as_deref().map_or_else(|| new.clone(), name);
    writeln!(out, "diff --git {} {}", quoted('a', &old), quoted('b', &new))?;
    match file.change {
        Change::Added | Change::Untracked => writeln!(out, "new file")?,
        Change::Deleted => writeln!(out, "deleted file")?,
        Change::Renamed => writeln!(out, "rename from {old}\nrename to {new}")?,
        Change::TypeChanged => writeln!(out, "changed mode or kind")?,
        Change::Modified => {}
    }
    match file.folded {
        Some(Folded::Binary) => return writeln!(out, "Binary files differ"),
        Some(Folded::Huge { bytes }) => return writeln!(out, "# {bytes} bytes, too many to show"),
        Some(Folded::Special) => return writeln!(out, "# no regular file"),
        Some(Folded::Submodule) => return writeln!(out, "# a submodule"),
        None if file.hunks.is_empty() => return Ok(()),
        None => {}
    }
    let nothing = || "/dev/null".to_owned();
    let from = if matches!(file.change, Change::Added | Change::Untracked) { nothing() } else { quoted('a', &old) };
    let to = if file.change == Change::Deleted { nothing() } else { quoted('b', &new) };
    writeln!(out, "--- {from}\n+++ {to}")?;
    file.hunks.iter().try_for_each(|hunk| write!(out, "{hunk}"))
}

fn name(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// A name with its prefix; in quotes when a control character would break the line.
fn quoted(side: char, name: &str) -> String {
    if name.contains(char::is_control) {
        format!("\"{side}/{}\"", name.escape_default())
    } else {
        format!("{side}/{name}")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::{DiffLine, Hunk, LineKind, Span};

    #[test]
    fn a_changed_and_a_binary_file() {
        let line = |kind, text: &str| DiffLine {
            kind,
            number: 1,
            spans: vec![Span { text: text.to_owned(), changed: false }],
        };
        let lines = vec![line(LineKind::Context, "one"), line(LineKind::Removed, "two"), line(LineKind::Added, "2")];
        let hunk = Hunk { old_start: 1, new_start: 1, heading: "fn f()".to_owned(), lines };
        let file = |path: &str, change, folded, hunks| FileDiff {
            path: path.into(),
            old_path: None,
            change,
            added: 1,
            removed: 1,
            folded,
            hunks,
        };
        let files = vec![
            Arc::new(file("a.txt", Change::Modified, None, vec![hunk])),
            Arc::new(file("b\n.png", Change::Untracked, Some(Folded::Binary), vec![])),
        ];
        let diff = Diff { files, ..Diff::default() };
        let wanted = "diff --git a/a.txt b/a.txt\n--- a/a.txt\n+++ b/a.txt\n@@ -1,2 +1,2 @@ fn f()\n one\n-two\n+2\n\
                      diff --git \"a/b\\n.png\" \"b/b\\n.png\"\nnew file\nBinary files differ\n";
        assert_eq!(text(&diff), wanted);
    }
}
