//! `/visits/{visit}/events` and `/events`: the visit as its viewer may see it, each time that changes.
//!
//! A state, not a history: who reads slowly skips states, and nothing queues up for them.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Uri, header};
use axum::response::{IntoResponse, Response};
use tokio::sync::mpsc;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;

use super::Shared;
use super::audit::Recorded;
use super::caller::{Caller, cookie};
use super::problem::Problem;
use super::routes::identify;
use super::server::stopped;
use super::visits::Told;
use crate::base::ids::ParticipantId;
use crate::control::registry::Watcher;
use crate::control::registry::view::Viewer;
use crate::control::words::{Act, Actor, Token};

/// Proxies close what is silent for a minute, and pages take it for dead sooner.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Participants of one shared stream. A browser has as many as it has tabs in visits; more is no browser.
const SHARED_MAX: usize = 8;

pub(super) async fn stream(State(app): State<Shared>, caller: Caller, Path(visit): Path<String>) -> Result<Response, Problem> {
    let visit = identify(&visit)?;
    let watcher = app.registry.watch(visit, caller.viewer(visit)?).await?;
    let session = match caller {
        Caller::Participant(_, token) => Some(token),
        Caller::Staff(..) | Caller::Nobody => None,
    };
    Ok(streamed(&app, vec![Feed { watcher, session, farewell: None }], Vec::new()))
}

/// One stream for all participants of one browser, which has few connections to spare. Each of them is asked for
/// by name and shows a cookie of their own; whoever's session opens nothing (any more) is said to be gone.
pub(super) async fn stream_of_several(State(app): State<Shared>, headers: HeaderMap, uri: Uri) -> Result<Response, Problem> {
    let mut feeds = Vec::new();
    let mut gone = Vec::new();
    for participant in asked_for(&uri)? {
        let farewell = Bytes::from(format!("event: gone\ndata: {{\"participant\":\"{participant}\"}}\n\n"));
        match watch(&app, &headers, participant).await? {
            Some((watcher, token)) => feeds.push(Feed { watcher, session: Some(token), farewell: Some(farewell) }),
            None => gone.push(farewell),
        }
    }
    if feeds.is_empty() {
        return Err(Problem::unauthorized());
    }
    Ok((Recorded, streamed(&app, feeds, gone)).into_response())
}

/// The participants that the query names.
fn asked_for(uri: &Uri) -> Result<Vec<ParticipantId>, Problem> {
    let named = uri.query().unwrap_or_default().split('&').filter_map(|pair| pair.strip_prefix("participant="));
    let asked: Vec<_> = named.map(str::parse).collect::<Result<_, _>>().map_err(|_| Problem::malformed_query())?;
    if asked.is_empty() || asked.len() > SHARED_MAX { Err(Problem::malformed_query()) } else { Ok(asked) }
}

/// A watcher for one participant of this browser, on record as theirs.
async fn watch(app: &Shared, headers: &HeaderMap, participant: ParticipantId) -> Result<Option<(Watcher, Token)>, Problem> {
    let Some(token) = cookie(headers, participant) else { return Ok(None) };
    let registry = &app.registry;
    let session = registry.sessions().session(registry.store(), &token, registry.clock().now()).await?;
    let Some(session) = session.filter(|session| session.participant == participant) else { return Ok(None) };
    let watcher = registry.watch(session.visit, Viewer::Participant(participant)).await?;
    let act = Act::done(Actor::Participant(participant), "visit.watch").in_visit(session.visit);
    registry.store().record(&act, registry.clock().now()).await?;
    Ok(Some((watcher, token)))
}

/// What one viewer is told, and what is said when they are told no more.
struct Feed {
    watcher: Watcher,
    session: Option<Token>,
    farewell: Option<Bytes>,
}

/// One message at a time in all: whoever writes waits for the reader, and the connection's stall timeout for both.
/// Nothing queues up for who reads slowly.
fn streamed(app: &Shared, feeds: Vec<Feed>, gone: Vec<Bytes>) -> Response {
    let (out, messages) = mpsc::channel(1);
    for feed in feeds {
        tokio::spawn(feed.run(Arc::clone(app), out.clone()));
    }
    let first = std::iter::once(Bytes::from_static(b"retry: 1000\n\n")).chain(gone).map(Ok);
    let body = Body::from_stream(tokio_stream::iter(first).chain(ReceiverStream::new(messages)));
    let headers = [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-store")];
    (headers, body).into_response()
}

type Message = Result<Bytes, Infallible>;

impl Feed {
    /// Writes until the reader goes, the session ends, the viewer is no longer of the visit or the server stops.
    async fn run(mut self, app: Shared, out: mpsc::Sender<Message>) {
        let mut stopping = app.shutdown.clone();
        loop {
            let message = tokio::select! {
                view = self.watcher.next() => match view.and_then(|view| serde_json::to_string(&Told::new(&app, view)).ok()) {
                    Some(view) => Bytes::from(format!("event: visit\ndata: {view}\n\n")),
                    None => break,
                },
                () = tokio::time::sleep(KEEP_ALIVE) => {
                    // An open stream is a session in use; one that has ended gets no more.
                    if let Some(token) = &self.session
                        && !is_alive(&app, token).await
                    {
                        break;
                    }
                    Bytes::from_static(b": keep-alive\n\n")
                }
                () = out.closed() => return,
                () = stopped(&mut stopping) => return,
            };
            tokio::select! {
                sent = out.send(Ok(message)) => if sent.is_err() { return },
                () = stopped(&mut stopping) => return,
            }
        }
        if let Some(farewell) = self.farewell {
            let _ = out.send(Ok(farewell)).await;
        }
    }
}

async fn is_alive(app: &Shared, token: &Token) -> bool {
    let registry = &app.registry;
    let session = registry.sessions().session(registry.store(), token, registry.clock().now()).await;
    matches!(session, Ok(Some(_)))
}
