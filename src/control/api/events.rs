//! `/visits/{visit}/events`: the visit as its viewer may see it, each time that changes.
//!
//! A state, not a history: who reads slowly skips states, and nothing queues up for them.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::Shared;
use super::caller::Caller;
use super::problem::Problem;
use super::routes::identify;
use super::server::stopped;
use crate::control::registry::Watcher;
use crate::control::words::Token;

/// Proxies close what is silent for a minute, and pages take it for dead sooner.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

pub(super) async fn stream(State(app): State<Shared>, caller: Caller, Path(visit): Path<String>) -> Result<Response, Problem> {
    let visit = identify(&visit)?;
    let watcher = app.registry.watch(visit, caller.viewer(visit)?).await?;
    let session = match caller {
        Caller::Participant(_, token) => Some(token),
        Caller::Staff(..) | Caller::Nobody => None,
    };
    // One message: the writer below waits for the reader, and the connection's stall timeout for both.
    let (out, messages) = mpsc::channel(1);
    tokio::spawn(feed(app, watcher, session, out));
    let headers = [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, Body::from_stream(ReceiverStream::new(messages))).into_response())
}

/// Writes until the reader goes, the session ends, the viewer is no longer of the visit or the server stops.
async fn feed(app: Shared, mut watcher: Watcher, session: Option<Token>, out: mpsc::Sender<Result<Bytes, Infallible>>) {
    let mut stopping = app.shutdown.clone();
    let mut message = Bytes::from_static(b"retry: 1000\n\n");
    loop {
        tokio::select! {
            sent = out.send(Ok(message)) => if sent.is_err() { return },
            () = stopped(&mut stopping) => return,
        }
        message = tokio::select! {
            view = watcher.next() => match view.and_then(|view| serde_json::to_string(&view).ok()) {
                Some(view) => Bytes::from(format!("event: visit\ndata: {view}\n\n")),
                None => return,
            },
            () = tokio::time::sleep(KEEP_ALIVE) => {
                // An open stream is a session in use; one that has ended gets no more.
                if let Some(token) = &session
                    && !is_alive(&app, token).await
                {
                    return;
                }
                Bytes::from_static(b": keep-alive\n\n")
            }
            () = out.closed() => return,
            () = stopped(&mut stopping) => return,
        };
    }
}

async fn is_alive(app: &Shared, token: &Token) -> bool {
    let registry = &app.registry;
    let session = registry.sessions().session(registry.store(), token, registry.clock().now()).await;
    matches!(session, Ok(Some(_)))
}
