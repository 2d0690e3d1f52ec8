//! Connections: TLS, limits and timeouts of every kind, an orderly end. HTTP/1.1 only.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tower_service::Service;

use super::forwarded;
use super::stall::Stall;
use crate::control::words::Network;

/// What a stranger may cost.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections in all. Each costs about 50 KiB; beyond it, new ones are closed.
    pub connections: usize,
    /// Connections of one address (for IPv6, of one /64). A clinic behind one address has many patients, and
    /// a browser opens up to six.
    pub connections_per_address: usize,
    /// For the TLS handshake.
    pub handshake_timeout: Duration,
    /// For the head of a request, and between two requests.
    pub header_timeout: Duration,
    /// For a write that makes no progress.
    pub stall_timeout: Duration,
    /// For what is being answered when the server stops.
    pub drain_timeout: Duration,
    /// Who says truly for whom they ask (`X-Forwarded-For`). What anybody else says of that is not believed.
    pub trusted_proxies: Vec<IpAddr>,
}

impl Limits {
    pub(super) fn trusts(&self, address: IpAddr) -> bool {
        self.trusted_proxies.contains(&address.to_canonical())
    }
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            connections: 4_096,
            connections_per_address: 256,
            handshake_timeout: Duration::from_secs(10),
            header_timeout: Duration::from_secs(15),
            stall_timeout: Duration::from_secs(20),
            drain_timeout: Duration::from_secs(5),
            trusted_proxies: Vec::new(),
        }
    }
}

/// Headers of one request: browsers send around twenty.
const HEADERS_MAX: usize = 64;
/// Bytes of a request's head, and of a connection's read buffer: a browser with cookies of many visits
/// stays below 4 KiB.
const HEAD_MAX: usize = 32 * 1024;
/// How long the loop rests after an accept failed, as when no file descriptor is left: at once would spin.
const REST: Duration = Duration::from_millis(100);

/// Answers on `listeners` until `shutdown` becomes true, then finishes what it has begun.
pub async fn serve(
    listeners: Vec<TcpListener>,
    tls: Arc<rustls::ServerConfig>,
    limits: Limits,
    router: Router,
    shutdown: watch::Receiver<bool>,
) {
    let door = Arc::new(Door { limits, tls: TlsAcceptor::from(tls), router, counts: Mutex::default(), shutdown });
    let mut loops = JoinSet::new();
    for listener in listeners {
        loops.spawn(Arc::clone(&door).accept(listener));
    }
    while loops.join_next().await.is_some() {}
}

/// Waits until the server is to stop, or nobody is left to say so.
pub(super) async fn stopped(shutdown: &mut watch::Receiver<bool>) {
    let _ = shutdown.wait_for(|stop| *stop).await;
}

/// What every connection shares.
struct Door {
    limits: Limits,
    tls: TlsAcceptor,
    router: Router,
    counts: Mutex<Counts>,
    shutdown: watch::Receiver<bool>,
}

#[derive(Default)]
struct Counts {
    all: usize,
    by_address: BTreeMap<Network, usize>,
}

/// One connection's place among those allowed; given back when it is dropped.
struct Place {
    door: Arc<Door>,
    address: IpAddr,
    /// What is counted for that address; nothing for a proxy, who brings everybody.
    network: Option<Network>,
}

impl Door {
    /// 1. wait for a connection, or the end; 2. see whether there is a place; 3. serve it in its own task.
    async fn accept(self: Arc<Door>, listener: TcpListener) {
        let mut stopping = self.shutdown.clone();
        let mut connections = JoinSet::new();
        loop {
            while connections.try_join_next().is_some() {}
            let (stream, peer) = tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok(accepted) => accepted,
                    Err(error) => {
                        tracing::warn!(kind = ?error.kind(), os = error.raw_os_error(), "accept failed");
                        tokio::time::sleep(REST).await;
                        continue;
                    }
                },
                () = stopped(&mut stopping) => break,
            };
            // Closing it is the answer: whoever holds so many connections needs no explanation.
            let Some(place) = Place::take(&self, peer.ip()) else { continue };
            connections.spawn(Arc::clone(&self).connection(stream, place));
        }
        drop(listener);
        let drained = tokio::time::timeout(self.limits.drain_timeout, async { while connections.join_next().await.is_some() {} });
        if drained.await.is_err() {
            tracing::warn!(left = connections.len(), "connections were cut off");
        }
    }

    async fn connection(self: Arc<Door>, stream: TcpStream, place: Place) {
        // Small answers go out at once; nothing here is written in dribs.
        let _ = stream.set_nodelay(true);
        let handshake = tokio::time::timeout(self.limits.handshake_timeout, self.tls.accept(stream));
        let Ok(Ok(stream)) = handshake.await else {
            tracing::debug!("a TLS handshake came to nothing");
            return;
        };
        let stream = TokioIo::new(Stall::new(stream, self.limits.stall_timeout));
        let service = service_fn(|mut request: hyper::Request<Incoming>| {
            let from = forwarded::asker(place.address, request.headers(), &self.limits);
            request.extensions_mut().insert(from);
            // A router is always ready.
            self.router.clone().call(request)
        });
        let connection = http1::Builder::new()
            // Without a timer, hyper's header timeout does nothing.
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.header_timeout)
            .max_headers(HEADERS_MAX)
            .max_buf_size(HEAD_MAX)
            .serve_connection(stream, service);
        let mut connection = std::pin::pin!(connection);
        let mut stopping = self.shutdown.clone();
        let result = tokio::select! {
            result = connection.as_mut() => result,
            () = stopped(&mut stopping) => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = result {
            // Its text may quote what was sent; its kind does not.
            tracing::debug!(timeout = error.is_timeout(), parse = error.is_parse(), "a connection ended early");
        }
    }
}

impl Place {
    fn take(door: &Arc<Door>, address: IpAddr) -> Option<Place> {
        let mut counts = door.counts();
        if counts.all >= door.limits.connections {
            return None;
        }
        let network = (!door.limits.trusts(address)).then(|| Network::of(address));
        if let Some(network) = network {
            let here = counts.by_address.get(&network).copied().unwrap_or(0);
            if here >= door.limits.connections_per_address {
                return None;
            }
            counts.by_address.insert(network, here + 1);
        }
        counts.all += 1;
        Some(Place { door: Arc::clone(door), address, network })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.door.counts();
        counts.all -= 1;
        let Some(network) = self.network else { return };
        match counts.by_address.get_mut(&network) {
            Some(here) if *here > 1 => *here -= 1,
            Some(_) | None => drop(counts.by_address.remove(&network)),
        }
    }
}

impl Door {
    fn counts(&self) -> std::sync::MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
