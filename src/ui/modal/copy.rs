//! `y`: what to copy.

use crossterm::event::{KeyCode, KeyEvent};

use crate::model::Activity;
use crate::ui::model::{Effect, Model};
use crate::ui::row::Subject;
use crate::ui::update::{self, diff};

use super::Step;
use super::panel::{Panel, Place, Row, Tone};

const CHOICES: [(char, &str); 5] =
    [('b', "branch"), ('p', "path of the worktree"), ('i', "id"), ('d', "the diff as a patch"), ('l', "last answer")];

pub fn key(model: &mut Model, event: KeyEvent) -> Step {
    let KeyCode::Char(letter) = event.code else { return Step::stay() };
    let Some((_, what)) = CHOICES.iter().find(|(it, _)| *it == letter) else { return Step::stay() };
    match text(model, letter) {
        Ok(effect) => {
            update::say(model, format!("copied {what}"));
            Step::Close(vec![effect])
        }
        Err(reason) => {
            update::say(model, format!("{letter}: {reason}"));
            Step::close()
        }
    }
}

pub fn panel(model: &Model) -> Panel {
    let mut panel = Panel::new("copy", "b p i d l   Esc close");
    panel.place = Place::Foot;
    for (letter, what) in CHOICES {
        let row = match text(model, letter) {
            Ok(_) => Row::new(Tone::Bold, format!("{letter}  ")).and(Tone::Plain, what),
            Err(reason) => Row::new(Tone::Dim, format!("{letter}  {what}: {reason}")),
        };
        panel.push(row);
    }
    panel
}

fn text(model: &Model, letter: char) -> Result<Effect, String> {
    let subject = Subject::of(model).ok_or("nothing is selected")?;
    let session = subject.session_id().ok_or("select a session")?;
    let text = match letter {
        'b' => subject.task().map(|task| task.task.branch.clone()).or_else(|| subject.project().branch.clone()),
        'p' => subject.folder().map(|folder| folder.display().to_string()),
        'i' => Some(session.to_string()),
        'd' => {
            let diff = model.diff.diff.as_ref().filter(|_| model.diff.of.as_ref() == Some(&subject.key()));
            diff.filter(|diff| !diff.files.is_empty()).map(|diff| diff::patch(diff))
        }
        _ => match subject.session().map(|session| &session.activity) {
            Some(Activity::Asking { text }) => Some(text.clone()),
            Some(_) => return Ok(Effect::CopyAnswer { project: subject.project().id.clone(), session }),
            None => None,
        },
    };
    text.map(Effect::Copy).ok_or_else(|| "there is none yet".to_owned())
}
