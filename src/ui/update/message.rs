//! The message line: news is replaced, errors queue until read, each tip shows once ever.

use crate::model::Failure;
use crate::ui::model::{Message, Model, RowKey};

use super::chosen;

/// Says `text` on the message line, in place of the last news.
pub fn news(model: &mut Model, text: impl Into<String>) {
    about(model, text, None);
}

pub fn about(model: &mut Model, text: impl Into<String>, about: Option<RowKey>) {
    model.messages.news = Some(Message { text: text.into(), about, at: model.now });
}

/// Queues an error; the same one does not queue twice.
pub fn error(model: &mut Model, text: impl Into<String>) {
    let text = text.into();
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
