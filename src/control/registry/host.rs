//! What people do in a visit that media need not know of first: getting ready, waiting, letting in, sending out,
//! telling, ending.

use super::live::{Held, Registry, Room, VisitError};
use super::person::{Devices, Now};
use super::visit::{Refused, Visit};
use crate::base::VisitId;
use crate::base::ids::{AppointmentId, LinkId, ParticipantId};
use crate::control::words::{Act, Actor, Notice, Reason};
use crate::link::Command;

impl Registry {
    /// "Join" on the devices step.
    pub async fn ready(&self, id: VisitId, who: ParticipantId, devices: Option<Devices>) -> Result<(), VisitError> {
        let actor = Actor::Participant(who);
        let held = self.room(id).await?;
        self.may_begin(&held.room.visit)?;
        self.change_held(held, Act::done(actor, "visit.ready"), |visit, now| visit.ready(who, devices, now)).await
    }

    /// "Leave" in the waiting room: whoever waits or gets ready is gone, and may come again. Who has a seat
    /// gives that back instead.
    pub async fn unready(&self, id: VisitId, who: ParticipantId) -> Result<(), VisitError> {
        let actor = Actor::Participant(who);
        self.change(id, Act::done(actor, "visit.unready"), |visit, now| {
            if visit.seat_of(who).is_none() {
                visit.leave(who, now);
            }
            Ok(())
        })
        .await
    }

    /// Lets one person in, or everyone for whom there is a seat. Answers with who was let in and who waits.
    pub async fn admit(
        &self,
        id: VisitId,
        actor: Actor,
        who: Option<ParticipantId>,
    ) -> Result<(Vec<ParticipantId>, Vec<ParticipantId>), VisitError> {
        let act = Act::done(actor, "visit.admit");
        let act = match who {
            Some(who) => act.to(who),
            None => act,
        };
        self.change(id, act, |visit, now| {
            let admitted = match who {
                Some(who) => visit.admit(who, now).map(|()| vec![who])?,
                None => visit.admit_all(now)?,
            };
            Ok((admitted, visit.waiting()))
        })
        .await
    }

    /// Sends someone back to the waiting room.
    pub async fn step_out(&self, id: VisitId, actor: Actor, who: ParticipantId) -> Result<(), VisitError> {
        let now = self.now();
        let mut held = self.room(id).await?;
        let act = Act::done(actor, "visit.step_out").to(who);
        let plan = held.room.plan(act, |visit| visit.step_out(who, now.wall))?;
        self.store().keep(&plan.minutes, now.wall).await?;
        let gone = held.room.commit(plan);
        self.unseat(&held.room, gone).await;
        self.announce(held).await;
        Ok(())
    }

    /// Has someone leave, who may come back or not.
    pub async fn remove(&self, id: VisitId, actor: Actor, who: ParticipantId, may_return: bool) -> Result<(), VisitError> {
        let now = self.now();
        let mut held = self.room(id).await?;
        let gone = if may_return {
            let act = Act::done(actor, "visit.remove").to(who);
            let plan = held.room.plan(act, |visit| visit.remove(who, now.wall))?;
            self.store().keep(&plan.minutes, now.wall).await?;
            held.room.commit(plan)
        } else {
            let act = Act::done(actor, "visit.bar").to(who);
            let plan = held.room.plan(act, |visit| visit.bar(who, now.wall))?;
            self.store().bar(who, &plan.minutes, now.wall).await?;
            held.room.commit(plan)
        };
        self.unseat(&held.room, gone).await;
        self.announce(held).await;
        Ok(())
    }

    /// Tells those who wait something; nothing takes it back.
    pub async fn tell(&self, id: VisitId, actor: Actor, notice: Option<Notice>) -> Result<(), VisitError> {
        self.change(id, Act::done(actor, "visit.message"), |visit, now| visit.tell(notice, now.wall)).await
    }

    /// Ends a visit for everyone and for good.
    pub async fn end(&self, id: VisitId, actor: Actor) -> Result<(), VisitError> {
        self.end_with(id, Act::done(actor, "visit.end")).await
    }

    /// Ends a visit by this act.
    pub(super) async fn end_with(&self, id: VisitId, act: Act) -> Result<(), VisitError> {
        let now = self.now();
        let mut held = self.room(id).await?;
        let plan = held.room.plan(act, |visit| Ok(visit.end(now.wall)))?;
        // First the record: what is told to people must survive a crash.
        self.store().end_visit(&plan.minutes, now.wall).await?;
        let ended = held.room.commit(plan);
        self.close(&mut held.room, ended).await;
        self.announce(held).await;
        Ok(())
    }

    /// Cancels an appointment, and ends its visit. False if there was nothing to cancel.
    pub async fn cancel(&self, appointment: AppointmentId, visit: VisitId, actor: Actor) -> Result<bool, VisitError> {
        let now = self.now();
        let mut held = self.room(visit).await?;
        let act = Act::done(actor, "appointment.cancel").to(appointment);
        let plan = held.room.plan(act, |visit| Ok(visit.end(now.wall)))?;
        let cancelled = self.store().cancel(appointment, &plan.minutes, now.wall).await?;
        if cancelled {
            let ended = held.room.commit(plan);
            self.close(&mut held.room, ended).await;
            self.announce(held).await;
        }
        Ok(cancelled)
    }

    /// Revokes a link; who came in by it has to go. False if there is no such living link.
    pub async fn revoke(
        &self,
        appointment: AppointmentId,
        visit: VisitId,
        link: LinkId,
        actor: Actor,
    ) -> Result<bool, VisitError> {
        let now = self.now();
        let mut held = self.room(visit).await?;
        let act = Act::done(actor, "link.revoke").to(link);
        let plan = held.room.plan(act, |visit| {
            let gone = visit.invited_by(link);
            Ok(gone.into_iter().filter_map(|id| visit.expel(id, Reason::Revoked, now.wall)).collect::<Vec<_>>())
        })?;
        if !self.store().revoke_link(appointment, link, &plan.minutes, now.wall).await? {
            return Ok(false);
        }
        for gone in held.room.commit(plan) {
            self.unseat(&held.room, Some(gone)).await;
        }
        self.announce(held).await;
        Ok(true)
    }

    /// A change that asks nothing of media and of no other record.
    async fn change<R>(
        &self,
        id: VisitId,
        act: Act,
        change: impl FnOnce(&mut Visit, Now) -> Result<R, Refused>,
    ) -> Result<R, VisitError> {
        self.change_held(self.room(id).await?, act, change).await
    }

    async fn change_held<R>(
        &self,
        mut held: Held,
        act: Act,
        change: impl FnOnce(&mut Visit, Now) -> Result<R, Refused>,
    ) -> Result<R, VisitError> {
        let now = self.now();
        let plan = held.room.plan(act, |visit| change(visit, now))?;
        self.store().keep(&plan.minutes, now.wall).await?;
        let outcome = held.room.commit(plan);
        self.announce(held).await;
        Ok(outcome)
    }

    /// A visit that has ended needs no media.
    pub(super) async fn close(&self, room: &mut Room, ended: bool) {
        if ended {
            tracing::info!(visit = %room.visit.id, "the visit has ended");
        }
        if let Some(worker) = room.worker.take() {
            self.capacity().forget(worker, room.visit.id);
            self.0.parts.media.send(worker, Command::CloseVisit { visit: room.visit.id }).await;
        }
    }
}
