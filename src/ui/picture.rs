//! A picture of the screen: a buffer as SVG, each piece of text at its cell.
//!
//! Invariant: self-contained; it loads no font and no image.

use std::fmt::Write as _;

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};
use unicode_width::UnicodeWidthStr;

use super::theme::Ground;

/// Size of a cell and of the letters, in pixels.
const CELL: (u32, u32) = (9, 17);
const LETTERS: u32 = 15;
/// From the top of a cell to the line that letters stand on.
const BASE: u32 = 14;
const MARGIN: u32 = 12;

/// The 16 colors in the order of their numbers.
const ANSI: [u32; 16] = [
    0x2e_3436, 0xcc_4a42, 0x4e_9a4c, 0xc4_a000, 0x34_65a4, 0x8f_5f9e, 0x06_989a, 0xd3_d7cf, 0x80_868b, 0xef_6a62,
    0x8a_e234, 0xfc_e94f, 0x72_9fcf, 0xad_7fa8, 0x5f_c9d8, 0xee_eeec,
];

/// Foreground and background of the terminal itself.
const fn defaults(ground: Ground) -> (u32, u32) {
    match ground {
        Ground::Dark | Ground::Unknown => (0xd8_dce2, 0x16_1a20),
        Ground::Light => (0x20_242a, 0xfb_fbfa),
    }
}

/// Draws a buffer as an SVG document.
pub fn svg(buffer: &Buffer, ground: Ground) -> String {
    let (text, back) = defaults(ground);
    let area = buffer.area;
    let (width, height) = (u32::from(area.width) * CELL.0 + 2 * MARGIN, u32::from(area.height) * CELL.1 + 2 * MARGIN);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\">\n\
         <rect width=\"{width}\" height=\"{height}\" rx=\"8\" fill=\"#{back:06x}\"/>\n\
         <g font-family=\"ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace\" font-size=\"{LETTERS}\" \
         fill=\"#{text:06x}\" xml:space=\"preserve\">\n"
    );
    for row in 0..area.height {
        let cells: Vec<&Cell> = (0..area.width).map(|x| &buffer[(area.x + x, area.y + row)]).collect();
        let y = MARGIN + u32::from(row) * CELL.1;
        let runs = runs(&cells, (text, back));
        for run in &runs {
            run.background(&mut svg, y, back);
        }
        for run in &runs {
            run.letters(&mut svg, y, text);
        }
    }
    svg + "</g>\n</svg>\n"
}

/// Neighbors in one row that look alike.
struct Run {
    column: u32,
    columns: u32,
    text: String,
    look: Look,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Look {
    fg: u32,
    bg: u32,
    modifier: Modifier,
}

fn runs(cells: &[&Cell], defaults: (u32, u32)) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut column = 0;
    while let Some(cell) = cells.get(column) {
        let wide = cell.symbol().width().max(1);
        let look = Look::of(cell, defaults);
        // Fonts disagree on the width of what is not ASCII: such a piece gets its own place.
        let joins = |run: &&mut Run| run.look == look && cell.symbol().is_ascii() && run.text.is_ascii();
        match runs.last_mut().filter(joins) {
            Some(run) => {
                run.text.push_str(cell.symbol());
                run.columns += wide as u32;
            }
            None => {
                runs.push(Run { column: column as u32, columns: wide as u32, text: cell.symbol().to_owned(), look });
            }
        }
        column += wide;
    }
    runs
}

impl Look {
    fn of(cell: &Cell, (text, back): (u32, u32)) -> Self {
        let (fg, bg) = (rgb(cell.fg, text), rgb(cell.bg, back));
        let (fg, bg) = if cell.modifier.contains(Modifier::REVERSED) { (bg, fg) } else { (fg, bg) };
        Self { fg, bg, modifier: cell.modifier - Modifier::REVERSED }
    }
}

impl Run {
    fn background(&self, svg: &mut String, y: u32, back: u32) {
        if self.look.bg != back {
            let (x, width) = (MARGIN + self.column * CELL.0, self.columns * CELL.0);
            let _ = writeln!(
                svg,
                "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{}\" fill=\"#{:06x}\"/>",
                CELL.1, self.look.bg
            );
        }
    }

    fn letters(&self, svg: &mut String, y: u32, usual: u32) {
        if self.text.trim().is_empty() {
            return;
        }
        let blank = (self.text.len() - self.text.trim_start().len()) as u32;
        let text = self.text.trim();
        let x = MARGIN + (self.column + blank) * CELL.0;
        let columns = text.width() as u32;
        let _ = write!(
            svg,
            "<text x=\"{x}\" y=\"{}\" textLength=\"{}\" lengthAdjust=\"spacingAndGlyphs\"",
            y + BASE,
            columns * CELL.0
        );
        if self.look.fg != usual {
            let _ = write!(svg, " fill=\"#{:06x}\"", self.look.fg);
        }
        for (modifier, attribute) in [
            (Modifier::BOLD, " font-weight=\"bold\""),
            (Modifier::DIM, " opacity=\"0.65\""),
            (Modifier::ITALIC, " font-style=\"italic\""),
            (Modifier::UNDERLINED, " text-decoration=\"underline\""),
        ] {
            if self.look.modifier.contains(modifier) {
                svg.push_str(attribute);
            }
        }
        svg.push('>');
        for char in text.chars() {
            match char {
                '&' => svg.push_str("&amp;"),
                '<' => svg.push_str("&lt;"),
                '>' => svg.push_str("&gt;"),
                char if char.is_control() => svg.push(' '),
                char => svg.push(char),
            }
        }
        svg.push_str("</text>\n");
    }
}

/// A color as red, green and blue in one number.
fn rgb(color: Color, default: u32) -> u32 {
    let index = match color {
        Color::Reset => return default,
        Color::Rgb(r, g, b) => return u32::from_be_bytes([0, r, g, b]),
        Color::Indexed(index) => index,
        Color::Black => 0,
        Color::Red => 1,
        Color::Green => 2,
        Color::Yellow => 3,
        Color::Blue => 4,
        Color::Magenta => 5,
        Color::Cyan => 6,
        Color::Gray => 7,
        Color::DarkGray => 8,
        Color::LightRed => 9,
        Color::LightGreen => 10,
        Color::LightYellow => 11,
        Color::LightBlue => 12,
        Color::LightMagenta => 13,
        Color::LightCyan => 14,
        Color::White => 15,
    };
    match index {
        0..16 => ANSI[usize::from(index)],
        16..232 => {
            let step = |at: u8| if at == 0 { 0 } else { 55 + 40 * at };
            let cube = index - 16;
            u32::from_be_bytes([0, step(cube / 36), step(cube / 6 % 6), step(cube % 6)])
        }
        232.. => u32::from_be_bytes([0, 1, 1, 1]) * (8 + 10 * u32::from(index - 232)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    #[test]
    fn letters_stand_at_their_cells() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 12, 2));
        buffer.set_string(0, 0, "● a<b", Style::new());
        buffer.set_string(2, 1, "日 x", Style::new().fg(Color::Cyan).add_modifier(Modifier::BOLD));
        let svg = svg(&buffer, Ground::Dark);
        assert!(svg.contains(">●</text>"));
        // Column 2: 12 + 2 * 9.
        assert!(
            svg.contains("<text x=\"30\" y=\"26\" textLength=\"27\" lengthAdjust=\"spacingAndGlyphs\">a&lt;b</text>"),
            "{svg}"
        );
        assert!(svg.contains("<text x=\"30\" y=\"43\" textLength=\"18\""), "{svg}");
        // The wide character took two columns: column 5.
        assert!(svg.contains("<text x=\"57\" y=\"43\" textLength=\"9\""), "{svg}");
        assert!(svg.contains("fill=\"#06989a\" font-weight=\"bold\">x</text>"), "{svg}");
    }

    #[test]
    fn reverse_swaps_the_colors() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 2, 1));
        buffer.set_string(0, 0, "ab", Style::new().add_modifier(Modifier::REVERSED));
        let svg = svg(&buffer, Ground::Light);
        assert!(svg.contains("<rect x=\"12\" y=\"12\" width=\"18\" height=\"17\" fill=\"#20242a\"/>"), "{svg}");
        assert!(svg.contains("fill=\"#fbfbfa\">ab</text>"), "{svg}");
    }

    #[test]
    fn all_colors_have_a_value() {
        assert_eq!(rgb(Color::Indexed(231), 0), 0xff_ffff);
        assert_eq!(rgb(Color::Indexed(232), 0), 0x08_0808);
        assert_eq!(rgb(Color::Indexed(255), 0), 0xee_eeee);
        assert_eq!(rgb(Color::Reset, 7), 7);
    }
}
