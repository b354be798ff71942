//! `orchestra rpc` and `orchestra rpc-schema`: the socket itself, for scripts and for those who write clients.

use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use super::context::Context;
use super::output::{object, say};
use super::{Outcome, Run, act};
use crate::model::{Failure, FailureKind};

/// Methods that are about no project.
const WITHOUT_PROJECT: [&str; 4] = ["engine.", "events.", "hello", "project.list"];

/// Call a method of the socket and print its result
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  orchestra rpc engine.info
  orchestra rpc task.get '{\"task\": \"fix-tests\"}'
The project around this folder is added where none is given.")]
pub(super) struct Rpc {
    /// `task.start`, `events.subscribe` ...; orchestra rpc-schema has them all
    method: String,
    /// Parameters, an object; `-` reads them from standard input
    #[arg(value_name = "JSON", default_value = "{}")]
    params: String,
}

/// Print the JSON schema of the socket
#[derive(Debug, Args)]
#[command(after_help = "Example:
  orchestra rpc-schema | jq '.methods | keys'")]
pub(super) struct RpcSchema {}

impl Run for Rpc {
    fn run(&self, context: &Context) -> Outcome {
        let text = act::text_of(&self.params)?;
        let mut params: Value = serde_json::from_str(&text)
            .map_err(|error| Failure::new(FailureKind::Usage, format!("the parameters are no JSON: {error}.")))?;
        let Some(fields) = params.as_object_mut() else {
            return Err(Failure::new(FailureKind::Usage, "the parameters must be an object, {\"name\": value}."));
        };
        let about = !WITHOUT_PROJECT.iter().any(|prefix| self.method.starts_with(prefix));
        if about && !fields.contains_key("project") && self.method != "project.open" {
            fields.insert("project".to_owned(), json!(context.place()?));
        }
        let answer = context.link()?.client.call(&self.method, params)?;
        object(&answer);
        Ok(ExitCode::SUCCESS)
    }
}

impl Run for RpcSchema {
    fn run(&self, _: &Context) -> Outcome {
        let schema = serde_json::to_string_pretty(&crate::rpc::schema()).map_err(Failure::internal)?;
        say(&schema);
        Ok(ExitCode::SUCCESS)
    }
}
