//! Small text for messages.

/// The first line with something in it, at most 200 characters.
pub(super) fn one_line(text: &str) -> String {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    match line.char_indices().nth(200) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

/// Head and tail of a long text, with a line between them that says what is left out and where all of it is.
pub(super) fn head_and_tail(text: &str, keep: usize, log: &str) -> String {
    let lines: Vec<_> = text.lines().collect();
    if lines.len() <= 2 * keep {
        return text.to_owned();
    }
    let (head, tail) = (&lines[..keep], &lines[lines.len() - keep..]);
    let left_out = lines.len() - 2 * keep;
    format!("{}\n... {left_out} lines are left out; the whole log: {log}\n{}", head.join("\n"), tail.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R54.
    #[test]
    fn long_logs_keep_both_ends() {
        let text = (0..100).map(|n| format!("line {n}")).collect::<Vec<_>>().join("\n");
        let cut = head_and_tail(&text, 2, "/log");
        assert_eq!(cut, "line 0\nline 1\n... 96 lines are left out; the whole log: /log\nline 98\nline 99");
        assert_eq!(head_and_tail("a\nb", 2, "/log"), "a\nb");
    }

    #[test]
    fn one_line_is_one_line() {
        assert_eq!(one_line("\n  first \nsecond"), "first");
        assert_eq!(one_line(&"x".repeat(300)).chars().count(), 201);
    }
}
