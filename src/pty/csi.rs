//! Control sequences: which the parser may have as they are, and what the others become.
//!
//! Invariant: the parser sees only what it implements. Sources: ECMA-48, xterm's ctlseqs, the kitty keyboard protocol.

use super::filter::{ESC, Effect, Memory, Repeat, SEQUENCE_CAP, Sink};
use super::reply::Query;
use super::sgr;
use super::signal::Signal;

/// One whole control sequence.
#[derive(Debug, Clone, Copy)]
pub(super) struct Csi<'a> {
    /// Everything between `ESC [` and the final byte.
    body: &'a [u8],
    last: u8,
}

impl<'a> Csi<'a> {
    /// A sequence from its body and final byte.
    pub(super) const fn new(body: &'a [u8], last: u8) -> Self {
        Self { body, last }
    }

    /// The sequence that begins with the ESC at `at`, if it is a control sequence, whole, and without control characters.
    pub(super) fn at(bytes: &'a [u8], at: usize) -> Option<Self> {
        let body = bytes[at..].strip_prefix(b"\x1b[")?;
        let length = body.iter().position(|byte| !(0x20..0x40).contains(byte))?;
        let whole = (0x40..0x7f).contains(&body[length]) && length <= SEQUENCE_CAP;
        whole.then(|| Self { body: &body[..length], last: body[length] })
    }

    /// Bytes of the whole sequence.
    pub(super) const fn length(&self) -> usize {
        self.body.len() + 3
    }

    pub(super) fn to_bytes(self) -> Vec<u8> {
        [&[ESC, b'['], self.body, &[self.last]].concat()
    }

    /// The effect of a sequence that the parser understands as it stands; `None` for all that `execute` must see.
    pub(super) fn passes(&self) -> Option<Effect> {
        let first = self.body.first().copied().unwrap_or(b'0');
        if first == b'?' {
            return match (self.last, &self.body[1..]) {
                (
                    b'h' | b'l',
                    b"1" | b"6" | b"9" | b"25" | b"1000" | b"1002" | b"1003" | b"1005" | b"1006" | b"2004",
                ) => Some(Effect::Nothing),
                (b'J', _) => Some(Effect::Everything),
                (b'K', _) => Some(Effect::Row),
                _ => None,
            };
        }
        if (b'<'..=b'>').contains(&first) {
            return None;
        }
        let effect = match self.last {
            b'm' if sgr::needs_mending(self.body) => return None,
            b'm' | b'A'..=b'H' | b'd' | b'f' | b'`' | b'r' => Effect::Nothing,
            b'K' | b'@' | b'P' | b'X' => Effect::Row,
            b'J' if self.body == b"3" => return None,
            b'J' | b'L' | b'M' | b'S' => Effect::Everything,
            // With more parameters it begins highlight tracking.
            b'T' if !self.body.contains(&b';') => Effect::Everything,
            _ => return None,
        };
        self.body.iter().all(|byte| *byte >= b'0').then_some(effect)
    }

    /// Whether this blanks a screen of so many rows, or its scroll region, so that doing it twice is doing it once.
    pub(super) fn blanks(&self, rows: u16) -> bool {
        match self.last {
            b'J' => self.body == b"2",
            b'L' | b'M' | b'S' | b'T' => self.passes().is_some() && sgr::number(self.body) >= rows,
            _ => false,
        }
    }

    /// The private marker, the parameters, and the intermediate bytes.
    fn parts(&self) -> (Option<u8>, &'a [u8], &'a [u8]) {
        let marker = self.body.first().copied().filter(|byte| (b'<'..=b'?').contains(byte));
        let rest = &self.body[usize::from(marker.is_some())..];
        let end = rest.iter().position(|byte| *byte < b'0').unwrap_or(rest.len());
        (marker, &rest[..end], &rest[end..])
    }
}

/// Does what a sequence asks that does not pass: by rewriting, by remembering, by asking for a reply, or not at all.
pub(super) fn execute(memory: &mut Memory, csi: &Csi<'_>, sink: &mut impl Sink) {
    let (marker, params, intermediates) = csi.parts();
    match (marker, intermediates, csi.last) {
        (None, b"", _) => execute_plain(memory, params, csi.last, sink),
        (None, b" ", b'q') => sink.pass(&csi.to_bytes(), Effect::Nothing),
        (None, b"!", b'p') => soft_reset(memory, sink),
        (None, b"$", b'p') => sink.query(Query::Mode { private: false, number: sgr::number(params) }, &memory.tracked),
        (Some(b'?'), b"$", b'p') => {
            sink.query(Query::Mode { private: true, number: sgr::number(params) }, &memory.tracked);
        }
        (Some(b'?'), b"", b'h' | b'l') => {
            for number in numbers(params) {
                set_mode(memory, number, csi.last == b'h', sink);
            }
        }
        (Some(b'?'), b"", b'n') if params == b"6" => sink.query(Query::Cursor { private: true }, &memory.tracked),
        (Some(b'?'), b"", b'u') => sink.query(Query::Kitty, &memory.tracked),
        (Some(b'>'), b"", b'c') => sink.query(Query::SecondaryAttributes, &memory.tracked),
        (Some(b'>'), b"", b'q') => sink.query(Query::Version, &memory.tracked),
        (Some(b'>'), b"", b'm') => modify_other_keys(memory, params),
        (Some(marker), b"", b'u') => kitty(memory, marker, params, sink.alternate()),
        _ => {}
    }
}

fn execute_plain(memory: &mut Memory, params: &[u8], last: u8, sink: &mut impl Sink) {
    let first = numbers(params).next().unwrap_or(0);
    let count = first.max(1);
    let (row, col) = sink.cursor();
    match (last, params) {
        (b'm', _) => {
            if let Some(mended) = sgr::mend(params) {
                sink.pass(&[b"\x1b[", &mended[..], b"m"].concat(), Effect::Nothing);
            }
        }
        // Alone, so that a replay of history sees it.
        (b'J', _) => pass_sequence(first, b'J', Effect::Nothing, sink),
        (b'a', _) => pass_sequence(count, b'C', Effect::Nothing, sink),
        (b'e', _) => pass_sequence(count, b'B', Effect::Nothing, sink),
        (b'b', _) => repeat(memory, count, sink),
        (b'I', _) => {
            let stops = usize::from(count.min(sink.size().cols / 8 + 1));
            sink.pass(&b"\t".repeat(stops), Effect::Nothing);
        }
        (b'Z', _) => {
            let stops = col.min(sink.size().cols - 1).div_ceil(8).saturating_sub(count);
            move_to(row, stops * 8, sink);
        }
        (b's', b"") => memory.save_cursor(sink),
        (b'u', b"") => memory.restore_cursor(sink),
        (b'c', b"" | b"0") => sink.query(Query::PrimaryAttributes, &memory.tracked),
        (b'n', b"5") => sink.query(Query::Status, &memory.tracked),
        (b'n', b"6") => sink.query(Query::Cursor { private: false }, &memory.tracked),
        (b't', b"14") => sink.query(Query::ScreenPixels, &memory.tracked),
        (b't', b"16") => sink.query(Query::CellPixels, &memory.tracked),
        (b't', b"18") => sink.query(Query::ScreenCells, &memory.tracked),
        _ => {}
    }
}

fn set_mode(memory: &mut Memory, number: u16, on: bool, sink: &mut impl Sink) {
    match number {
        1 | 6 | 9 | 25 | 1000 | 1002 | 1003 | 1005 | 1006 | 2004 => pass_mode(number, on, Effect::Nothing, sink),
        1004 => memory.tracked.focus = on,
        1007 => memory.tracked.alternate_scroll = on,
        2026 => {
            if memory.tracked.synchronized && !on {
                sink.signal(Signal::FrameDone);
            }
            memory.tracked.synchronized = on;
        }
        47 | 1047 | 1049 => switch_screen(memory, number, on, sink),
        1048 if on => memory.save_cursor(sink),
        1048 => memory.restore_cursor(sink),
        _ => {}
    }
}

/// Enters or leaves the alternate screen. The parser keeps a cursor for each; a terminal has one, which stays where it is
/// unless 1049 restores it.
fn switch_screen(memory: &mut Memory, number: u16, on: bool, sink: &mut impl Sink) {
    let (row, col) = sink.cursor();
    let switches = sink.alternate() != on;
    if number == 1049 {
        if on {
            memory.save_charsets();
        } else {
            memory.restore_charsets();
        }
        pass_mode(1049, on, Effect::Everything, sink);
    } else if switches {
        if number == 1047 && !on {
            sink.pass(b"\x1b[2J", Effect::Everything);
        }
        pass_mode(47, on, Effect::Everything, sink);
    }
    if switches && (on || number != 1049) {
        move_to(row, col, sink);
    }
}

/// Repeats the last character. Programs fill a part of a line with it, so a line is the most that is done: 9 bytes could
/// ask for 65,535 cells.
fn repeat(memory: &mut Memory, count: u16, sink: &mut impl Sink) {
    let count = count.min(sink.size().cols);
    match memory.repeat {
        Repeat::Parsers => pass_sequence(count, b'b', Effect::Everything, sink),
        Repeat::Restored(Some(last)) => {
            memory.repeat = Repeat::Parsers;
            sink.pass(last.to_string().repeat(usize::from(count)).as_bytes(), Effect::Everything);
        }
        Repeat::Restored(None) => {}
    }
}

/// DECSTR.
fn soft_reset(memory: &mut Memory, sink: &mut impl Sink) {
    let (row, col) = sink.cursor();
    memory.reset_charsets();
    sink.pass(b"\x1b[?25h\x1b[?1l\x1b>\x1b[m\x1b[?6l\x1b[r\x1b7", Effect::Nothing);
    move_to(row, col, sink);
}

/// `CSI > 4 ; n m`; without a number, or for all resources at once, it is reset.
fn modify_other_keys(memory: &mut Memory, params: &[u8]) {
    let mut numbers = numbers(params);
    if params.is_empty() || numbers.next() == Some(4) {
        memory.tracked.modify_other_keys = numbers.next().unwrap_or(0).min(2) as u8;
    }
}

fn kitty(memory: &mut Memory, marker: u8, params: &[u8], alternate: bool) {
    let stack = memory.tracked.kitty_mut(alternate);
    let mut numbers = numbers(params);
    let first = numbers.next().unwrap_or(0);
    match marker {
        b'>' => stack.push(first),
        b'<' => stack.pop(first.max(1)),
        b'=' => stack.set(first, numbers.next().unwrap_or(1)),
        _ => {}
    }
}

fn move_to(row: u16, col: u16, sink: &mut impl Sink) {
    // Not CUP, which is relative to the scroll region in origin mode.
    pass_sequence(row + 1, b'd', Effect::Nothing, sink);
    pass_sequence(col + 1, b'G', Effect::Nothing, sink);
}

fn pass_mode(number: u16, on: bool, effect: Effect, sink: &mut impl Sink) {
    let mut bytes = b"\x1b[?".to_vec();
    sgr::write_number(&mut bytes, number);
    bytes.push(if on { b'h' } else { b'l' });
    sink.pass(&bytes, effect);
}

fn pass_sequence(number: u16, last: u8, effect: Effect, sink: &mut impl Sink) {
    let mut bytes = b"\x1b[".to_vec();
    sgr::write_number(&mut bytes, number);
    bytes.push(last);
    sink.pass(&bytes, effect);
}

fn numbers(params: &[u8]) -> impl Iterator<Item = u16> + '_ {
    params.split(|&byte| byte == b';').map(sgr::number)
}
