//! A list to choose from: type to search, arrows mark, Enter takes.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::field::Field;
use super::panel::{Panel, Row, Tone, pad};

/// One choice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item<T> {
    pub key: String,
    pub label: String,
    pub text: String,
    /// Why it cannot be taken now.
    pub refused: Option<String>,
    pub value: T,
}

/// The search text and the marked line; the items come from the model each time.
#[derive(Debug, Default)]
pub struct Picker {
    pub query: Field,
    pub mark: usize,
}

/// What a key did to the picker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Picked {
    Taken,
    Moved,
    Unused,
}

impl Picker {
    /// Arrows, paging and Enter; `Unused` for all else. `len` is the number of items that match.
    pub fn navigate(&mut self, event: KeyEvent, len: usize) -> Picked {
        let ctrl = event.modifiers.contains(KeyModifiers::CONTROL);
        let last = len.saturating_sub(1);
        self.mark = match event.code {
            KeyCode::Up => self.mark.min(last).saturating_sub(1),
            KeyCode::Down => (self.mark + 1).min(last),
            KeyCode::Char('p') if ctrl => self.mark.min(last).saturating_sub(1),
            KeyCode::Char('n') if ctrl => (self.mark + 1).min(last),
            KeyCode::PageUp => self.mark.saturating_sub(8),
            KeyCode::PageDown => (self.mark + 8).min(last),
            KeyCode::Enter if event.modifiers.is_empty() => return Picked::Taken,
            _ => return Picked::Unused,
        };
        Picked::Moved
    }

    /// Types into the search; a changed search marks the first match.
    pub fn search(&mut self, event: KeyEvent) -> bool {
        let before = self.query.text();
        let used = self.query.edit(event);
        if self.query.text() != before {
            self.mark = 0;
        }
        used
    }

    /// The items that match the search, best first.
    pub fn matching<T>(&self, items: Vec<Item<T>>) -> Vec<Item<T>> {
        let query = self.query.text().to_lowercase();
        let mut ranked: Vec<(u8, Item<T>)> =
            items.into_iter().filter_map(|item| Some((rank(&query, &item)?, item))).collect();
        ranked.sort_by_key(|(rank, _)| *rank);
        ranked.into_iter().map(|(_, item)| item).collect()
    }

    /// The items as rows around the mark, `height` of them at most.
    pub fn show<T>(&self, panel: &mut Panel, items: &[Item<T>], size: (u16, usize)) {
        let (width, height) = size;
        let keys = items.iter().map(|item| item.key.chars().count()).max().unwrap_or(0).min(14);
        let labels = items.iter().map(|item| item.label.chars().count()).max().unwrap_or(0).min(24);
        let mark = self.mark.min(items.len().saturating_sub(1));
        let first = (mark + 1).saturating_sub(height);
        if items.is_empty() {
            panel.push(Row::new(Tone::Dim, "nothing matches"));
        }
        for (index, item) in items.iter().enumerate().skip(first).take(height) {
            let tone = match (index == mark, &item.refused) {
                (true, _) => Tone::Marked,
                (_, Some(_)) => Tone::Dim,
                _ => Tone::Plain,
            };
            let head = if keys == 0 { String::new() } else { pad(&item.key, keys + 2) };
            let text = item.refused.as_ref().unwrap_or(&item.text);
            let row = format!("{head}{}{text}", pad(&item.label, labels + 2));
            panel.push(Row::new(tone, pad(&row, width.into())));
        }
    }
}

/// 0 for a name that starts with the query, then a word in it, text anywhere, letters in order; none: no match.
fn rank<T>(query: &str, item: &Item<T>) -> Option<u8> {
    let label = item.label.to_lowercase();
    let all = format!("{} {label} {}", item.key.to_lowercase(), item.text.to_lowercase());
    if query.is_empty() || label.starts_with(query) {
        return Some(0);
    }
    if label.contains(query) {
        return Some(1);
    }
    if query.split_whitespace().all(|word| all.contains(word)) {
        return Some(2);
    }
    let mut letters = label.chars();
    query.chars().all(|wanted| letters.any(|letter| letter == wanted)).then_some(3)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(label: &str) -> Item<()> {
        Item { key: String::new(), label: label.to_owned(), text: String::new(), refused: None, value: () }
    }

    #[test]
    fn the_best_match_comes_first() {
        let mut picker = Picker::default();
        picker.query.set("me");
        let found = picker.matching(vec![item("resume"), item("move"), item("merge"), item("stop")]);
        let labels: Vec<_> = found.iter().map(|item| item.label.as_str()).collect();
        assert_eq!(labels, ["merge", "resume", "move"]);
    }
}
