//! From an offer to a leg on a worker.

use std::pin::pin;
use std::time::Duration;

use tokio::time::timeout;

use super::capacity::{Claim, Full, RETRY_AFTER, Unplaced};
use super::layout::Asked;
use super::live::{Held, Registry, Room, VisitError};
use super::person::{Hold, Now, Presence};
use super::ports::WorkerInfo;
use super::scene::NotHeard;
use super::visit::Visit;
use crate::base::ids::ParticipantId;
use crate::base::{LegId, Seat, VisitId};
use crate::control::negotiate::{self, LocalMedia, OfferError};
use crate::control::words::{Act, Actor, random};
use crate::link::{Command, Sources};

/// How long someone who takes a seat waits for media that is being started again. It is back within a second or so, and who
/// asked meanwhile is seated at once then. Longer, and a person would look at a picture that stands still while nobody says
/// why; shorter, and their page would build connections in vain and come later than it could.
const MEDIA_BACK: Duration = Duration::from_secs(4);

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
    /// Every worker that could is as busy as it may be. The text of a refusal says when to try again.
    ServerFull {
        retry_after: Duration,
    },
}

impl<E: Into<VisitError>> From<E> for SeatError {
    fn from(error: E) -> SeatError {
        SeatError::Visit(error.into())
    }
}

impl Registry {
    /// Seats someone with an offer. Answers with their seat, the leg's name and the SDP answer.
    ///
    /// Whether a worker can take them on is asked first, so that who is refused costs next to nothing. The leg is
    /// recorded before media hears of it, so that after a crash no leg is taken for another's.
    pub async fn sit(&self, id: VisitId, who: ParticipantId, offer: &str) -> Result<(Seat, LegId, String), SeatError> {
        self.media_is_there().await;
        let mut held = self.room(id).await?;
        self.may_begin(&held.room.visit)?;
        let seat = held.room.visit.seat_for(who)?;
        let now = self.now();
        let (place, promise) = self.promise(&mut held, who, seat, now)?;
        let local = LocalMedia { fingerprint: place.fingerprint, candidates: place.addresses.clone() };
        let negotiated = negotiate::answer(offer, seat, &local, &mut random::fill).map_err(SeatError::Offer)?;

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
        if !(self.place(&mut held.room, &place).await && self.0.parts.media.send(place.worker, connect).await) {
            self.happened(held, |visit| visit.leg_ended(seat, leg, now)).await;
            return Err(SeatError::NoMedia);
        }
        promise.keep();
        self.announce(held).await;
        Ok((seat, leg, negotiated.answer))
    }

    /// Waits for media that is being started again. It may be gone still, or anew, after that.
    async fn media_is_there(&self) {
        let back = self.0.back.notified();
        let mut back = pin!(back);
        // Heard from now on, so that nothing is missed between the look and the wait.
        back.as_mut().enable();
        if !self.has_media() {
            let _ = timeout(MEDIA_BACK, back).await;
        }
    }

    /// Finds the worker for someone who takes a seat: the one that carries the visit, or the least busy one. Their
    /// place there is promised before anyone else is asked for.
    fn promise(
        &self,
        held: &mut Held,
        who: ParticipantId,
        seat: Seat,
        now: Now,
    ) -> Result<(WorkerInfo, Promised<'_>), SeatError> {
        let Room { visit, worker, .. } = &mut *held.room;
        let workers = self.0.parts.media.workers();
        let here = worker.filter(|here| workers.iter().any(|info| info.worker == *here));
        let claim = claim(visit, who, here.is_some());
        let (id, passed) = (visit.id, now.passed);
        let mut capacity = self.capacity();
        let placed = match here {
            Some(here) => capacity.join(here, id, seat, claim, passed).map(|()| here).map_err(|Full| Unplaced::Full),
            None => capacity.place(workers.iter().map(|info| info.worker), id, seat, claim, passed),
        };
        drop(capacity);
        let place = placed.map_err(|why| match why {
            Unplaced::Nobody => SeatError::NoMedia,
            Unplaced::Full => {
                // Who was let in stays so while their page tries.
                visit.reserve_anew(who, now.passed);
                tracing::info!(visit = %id, ?claim, "refused: every worker that could carry them is too busy");
                SeatError::ServerFull { retry_after: RETRY_AFTER }
            }
        })?;
        let promise = Promised { registry: self, worker: place, visit: id, seat, opens: here.is_none(), kept: false };
        let place = workers.into_iter().find(|info| info.worker == place).ok_or(SeatError::NoMedia)?;
        Ok((place, promise))
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

/// A place that was promised to someone who is not seated yet: taken back unless it is kept.
struct Promised<'a> {
    registry: &'a Registry,
    worker: u16,
    visit: VisitId,
    seat: Seat,
    /// Whether the visit goes there with them.
    opens: bool,
    kept: bool,
}

impl Promised<'_> {
    fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for Promised<'_> {
    fn drop(&mut self) {
        let Promised { registry, worker, visit, seat, opens, kept } = *self;
        match (kept, opens) {
            (true, _) => {}
            (false, true) => registry.capacity().forget(worker, visit),
            (false, false) => registry.capacity().take_back(worker, visit, seat),
        }
    }
}

/// What someone's coming asks of media. `carried`: whether a worker carries the visit.
fn claim(visit: &Visit, who: ParticipantId, carried: bool) -> Claim {
    let is_back = |hold: Hold| !matches!(hold, Hold::Reserved { .. });
    match visit.seat_of(who).map(|seated| seated.hold) {
        Some(hold) if hold.leg().is_some() && carried => Claim::Replacing,
        Some(hold) if is_back(hold) => Claim::Back,
        Some(_) | None => {
            let others = || visit.people().iter().filter(|person| person.who.id != who);
            if others().any(|person| person.seated().is_some_and(|seated| is_back(seated.hold))) {
                return Claim::Seat;
            }
            let coming = others().filter(|person| person.presence == Presence::Waiting || person.seated().is_some()).count();
            // Nobody comes to be alone.
            Claim::Visit { people: (1 + coming).clamp(2, Seat::COUNT) }
        }
    }
}
