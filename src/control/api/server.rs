//! Connections: TLS, limits and timeouts of every kind, an orderly end. HTTP/1.1 only.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::stall::Stall;

/// What a stranger may cost.
#[derive(Clone, Copy, Debug)]
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
    by_address: BTreeMap<IpAddr, usize>,
}

/// One connection's place among those allowed; given back when it is dropped.
struct Place {
    door: Arc<Door>,
    address: IpAddr,
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
            let Some(place) = Place::take(&self, network(peer.ip())) else { continue };
            connections.spawn(Arc::clone(&self).connection(stream, place));
        }
        drop(listener);
        let drained = tokio::time::timeout(self.limits.drain_timeout, async { while connections.join_next().await.is_some() {} });
        if drained.await.is_err() {
            tracing::warn!(left = connections.len(), "connections were cut off");
        }
    }

    async fn connection(self: Arc<Door>, stream: TcpStream, _place: Place) {
        // Small answers go out at once; nothing here is written in dribs.
        let _ = stream.set_nodelay(true);
        let handshake = tokio::time::timeout(self.limits.handshake_timeout, self.tls.accept(stream));
        let Ok(Ok(stream)) = handshake.await else {
            tracing::debug!("a TLS handshake came to nothing");
            return;
        };
        let stream = TokioIo::new(Stall::new(stream, self.limits.stall_timeout));
        let service = TowerToHyperService::new(self.router.clone());
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
        let here = counts.by_address.get(&address).copied().unwrap_or(0);
        if counts.all >= door.limits.connections || here >= door.limits.connections_per_address {
            return None;
        }
        counts.all += 1;
        counts.by_address.insert(address, here + 1);
        Some(Place { door: Arc::clone(door), address })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.door.counts();
        counts.all -= 1;
        match counts.by_address.get_mut(&self.address) {
            Some(here) if *here > 1 => *here -= 1,
            Some(_) | None => drop(counts.by_address.remove(&self.address)),
        }
    }
}

impl Door {
    fn counts(&self) -> std::sync::MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The address for which connections are counted: one customer of IPv6 has a whole /64.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(four) => IpAddr::V4(four),
        IpAddr::V6(six) => IpAddr::V6(Ipv6Addr::from_bits(six.to_bits() & !u128::from(u64::MAX))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_one_customer_count_as_one() {
        for (address, counted) in [
            ("192.0.2.7", "192.0.2.7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
            ("::1", "::"),
        ] {
            assert_eq!(network(address.parse().unwrap()), counted.parse::<IpAddr>().unwrap(), "{address}");
        }
    }
}
