//! The first screen: which agents were found, and how to begin.
//!
//! Invariant: each line has its row from the first frame on; a search that is still under way moves nothing.

use ratatui::layout::Rect;

use crate::model::AgentFound;
use crate::ui::glyph::Signs;
use crate::ui::model::Model;
use crate::ui::text;
use crate::ui::theme::Role;

use super::Scene;
use super::canvas::Canvas;
use super::layout::is_welcome;

/// What there is to choose while no agent was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    Install,
    OtherCommand,
    BuiltIn,
}

impl Choice {
    pub const ALL: [Self; 3] = [Self::Install, Self::OtherCommand, Self::BuiltIn];

    const fn words(self) -> &'static str {
        match self {
            Self::Install => "How to install OpenCode (one command)",
            Self::OtherCommand => "Use another command as the agent",
            Self::BuiltIn => "Try it with the built-in demo agent",
        }
    }
}

/// The marked choice; none: there is nothing to choose.
pub fn choice(model: &Model) -> Option<Choice> {
    let agents = &model.snapshot.agents;
    let none_found = !agents.is_empty() && agents.iter().all(|agent| agent.path.is_none());
    (none_found && is_welcome(model)).then(|| Choice::ALL[model.main.choice.min(Choice::ALL.len() - 1)])
}

pub fn draw(canvas: &mut Canvas<'_>, area: Rect, scene: &Scene<'_>) {
    let model = scene.model;
    let is_new = model.snapshot.projects.first().is_some_and(|project| !project.initialized);
    let area = Rect { x: area.x + 1, width: area.width.saturating_sub(1), ..area };
    let found: Vec<_> = model.snapshot.agents.iter().filter(|agent| agent.path.is_some()).collect();
    let lines = match choice(model) {
        Some(marked) => none_found(&model.snapshot.agents, marked, canvas.signs()),
        None => begin(&model.snapshot.agents, &found, is_new),
    };
    for (line, y) in lines.iter().zip(area.y + 1..area.bottom()) {
        let line = (scene.spell)(line);
        let signs = canvas.signs();
        let style = canvas.style(Role::Foreground);
        canvas.put(Rect { y, height: 1, ..area }, &text::cut(&line, area.width.into(), signs), style);
    }
}

fn begin(agents: &[AgentFound], found: &[&AgentFound], is_new: bool) -> Vec<String> {
    let names = found.iter().map(|agent| match &agent.version {
        Some(version) => format!("{} {version}", agent.name),
        None => agent.name.clone(),
    });
    let names: Vec<_> = names.collect();
    let missing: Vec<_> = agents.iter().filter(|agent| agent.path.is_none()).map(|agent| agent.name.as_str()).collect();
    let mut lines = vec![
        if names.is_empty() {
            "Looking for coding agents ...".to_owned()
        } else {
            format!("Found: {}", names.join("   "))
        },
        if missing.is_empty() { String::new() } else { format!("Not found: {}", missing.join(", ")) },
        "$new  write the first task".to_owned(),
        "$attach  talk it over with the designer (main)".to_owned(),
    ];
    if is_new {
        lines.push("$palette  \"init\" sets up .orchestra/ (shown first)".to_owned());
    }
    lines
}

fn none_found(agents: &[AgentFound], marked: Choice, signs: &Signs) -> Vec<String> {
    let names: Vec<_> = agents.iter().map(|agent| agent.name.as_str()).collect();
    let mut lines = vec!["No coding agent found on PATH.".to_owned(), format!("Looked for: {}", names.join(", "))];
    lines.extend(Choice::ALL.map(|choice| {
        let mark = if choice == marked { signs.bar } else { " " };
        format!("{mark} {}", choice.words())
    }));
    lines.push("↑ ↓ choose   $attach   $new works too, with a shell".to_owned());
    lines
}
