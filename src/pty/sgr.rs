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
        Color::Indexed(index) => write_codes(out, &[base + 8, 5, index.into()]),
        Color::Rgb(red, green, blue) => write_codes(out, &[base + 8, 2, red.into(), green.into(), blue.into()]),
    }
}

fn write_codes(out: &mut Vec<u8>, codes: &[u16]) {
    for &code in codes {
        write_code(out, code);
    }
}

fn write_code(out: &mut Vec<u8>, code: u16) {
    write_number(out, code);
    out.push(b';');
}
/// Whether the parser misreads these parameters: colon forms, underline colors (58, whose arguments it takes for
/// attributes), double underline (21).
pub(super) fn needs_mending(params: &[u8]) -> bool {
    memchr::memchr(b':', params).is_some()
        || params.split(|&byte| byte == b';').any(|param| matches!(param, b"58" | b"21"))
}

/// The parameters in forms that the parser knows; `None` if nothing is left of them.
pub(super) fn mend(params: &[u8]) -> Option<Vec<u8>> {
    let mut codes: Vec<u16> = Vec::new();
    let mut groups = params.split(|&byte| byte == b';');
    while let Some(group) = groups.next() {
        let parts: Vec<u16> = group.split(|&byte| byte == b':').map(number).collect();
        match parts[..] {
            [21] => codes.push(4),
            [color @ (38 | 48 | 58)] => {
                let kind = groups.next().map(number)?;
                let arguments = groups.by_ref().take(if kind == 2 { 3 } else { 1 }).map(number);
                if color == 58 {
                    arguments.for_each(drop);
                } else {
                    codes.extend([color, kind]);
                    codes.extend(arguments);
                }
            }
            [code] => codes.push(code),
            [4, 0] => codes.push(24),
            [4, _] => codes.push(4),
            [color @ (38 | 48), 5, index, ..] => codes.extend([color, 5, index]),
            // With a color space between, and without.
            [color @ (38 | 48), 2, _, red, green, blue, ..] | [color @ (38 | 48), 2, red, green, blue] => {
                codes.extend([color, 2, red, green, blue]);
            }
            _ => {}
        }
    }
    let mut mended = Vec::with_capacity(params.len());
    write_codes(&mut mended, &codes);
    mended.pop()?;
    Some(mended)
}

/// The style after parameters in the forms that the parser itself writes; unknown ones change nothing.
pub(super) fn applied(mut style: Style, params: &[u8]) -> Style {
    let mut codes = params.split(|&byte| byte == b';').map(number);
    while let Some(code) = codes.next() {
        let attributes = style.attributes;
        let intensity = Attributes::BOLD.with(Attributes::DIM);
        match code {
            0 => style = Style::default(),
            1 => style.attributes = attributes.without(intensity).with(Attributes::BOLD),
            2 => style.attributes = attributes.without(intensity).with(Attributes::DIM),
            3 => style.attributes = attributes.with(Attributes::ITALIC),
            4 => style.attributes = attributes.with(Attributes::UNDERLINE),
            7 => style.attributes = attributes.with(Attributes::INVERSE),
            22 => style.attributes = attributes.without(intensity),
            23 => style.attributes = attributes.without(Attributes::ITALIC),
            24 => style.attributes = attributes.without(Attributes::UNDERLINE),
            27 => style.attributes = attributes.without(Attributes::INVERSE),
            30..=37 => style.foreground = Color::Indexed((code - 30) as u8),
            38 => style.foreground = extended_color(&mut codes).unwrap_or(style.foreground),
            39 => style.foreground = Color::Default,
            40..=47 => style.background = Color::Indexed((code - 40) as u8),
            48 => style.background = extended_color(&mut codes).unwrap_or(style.background),
            49 => style.background = Color::Default,
            90..=97 => style.foreground = Color::Indexed((code - 82) as u8),
            100..=107 => style.background = Color::Indexed((code - 92) as u8),
            _ => {}
        }
    }
    style
}

fn extended_color(codes: &mut impl Iterator<Item = u16>) -> Option<Color> {
    let mut byte = || codes.next().map(|code| code as u8);
    match byte()? {
        5 => byte().map(Color::Indexed),
        2 => Some(Color::Rgb(byte()?, byte()?, byte()?)),
        _ => None,
    }
}

/// A decimal parameter: empty is 0, too large is the largest.
pub(super) fn number(digits: &[u8]) -> u16 {
    digits
        .iter()
        .filter(|byte| byte.is_ascii_digit())
        .fold(0, |value: u16, byte| value.saturating_mul(10).saturating_add(u16::from(byte - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn mended(params: &str) -> Option<String> {
        mend(params.as_bytes()).map(|bytes| String::from_utf8(bytes).expect("digits"))
    }

    #[test]
    fn colon_forms_become_what_the_parser_knows() {
        for (sent, known) in [
            ("38:2::1:2:3", Some("38;2;1;2;3")),
            ("48:2:1:2:3", Some("48;2;1;2;3")),
            ("1;38:5:200;4", Some("1;38;5;200;4")),
            ("4:3", Some("4")),
            ("4:0", Some("24")),
            ("58;5;1", None),
            ("58:2::1:2:3", None),
            ("1;58;2;9;9;9;3", Some("1;3")),
            ("21", Some("4")),
            (":;1", Some("1")),
        ] {
            assert_eq!(mended(sent).as_deref(), known, "{sent}");
        }
        assert!(needs_mending(b"4:3") && needs_mending(b"58;5;1") && !needs_mending(b"38;5;158;121"));
    }

    #[test]
    fn numbers_are_written_whole() {
        for number in [0, 7, 10, 99, 100, 255, 9999, 10_000, 65_535] {
            let mut out = Vec::new();
            write_number(&mut out, number);
            assert_eq!(out, number.to_string().into_bytes());
        }
    }

    fn color() -> impl Strategy<Value = Color> {
        prop_oneof![
            Just(Color::Default),
            any::<u8>().prop_map(Color::Indexed),
            any::<(u8, u8, u8)>().prop_map(|(red, green, blue)| Color::Rgb(red, green, blue)),
        ]
    }

    fn style() -> impl Strategy<Value = Style> {
        let attributes = (0usize..3, any::<[bool; 3]>()).prop_map(|(intensity, flags)| {
            let all = [Attributes::ITALIC, Attributes::UNDERLINE, Attributes::INVERSE];
            let base = [Attributes::default(), Attributes::BOLD, Attributes::DIM][intensity];
            all.into_iter().zip(flags).filter(|&(_, on)| on).fold(base, |sum, (attribute, _)| sum.with(attribute))
        });
        (color(), color(), attributes).prop_map(|(foreground, background, attributes)| Style {
            foreground,
            background,
            attributes,
        })
    }

    proptest! {
        #[test]
        fn a_written_change_is_read_back(styles in prop::collection::vec(style(), 1..8)) {
            let mut out = Vec::new();
            let mut last = Style::default();
            for &style in &styles {
                write_change(&mut out, last, style);
                last = style;
            }
            let mut emulator = super::super::emulator::Emulator::<()>::new(crate::model::Size::new(2, 2), 0);
            emulator.process(&out);
            prop_assert_eq!(Style::of_pen(emulator.screen()), last);
            let applied_all = String::from_utf8(out).expect("ASCII").split_terminator('m').fold(Style::default(), |style, one| {
                applied(style, one.trim_start_matches("\x1b[").as_bytes())
            });
            prop_assert_eq!(applied_all, last);
        }
    }
}
