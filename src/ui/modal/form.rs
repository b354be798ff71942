//! `N`: a new task with all its fields. Each has a working default; a description alone is enough.

use crate::ui::text;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::model::{BaseFacts, Failure, NewTask, ProjectId, ProjectView, Request, Slug, TaskId, TaskTemplate};
use crate::ui::model::{Effect, Model, Then};

use super::Step;
use super::base::Base;
use super::choice::{agent_index, agents, choices, flow_index, turn};
use super::field::Field;
use super::panel::{Panel, Row, Tone, pad};
use super::suggest;
use super::template::Templates;

/// Columns of the labels, and where the notes begin.
const LABEL: usize = 13;
const NOTE: usize = 35;
/// Most lines of the description on the screen at once.
const TEXT_ROWS: usize = 8;

/// The fields, in the order of Tab.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Focus {
    Description,
    /// Its row is there while there is something to choose.
    Template,
    Slug,
    Base,
    Flow,
    Agent,
    Auto,
    Draft,
    /// Its row is there while it is filled or has the focus.
    After,
}

const ORDER: [Focus; 9] = [
    Focus::Description,
    Focus::Template,
    Focus::Slug,
    Focus::Base,
    Focus::Flow,
    Focus::Agent,
    Focus::Auto,
    Focus::Draft,
    Focus::After,
];

/// The form.
#[derive(Debug)]
pub struct Form {
    pub project: ProjectId,
    /// Sent, and not answered yet.
    pub sent: bool,
    focus: Focus,
    description: Field,
    slug: Field,
    base: Base,
    /// Index in the project's flows, and among the agents that were found.
    flow: usize,
    agent: usize,
    options: Options,
    templates: Templates,
    /// Slugs of the tasks that have to be merged before it starts.
    after: Field,
    error: Option<String>,
}

#[derive(Debug, Default)]
struct Options {
    auto: bool,
    draft: bool,
}

impl Form {
    /// Starts with the text that was left here last.
    pub fn new(model: &Model, project: &ProjectView) -> Self {
        let kept = |key: String| Field::new(model.input.drafts.get(&key).map_or("", String::as_str));
        let flow = flow_index(project, &project.config.default_flow).unwrap_or(0);
        let wanted = project.config.agent.as_deref();
        let agent = wanted.and_then(|wanted| agent_index(model, project, wanted)).unwrap_or(0);
        Self {
            project: project.id.clone(),
            sent: false,
            focus: Focus::Description,
            description: kept(draft_key(&project.id)),
            slug: kept(slug_key(&project.id)),
            base: Base::new(project.branch.as_deref()),
            flow,
            agent,
            options: Options::default(),
            templates: Templates::default(),
            after: Field::default(),
            error: None,
        }
    }

    pub fn key(&mut self, model: &mut Model, event: KeyEvent) -> Step {
        let plain = event.modifiers.is_empty();
        self.error = None;
        match event.code {
            KeyCode::Enter if event.modifiers.intersects(KeyModifiers::ALT | KeyModifiers::CONTROL) => {
                return self.create(model);
            }
            KeyCode::Enter if plain && self.focus != Focus::Description => return self.create(model),
            KeyCode::Enter => self.description.break_line(),
            KeyCode::Tab | KeyCode::BackTab => {
                self.step(if event.code == KeyCode::Tab && plain { 1 } else { ORDER.len() - 1 });
                return Step::Stay(self.ask_for_base(model));
            }
            KeyCode::Char('g') if event.modifiers == KeyModifiers::CONTROL => {
                return match self.text() {
                    Some(field) => Step::Stay(vec![Effect::EditText(field.text())]),
                    None => Step::stay(),
                };
            }
            _ => self.edit(model, event),
        }
        Step::stay()
    }

    /// Esc: the texts are kept, `N` brings them back.
    pub fn keep(&self, model: &mut Model) {
        for (key, field) in [(draft_key(&self.project), &self.description), (slug_key(&self.project), &self.slug)] {
            if field.is_empty() {
                model.input.drafts.remove(&key);
            } else {
                model.input.drafts.insert(key, field.text());
            }
        }
    }

    /// The text field that has the focus.
    pub fn text(&mut self) -> Option<&mut Field> {
        match self.focus {
            Focus::Description => Some(&mut self.description),
            Focus::Slug => Some(&mut self.slug),
            Focus::Base => Some(&mut self.base.field),
            Focus::After => Some(&mut self.after),
            Focus::Template | Focus::Flow | Focus::Agent | Focus::Auto | Focus::Draft => None,
        }
    }

    /// Another base was typed: asks what it is.
    fn ask_for_base(&mut self, model: &Model) -> Vec<Effect> {
        let then = Then::FillModal(model.input.serial);
        let request = self.base.request(&self.project);
        request.map(|request| Effect::Ask { request, then }).into_iter().collect()
    }

    /// What the base is, or why it is none.
    pub fn fill(&mut self, answer: Result<Box<BaseFacts>, Failure>) {
        match answer {
            Ok(facts) => self.base.fill(facts),
            Err(failure) => self.error = Some(failure.to_string()),
        }
    }

    /// What there is to begin with.
    pub fn offer(&mut self, found: Vec<TaskTemplate>, broken: Vec<String>) {
        self.templates = Templates::new(found, broken);
    }

    /// Another template: what it presets comes with it, what it leaves open is as it was at first.
    fn choose_template(&mut self, model: &Model, back: bool) {
        let text = self.description.text();
        self.description.set(self.templates.turn(back, &text));
        let template = self.templates.chosen().cloned().unwrap_or_default();
        let fresh = self.view(model).map(|project| Self::new(model, project));
        let (Some(project), Some(fresh)) = (self.view(model), fresh) else { return };
        let flow = template.flow.as_ref().map(|name| flow_index(project, name).ok_or(("flow", name)));
        let agent = template.agent.as_ref().map(|name| agent_index(model, project, name).ok_or(("agent", name)));
        let unknown = [&flow, &agent].into_iter().flatten().find_map(|found| found.as_ref().err().copied());
        self.error = unknown.map(|(what, name)| format!("Template {}: there is no {what} \"{name}\".", template.name));
        self.flow = flow.and_then(Result::ok).unwrap_or(fresh.flow);
        self.agent = agent.and_then(Result::ok).unwrap_or(fresh.agent);
        self.options.auto = template.auto;
        self.base.field.set(&template.base_branch.unwrap_or_else(|| fresh.base.text()));
    }

    pub fn refuse(&mut self, failure: &Failure) {
        self.sent = false;
        self.error = Some(failure.to_string());
    }

    pub fn request(&self, model: &Model) -> Request {
        let filled = |text: String| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let project = self.view(model);
        let base = filled(self.base.text()).filter(|base| project.and_then(|it| it.branch.as_ref()) != Some(base));
        let template = self.templates.chosen();
        let task = NewTask {
            title: template.and_then(|template| template.title.clone()),
            model: template.and_then(|template| template.model.clone()),
            slug: filled(self.slug.text()).or_else(|| filled(self.suggestion(model))).map(|slug| slug.to_lowercase()),
            description: self.description.text().trim().to_owned(),
            base,
            flow: project.and_then(|it| it.flows.get(self.flow)).map(|(name, _)| name.clone()),
            agent: choices(model, project).get(self.agent).map(|(name, _)| (*name).to_owned()),
            auto: self.options.auto,
            after: self.after(model).unwrap_or_default(),
            start: !self.options.draft,
            ..NewTask::default()
        };
        Request::NewTask { project: self.project.clone(), task }
    }

    pub fn panel(&self, model: &Model, width: u16) -> Panel {
        let width = usize::from(width);
        let name = self.view(model).map_or("", |project| project.name.as_str());
        let hints = "Ctrl-Enter / Alt-Enter create   Tab next   Esc keep as draft text";
        let mut panel = Panel::new(format!("new task · {name}"), hints);
        self.description_rows(&mut panel, width);
        if !self.templates.is_empty() {
            let (value, note) = (self.templates.value(), self.templates.note());
            self.push(&mut panel, width, Focus::Template, ("Template", &value, &note));
        }
        let suggestion = self.suggestion(model);
        let typed = self.slug.text();
        let (slug, note) = if typed.is_empty() {
            (
                suggestion,
                if self.description.is_empty() { "made of the description" } else { "suggested; must be unique" },
            )
        } else {
            (typed, "must be unique")
        };
        self.push(&mut panel, width, Focus::Slug, ("Slug", &slug, note));
        self.push(&mut panel, width, Focus::Base, ("Base", &self.base.text(), &self.base.note()));
        let flow = self.view(model).and_then(|project| project.flows.get(self.flow));
        let (flow, stages) = flow.map_or_else(Default::default, |(name, stages)| (name.clone(), stages.join(" → ")));
        self.push(&mut panel, width, Focus::Flow, ("Flow", &format!("‹ {flow} ›"), &stages));
        let (agent, missing) = agents(model, self.view(model), self.agent);
        self.push(&mut panel, width, Focus::Agent, ("Agent", &agent, &missing));
        let check = |on: bool| if on { "[x]" } else { "[ ]" };
        let tone = |focus| if self.focus == focus { Tone::Marked } else { Tone::Plain };
        panel.push(
            Row::new(Tone::Dim, pad("Options", LABEL))
                .and(tone(Focus::Auto), format!("{} auto", check(self.options.auto)))
                .and(Tone::Plain, "   ")
                .and(tone(Focus::Draft), format!("{} keep as draft", check(self.options.draft))),
        );
        if self.focus == Focus::After || !self.after.is_empty() {
            let note = "tasks that are merged first";
            self.push(&mut panel, width, Focus::After, ("After", &self.after.text(), note));
        }
        panel.blank();
        panel.push(match &self.error {
            Some(error) => Row::new(Tone::Bad, error.clone()),
            None if self.sent => Row::new(Tone::Dim, "..."),
            None => Row::default(),
        });
        panel
    }

    fn description_rows(&self, panel: &mut Panel, width: usize) {
        let (lines, (column, row)) = self.description.lines(width.saturating_sub(LABEL));
        let first = (row + 1).saturating_sub(TEXT_ROWS);
        let shown = lines.len().clamp(2, TEXT_ROWS);
        let hint = "(Ctrl-G opens $EDITOR)";
        for index in 0..shown {
            let line = lines.get(first + index).map_or("", String::as_str);
            let label = if index == 0 { "Description" } else { "" };
            let mut row = Row::new(Tone::Dim, pad(label, LABEL)).and(Tone::Plain, line);
            let room = (width - 1).saturating_sub(row.width() + hint.len());
            if index + 1 == shown && room > 1 {
                row = row.and(Tone::Dim, format!("{}{hint}", " ".repeat(room)));
            }
            panel.push(row);
        }
        if self.focus == Focus::Description {
            panel.cursor = Some(((LABEL + column) as u16, (row - first) as u16));
        }
    }

    fn push(&self, panel: &mut Panel, width: usize, focus: Focus, texts: (&str, &str, &str)) {
        let (label, value, note) = texts;
        let mut tone = Tone::Plain;
        if self.focus == focus {
            match focus {
                Focus::Slug | Focus::Base | Focus::After => {
                    let field = match focus {
                        Focus::Slug => &self.slug,
                        Focus::Base => &self.base.field,
                        _ => &self.after,
                    };
                    let (_, (column, _)) = field.lines(usize::from(u16::MAX));
                    panel.cursor = Some(((LABEL + column) as u16, panel.rows.len() as u16));
                    if field.is_empty() {
                        tone = Tone::Dim;
                    }
                }
                _ => tone = Tone::Marked,
            }
        }
        let end = LABEL + text::width(value);
        let column = NOTE.min(width.saturating_sub(text::width(note))).max(end + 3);
        let row = Row::new(Tone::Dim, pad(label, LABEL)).and(tone, value);
        panel.push(row.and(Tone::Dim, format!("{}{note}", " ".repeat(column - end))));
    }

    fn step(&mut self, by: usize) {
        let at = ORDER.iter().position(|focus| *focus == self.focus).unwrap_or(0);
        self.focus = ORDER[(at + by) % ORDER.len()];
        if self.focus == Focus::Template && self.templates.is_empty() {
            self.step(by);
        }
    }

    fn edit(&mut self, model: &Model, event: KeyEvent) {
        let back = event.code == KeyCode::Left;
        let chooses = matches!(event.code, KeyCode::Left | KeyCode::Right | KeyCode::Char(' '));
        match self.focus {
            Focus::Flow if chooses => {
                let flows = self.view(model).map_or(0, |project| project.flows.len());
                self.flow = turn(self.flow, flows, back);
            }
            Focus::Agent if chooses => self.agent = turn(self.agent, choices(model, self.view(model)).len(), back),
            Focus::Template if chooses => self.choose_template(model, back),
            Focus::Auto if chooses => self.options.auto = !self.options.auto,
            Focus::Draft if chooses => self.options.draft = !self.options.draft,
            _ => match event.code {
                KeyCode::Up if self.focus != Focus::Description || self.description.at_first_line() => {
                    self.step(ORDER.len() - 1);
                }
                KeyCode::Down if self.focus != Focus::Description || self.description.at_last_line() => self.step(1),
                _ => {
                    if let Some(field) = self.text() {
                        field.edit(event);
                    }
                }
            },
        }
    }

    /// Sends the form, or says in its last line what is missing.
    fn create(&mut self, model: &Model) -> Step {
        if self.sent {
            return Step::stay();
        }
        self.error = self.wrong(model);
        if self.error.is_some() {
            return Step::stay();
        }
        self.sent = true;
        Step::Stay(vec![Effect::Ask { request: self.request(model), then: Then::SelectNew }])
    }

    fn wrong(&self, model: &Model) -> Option<String> {
        if self.description.text().trim().is_empty() {
            return Some("Description is empty. Write what is to be done.".to_owned());
        }
        if let Err(slug) = self.after(model) {
            return Some(format!("After: there is no task \"{slug}\"."));
        }
        let slug = self.slug.text().trim().to_lowercase();
        if slug.is_empty() {
            return None;
        }
        if let Err(error) = Slug::new(&slug) {
            let text = error.to_string();
            let mut chars = text.chars();
            return chars.next().map(|first| format!("{}{}.", first.to_uppercase(), chars.as_str()));
        }
        self.taken(model, &slug).then(|| {
            let suggestion = self.suggestion(model);
            let other =
                if suggestion.is_empty() { suggest::free(&slug, |it| self.taken(model, it)) } else { suggestion };
            format!("Slug \"{slug}\" is taken. Try {other}.")
        })
    }

    /// The tasks that come first, by their slugs; else the one that is none.
    fn after(&self, model: &Model) -> Result<Vec<TaskId>, String> {
        let text = self.after.text();
        let slugs = text.split([',', ' ', '\n']).filter(|slug| !slug.is_empty());
        let id = |slug: &str| {
            let tasks = self.view(model).map_or(&[][..], |project| &project.tasks);
            let task = tasks.iter().find(|task| task.task.slug.as_str() == slug);
            task.map(|task| task.task.id).ok_or_else(|| slug.to_owned())
        };
        slugs.map(id).collect()
    }

    fn suggestion(&self, model: &Model) -> String {
        suggest::slug(&self.description.text(), |slug| self.taken(model, slug))
    }

    fn taken(&self, model: &Model, slug: &str) -> bool {
        self.view(model).is_some_and(|project| project.tasks.iter().any(|task| task.task.slug.as_str() == slug))
    }

    fn view<'a>(&self, model: &'a Model) -> Option<&'a ProjectView> {
        model.snapshot.projects.iter().find(|project| project.id == self.project).map(AsRef::as_ref)
    }
}

/// The task was created: its texts are no drafts any more.
pub fn forget(model: &mut Model, project: &ProjectId) {
    for key in [draft_key(project), slug_key(project), format!("n:{project}")] {
        model.input.drafts.remove(&key);
    }
}

fn draft_key(project: &ProjectId) -> String {
    format!("N:{project}")
}

fn slug_key(project: &ProjectId) -> String {
    format!("N:{project}:slug")
}
