//! The eight roles and their colors.
//!
//! Invariant: a widget names a role, never a color. Without color (`NO_COLOR`) bold, dim and reverse tell as much.

use ratatui::style::{Color, Modifier, Style};
use serde::Deserialize;

use crate::model::Glyphs;

use super::glyph::{Mark, Signs};

/// What something is, as far as colors go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    Foreground,
    Dim,
    Accent,
    Attention,
    Good,
    Bad,
    Selection,
    Rule,
}

impl Role {
    pub const ALL: [Self; 8] = [
        Self::Foreground,
        Self::Dim,
        Self::Accent,
        Self::Attention,
        Self::Good,
        Self::Bad,
        Self::Selection,
        Self::Rule,
    ];
}

/// The terminal's background, as OSC 11 tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ground {
    Dark,
    Light,
    /// It did not answer: the 16 colors only, which fit the terminal's own background.
    Unknown,
}

/// How many colors the terminal has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Depth {
    /// `NO_COLOR`.
    None,
    Ansi16,
    Indexed256,
    True,
}

/// Styles of the roles, and the signs to draw with.
#[derive(Debug, Clone)]
pub struct Theme {
    styles: [Style; 8],
    plain: bool,
    pub signs: &'static Signs,
}

/// Why a theme file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ThemeError {
    #[error("theme: {0}")]
    Syntax(#[from] serde_yaml::Error),
    #[error("theme: \"{0}\" is no color. Try: default, \"#5fc9d8\", cyan.")]
    Color(String),
}

/// The theme that comes with the program, as a file for `~/.orchestra/theme.yaml`.
pub const DEFAULT: &str = include_str!("../../assets/theme.yaml");

impl Theme {
    /// The theme that comes with the program.
    pub fn new(ground: Ground, depth: Depth, glyphs: Glyphs) -> Self {
        Self::parse(DEFAULT, ground, depth, glyphs).expect("invariant: the embedded theme is valid")
    }

    /// Reads a theme file.
    pub fn parse(yaml: &str, ground: Ground, depth: Depth, glyphs: Glyphs) -> Result<Self, ThemeError> {
        let file: File = serde_yaml::from_str(yaml)?;
        let colors = match (depth, ground) {
            (Depth::None, _) => {
                return Ok(Self { styles: Role::ALL.map(plain), plain: true, signs: Signs::of(glyphs) });
            }
            (Depth::Ansi16, _) | (_, Ground::Unknown) => file.ansi,
            (_, Ground::Dark) => file.dark,
            (_, Ground::Light) => file.light,
        };
        let mut styles = [Style::new(); 8];
        for role in Role::ALL {
            styles[role as usize] = style(role, colors.of(role), depth)?;
        }
        Ok(Self { styles, plain: false, signs: Signs::of(glyphs) })
    }

    pub const fn style(&self, role: Role) -> Style {
        self.styles[role as usize]
    }

    /// Of a mark itself.
    pub fn mark(&self, mark: Mark) -> Style {
        match mark {
            Mark::Attention if self.plain => Style::new().add_modifier(Modifier::BOLD | Modifier::REVERSED),
            _ => self.style(mark.role()),
        }
    }

    /// Of the words beside a mark: only what wants a person's eye has a color.
    pub fn word(&self, mark: Mark) -> Style {
        match mark.role() {
            role @ (Role::Attention | Role::Bad | Role::Dim) => self.style(role),
            _ => self.style(Role::Foreground),
        }
    }
}

/// Styles without color.
const fn plain(role: Role) -> Style {
    let style = Style::new();
    match role {
        Role::Foreground => style.fg(Color::Reset),
        Role::Accent | Role::Good | Role::Rule => style,
        Role::Dim => style.add_modifier(Modifier::DIM),
        Role::Attention | Role::Bad => style.add_modifier(Modifier::BOLD),
        Role::Selection => style.add_modifier(Modifier::REVERSED),
    }
}

fn style(role: Role, name: &str, depth: Depth) -> Result<Style, ThemeError> {
    let bad = || ThemeError::Color(name.to_owned());
    match (role, name) {
        (Role::Selection, "reverse") => return Ok(Style::new().add_modifier(Modifier::REVERSED)),
        // Named, so that text replaces the color of a rule that it is written on.
        (_, "default") => return Ok(Style::new().fg(Color::Reset)),
        _ => {}
    }
    let color = match name.parse().map_err(|_| bad())? {
        Color::Rgb(r, g, b) if depth == Depth::Indexed256 => Color::Indexed(nearest_index(r, g, b)),
        color => color,
    };
    Ok(if role == Role::Selection { Style::new().bg(color) } else { Style::new().fg(color) })
}

/// The nearest color of the 6x6x6 cube or of the grays.
fn nearest_index(r: u8, g: u8, b: u8) -> u8 {
    const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];
    let step = |value: u8| (0..6).min_by_key(|&at| STEPS[at as usize].abs_diff(value)).unwrap_or(0);
    let distance = |x: [u8; 3]| -> u32 { [r, g, b].iter().zip(x).map(|(a, b)| u32::from(a.abs_diff(b)).pow(2)).sum() };
    let cube = [step(r), step(g), step(b)];
    let gray = (0..24u8).min_by_key(|&at| distance([8 + 10 * at; 3])).unwrap_or(0);
    if distance([8 + 10 * gray; 3]) < distance(cube.map(|at: u8| STEPS[at as usize])) {
        232 + gray
    } else {
        16 + 36 * cube[0] + 6 * cube[1] + cube[2]
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    dark: Colors,
    light: Colors,
    ansi: Colors,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Colors {
    foreground: String,
    dim: String,
    accent: String,
    attention: String,
    good: String,
    bad: String,
    selection: String,
    rule: String,
}

impl Colors {
    fn of(&self, role: Role) -> &str {
        match role {
            Role::Foreground => &self.foreground,
            Role::Dim => &self.dim,
            Role::Accent => &self.accent,
            Role::Attention => &self.attention,
            Role::Good => &self.good,
            Role::Bad => &self.bad,
            Role::Selection => &self.selection,
            Role::Rule => &self.rule,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn theme(ground: Ground, depth: Depth) -> Theme {
        Theme::new(ground, depth, Glyphs::Unicode)
    }

    /// Relative luminance after WCAG 2.2.
    fn luminance([r, g, b]: [u8; 3]) -> f64 {
        let part = |value: u8| {
            let value = f64::from(value) / 255.0;
            if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b)
    }

    fn contrast(a: [u8; 3], b: [u8; 3]) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    fn rgb(color: Option<Color>) -> Option<[u8; 3]> {
        match color {
            Some(Color::Rgb(r, g, b)) => Some([r, g, b]),
            _ => None,
        }
    }

    #[test]
    fn contrast_is_enough_on_usual_grounds() {
        let dark = [[0, 0, 0], [0x1e, 0x1e, 0x1e], [0x28, 0x2c, 0x34]];
        let light = [[0xff, 0xff, 0xff], [0xfa, 0xfa, 0xfa], [0xfd, 0xf6, 0xe3]];
        for (ground, backs, text) in [(Ground::Dark, dark, [0xd0; 3]), (Ground::Light, light, [0x20; 3])] {
            let theme = theme(ground, Depth::True);
            let selection = rgb(theme.style(Role::Selection).bg).unwrap();
            assert!(contrast(text, selection) >= 4.5, "{ground:?} text on the selection");
            for role in Role::ALL {
                let Some(color) = rgb(theme.style(role).fg) else { continue };
                for back in backs {
                    assert!(contrast(color, back) >= 4.0 + 0.5, "{ground:?} {role:?} on {back:?}");
                }
                if role != Role::Rule {
                    let on_selection = contrast(color, selection);
                    assert!(on_selection >= 4.5, "{ground:?} {role:?} on the selection: {on_selection:.2}");
                }
            }
        }
    }

    #[test]
    fn without_color_there_is_no_color() {
        let plain = theme(Ground::Dark, Depth::None);
        let styles = Role::ALL.map(|role| plain.style(role)).into_iter();
        let marks = Mark::ALL.map(|mark| plain.mark(mark)).into_iter().chain(Mark::ALL.map(|mark| plain.word(mark)));
        assert!(styles.chain(marks).all(|style| style.fg.is_none_or(|fg| fg == Color::Reset) && style.bg.is_none()));
        assert_eq!(plain.mark(Mark::Attention).add_modifier, Modifier::BOLD | Modifier::REVERSED);
        assert_eq!(plain.mark(Mark::GateStuck).add_modifier, Modifier::BOLD);
        assert_eq!(plain.mark(Mark::Bad).add_modifier, Modifier::BOLD);
        assert_eq!(plain.mark(Mark::Closed).add_modifier, Modifier::DIM);
        assert_eq!(plain.mark(Mark::Running).add_modifier, Modifier::empty());
    }

    #[test]
    fn an_unknown_ground_gets_the_terminals_own_colors() {
        for theme in [theme(Ground::Unknown, Depth::True), theme(Ground::Light, Depth::Ansi16)] {
            assert_eq!(theme.style(Role::Accent).fg, Some(Color::Cyan));
            assert_eq!(theme.style(Role::Dim).fg, Some(Color::DarkGray));
            assert_eq!(theme.style(Role::Foreground), Style::new().fg(Color::Reset));
            assert_eq!(theme.style(Role::Selection).add_modifier, Modifier::REVERSED);
        }
    }

    #[test]
    fn two_hundred_and_fifty_six_colors_come_near() {
        assert_eq!([nearest_index(0, 0, 0), nearest_index(255, 255, 255)], [16, 231]);
        assert_eq!(nearest_index(0x80, 0x80, 0x80), 244);
        assert_eq!(nearest_index(95, 215, 255), 81);
        assert!(matches!(theme(Ground::Dark, Depth::Indexed256).style(Role::Bad).fg, Some(Color::Indexed(_))));
    }

    #[test]
    fn a_theme_that_is_wrong_says_why() {
        let parse = |yaml: &str| Theme::parse(yaml, Ground::Unknown, Depth::True, Glyphs::Ascii);
        let error = parse(&DEFAULT.replace("accent: cyan", "accent: cyanish")).unwrap_err();
        assert_eq!(error.to_string(), "theme: \"cyanish\" is no color. Try: default, \"#5fc9d8\", cyan.");
        assert!(parse(&DEFAULT.replace("  bad:", "  worse:")).is_err());
    }
}
