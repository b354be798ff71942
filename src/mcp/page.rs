//! The table of tools in `docs/mcp.md`, printed from the tools.

use std::fmt::Write as _;

use super::tool::{self, Audience, Output};

const INTRODUCTION: &str = include_str!("page.md");

#[test]
fn the_page_is_fresh() {
    crate::docs::assert_fresh("docs/mcp.md", &page());
}

fn page() -> String {
    let mut page = INTRODUCTION.to_owned();
    page.push_str("| tool | who | parameters | |\n| --- | --- | --- | --- |\n");
    for tool in tool::all() {
        let name = |name: &str| if tool.signature.requires(name) { format!("`{name}`") } else { format!("[`{name}`]") };
        let params = tool.signature.names().map(name).collect::<Vec<_>>().join(" ");
        let about = tool.signature.about.replace('\n', " ");
        // Writing to a string does not fail.
        let _ = writeln!(page, "| `{}` | {} | {params} | {about} |", tool.name, who(tool.audience));
    }
    page.push_str("\nA parameter in brackets may be left out.\n");
    page
}

const fn who(audience: Audience) -> &'static str {
    match audience {
        Audience::Everybody => "all",
        Audience::Stage(Output::Artifact) => "a task, in a stage that ends with a text",
        Audience::Stage(Output::Verdict) => "a task, in a stage that judges",
        Audience::Stage(Output::Subtasks) => "a task, in a stage that proposes subtasks",
        Audience::Asking => "a task, in a stage that asks",
        Audience::Task => "a task",
        Audience::Agents => "every session",
        Audience::Leads => "the designer; a task, in a stage that proposes subtasks",
    }
}
