//! A server of rmcp, of 0.16 as of 3.11: counting <port> [milliseconds after which idle sessions end].
// What the older one calls `ServerInfo` is deprecated in the newer.
#![allow(deprecated)]

use std::{fs::OpenOptions, io::Write, time::Duration};

use rmcp::{
    ServerHandler,
    handler::server::{router::tool::ToolRouter, wrapper::Parameters},
    model::{ServerCapabilities, ServerInfo},
    schemars, tool, tool_handler, tool_router,
    transport::streamable_http_server::{
        StreamableHttpServerConfig, StreamableHttpService, session::local::LocalSessionManager,
    },
};

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Counted {
    key: String,
}

#[derive(Clone)]
struct Counting {
    tool_router: ToolRouter<Self>,
}

#[tool_router]
impl Counting {
    fn new() -> Self {
        Self {
            tool_router: Self::tool_router(),
        }
    }

    #[tool(description = "Counts its runs.")]
    fn count(&self, Parameters(Counted { key }): Parameters<Counted>) -> Result<String, String> {
        write_down(&key).map_err(|error| error.to_string())?;
        Ok(format!("counted {key}"))
    }
}

#[tool_handler(router = self.tool_router)]
impl ServerHandler for Counting {
    fn get_info(&self) -> ServerInfo {
        let mut info = ServerInfo::default();
        info.capabilities = ServerCapabilities::builder().enable_tools().build();
        info
    }
}

fn write_down(key: &str) -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::var("INTEROP_LEDGER")?;
    let mut ledger = OpenOptions::new().create(true).append(true).open(path)?;
    Ok(ledger.write_all(format!("{key}\n").as_bytes())?)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let mut sessions = LocalSessionManager::default();
    if let Some(idle) = arguments.get(2) {
        sessions.session_config.keep_alive = Some(Duration::from_millis(idle.parse()?));
    }
    let service = StreamableHttpService::new(
        || Ok(Counting::new()),
        sessions.into(),
        StreamableHttpServerConfig::default(),
    );
    let router = axum::Router::new().nest_service("/mcp", service);
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{}", arguments[1])).await?;
    Ok(axum::serve(listener, router).await?)
}
