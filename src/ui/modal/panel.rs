//! What a modal looks like before it is drawn: a titled frame with rows of toned text and its keys in the border.

use crate::ui::text::{width, wrap};

/// The widest frame, in columns.
pub const MAX_WIDTH: u16 = 74;

/// What a piece of text is for; the theme gives it its color.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tone {
    Plain,
    Bold,
    Dim,
    Attention,
    Bad,
    /// The row that Enter takes.
    Marked,
}

/// One row: pieces from left to right.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Row(pub Vec<(Tone, String)>);

/// Where a frame stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place {
    /// In the middle of the main area.
    Center,
    /// At the foot of the main pane, as high as `foot_rows` allows.
    Foot,
    /// Over the whole main area, however wide that is.
    Cover,
}

/// A frame with its content. Rows are as wide as was asked for; what is wider is cut when drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Panel {
    pub title: String,
    /// At the right end of the title.
    pub note: String,
    pub rows: Vec<Row>,
    /// The keys, in the bottom border.
    pub hints: String,
    /// Column and row of the text cursor within `rows`.
    pub cursor: Option<(u16, u16)>,
    pub place: Place,
    /// First row that is shown when not all fit.
    pub offset: usize,
}

impl Panel {
    pub fn new(title: impl Into<String>, hints: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            note: String::new(),
            rows: Vec::new(),
            hints: hints.into(),
            cursor: None,
            place: Place::Center,
            offset: 0,
        }
    }

    pub fn push(&mut self, row: impl Into<Row>) {
        self.rows.push(row.into());
    }

    /// `text` on as many rows as it takes.
    pub fn say(&mut self, tone: Tone, text: &str, width: u16) {
        self.rows.extend(lines(text, width).into_iter().map(|line| Row::new(tone, line)));
    }

    pub fn blank(&mut self) {
        self.rows.push(Row::default());
    }

    /// `label` in a column of its own, `text` wrapped beside it.
    pub fn fact(&mut self, label: &str, text: &str, columns: (u16, u16)) {
        let (label_width, all) = columns;
        let texts = lines(text, all.saturating_sub(label_width));
        for (index, line) in texts.into_iter().enumerate() {
            let head = if index == 0 { label } else { "" };
            self.push(Row(vec![(Tone::Dim, pad(head, label_width.into())), (Tone::Plain, line)]));
        }
    }
}

impl Row {
    pub fn new(tone: Tone, text: impl Into<String>) -> Self {
        Self(vec![(tone, text.into())])
    }

    #[must_use]
    pub fn and(mut self, tone: Tone, text: impl Into<String>) -> Self {
        self.0.push((tone, text.into()));
        self
    }

    pub fn width(&self) -> usize {
        self.0.iter().map(|(_, text)| width(text)).sum()
    }
}

impl From<String> for Row {
    fn from(text: String) -> Self {
        Self::new(Tone::Plain, text)
    }
}

impl From<&str> for Row {
    fn from(text: &str) -> Self {
        Self::new(Tone::Plain, text)
    }
}

/// Rows that a frame at the foot of a pane may take, border included: half, but ten where there are ten.
pub fn foot_rows(pane: u16) -> u16 {
    (pane / 2).max(10).min(pane)
}

/// `text` and blanks, `columns` in all, or more when `text` is wider.
pub fn pad(text: &str, columns: usize) -> String {
    format!("{text}{}", " ".repeat(columns.saturating_sub(width(text))))
}

/// `text` in lines of at most `columns`; its own line breaks stand.
pub fn lines(text: &str, columns: u16) -> Vec<String> {
    text.split('\n').flat_map(|line| wrap(line, columns.into())).map(str::to_owned).collect()
}
