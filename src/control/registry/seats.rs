//! From an offer to a leg on a worker, and what media says of it afterwards.

use std::time::Duration;

use tokio::sync::mpsc;

use super::live::{Registry, Room, VisitError, new_leg};
use super::ports::WorkerInfo;
use crate::base::ids::ParticipantId;
use crate::base::{LegId, Seat, VisitId};
use crate::control::negotiate::{self, LocalMedia, OfferError};
use crate::control::words::random;
use crate::link::{Command, Event, Sources};

/// Why someone was not seated.
#[derive(Debug)]
pub enum SeatError {
    Visit(VisitError),
    /// What the client should change in its offer.
    Offer(OfferError),
    /// No worker can carry the visit now.
    NoMedia,
}

impl<E: Into<VisitError>> From<E> for SeatError {
    fn from(error: E) -> SeatError {
        SeatError::Visit(error.into())
    }
}

/// How often seats and windows are looked at. People count in seconds; twice as often as that is enough.
const TURN: Duration = Duration::from_millis(500);
/// Turns between two questions to the workers for their counters.
const REPORT_EVERY: u32 = 10;

impl Registry {
    /// Seats someone with an offer. Answers with their seat, the leg's name and the SDP answer.
    pub async fn sit(&self, id: VisitId, who: ParticipantId, offer: &str) -> Result<(Seat, LegId, String), SeatError> {
        let live = self.live(id).await?;
        // Before the visit is locked: counting looks at every visit.
        let carried = self.carried().await;
        let mut room = live.room.lock().await;
        let seat = room.visit.seat_for(who)?;
        let workers = self.0.parts.media.workers();
        let here = room.worker.and_then(|worker| workers.iter().find(|info| info.worker == worker));
        let place = here.or_else(|| workers.iter().min_by_key(|info| carried.get(&info.worker).copied().unwrap_or(0)));
        let place = place.ok_or(SeatError::NoMedia)?;
        let local = LocalMedia { fingerprint: place.fingerprint, candidates: place.addresses.clone() };
        let negotiated = negotiate::answer(offer, seat, &local, &mut random::fill).map_err(SeatError::Offer)?;
        let leg = new_leg();
        self.place(&mut room, place).await?;
        let mut terms = negotiated.terms;
        terms.sources = room.visit.person(who).map_or_else(Sources::default, |person| person.sources);
        let connect = Command::Connect { visit: id, seat, leg, terms: Box::new(terms) };
        if !self.0.parts.media.send(place.worker, connect).await {
            return Err(SeatError::NoMedia);
        }
        // The worker lets the older leg of a seat give way by itself.
        room.visit.connect(who, leg, self.now())?;
        drop(room);
        live.announce();
        Ok((seat, leg, negotiated.answer))
    }

    /// Someone leaves their seat. Only their own: another's is as good as none.
    pub async fn leave(&self, id: VisitId, who: ParticipantId, seat: Seat) -> Result<(), VisitError> {
        let live = self.live(id).await?;
        let mut room = live.room.lock().await;
        if room.visit.seat_of(who).is_none_or(|seated| seated.seat != seat) {
            return Err(VisitError::NotFound);
        }
        let unseat = room.visit.leave(who, self.now().wall);
        self.unseat(&room, unseat).await;
        drop(room);
        live.announce();
        Ok(())
    }

    /// What may be forwarded of someone.
    pub async fn set_sources(&self, id: VisitId, who: ParticipantId, seat: Seat, sources: Sources) -> Result<(), VisitError> {
        let live = self.live(id).await?;
        let mut room = live.room.lock().await;
        if room.visit.seat_of(who).is_none_or(|seated| seated.seat != seat) {
            return Err(VisitError::NotFound);
        }
        room.visit.set_sources(who, sources)?;
        if let Some(worker) = room.worker {
            self.0.parts.media.send(worker, Command::SetSources { visit: id, seat, sources }).await;
        }
        drop(room);
        live.announce();
        Ok(())
    }

    /// Listens to media and lets time pass, until media has no more to say.
    pub async fn run(self, mut events: mpsc::Receiver<(u16, Event)>) {
        let mut turns = tokio::time::interval(TURN);
        turns.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut count = 0u32;
        loop {
            tokio::select! {
                event = events.recv() => match event {
                    Some((worker, event)) => self.handle_event(worker, event).await,
                    None => return,
                },
                _ = turns.tick() => {
                    self.handle_timeout().await;
                    count = count.wrapping_add(1);
                    if count.is_multiple_of(REPORT_EVERY) {
                        for info in self.0.parts.media.workers() {
                            self.0.parts.media.send(info.worker, Command::Report).await;
                        }
                    }
                }
            }
        }
    }

    /// Media said something.
    pub async fn handle_event(&self, worker: u16, event: Event) {
        let visit = match &event {
            // A worker that begins carries nothing: whatever it carried before is lost.
            Event::WorkerReady { .. } => return self.worker_lost(worker).await,
            Event::Report(report) => return self.keep_report((**report).clone()),
            // Said once, before anything else, and never passed on here.
            Event::Carried(_) => return,
            Event::LegConnected { visit, .. }
            | Event::LegSilent { visit, .. }
            | Event::LegResumed { visit, .. }
            | Event::LegEnded { visit, .. }
            | Event::VisitFailed { visit } => *visit,
        };
        // Media knows only visits that are in memory; a word about another is late, and means nothing now.
        let Some(live) = self.in_memory(visit) else { return };
        let mut room = live.room.lock().await;
        if room.worker != Some(worker) {
            return;
        }
        let now = self.now();
        let changed = match event {
            Event::LegConnected { seat, leg, .. } | Event::LegResumed { seat, leg, .. } => {
                room.visit.leg_connected(seat, leg, now.wall)
            }
            Event::LegSilent { seat, leg, .. } => room.visit.leg_silent(seat, leg, now.wall),
            Event::LegEnded { seat, leg, why, .. } => {
                tracing::debug!(%visit, %seat, %leg, ?why, "leg ended");
                room.visit.leg_ended(seat, leg, now)
            }
            Event::VisitFailed { .. } => {
                tracing::warn!(%visit, worker, "a visit failed on its worker; its people will reconnect");
                room.worker = None;
                room.visit.media_lost(now)
            }
            Event::WorkerReady { .. } | Event::Carried(_) | Event::Report(_) => false,
        };
        drop(room);
        if changed {
            live.announce();
        }
    }

    /// A worker is gone, with all that it carried.
    pub async fn worker_lost(&self, worker: u16) {
        let now = self.now();
        for live in self.all() {
            let mut room = live.room.lock().await;
            if room.worker == Some(worker) {
                room.worker = None;
                room.visit.media_lost(now);
                drop(room);
                live.announce();
            }
        }
    }

    /// Puts a visit on a worker, if it is not there already.
    async fn place(&self, room: &mut Room, place: &WorkerInfo) -> Result<(), SeatError> {
        if room.worker == Some(place.worker) {
            return Ok(());
        }
        room.visit.media_lost(self.now());
        if !self.0.parts.media.send(place.worker, Command::OpenVisit { visit: room.visit.id }).await {
            return Err(SeatError::NoMedia);
        }
        room.worker = Some(place.worker);
        tracing::info!(visit = %room.visit.id, worker = place.worker, "the visit has a worker");
        Ok(())
    }
}
