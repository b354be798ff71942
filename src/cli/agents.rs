//! `orchestra agents`: the agent programs of this machine.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use serde_json::json;

use super::context::{Context, home};
use super::output::pad;
use super::{Outcome, Run};
use crate::agent::{Catalog, find};
use crate::model::{AgentFound, Config, Failure, FailureKind};
use crate::store::config;
use crate::ui::theme::Role;

/// How long an agent may take to tell its version.
const LIMIT: Duration = Duration::from_secs(5);

/// List the agents, and which of them are installed
#[derive(Debug, Args)]
#[command(after_help = "Example:
  orchestra agents")]
pub(super) struct Agents {}

impl Run for Agents {
    fn run(&self, context: &Context) -> Outcome {
        let config = settings(context)?;
        let agents = with_versions(found(&config)?)?;
        let chosen = config.agent.as_deref();
        let default = |it: &AgentFound| chosen.map_or(it.path.is_some(), |chosen| chosen == it.name);
        let default = agents.iter().find(|it| default(it)).map(|it| it.name.clone());
        let shown: Vec<_> = agents
            .iter()
            .map(|it| json!({"name": it.name, "path": it.path, "version": it.version, "default": default.as_ref() == Some(&it.name)}))
            .collect();
        let output = &context.output;
        output.result(&json!({"agents": shown}), || {
            agents.iter().fold(String::new(), |page, it| {
                let name = pad(&it.name, 14);
                let Some(path) = &it.path else {
                    return format!("{page}{}\n", output.paint(Role::Dim, &format!("{name}not found")));
                };
                let version = pad(&output.clean(it.version.as_deref().unwrap_or("?")), 20);
                let mark = if default.as_ref() == Some(&it.name) { "   default" } else { "" };
                format!("{page}{name}{version}{}{mark}\n", path.display())
            })
        });
        Ok(ExitCode::SUCCESS)
    }
}

/// The settings that hold here.
pub(super) fn settings(context: &Context) -> Result<Config, Failure> {
    config::load(&home()?, &context.settings_folder()?)
        .map_err(|error| Failure::new(FailureKind::Config, error.to_string()).hint("orchestra config check"))
}

/// The agents in order of preference, without their versions.
pub(super) fn found(config: &Config) -> Result<Vec<AgentFound>, Failure> {
    let catalog = Catalog::new(&config.agents)
        .map_err(|error| Failure::new(FailureKind::Config, error.to_string()).hint("orchestra config check"))?;
    Ok(find::agents(&catalog, &std::env::var_os("PATH").unwrap_or_default()))
}

/// Asks all of them at once.
fn with_versions(mut agents: Vec<AgentFound>) -> Result<Vec<AgentFound>, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::internal)?;
    let inherited: Vec<_> = std::env::vars_os().collect();
    runtime.block_on(async {
        let asked = agents.iter().map(async |it| match &it.path {
            Some(path) => find::version(path, &inherited, LIMIT).await,
            None => None,
        });
        let versions = futures_util::future::join_all(asked).await;
        agents.iter_mut().zip(versions).for_each(|(it, version)| it.version = version);
    });
    Ok(agents)
}
