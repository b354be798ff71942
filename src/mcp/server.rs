//! The server: what the protocol asks for, answered from the tools.
//!
//! Invariant: a refusal is the result of a tool, which the agent's model reads, not an error of the protocol.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, Implementation, ListToolsResult,
    PaginatedRequestParams, ProtocolVersion, ServerCapabilities, ServerConfig, Tool as Listed,
};
use rmcp::service::{RequestContext, ServerInitializeError};
use rmcp::{ErrorData, RoleServer, ServerHandler, ServiceExt as _};
use serde_json::json;
use tokio::runtime::Builder;

use super::call::{Said, call};
use super::session::Session;
use super::tool::Tool;
use super::transport::Stdio;
use crate::model::Failure;

/// Calls that are under way when the input ends may take so long.
const LAST_CALLS: Duration = Duration::from_secs(30);

/// What a client shows to its model.
const INSTRUCTIONS: &str = "Tools of Orchestra, which runs you. They do what the command `orchestra submit` does, which your prompt \
names: use either one, once.";

/// Serves until the input ends.
pub fn serve(session: Session) -> Result<(), Failure> {
    let runtime = Builder::new_current_thread().enable_time().build().map_err(Failure::internal)?;
    let served = runtime.block_on(async {
        let transport = Stdio::start().map_err(Failure::internal)?;
        match (Server { session: Arc::new(session) }).serve(transport).await {
            Ok(running) => running.waiting().await.map(drop).map_err(Failure::internal),
            Err(ServerInitializeError::ConnectionClosed(_)) => Ok(()),
            Err(error) => Err(Failure::internal(error)),
        }
    });
    // What was handed in last is not cut off.
    runtime.shutdown_timeout(LAST_CALLS);
    served
}

struct Server {
    session: Arc<Session>,
}

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_protocol_version(ProtocolVersion::LATEST_WITH_INITIALIZE)
            .with_server_info(Implementation::new("orchestra", env!("CARGO_PKG_VERSION")))
            .with_instructions(format!("{}{INSTRUCTIONS}", self.session.place_told()))
    }

    fn supported_protocol_versions(&self) -> Cow<'static, [ProtocolVersion]> {
        Cow::Borrowed(ProtocolVersion::known_up_to(&ProtocolVersion::LATEST_WITH_INITIALIZE))
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let offered = self.blocking(Session::offered).await?;
        Ok(ListToolsResult::with_all_items(offered.into_iter().map(listed).collect()))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let (name, arguments) = (request.name, request.arguments.unwrap_or_default());
        let said = self.blocking(move |session| call(session, &name, arguments)).await?;
        Ok(result(said).into())
    }
}

impl Server {
    /// Does what waits for the engine beside the runtime.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Session) -> T + Send + 'static,
    ) -> Result<T, ErrorData> {
        let session = Arc::clone(&self.session);
        let done = tokio::task::spawn_blocking(move || work(&session)).await;
        done.map_err(|error| ErrorData::internal_error(error.to_string(), None))
    }
}

fn listed(tool: &Tool) -> Listed {
    Listed::new(tool.name, tool.signature.about.replace('\n', " "), tool.schema())
}

fn result(said: Result<Said, Failure>) -> CallToolResult {
    let (mut result, data) = match said {
        Ok(Said { text, data }) => (CallToolResult::success(vec![ContentBlock::text(text)]), data),
        Err(failure) => {
            let result = CallToolResult::error(vec![ContentBlock::text(failure.to_string())]);
            let Failure { kind, message, hint } = failure;
            (result, json!({"error": {"code": kind, "message": message, "hint": hint}}))
        }
    };
    result.structured_content = Some(data);
    result
}
