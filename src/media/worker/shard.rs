//! A whole worker without a socket: everything it is told, it is told here.
//!
//! Contract: after any `handle_*`, drain [`Shard::poll_event`] and send [`Shard::outbox`] (then clear it);
//! call [`Shard::handle_timeout`] when [`Shard::deadline`] has come. Nothing here sleeps, asks the time or
//! touches the world.
//!
//! A visit that panics in its turn ends there and alone: its legs are forgotten, control hears
//! [`Event::VisitFailed`], and the next datagram finds the other visits as they were.
#![forbid(unsafe_code)]

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::route::{Place, Routes, VisitKey};
use super::timers::Timers;
use crate::base::limits::{DATAGRAM_MAX, OUTBOX_ROOM_MIN, OUTBOX_SLOTS, SNAPSHOTS_PER_MESSAGE};
use crate::base::{Deadline, DropReason, Instant, LegId, Seat, VisitId};
use crate::link::{Command, Event, IceCredentials, LegTerms, Load, VisitSnapshot, WorkerReport};
use crate::media::net::outbox::Outbox;
use crate::media::net::path::Path;
use crate::media::proto::dtls::Handshaker;
use crate::media::proto::ice::Outdated;
use crate::media::visit::counters::Counters;
use crate::media::visit::random::Random;
use crate::media::visit::{Turn, Visit};
use crate::media::wire::demux::{Protocol, classify};
use crate::media::wire::stun;

/// A worker's visits and how packets find them.
pub struct Shard {
    worker: u16,
    handshaker: Box<dyn Handshaker>,
    /// By [`VisitKey`]; None where a visit was.
    visits: Vec<Option<Box<Visit>>>,
    keys: HashMap<VisitId, VisitKey>,
    routes: Routes,
    desk: Desk,
    /// Of each visit, not later than what is due next in it.
    timers: Timers,
}

/// What is lent to a visit for its turn.
struct Desk {
    outbox: Outbox,
    counters: Counters,
    events: VecDeque<Event>,
    random: Random,
}

impl Shard {
    /// `seed` feeds every random choice of the shard (initial sequence numbers, timestamps, our RTCP SSRC).
    pub fn new(worker: u16, handshaker: Box<dyn Handshaker>, seed: [u8; 32]) -> Shard {
        Shard {
            worker,
            handshaker,
            visits: Vec::new(),
            keys: HashMap::new(),
            routes: Routes::default(),
            desk: Desk {
                outbox: Outbox::new(OUTBOX_SLOTS),
                counters: Counters::default(),
                events: VecDeque::new(),
                random: Random::new(seed),
            },
            timers: Timers::default(),
        }
    }

    /// Obeys control.
    pub fn handle_command(&mut self, now: Instant, command: Command) {
        match command {
            Command::OpenVisit { visit } => self.open(visit),
            Command::CloseVisit { visit } => self.close(now, visit),
            Command::Connect { visit, seat, leg, terms } => self.connect(now, visit, seat, leg, terms),
            Command::Disconnect { visit, seat, leg } => {
                if let Some(&key) = self.keys.get(&visit) {
                    self.turn(now, key, |visit, turn| visit.disconnect(turn, seat, leg));
                }
            }
            Command::SetSources { visit, seat, sources } => {
                if let Some(&key) = self.keys.get(&visit) {
                    self.turn(now, key, |visit, _| visit.set_sources(seat, sources));
                }
            }
            Command::RestartIce { visit, seat, leg, local, remote } => self.restart_ice(now, visit, seat, leg, local, remote),
            Command::Watch { visit, seat, leg, watching } => {
                if let Some(&key) = self.keys.get(&visit) {
                    self.turn(now, key, |visit, turn| visit.watch(turn, seat, leg, watching));
                }
            }
            Command::Measure { visit } => {
                if let Some(&key) = self.keys.get(&visit) {
                    self.turn(now, key, |visit, turn| turn.events.push_back(visit.measured()));
                }
            }
            Command::Report => {
                let report = Event::Report(Box::new(self.report()));
                self.desk.events.push_back(report);
            }
        }
        self.check_invariants();
    }

    /// Takes one datagram, which reached the machine at `arrived`; it is decrypted where it lies.
    pub fn handle_datagram(&mut self, now: Instant, arrived: Instant, path: Path, datagram: &mut [u8]) {
        self.desk.counters.datagrams_in += 1;
        self.desk.counters.bytes_in += datagram.len() as u64;
        let protocol = if datagram.len() <= DATAGRAM_MAX { classify(datagram) } else { None };
        let Some(protocol) = protocol else {
            self.desk.counters.dropped(DropReason::NotOurs);
            return;
        };
        if protocol == Protocol::Stun {
            self.handle_check(now, path, datagram);
            return;
        }
        let Some(Place { visit, seat }) = self.routes.by_path(path) else {
            self.desk.counters.dropped(DropReason::UnknownAddress);
            return;
        };
        self.turn(now, visit, |visit, turn| match protocol {
            Protocol::Rtp => visit.handle_rtp(turn, arrived, seat, datagram),
            Protocol::Rtcp => visit.handle_rtcp(turn, seat, datagram),
            Protocol::Dtls => visit.handle_dtls(turn, seat, path, datagram),
            Protocol::Stun => {}
        });
    }

    /// Does what is due, as far as the outbox has room; what is left stays due.
    pub fn handle_timeout(&mut self, now: Instant) {
        // Once for each visit at most: one that is due again at once is so in the next turn, too.
        for _ in 0..self.visits.len() {
            let Some((_, key)) = self.timers.first().filter(|(first, _)| first.at <= now) else { break };
            // After a stall every visit is due at once, and all their reports would not fit.
            if self.desk.outbox.room() < OUTBOX_ROOM_MIN {
                break;
            }
            if self.due(key).is_some_and(|due| due.at <= now) {
                self.turn(now, key, |visit, turn| visit.handle_timeout(turn));
            }
            let due = self.due(key);
            self.timers.set(key, due);
        }
        self.check_invariants();
    }

    /// When [`Shard::handle_timeout`] is due next.
    pub fn deadline(&self) -> Option<Deadline> {
        self.timers.first().map(|(deadline, _)| deadline)
    }

    /// What control should hear, until None.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.desk.events.pop_front()
    }

    /// What waits to be sent. The worker sends it at the end of a turn, or when it runs low on room, and clears it.
    pub fn outbox(&mut self) -> &mut Outbox {
        &mut self.desk.outbox
    }

    /// What has been counted so far. The worker adds its system calls, and how busy it is.
    pub fn report(&self) -> WorkerReport {
        let counters = &self.desk.counters;
        WorkerReport {
            worker: self.worker,
            visits: u32::try_from(self.keys.len()).unwrap_or(u32::MAX),
            legs: self.legs(),
            datagrams_in: counters.datagrams_in,
            bytes_in: counters.bytes_in,
            datagrams_out: counters.datagrams_out,
            bytes_out: counters.bytes_out,
            forwarded: counters.forwarded,
            repaired: counters.repaired,
            keyframe_requests: counters.keyframe_requests,
            layer_switches: counters.layer_switches,
            visits_failed: counters.visits_failed,
            send_calls: 0,
            receive_calls: 0,
            send_failures: 0,
            worked_us: 0,
            load: Load::default(),
            drops: counters.drops.to_vec(),
        }
    }

    /// How many legs there are now.
    pub fn legs(&self) -> u32 {
        let legs: usize = self.visits.iter().flatten().map(|visit| visit.legs()).sum();
        u32::try_from(legs).unwrap_or(u32::MAX)
    }

    /// What a control that has just come should hear first: who we are, reached at these addresses, and what we carry.
    /// Events that wait are part of it.
    pub fn introduce(&self, addresses: Vec<SocketAddr>) -> Vec<Event> {
        let snapshots: Vec<VisitSnapshot> = self.visits.iter().flatten().map(|visit| visit.snapshot()).collect();
        let visits = u32::try_from(snapshots.len()).unwrap_or(u32::MAX);
        let ready = Event::WorkerReady { worker: self.worker, addresses, fingerprint: self.handshaker.fingerprint(), visits };
        let carried = snapshots.chunks(SNAPSHOTS_PER_MESSAGE).map(|some| Event::Carried(some.to_vec()));
        std::iter::once(ready).chain(carried).collect()
    }

    fn open(&mut self, id: VisitId) {
        if self.keys.contains_key(&id) {
            return;
        }
        let visit = Some(Box::new(Visit::new(id)));
        let key = match self.visits.iter().position(Option::is_none) {
            Some(free) => {
                self.visits[free] = visit;
                VisitKey(free)
            }
            None => {
                self.visits.push(visit);
                VisitKey(self.visits.len() - 1)
            }
        };
        self.keys.insert(id, key);
        tracing::info!(visit = %id, "visit opened");
    }

    fn close(&mut self, now: Instant, id: VisitId) {
        let Some(&key) = self.keys.get(&id) else { return };
        self.turn(now, key, |visit, turn| visit.close(turn));
        self.remove(key);
        tracing::info!(visit = %id, "visit closed");
    }

    fn connect(&mut self, now: Instant, visit: VisitId, seat: Seat, leg: LegId, terms: Box<LegTerms>) {
        let Some(&key) = self.keys.get(&visit) else { return };
        let handshake = self.handshaker.accept(now, &terms.fingerprints);
        let ufrag = terms.local.ufrag.clone();
        // The turn forgets the routes of whoever sat there before; the newcomer's name comes after.
        if self.turn(now, key, |visit, turn| visit.connect(turn, seat, leg, terms, handshake)).is_some() {
            self.routes.name(&ufrag, Place { visit: key, seat });
        }
    }

    /// A connectivity check: the one kind of datagram that may come from anywhere.
    fn handle_check(&mut self, now: Instant, path: Path, datagram: &[u8]) {
        let ufrag = match stun::local_ufrag(datagram) {
            Ok(ufrag) => ufrag,
            Err(reason) => {
                self.desk.counters.dropped(reason);
                return;
            }
        };
        let Some(place) = self.routes.by_name(ufrag) else {
            self.desk.counters.dropped(DropReason::StunUnknownUser);
            return;
        };
        // Whoever can forge an address and has a leg of their own must not take the packets of another leg.
        let owner = self.routes.by_path(path).filter(|&owner| owner != place);
        if owner.is_some_and(|owner| self.visit(owner.visit).is_some_and(|visit| visit.hears(owner.seat, now))) {
            self.desk.counters.dropped(DropReason::UnknownAddress);
            return;
        }
        let checked = self.turn(now, place.visit, |visit, turn| visit.handle_check(turn, place.seat, path, datagram));
        if let Some(Some(checked)) = checked {
            self.routes.validate(path, place);
            match checked.outdated {
                Outdated::Nothing => {}
                Outdated::Path(path) => self.routes.invalidate(path, place),
                Outdated::Credentials => self.forget_outdated(place),
            }
        }
    }

    fn restart_ice(&mut self, now: Instant, id: VisitId, seat: Seat, leg: LegId, local: IceCredentials, remote: IceCredentials) {
        let Some(&key) = self.keys.get(&id) else { return };
        let place = Place { visit: key, seat };
        let restarted = self.turn(now, key, |visit, _| visit.restart_ice(seat, leg, &local, &remote));
        if restarted == Some(true) {
            tracing::debug!(visit = %id, %seat, %leg, "leg restarts ICE");
            // A restart that came to nothing has left its name here.
            self.forget_outdated(place);
            self.routes.name(&local.ufrag, place);
        }
    }

    /// Forgets the names and paths of a leg that it has no use for any more.
    fn forget_outdated(&mut self, place: Place) {
        let Some(visit) = self.visits.get(place.visit.0).and_then(Option::as_deref) else { return };
        self.routes.keep(place, |name| visit.answers_to(place.seat, name), |path| visit.is_validated(place.seat, path));
    }

    /// When this visit is due, if it still is.
    fn due(&self, key: VisitKey) -> Option<Deadline> {
        self.visit(key).and_then(Visit::deadline)
    }

    fn visit(&self, key: VisitKey) -> Option<&Visit> {
        self.visits.get(key.0)?.as_deref()
    }

    /// Gives a visit its turn. None if it has gone, or goes now because it panicked.
    fn turn<R>(&mut self, now: Instant, key: VisitKey, act: impl FnOnce(&mut Visit, &mut Turn<'_>) -> R) -> Option<R> {
        let visit = self.visits.get_mut(key.0)?.as_deref_mut()?;
        let Desk { outbox, counters, events, random } = &mut self.desk;
        let mut turn = Turn { now, outbox, counters, events, random };
        // What the visit leaves half done is dropped with it. The desk stays whole: a slot counts once it is
        // committed, a counter once it is added to, an event once it is queued.
        let outcome = catch_unwind(AssertUnwindSafe(|| act(visit, &mut turn)));
        if outcome.is_ok() {
            for seat in visit.take_departed() {
                self.routes.forget(Place { visit: key, seat });
            }
            self.timers.hasten(key, visit.deadline());
        } else {
            let id = visit.id();
            tracing::error!(visit = %id, "visit failed");
            self.desk.counters.visits_failed += 1;
            self.desk.events.push_back(Event::VisitFailed { visit: id });
            self.remove(key);
        }
        outcome.ok()
    }

    /// Forgets a visit and every way to it.
    fn remove(&mut self, key: VisitKey) {
        let Some(visit) = self.visits.get_mut(key.0).and_then(Option::take) else { return };
        self.keys.remove(&visit.id());
        self.routes.forget_visit(key);
        self.timers.set(key, None);
        // One that failed may fail again while it goes.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(visit)));
    }

    fn check_invariants(&self) {
        if !cfg!(debug_assertions) {
            return;
        }
        assert_eq!(self.visits.iter().flatten().count(), self.keys.len(), "a visit without a name, or a name without a visit");
        let due = self.visits.iter().flatten().filter_map(|visit| visit.deadline()).map(|deadline| deadline.at).min();
        assert!(due.is_none_or(|due| self.deadline().is_some_and(|known| known.at <= due)), "a visit's timer was forgotten");
        self.routes.check_invariants(
            |place, name| self.visit(place.visit).is_some_and(|visit| visit.answers_to(place.seat, name)),
            |place, path| self.visit(place.visit).is_some_and(|visit| visit.is_validated(place.seat, path)),
        );
    }
}
