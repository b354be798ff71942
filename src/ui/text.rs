//! Text for the screen: how it is measured, cut and written, numbers and times included.
//!
//! Invariants: widths are display columns; a cut falls on a grapheme border; no control character, escape or bidi
//! override reaches the terminal, each shows as one sign instead.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::path::Path;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use super::glyph::Signs;
pub use crate::engine::explain::{age, ago};

/// The visible pieces of a text with their widths (1 or 2): what does not print shows as a sign of one column.
pub fn cells<'a>(text: &'a str, signs: &'static Signs) -> impl Iterator<Item = (&'a str, usize)> {
    let (plain, rest) = text.split_at(ascii_prefix(text));
    let fast = (0..plain.len()).map(move |at| printable(&plain[at..=at], signs));
    fast.chain(rest.graphemes(true).map(move |piece| printable(piece, signs)))
}

/// Columns that a text takes.
pub fn width(text: &str) -> usize {
    cells(text, Signs::UNICODE).map(|(_, width)| width).sum()
}

/// Where `search` stands in a text, in bytes. Letter case counts only when the search has upper case.
pub fn occurrences(text: &str, search: &str) -> Vec<std::ops::Range<usize>> {
    if search.is_empty() {
        return Vec::new();
    }
    let exact = search.chars().any(char::is_uppercase);
    let lowered = text.to_lowercase();
    // Lower case may have another length: then places would not be those of the text.
    let text = if exact || lowered.len() != text.len() { text } else { lowered.as_str() };
    text.match_indices(search).map(|(at, hit)| at..at + hit.len()).collect()
}

/// Whether `search` stands somewhere in a text.
pub fn contains(text: &str, search: &str) -> bool {
    let exact = search.chars().any(char::is_uppercase);
    if exact { text.contains(search) } else { text.to_lowercase().contains(search) }
}

/// Cuts at the end: `which style for…`.
pub fn cut<'a>(text: &'a str, max: usize, signs: &'static Signs) -> Cow<'a, str> {
    if fits(text, max) {
        return clean(text, signs);
    }
    if max == 0 {
        return Cow::Borrowed("");
    }
    let mut kept = take(cells(text, signs), max - 1);
    kept.truncate(kept.trim_end().len());
    Cow::Owned(kept + signs.ellipsis)
}

/// Cuts in the middle, which keeps what tells names apart: `quote-n…-csv`.
pub fn cut_middle<'a>(text: &'a str, max: usize, signs: &'static Signs) -> Cow<'a, str> {
    if fits(text, max) {
        return clean(text, signs);
    }
    if max < 3 {
        return Cow::Owned(take(cells(text, signs), max));
    }
    let pieces: Vec<_> = cells(text, signs).collect();
    let tail_room = (max - 1) * 2 / 5;
    let mut used = 0;
    let tail_from = pieces.iter().rposition(|(_, width)| {
        used += width;
        used > tail_room
    });
    let tail: String = pieces[tail_from.map_or(0, |at| at + 1)..].iter().map(|(piece, _)| *piece).collect();
    let head = take(pieces.into_iter(), max - 1 - width(&tail));
    Cow::Owned(head + signs.ellipsis + &tail)
}

/// Cuts a path in its folders, never in the file name as long as that fits: `src/…/csv.rs`.
pub fn cut_path(path: &Path, max: usize, signs: &'static Signs) -> String {
    let whole = path.to_string_lossy();
    if fits(&whole, max) {
        return clean(&whole, signs).into_owned();
    }
    let folders: Vec<&str> = whole.split('/').collect();
    let kept = |first: &[&str], from: usize| {
        let parts = first.iter().copied().chain([signs.ellipsis]).chain(folders[from..].iter().copied());
        parts.collect::<Vec<_>>().join("/")
    };
    let with_first = (2..folders.len()).map(|from| kept(&folders[..1], from));
    let without = (1..folders.len()).map(|from| kept(&[], from));
    let name = folders.last().copied().unwrap_or_default();
    with_first
        .chain(without)
        .find(|shorter| fits(shorter, max))
        .map_or_else(|| cut_middle(name, max, signs).into_owned(), |shorter| clean(&shorter, signs).into_owned())
}

/// The text with every sign that does not print made visible.
pub fn clean<'a>(text: &'a str, signs: &'static Signs) -> Cow<'a, str> {
    if text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(cells(text, signs).map(|(piece, _)| piece).collect())
}

/// Breaks one paragraph at spaces into lines of at most `max` columns; a longer word is broken where it must.
pub fn wrap(text: &str, max: usize) -> Vec<&str> {
    let max = max.max(2);
    let mut lines = Vec::new();
    // Start of the line, its columns so far, and the last space in it.
    let (mut start, mut used, mut space) = (0, 0, None);
    for (at, piece) in text.grapheme_indices(true) {
        let wide = printable(piece, Signs::UNICODE).1;
        if piece == " " {
            space = Some(at);
        }
        if used + wide > max {
            let end = space.take().unwrap_or(at);
            lines.push(text[start..end].trim_end());
            start = if text[end..].starts_with(' ') { end + 1 } else { end };
            used = if start > at { 0 } else { width(&text[start..at]) + wide };
        } else {
            used += wide;
        }
    }
    lines.push(&text[start..]);
    lines
}

/// The time that something takes: `0:31`, `12:04`, `1:02:09`.
pub fn elapsed(since: Timestamp, now: Timestamp) -> String {
    clock(seconds_between(since, now))
}

/// So many seconds, as a clock that runs: `0:31`, `1:02:09`.
pub fn clock(seconds: i64) -> String {
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

/// A moment: `14:03:22` today, `Nov 20 14:03` this year, else `2025-11-20`.
pub fn moment(at: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    let (at, now) = (at.to_zoned(zone.clone()), now.to_zoned(zone.clone()));
    let form = if at.date() == now.date() {
        "%H:%M:%S"
    } else if at.year() == now.year() {
        "%b %d %H:%M"
    } else {
        "%Y-%m-%d"
    };
    at.strftime(form).to_string()
}

/// A count: `12,480`, over 99,999 `124k`.
pub fn count(n: u64) -> String {
    let (n, unit) = if n > 99_999 { (n / 1_000, "k") } else { (n, "") };
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + 4);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text + unit
}

/// Lines added: `+41`, or `0`.
pub fn added(n: u32) -> String {
    if n == 0 { "0".to_owned() } else { format!("+{}", count(n.into())) }
}

/// Lines removed, with a true minus: `−7`, or `0`.
pub fn removed(n: u32, signs: &Signs) -> String {
    if n == 0 { "0".to_owned() } else { format!("{}{}", signs.minus, count(n.into())) }
}

/// Both in one: `+41 −7`; `0` when nothing changed.
pub fn changed(plus: u32, minus: u32, signs: &Signs) -> String {
    if plus == 0 && minus == 0 { "0".to_owned() } else { format!("{} {}", added(plus), removed(minus, signs)) }
}

/// `1 file`, `3 files`.
pub fn plural(n: u64, one: &str) -> String {
    let mut text = count(n);
    let _ = write!(text, " {one}{}", if n == 1 { "" } else { "s" });
    text
}

/// A size on disk: `640 B`, `12 KB`, `1.2 GB`; base 1000.
pub fn bytes(n: u64) -> String {
    const UNITS: [&str; 5] = ["KB", "MB", "GB", "TB", "PB"];
    if n < 1_000 {
        return format!("{n} B");
    }
    // Tenths of the unit: whole numbers round the same everywhere.
    let mut tenths = n / 100;
    let mut unit = 0;
    while tenths >= 10_000 && unit + 1 < UNITS.len() {
        tenths /= 1_000;
        unit += 1;
    }
    let unit = UNITS[unit];
    if tenths < 100 { format!("{}.{} {unit}", tenths / 10, tenths % 10) } else { format!("{} {unit}", tenths / 10) }
}

/// What is left of `text` from byte 0 on that is ASCII and cannot join what follows it into one grapheme.
fn ascii_prefix(text: &str) -> usize {
    let ascii = text.bytes().position(|byte| !byte.is_ascii()).unwrap_or(text.len());
    if ascii < text.len() { ascii.saturating_sub(1) } else { ascii }
}

fn printable<'a>(piece: &'a str, signs: &'static Signs) -> (&'a str, usize) {
    if let [byte] = piece.as_bytes() {
        return if (0x20..0x7f).contains(byte) { (piece, 1) } else { (signs.hidden, 1) };
    }
    match piece.width() {
        0 => (signs.hidden, 1),
        _ if piece.chars().any(|char| char.is_control() || is_override(char)) => (signs.hidden, 1),
        wide => (piece, wide.min(2)),
    }
}

/// Bidi marks, embeddings, overrides and isolates: they would reorder what stands beside them.
const fn is_override(char: char) -> bool {
    matches!(char, '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Whether a text takes at most `max` columns; looks no further than that.
fn fits(text: &str, max: usize) -> bool {
    let mut used = 0;
    cells(text, Signs::UNICODE).all(|(_, width)| {
        used += width;
        used <= max
    })
}

fn take<'a>(pieces: impl Iterator<Item = (&'a str, usize)>, max: usize) -> String {
    let mut used = 0;
    pieces
        .take_while(|(_, width)| {
            used += width;
            used <= max
        })
        .map(|(piece, _)| piece)
        .collect()
}

fn seconds_between(since: Timestamp, now: Timestamp) -> i64 {
    (now.as_second() - since.as_second()).max(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const U: &Signs = Signs::UNICODE;
    const A: &Signs = Signs::ASCII;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_763_700_000 + second).unwrap()
    }

    #[test]
    fn cuts_at_the_end() {
        for (text, max, want) in [
            ("which style", 11, "which style"),
            ("which style", 10, "which sty…"),
            ("which style for", 13, "which style…"),
            ("日本語です", 10, "日本語です"),
            ("日本語です", 9, "日本語で…"),
            ("日本語です", 8, "日本語…"),
            ("e\u{301}e\u{301}e\u{301}", 2, "e\u{301}…"),
            ("👩‍👩‍👧 family", 4, "👩‍👩‍👧…"),
            ("abc", 1, "…"),
            ("abc", 0, ""),
            ("", 0, ""),
        ] {
            let got = cut(text, max, U);
            assert_eq!(got, want, "{text} to {max}");
            assert!(width(&got) <= max);
        }
        assert_eq!(cut("which style", 10, A), "which sty~");
    }

    #[test]
    fn cuts_in_the_middle() {
        for (text, max, want) in [
            ("quote-newlines-csv", 12, "quote-n…-csv"),
            ("csv-export", 10, "csv-export"),
            ("csv-export", 9, "csv-e…ort"),
            ("日本語の作業", 8, "日本…業"),
            ("abcdef", 2, "ab"),
        ] {
            let got = cut_middle(text, max, U);
            assert_eq!(got, want, "{text} to {max}");
            assert!(width(&got) <= max);
        }
    }

    #[test]
    fn paths_lose_their_middle_folders() {
        for (path, max, want) in [
            ("src/export/csv.rs", 17, "src/export/csv.rs"),
            ("src/export/csv.rs", 16, "src/…/csv.rs"),
            ("src/a/very/deep/csv.rs", 19, "src/…/deep/csv.rs"),
            ("src/export/csv.rs", 10, "…/csv.rs"),
            ("src/export/csv.rs", 7, "csv.rs"),
            ("src/export/a-long-name.rs", 9, "a-lon….rs"),
        ] {
            assert_eq!(cut_path(Path::new(path), max, U), want, "{path} to {max}");
        }
    }

    #[test]
    fn fault_names_cannot_write_to_the_terminal() {
        assert_eq!(clean("a\x1b[31mb", U), "a·[31mb");
        assert_eq!(clean("a\r\nb\tc\u{7f}\u{9b}", U), "a··b·c··");
        assert_eq!(clean("safe\u{202e}txt.exe\u{200b}", U), "safe·txt.exe·");
        assert_eq!(clean("a\x07", A), "a.");
        assert_eq!(width("a\x1b"), 2);
    }

    #[test]
    fn wraps_at_spaces() {
        assert_eq!(wrap("12 passed, 2 failed: quotes", 12), ["12 passed, 2", "failed:", "quotes"]);
        assert_eq!(wrap("abcdefgh ij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(wrap("日本語です", 4), ["日本", "語で", "す"]);
        assert_eq!(wrap("", 4), [""]);
        for max in 2..40 {
            let text = "Quote fields that contain a newline when exporting CSV, 日本語 too.";
            let lines = wrap(text, max);
            assert!(lines.iter().all(|line| width(line) <= max), "{max}: {lines:?}");
            assert_eq!(lines.concat().replace(' ', ""), text.replace(' ', ""), "{max}");
        }
    }

    #[test]
    fn ages_step() {
        for (seconds, want) in [
            (-5, "now"),
            (9, "now"),
            (10, "10s"),
            (49, "40s"),
            (59, "50s"),
            (60, "1m"),
            (3_599, "59m"),
            (3_600, "1h"),
            (86_399, "23h"),
            (86_400, "1d"),
            (7 * 86_400 - 1, "6d"),
            (45 * 86_400, "6w"),
            (99_999 * 86_400, "999w"),
        ] {
            assert_eq!(age(at(0), at(seconds)), want);
        }
    }

    #[test]
    fn elapsed_times() {
        for (seconds, want) in [(0, "0:00"), (31, "0:31"), (724, "12:04"), (3_729, "1:02:09"), (-1, "0:00")] {
            assert_eq!(elapsed(at(0), at(seconds)), want);
        }
    }

    #[test]
    fn moments() {
        let now: Timestamp = "2026-11-21T15:00:00Z".parse().unwrap();
        for (at, want) in [
            ("2026-11-21T14:03:22Z", "14:03:22"),
            ("2026-11-20T14:03:22Z", "Nov 20 14:03"),
            ("2025-11-20T14:03:22Z", "2025-11-20"),
        ] {
            assert_eq!(moment(at.parse().unwrap(), now, &TimeZone::UTC), want);
        }
    }

    #[test]
    fn counts_and_sizes() {
        for (n, want) in [(0, "0"), (999, "999"), (1_000, "1,000"), (12_480, "12,480"), (99_999, "99,999")] {
            assert_eq!(count(n), want);
        }
        assert_eq!([count(124_000), count(1_234_567)], ["124k", "1,234k"]);
        assert_eq!([changed(41, 7, U), changed(7, 0, U), changed(0, 0, U)], ["+41 −7", "+7 0", "0"]);
        assert_eq!(changed(41, 12_480, A), "+41 -12,480");
        for (n, want) in [
            (0, "0 B"),
            (640, "640 B"),
            (999, "999 B"),
            (1_000, "1.0 KB"),
            (12_345, "12 KB"),
            (999_999, "999 KB"),
            (1_200_000_000, "1.2 GB"),
        ] {
            assert_eq!(bytes(n), want);
        }
        assert_eq!([plural(1, "file"), plural(12_480, "file")], ["1 file", "12,480 files"]);
    }
}
