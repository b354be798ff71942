//! Select graphic rendition: writing styles for the outer terminal, and mending what programs send for the parser.

use super::cell::{Attributes, Style};
use super::color::Color;

/// Appends the shortest sequence that turns `from` into `to`; nothing if they are equal.
pub(super) fn write_change(out: &mut Vec<u8>, from: Style, to: Style) {
    if from == to {
        return;
    }
    if to == Style::default() {
        out.extend_from_slice(b"\x1b[m");
        return;
    }
    out.extend_from_slice(b"\x1b[");
    write_attributes(out, from.attributes, to.attributes);
    if from.foreground != to.foreground {
        write_color(out, to.foreground, 30);
    }
    if from.background != to.background {
        write_color(out, to.background, 40);
    }
    // Every code is followed by a semicolon; the last one becomes the final byte.
    *out.last_mut().expect("invariant: a change writes a code") = b'm';
}

/// Appends a decimal number.
pub(super) fn write_number(out: &mut Vec<u8>, number: u16) {
    let mut divisor = 10_000;
    while divisor > 1 && number < divisor {
        divisor /= 10;
    }
    while divisor > 0 {
        out.push(b'0' + (number / divisor % 10) as u8);
        divisor /= 10;
    }
}

fn write_attributes(out: &mut Vec<u8>, from: Attributes, to: Attributes) {
    let intensity = Attributes::BOLD.with(Attributes::DIM);
    let (mut lit, wanted) = (from, to);
    // One code ends bold and dim alike.
    if from.without(to).contains(Attributes::BOLD) || from.without(to).contains(Attributes::DIM) {
        write_code(out, 22);
        lit = lit.without(intensity);
    }
    for (attribute, on, off) in [
        (Attributes::BOLD, 1, 22),
        (Attributes::DIM, 2, 22),
        (Attributes::ITALIC, 3, 23),
        (Attributes::UNDERLINE, 4, 24),
        (Attributes::INVERSE, 7, 27),
    ] {
        match (lit.contains(attribute), wanted.contains(attribute)) {
            (false, true) => write_code(out, on),
            (true, false) => write_code(out, off),
            _ => {}
        }
    }
}

fn write_color(out: &mut Vec<u8>, color: Color, base: u16) {
    match color {
        Color::Default => write_code(out, base + 9),
        Color::Indexed(index @ 0..=7) => write_code(out, base + u16::from(index)),
        Color::Indexed(index @ 8..=15) => write_code(out, base + 52 + u16::from(index)),
        Color::Indexed(index) => {
            [base + 8, 5, index.into()].into_iter().for_each(|code| write_code(out, code));
        }
        Color::Rgb(red, green, blue) => {
            [base + 8, 2, red.into(), green.into(), blue.into()].into_iter().for_each(|code| write_code(out, code));
        }
    }
}

fn write_code(out: &mut Vec<u8>, code: u16) {
    write_number(out, code);
    out.push(b';');
}
