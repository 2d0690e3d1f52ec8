//! From an offer to a leg on a worker.

use super::layout::Asked;
use super::live::{Registry, Room, VisitError};
use super::ports::WorkerInfo;
use super::scene::NotHeard;
use crate::base::ids::ParticipantId;
use crate::base::{LegId, Seat, VisitId};
use crate::control::negotiate::{self, LocalMedia, OfferError};
use crate::control::words::{Act, Actor, random};
use crate::link::{Command, Sources};

/// Why someone was not seated.
#[derive(Debug)]
pub enum SeatError {
    Visit(VisitError),
    /// What the client should change in its offer.
    Offer(OfferError),
    /// The seat has another connection than the page means.
    OtherLeg,
    /// The page speaks for a connection that its person has no more.
    LegGone,
    /// The page says too often what it shows.
    TooOften,
    /// No worker can carry the visit now.
    NoMedia,
}

impl<E: Into<VisitError>> From<E> for SeatError {
    fn from(error: E) -> SeatError {
        SeatError::Visit(error.into())
    }
}

impl Registry {
    /// Seats someone with an offer. Answers with their seat, the leg's name and the SDP answer.
    ///
    /// The leg is recorded before media hears of it, so that after a crash no leg is taken for another's.
    pub async fn sit(&self, id: VisitId, who: ParticipantId, offer: &str) -> Result<(Seat, LegId, String), SeatError> {
        // Before the visit is locked: counting looks at every visit.
        let carried = self.carried();
        let mut held = self.room(id).await?;
        self.may_begin(&held.room.visit)?;
        let seat = held.room.visit.seat_for(who)?;
        let workers = self.0.parts.media.workers();
        let here = held.room.worker.and_then(|worker| workers.iter().find(|info| info.worker == worker));
        let place = here.or_else(|| workers.iter().min_by_key(|info| carried.get(&info.worker).copied().unwrap_or(0)));
        let place = place.ok_or(SeatError::NoMedia)?;
        let local = LocalMedia { fingerprint: place.fingerprint, candidates: place.addresses.clone() };
        let negotiated = negotiate::answer(offer, seat, &local, &mut random::fill).map_err(SeatError::Offer)?;

        let now = self.now();
        let leg = LegId::from_bits(random::bits());
        let actor = Actor::Participant(who);
        let plan = held.room.plan(Act::done(actor, "seat.connect"), |visit| {
            if held.room.worker != Some(place.worker) {
                visit.media_lost(now);
            }
            visit.connect(who, leg, now)?;
            Ok(visit.person(who).map_or_else(Sources::default, |person| person.sources))
        })?;
        self.store().keep(&plan.minutes, now.wall).await?;
        let mut terms = negotiated.terms;
        terms.sources = held.room.commit(plan);

        // The worker lets the older leg of a seat give way by itself.
        let connect = Command::Connect { visit: id, seat, leg, terms: Box::new(terms) };
        if !(self.place(&mut held.room, place).await && self.0.parts.media.send(place.worker, connect).await) {
            self.happened(held, |visit| visit.leg_ended(seat, leg, now)).await;
            return Err(SeatError::NoMedia);
        }
        self.announce(held).await;
        Ok((seat, leg, negotiated.answer))
    }

    /// Someone's network has changed: their leg goes on with new ICE credentials, and nothing else of it changes.
    /// `leg` is the connection that the page means; none, if it means whichever there is. Answers with the leg's
    /// name and the fragment of SDP that the page needs.
    pub async fn restart_ice(
        &self,
        id: VisitId,
        who: ParticipantId,
        seat: Seat,
        leg: Option<LegId>,
        fragment: &str,
    ) -> Result<(LegId, String), SeatError> {
        let held = self.room(id).await?;
        let seated = held.room.visit.seat_of(who).filter(|seated| seated.seat == seat).ok_or(VisitError::NotFound)?;
        let alive = seated.hold.leg().ok_or(VisitError::NotFound)?;
        if leg.is_some_and(|leg| leg != alive) {
            return Err(SeatError::OtherLeg);
        }
        let workers = self.0.parts.media.workers();
        let place = held.room.worker.and_then(|worker| workers.into_iter().find(|info| info.worker == worker));
        let place = place.ok_or(SeatError::NoMedia)?;
        let local = LocalMedia { fingerprint: place.fingerprint, candidates: place.addresses };
        let restarted = negotiate::restart(fragment, &local, &mut random::fill).map_err(SeatError::Offer)?;
        let order = Command::RestartIce { visit: id, seat, leg: alive, local: restarted.local, remote: restarted.remote };
        if !self.0.parts.media.send(place.worker, order).await {
            return Err(SeatError::NoMedia);
        }
        Ok((alive, restarted.answer))
    }

    /// Someone leaves their seat. Only their own: another's is as good as none.
    pub async fn leave(&self, id: VisitId, who: ParticipantId, seat: Seat) -> Result<(), VisitError> {
        let now = self.now();
        let mut held = self.live(id).await?.hold().await;
        if held.room.visit.seat_of(who).is_none_or(|seated| seated.seat != seat) {
            return Err(VisitError::NotFound);
        }
        let actor = Actor::Participant(who);
        let plan = held.room.plan(Act::done(actor, "seat.leave"), |visit| Ok(visit.leave(who, now)))?;
        let gone = held.room.commit_first(plan);
        self.unseat(&held.room, gone).await;
        self.try_to_catch_up(&mut held.room).await;
        self.announce(held).await;
        Ok(())
    }

    /// What may be forwarded of someone.
    pub async fn set_sources(&self, id: VisitId, who: ParticipantId, seat: Seat, sources: Sources) -> Result<(), VisitError> {
        let mut held = self.live(id).await?.hold().await;
        if held.room.visit.seat_of(who).is_none_or(|seated| seated.seat != seat) {
            return Err(VisitError::NotFound);
        }
        let actor = Actor::Participant(who);
        let plan = held.room.plan(Act::done(actor, "seat.sources"), |visit| visit.set_sources(who, sources))?;
        held.room.commit_first(plan);
        if let Some(worker) = held.room.worker {
            self.0.parts.media.send(worker, Command::SetSources { visit: id, seat, sources }).await;
        }
        self.try_to_catch_up(&mut held.room).await;
        self.announce(held).await;
        Ok(())
    }

    /// What the page of someone shows of the others. No act: it is neither recorded nor told to anybody but media.
    /// `leg` is the connection that the page means; none, if it means whichever there is.
    pub async fn show(
        &self,
        id: VisitId,
        who: ParticipantId,
        seat: Seat,
        leg: Option<LegId>,
        asked: &Asked,
    ) -> Result<(), SeatError> {
        let mut held = self.live(id).await?.hold().await;
        if held.room.visit.seat_of(who).is_none_or(|seated| seated.seat != seat) {
            return Err(VisitError::NotFound.into());
        }
        let Room { visit, scene, worker, .. } = &mut *held.room;
        let order = scene.show(visit, seat, leg, asked, self.clock().passed()).map_err(|not_heard| match not_heard {
            NotHeard::OtherLeg => SeatError::LegGone,
            NotHeard::TooOften => SeatError::TooOften,
        })?;
        if let (Some(worker), Some(order)) = (*worker, order) {
            self.0.parts.media.send(worker, order).await;
        }
        Ok(())
    }

    /// Puts a visit on a worker, if it is not there already. False if the worker is gone.
    async fn place(&self, room: &mut Room, place: &WorkerInfo) -> bool {
        if room.worker == Some(place.worker) {
            return true;
        }
        if !self.0.parts.media.send(place.worker, Command::OpenVisit { visit: room.visit.id }).await {
            return false;
        }
        room.worker = Some(place.worker);
        tracing::info!(visit = %room.visit.id, worker = place.worker, "the visit has a worker");
        true
    }
}
