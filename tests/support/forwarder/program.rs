//! The forwarder as a program, for the browser tests: datagrams from here to there and back, as badly as it is told on its
//! input. `orders.rs` says how.
//!
//!     forwarder --listen 127.0.0.1:0 --to 127.0.0.1:40000 [--seed 1]

#[path = "mod.rs"]
mod forwarder;
#[path = "../network/mod.rs"]
mod network;

use std::collections::BTreeMap;
use std::io::{self, BufRead, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time;

use forwarder::{Answer, Change, Forwarder, Outlet, SocketId};
use quartet::base::Instant;
use serde_json::{Value, json};
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

type Problem = Box<dyn std::error::Error + Send + Sync>;

/// Longer than any datagram that fits an Ethernet: what is cut here would not have arrived anyway.
const LONGEST: usize = 2_048;
/// Datagrams of the server that wait for their turn. A worker's burst fits; more are dropped, as in any full buffer.
const WAITING: usize = 1_024;
/// Datagrams that are taken in before those that are due go out. More would make these late.
const AT_ONCE: usize = 64;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Problem> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| arguments.iter().position(|word| word == name).and_then(|at| arguments.get(at + 1));
    let (Some(listen), Some(to)) = (value("--listen"), value("--to")) else {
        return Err("usage: forwarder --listen ADDRESS:PORT --to ADDRESS:PORT [--seed N]".into());
    };
    let seed = value("--seed").map_or(Ok(1), |seed| seed.parse())?;
    let ends = Ends::open(listen.parse()?, to.parse()?).await?;
    say(&json!({ "listening": ends.listening.local_addr()?.to_string() }))?;
    forward(Forwarder::new(seed), ends).await
}

/// Each turn: sockets as they are needed, what is due, then one thing that happens or the next deadline.
async fn forward(mut forwarder: Forwarder, mut ends: Ends) -> Result<(), Problem> {
    let began = time::Instant::now();
    let now = || Instant::from_nanos(u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX));
    let mut orders = read_orders();
    let mut datagram = [0; LONGEST];
    loop {
        while let Some(change) = forwarder.poll_change() {
            ends.change(change)?;
        }
        while let Some((outlet, datagram)) = forwarder.poll_transmit(now()) {
            ends.send(outlet, &datagram).await;
        }
        let due = forwarder.deadline().map(|at| began + at.since(Instant::ZERO));
        tokio::select! {
            ready = ends.listening.readable() => {
                ready?;
                for _ in 0..AT_ONCE {
                    let Ok((len, from)) = ends.listening.try_recv_from(&mut datagram) else { break };
                    forwarder.handle_from_client(now(), from, &datagram[..len]);
                }
            }
            Some((socket, datagram)) = ends.from_server.recv() => {
                forwarder.handle_from_server(now(), socket, &datagram);
                for _ in 1..AT_ONCE {
                    let Ok((socket, datagram)) = ends.from_server.try_recv() else { break };
                    forwarder.handle_from_server(now(), socket, &datagram);
                }
            }
            () = until(due) => {}
            order = orders.recv() => {
                let Some(line) = order else { return Ok(()) };
                match forwarder.obey(now(), &line) {
                    Answer::Go(answer) => say(&answer)?,
                    Answer::Quit(answer) => return say(&answer),
                }
            }
        }
    }
}

async fn until(due: Option<time::Instant>) {
    match due {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}

/// The lines of the input, read on a thread of their own; their end is the end of the channel.
fn read_orders() -> mpsc::Receiver<String> {
    let (order, orders) = mpsc::channel(1);
    std::thread::spawn(move || {
        for line in io::stdin().lock().lines().map_while(Result::ok) {
            if order.blocking_send(line).is_err() {
                return;
            }
        }
    });
    orders
}

fn say(answer: &Value) -> Result<(), Problem> {
    let mut out = io::stdout().lock();
    writeln!(out, "{answer}")?;
    Ok(out.flush()?)
}

/// Its sockets.
struct Ends {
    /// Towards the browsers.
    listening: UdpSocket,
    to: SocketAddr,
    /// Towards the server, each with who reads it.
    bound: BTreeMap<SocketId, (Arc<UdpSocket>, JoinHandle<()>)>,
    arrived: mpsc::Sender<(SocketId, Vec<u8>)>,
    from_server: mpsc::Receiver<(SocketId, Vec<u8>)>,
}

impl Ends {
    async fn open(listen: SocketAddr, to: SocketAddr) -> Result<Ends, Problem> {
        let (arrived, from_server) = mpsc::channel(WAITING);
        Ok(Ends { listening: UdpSocket::bind(listen).await?, to, bound: BTreeMap::new(), arrived, from_server })
    }

    fn change(&mut self, change: Change) -> Result<(), Problem> {
        match change {
            Change::Open(id) => {
                // From the same interface as it is to, and from any port.
                let socket = std::net::UdpSocket::bind(SocketAddr::new(self.to.ip(), 0))?;
                socket.connect(self.to)?;
                socket.set_nonblocking(true)?;
                let socket = Arc::new(UdpSocket::from_std(socket)?);
                let reader = tokio::spawn(read(id, socket.clone(), self.arrived.clone()));
                self.bound.insert(id, (socket, reader));
            }
            Change::Close(id) => {
                if let Some((_, reader)) = self.bound.remove(&id) {
                    reader.abort();
                }
            }
        }
        Ok(())
    }

    /// What the system does not take is lost, as on any network.
    async fn send(&self, outlet: Outlet, datagram: &[u8]) {
        let _lost = match outlet {
            Outlet::Server(id) => match self.bound.get(&id) {
                Some((socket, _)) => socket.send(datagram).await,
                None => return,
            },
            Outlet::Client(address) => self.listening.send_to(datagram, address).await,
        };
    }
}

async fn read(id: SocketId, socket: Arc<UdpSocket>, arrived: mpsc::Sender<(SocketId, Vec<u8>)>) {
    let mut datagram = [0; LONGEST];
    loop {
        // An error is the server's port being closed for a moment: nothing was received.
        if let Ok(len) = socket.recv(&mut datagram).await {
            let _dropped = arrived.try_send((id, datagram[..len].to_vec()));
        }
    }
}
