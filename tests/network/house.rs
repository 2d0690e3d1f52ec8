//! One worker, visits on it, and a wire up and a wire down for everybody in them, on a clock of its own.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::time::Duration;

use quartet::base::{Instant, Seat, VisitId};
use quartet::link::event::SrtpProfile;
use quartet::link::{Command, Event, Sources, Watching};
use quartet::media::net::path::Path;
use quartet::media::wire::demux::{Protocol, classify};
use quartet::media::worker::shard::Shard;

use super::peer::{Peer, Said, Shape};
use crate::network::{Dice, Impairment, Wire};
use crate::support::fake_dtls::FakeHandshaker;

/// From an event of the worker until the page it concerns has heard of it.
const SIGNALLING: Duration = Duration::from_millis(100);

/// Somebody in a visit.
pub(crate) struct Member {
    pub(crate) visit: u8,
    pub(crate) peer: Peer,
    pub(crate) up: Wire<(Path, Vec<u8>)>,
    pub(crate) down: Wire<(Path, Said)>,
    pub(crate) watching: Watching,
    pub(crate) sources: Sources,
    /// Where its checks came from.
    checked: HashSet<Path>,
    gone: bool,
    /// The longest that the queue before its downlink was since this was last cleared.
    pub(crate) queue: Duration,
}

/// All of it. Whatever fails in it tells the seed, and what was done until then.
pub(crate) struct House {
    pub(crate) now: Instant,
    pub(crate) shard: Shard,
    pub(crate) members: Vec<Member>,
    pub(crate) seed: u64,
    story: String,
    dice: Dice,
}

impl Drop for House {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("SEED={} replays this:\n{}", self.seed, self.story);
        }
    }
}

/// The seed of the environment, if it names one.
pub(crate) fn asked_seed() -> Option<u64> {
    std::env::var("SEED").ok().map(|seed| seed.parse().expect("SEED is a number"))
}

impl House {
    /// Open visits of these numbers, with nobody in them.
    pub(crate) fn new(seed: u64, visits: &[u8]) -> House {
        let mut dice = Dice::new(seed);
        let now = Instant::ZERO + Duration::from_secs(1_000);
        let random = std::array::from_fn(|_| dice.next() as u8);
        let mut shard = Shard::new(0, Box::new(FakeHandshaker { profile: SrtpProfile::AeadAes128Gcm }), random);
        for &visit in visits {
            shard.handle_command(now, Command::OpenVisit { visit: id(visit) });
        }
        House { now, shard, members: Vec::new(), seed, story: String::new(), dice }
    }

    /// Writes down what happens now.
    pub(crate) fn tell(&mut self, what: impl std::fmt::Display) {
        let at = self.now.since(Instant::ZERO + Duration::from_secs(1_000)).as_millis();
        writeln!(self.story, "{at:>7} ms  {what}").unwrap();
    }

    /// Someone takes this seat; whoever sat there is gone. Answers their number.
    pub(crate) fn join(&mut self, visit: u8, seat: Seat, shape: Shape, up: Impairment, down: Impairment) -> usize {
        let number = self.members.len();
        self.tell(format_args!("{number} takes seat {seat} of visit {visit}"));
        let before = self.members.iter().position(|member| !member.gone && (member.visit, member.peer.seat()) == (visit, seat));
        let peer = Peer::new(self.now, visit, seat, number as u8, shape, &mut self.dice);
        let (leg, terms) = (peer.browser.leg, Box::new(peer.terms()));
        let sources = terms.sources;
        self.members.push(Member {
            visit,
            peer,
            up: Wire::new(self.dice.next(), up),
            down: Wire::new(self.dice.next(), down),
            watching: Watching::default(),
            sources,
            checked: HashSet::new(),
            gone: false,
            queue: Duration::ZERO,
        });
        self.command(Command::Connect { visit: id(visit), seat, leg, terms });
        if let Some(before) = before {
            self.members[before].gone = true;
        }
        number
    }

    pub(crate) fn leave(&mut self, number: usize) {
        self.tell(format_args!("{number} leaves"));
        let Member { visit, peer, .. } = &self.members[number];
        let (visit, seat, leg) = (id(*visit), peer.seat(), peer.browser.leg);
        self.command(Command::Disconnect { visit, seat, leg });
        self.members[number].gone = true;
    }

    /// Numbers of those who are there.
    pub(crate) fn present(&self) -> Vec<usize> {
        (0..self.members.len()).filter(|&number| !self.members[number].gone).collect()
    }

    pub(crate) fn watch(&mut self, number: usize, watching: Watching) {
        let heights = watching.cameras.map(|tile| tile.height);
        self.tell(format_args!("{number} shows {heights:?}"));
        let member = &mut self.members[number];
        member.watching = watching;
        let (visit, seat, leg) = (id(member.visit), member.peer.seat(), member.peer.browser.leg);
        self.command(Command::Watch { visit, seat, leg, watching });
    }

    pub(crate) fn set_sources(&mut self, number: usize, sources: Sources) {
        self.tell(format_args!("{number}: {sources:?}"));
        let member = &mut self.members[number];
        member.sources = sources;
        let (visit, seat) = (id(member.visit), member.peer.seat());
        self.command(Command::SetSources { visit, seat, sources });
    }

    pub(crate) fn set_up(&mut self, number: usize, impairment: Impairment) {
        self.tell(format_args!("{number}, up: {impairment:?}"));
        self.members[number].up.set(impairment);
    }

    pub(crate) fn set_down(&mut self, number: usize, impairment: Impairment) {
        self.tell(format_args!("{number}, down: {impairment:?}"));
        self.members[number].down.set(impairment);
    }

    /// A NAT forgets this peer, and gives it another address; it does not notice.
    pub(crate) fn rebind(&mut self, number: usize) {
        self.tell(format_args!("{number} has another address"));
        let remote = &mut self.members[number].peer.browser.path.remote;
        remote.set_port(remote.port() + 1_000);
    }

    fn command(&mut self, command: Command) {
        self.shard.handle_command(self.now, command);
        self.settle();
    }

    /// Lets time pass.
    pub(crate) fn run(&mut self, millis: u64) {
        let end = self.now + Duration::from_millis(millis);
        loop {
            let peers = self.members.iter().filter(|member| !member.gone).map(|member| member.peer.deadline());
            let wires = self.members.iter().flat_map(|member| [member.up.deadline(), member.down.deadline()]);
            let shard = self.shard.deadline().map(|deadline| deadline.at);
            let next = peers.chain(wires.flatten()).chain(shard).min().map_or(end, |next| next.max(self.now));
            if next >= end {
                self.now = end;
                return;
            }
            self.now = next;
            self.step();
        }
    }

    /// Runs until this is so, or the time is over; says whether it is.
    pub(crate) fn run_until(&mut self, millis: u64, is_so: impl Fn(&House) -> bool) -> bool {
        for _ in 0..millis.div_ceil(50) {
            if is_so(self) {
                return true;
            }
            self.run(50);
        }
        is_so(self)
    }

    fn step(&mut self) {
        let now = self.now;
        if let Some(deadline) = self.shard.deadline().filter(|deadline| deadline.at <= now) {
            self.shard.handle_timeout(now);
            self.settle();
            let next = self.shard.deadline();
            assert!(next.is_none_or(|next| next.at > now || next != deadline), "{deadline:?} is not done with");
        }
        for number in 0..self.members.len() {
            while let Some((path, mut datagram)) = self.members[number].up.receive(now) {
                if classify(&datagram) == Some(Protocol::Stun) {
                    self.members[number].checked.insert(path);
                }
                self.shard.handle_datagram(now, now, path, &mut datagram);
                self.settle();
            }
            let member = &mut self.members[number];
            while let Some((path, said)) = member.down.receive(now) {
                // A NAT has no way to where somebody was before.
                if path == member.peer.browser.path && !member.gone {
                    member.peer.hear(now, &said);
                }
            }
            if !member.gone && member.peer.deadline() <= now {
                member.peer.tick(now);
            }
            let path = member.peer.browser.path;
            for datagram in member.peer.out.drain(..) {
                member.up.send(now, datagram.len(), (path, datagram));
            }
        }
    }

    /// What the shard says goes where it is for.
    fn settle(&mut self) {
        let now = self.now;
        while let Some(event) = self.shard.poll_event() {
            match event {
                Event::Wanted { leg, layers, .. } => {
                    let member = self.members.iter_mut().find(|member| member.peer.browser.leg == leg);
                    member.expect("whose page is told").peer.hear_word(now + SIGNALLING, layers);
                }
                Event::VisitFailed { .. } => panic!("a visit failed inside"),
                Event::LegEnded { leg, why, .. } => self.tell(format_args!("{leg} ended: {why:?}")),
                Event::WorkerReady { .. }
                | Event::Carried(_)
                | Event::LegConnected { .. }
                | Event::LegSilent { .. }
                | Event::LegResumed { .. }
                | Event::Speaker { .. }
                | Event::Paused { .. }
                | Event::Measured { .. }
                | Event::Report(_)
                | Event::Load { .. } => {}
            }
        }
        let outbox = self.shard.outbox();
        for slot in outbox.filled() {
            let path = slot.path().expect("a path");
            let member = self.members.iter_mut().find(|member| member.checked.contains(&path));
            let member = member.expect("nothing is sent to an address that passed no check");
            assert!(!member.gone, "nothing is sent to who has gone");
            let mut datagram = slot.datagram().to_vec();
            let len = datagram.len();
            let said = member.peer.open(&mut datagram);
            member.down.send(now, len, (path, said));
            member.queue = member.queue.max(member.down.queue_delay(now));
        }
        outbox.clear();
    }

    /// The line on which `receiver` has `sender`.
    pub(crate) fn line(&self, receiver: usize, sender: usize) -> usize {
        let (receiver, sender) = (self.members[receiver].peer.seat(), self.members[sender].peer.seat());
        receiver.line_of(sender).expect("another seat")
    }
}

fn id(visit: u8) -> VisitId {
    VisitId::from_bits(visit.into())
}
