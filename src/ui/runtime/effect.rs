//! What the model asks for, done: requests, keys for the session, the clipboard, editors.

use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use crossterm::event::{KeyEvent, MouseEvent, MouseEventKind};
use ratatui::buffer::Buffer;

use super::{Face, Wake};
use crate::engine::Place;
use crate::model::{Request, Slug, State};
use crate::pty::{PtyError, encode_key, encode_mouse};
use crate::store::{Folder, artifact};
use crate::ui::model::{Effect, Pane, RowKey, Selection, Tab, Then};
use crate::ui::msg::Msg;
use crate::ui::pipeline::Page;
use crate::ui::update::{self, chosen};
use crate::ui::view;

/// Lines that one notch of the wheel scrolls.
const NOTCH: i64 = 3;
/// Bytes of a file that a page shows: its last ones.
const PAGE: u64 = 4 << 20;

impl Face {
    pub(super) fn perform(&mut self, effect: Effect) {
        let result = match effect {
            Effect::Ask { request, then } => {
                self.ask(request, then);
                Ok(())
            }
            Effect::Key(key) => {
                self.key(key);
                Ok(())
            }
            Effect::Mouse(mouse) => {
                self.mouse(mouse);
                Ok(())
            }
            Effect::Paste(text) => {
                self.paste(&text);
                Ok(())
            }
            Effect::ScrollTerminal(_)
            | Effect::HoldTerminal
            | Effect::ReleaseTerminal
            | Effect::SearchTerminal { .. } => {
                self.move_terminal(effect);
                Ok(())
            }
            Effect::CopySelection(selection) => self.copy_selection(&selection),
            Effect::Copy(text) => self.copy(&text),
            Effect::EditText(text) => self.edit_text(&text, ".md"),
            Effect::EditYaml(text) => self.edit_text(&text, ".yaml"),
            Effect::ReadScreen { project, session } => {
                let lines = self.screen_lines(&(project.clone(), session.clone()));
                self.tell(Msg::Screen { project, session, lines });
                Ok(())
            }
            Effect::ReadPage { serial, root, slug, page } => {
                self.read_page(serial, move || file_of(&root, &slug, &page));
                Ok(())
            }
            Effect::CopyAnswer { project, session } => {
                let lines = self.screen_lines(&(project, session));
                self.copy(&lines.join("\n"))
            }
            Effect::Bell => self.raw(b"\x07"),
            Effect::OpenEditor { path, line } => self.open_editor(&path, line),
            Effect::Picture => self.picture(),
            Effect::Redraw => self.outer.redraw(),
            Effect::Quit => {
                self.leaving = true;
                Ok(())
            }
        };
        if let Err(error) = result {
            self.say(&error.to_string());
        }
    }

    /// What the terminal pane shows, live or of its history.
    fn move_terminal(&mut self, effect: Effect) {
        match effect {
            Effect::ScrollTerminal(by) => self.scroll(by),
            Effect::HoldTerminal => {
                self.pane.hold();
                self.scrolled();
            }
            Effect::ReleaseTerminal => {
                self.pane.release();
                self.scrolled();
            }
            Effect::SearchTerminal { text, back } => {
                let found = self.pane.search(text, back, &self.mailbox.sender);
                self.searched(found);
            }
            _ => {}
        }
    }

    fn ask(&self, request: Request, then: Then) {
        let sender = self.mailbox.sender.clone();
        self.engine.ask(request, move |result| {
            let _ = sender.try_send(Wake::Msg(Msg::Answer { then, result }));
        });
    }

    /// Reads a file on a thread of its own: a disk may be slow.
    fn read_page(&self, serial: u64, file: impl FnOnce() -> PathBuf + Send + 'static) {
        let sender = self.mailbox.sender.clone();
        std::thread::spawn(move || {
            let file = file();
            let text = end_of(&file).map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => format!("It is gone, or was never written: {}", file.display()),
                _ => format!("{}: {error}", file.display()),
            });
            let _ = sender.try_send(Wake::Msg(Msg::Page { serial, file, text }));
        });
    }

    fn key(&mut self, key: KeyEvent) {
        if self.held() {
            return self.say("the session is held while its work is being merged");
        }
        self.back_to_live();
        if let Some(terminal) = &self.pane.terminal {
            let sent = terminal.input(&encode_key(key, &terminal.modes()));
            self.typed_into(sent);
        }
    }

    /// The engine knows that a person types here; a session that takes no input says so.
    fn typed_into(&mut self, sent: Result<(), PtyError>) {
        match (sent, update::shown(&self.model)) {
            (Err(error), _) => self.say(&error.to_string()),
            (Ok(()), Some(place)) => self.engine.typed(&place),
            (Ok(()), None) => {}
        }
    }

    fn paste(&mut self, text: &str) {
        if self.held() {
            return self.say("the session is held while its work is being merged");
        }
        self.back_to_live();
        if let Some(terminal) = &self.pane.terminal {
            let sent = terminal.paste(text);
            self.typed_into(sent);
        }
    }

    /// The program gets the mouse when it asked for it and a person is attached; else the wheel scrolls.
    fn mouse(&mut self, mouse: MouseEvent) {
        if self.model.main.attached
            && let Some(terminal) = &self.pane.terminal
        {
            let bytes = encode_mouse(mouse, &terminal.modes());
            if !bytes.is_empty() {
                let sent = terminal.input(&bytes);
                return self.typed_into(sent);
            }
        }
        match mouse.kind {
            MouseEventKind::ScrollUp => self.scroll(NOTCH),
            MouseEventKind::ScrollDown => self.scroll(-NOTCH),
            _ => {
                let (column, row) = (mouse.column + self.pane.area.x, mouse.row + self.pane.area.y);
                self.tell(Msg::MouseUnused(MouseEvent { column, row, ..mouse }));
            }
        }
    }

    fn back_to_live(&mut self) {
        if !self.pane.live() {
            self.scroll(i64::MIN);
        }
    }

    fn scroll(&mut self, by: i64) {
        self.pane.scroll(by, &self.mailbox.sender);
        self.scrolled();
    }

    /// A search of the terminal came to its end.
    pub(super) fn searched(&mut self, found: bool) {
        if !found {
            let text = format!("\"{}\" is not in the terminal", self.model.main.search);
            self.say(&text);
        }
        self.scrolled();
    }

    /// The model knows how far the terminal pane is scrolled.
    pub(super) fn scrolled(&mut self) {
        self.pace.stale = true;
        let (back, new_lines) = self.pane.scrolled();
        if (self.model.main.scrolled, self.model.main.new_lines) != (back, new_lines) {
            self.tell(Msg::Scrolled { back, new_lines });
        }
    }

    /// The task's work is being merged: what is typed now would change it under way.
    fn held(&self) -> bool {
        let Some((project, session)) = update::shown(&self.model) else { return false };
        let view = self.model.snapshot.projects.iter().find(|view| view.id == project);
        let task = view.and_then(|view| view.tasks.iter().find(|task| task.task.session_id() == session));
        task.is_some_and(|task| task.task.state == State::Integrating)
    }

    /// The session that is shown may be another one now.
    pub(super) fn follow_shown(&mut self) {
        let place = update::shown(&self.model);
        let terminal = place.as_ref().and_then(|place| self.engine.terminal(place));
        self.engine.attach(place.clone().filter(|_| self.model.main.attached));
        let leads = place.as_ref().is_none_or(|place| self.engine.leads(place));
        self.pane.show(place, terminal);
        self.pane.of_job = self.model.main.tab == Tab::Pipeline;
        // A person at another terminal keeps the size until somebody types here.
        if leads {
            self.pane.resize(self.pane.area);
        }
    }

    /// The session whose diff belongs on the screen.
    pub(super) fn shown_row(&self) -> Option<Place> {
        match self.model.list.selected.as_ref()? {
            RowKey::Session(project, session) => Some((project.clone(), session.clone())),
            RowKey::Project(_) => None,
        }
    }

    fn screen_lines(&self, place: &Place) -> Vec<String> {
        let mut lines = self.engine.terminal(place).map(|terminal| terminal.lines()).unwrap_or_default();
        while lines.last().is_some_and(|line| line.trim().is_empty()) {
            lines.pop();
        }
        lines
    }

    fn copy(&mut self, text: &str) -> io::Result<()> {
        let copy = crossterm::clipboard::CopyToClipboard::to_clipboard_from(text);
        crossterm::execute!(self.outer.terminal.backend_mut(), copy)
    }

    /// The text that is selected: of a session as its program wrote it, elsewhere as it is drawn.
    fn copy_selection(&mut self, selection: &Selection) -> io::Result<()> {
        let is_terminal = selection.pane == Pane::Main && matches!(self.model.main.tab, Tab::Terminal | Tab::Shell);
        let text = if is_terminal { self.pane.text(selection) } else { self.drawn_text(selection)? };
        let lines = text.lines().count().max(1);
        self.say(&format!("copied {}", crate::ui::text::plural(lines as u64, "line")));
        self.copy(&text)
    }

    fn drawn_text(&self, selection: &Selection) -> io::Result<String> {
        let buffer = self.drawn_buffer()?;
        let Some(area) = view::text_area(&self.model, selection.pane) else { return Ok(String::new()) };
        let (first, last) = selection.ends();
        let rows = first.row.max(0)..=last.row.min(i64::from(area.height) - 1);
        let text = rows.map(|row| {
            let y = area.y + row as u16;
            let columns = selection.columns(row, area.width);
            let cells = columns.map(|column| buffer[(area.x + column, y)].symbol());
            cells.collect::<String>().trim_end().to_owned()
        });
        Ok(text.collect::<Vec<_>>().join("\n"))
    }

    /// The screen as it is now, drawn aside.
    fn drawn_buffer(&self) -> io::Result<Buffer> {
        let (model, pane, look) = (&self.model, &self.pane, &self.look);
        let backend = ratatui::backend::TestBackend::new(model.size.cols, model.size.rows);
        let mut terminal = ratatui::Terminal::new(backend).map_err(io::Error::other)?;
        terminal.draw(|frame| look.draw(frame, model, pane.view())).map_err(io::Error::other)?;
        Ok(terminal.backend().buffer().clone())
    }

    fn raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.outer.terminal.backend_mut().write_all(bytes)?;
        self.outer.terminal.backend_mut().flush()
    }

    /// A text in the person's editor, which gets the whole terminal, and by the suffix knows what it is.
    fn edit_text(&mut self, text: &str, suffix: &str) -> io::Result<()> {
        let file = tempfile::Builder::new().prefix("orchestra-").suffix(suffix).tempfile()?;
        std::fs::write(file.path(), text)?;
        let saved = self.editor(file.path(), None)?;
        let text = saved.then(|| std::fs::read_to_string(file.path())).transpose()?;
        self.tell(Msg::Edited(text));
        Ok(())
    }

    fn open_editor(&mut self, path: &Path, line: Option<u32>) -> io::Result<()> {
        if !self.editor(path, line)? {
            self.say(&format!("the editor failed on {}", path.display()));
        }
        Ok(())
    }

    /// Runs the editor; false when it failed.
    fn editor(&mut self, path: &Path, line: Option<u32>) -> io::Result<bool> {
        let config = chosen::project(&self.model).map(|project| std::sync::Arc::clone(&project.config));
        let configured = config.and_then(|config| config.ui.editor.clone());
        let editor = configured
            .or_else(|| std::env::var("VISUAL").ok())
            .or_else(|| std::env::var("EDITOR").ok())
            .unwrap_or_else(|| "vi".to_owned());
        let mut command = Command::new("/bin/sh");
        command.arg("-c").arg(format!("{editor} \"$@\"")).arg("sh");
        if let Some(line) = line {
            command.arg(format!("+{line}"));
        }
        command.arg(path);
        if let Some(input) = &mut self.input {
            input.park()?;
        }
        let status = self.outer.lend(|| command.status())?;
        if let Some(input) = &mut self.input {
            input.unpark()?;
        }
        self.pace.stale = true;
        Ok(status?.success())
    }

    /// Writes a picture of the screen as it is now.
    fn picture(&mut self) -> io::Result<()> {
        let name = format!("orchestra-{}.svg", self.model.now.strftime("%Y%m%d-%H%M%S"));
        let path = std::env::current_dir()?.join(name);
        std::fs::write(&path, crate::ui::picture::svg(&self.drawn_buffer()?, self.look.ground))?;
        self.say(&format!("wrote {}", path.display()));
        Ok(())
    }

    /// A line of news on the message line.
    pub(super) fn say(&mut self, text: &str) {
        update::say(&mut self.model, text);
        self.pace.stale = true;
    }
}

/// Where a step of a task has left a text.
fn file_of(root: &Path, slug: &Slug, page: &Page) -> PathBuf {
    let folder = Folder::of(root);
    match page {
        Page::Artifact { stage, number } => folder.artifacts(slug).join("history").join(format!("{stage}-{number}.md")),
        Page::Prompt { stage, number } => folder.log(slug, stage, *number).with_extension("prompt.md"),
        Page::ActivityLog => artifact::path(&folder, slug, artifact::ACTIVITY_LOG),
        Page::Log(path) | Page::Text(path) => path.into(),
    }
}

/// A file, or the end of a long one.
fn end_of(path: &Path) -> io::Result<String> {
    let mut file = std::fs::File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(PAGE)))?;
    let mut bytes = Vec::new();
    file.take(PAGE).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    Ok(if length > PAGE { format!("(the last 4 MB of {})\n{text}", path.display()) } else { text })
}
