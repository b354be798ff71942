//! The message line: news is replaced, errors queue until read, each tip shows once ever.

use jiff::Timestamp;

use crate::model::{Failure, NoticeKind};
use crate::ui::model::{Message, Model, RowKey, Said};

use super::chosen;

/// Lines that the log keeps.
const LOG_LINES: usize = 1000;

/// Says `text` on the message line, in place of the last news.
pub fn news(model: &mut Model, text: impl Into<String>) {
    about(model, text, None);
}

pub fn about(model: &mut Model, text: impl Into<String>, about: Option<RowKey>) {
    let text = text.into();
    keep(model, NoticeKind::News, &text, model.now);
    show(model, text, about);
}

/// Puts what the log has already on the message line.
pub fn show(model: &mut Model, text: String, about: Option<RowKey>) {
    model.messages.news = Some(Message { text, about, at: model.now });
}

/// Writes a line of the log; the same one again only moves its time.
pub fn keep(model: &mut Model, kind: NoticeKind, text: &str, at: Timestamp) {
    let log = &mut model.messages.log;
    log.pop_back_if(|last| last.text == text && last.kind == kind);
    if log.len() >= LOG_LINES {
        log.pop_front();
    }
    log.push_back(Said { kind, text: text.to_owned(), at });
}

/// Queues an error; the same one does not queue twice.
pub fn error(model: &mut Model, text: impl Into<String>) {
    let text = text.into();
    keep(model, NoticeKind::Error, &text, model.now);
    queue(model, text);
}

/// Puts an error that the log has already on the message line.
pub fn queue(model: &mut Model, text: String) {
    if model.messages.errors.last().is_none_or(|last| last.text != text) {
        model.messages.errors.push(Message { text, about: None, at: model.now });
    }
}

pub fn fail(model: &mut Model, failure: &Failure) {
    error(model, failure.to_string());
}

/// Shows a first-use tip once ever; `$diff` in `text` becomes the key of that command.
pub fn tip(model: &mut Model, name: &str, text: &str) {
    let wanted = chosen::project(model).is_none_or(|project| project.config.ui.tips);
    if wanted && model.messages.tips.insert(name.to_owned()) {
        news(model, model.input.keys.spell(text));
    }
}
