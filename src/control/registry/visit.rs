//! The rules of a live visit, pure: told what happened and when, it says who sits where.
//!
//! A person's way: verified → waiting → admitted (a seat is reserved) → joined → left. The provider is not
//! admitted by anyone and has a seat of their own. A lost connection keeps its seat for a while.
//!
//! Contract: after anything that changes it, [`Visit::take_changes`] is what the record has to learn.

use std::time::Duration;

use jiff::Timestamp;

use super::person::{Devices, Hold, Identity, Now, Person, Presence, RECONNECT, RESERVED, Seated};
use crate::base::ids::{LinkId, ParticipantId};
use crate::base::{Instant, LegId, Seat, VisitId};
use crate::control::schedule::{Admission, Rejoin, Rules};
use crate::control::store::PresenceRecord;
use crate::control::words::{Notice, Reason, Role, Standing};
use crate::link::Sources;

/// People of one visit at one time, seated or not: each link brings at most two. More would only make the
/// provider's list unreadable.
pub const PEOPLE_MAX: usize = 32;
/// How long before it closes a visit says so to those inside: time for a last question and a good-bye.
pub const CLOSING: Duration = Duration::from_secs(10 * 60);

/// The hours of a visit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hours {
    /// The first moment at which people may come in.
    pub opens_at: Timestamp,
    /// When the appointment's own time is over.
    pub ends_at: Timestamp,
    /// The first moment at which it is open no more.
    pub closes_at: Timestamp,
}

/// A live visit.
#[derive(Clone, Debug)]
pub struct Visit {
    pub id: VisitId,
    pub hours: Hours,
    rules: Rules,
    ended: bool,
    /// Whether it closes soon.
    closing: bool,
    /// What the provider last told those who wait.
    message: Option<(Notice, Timestamp)>,
    people: Vec<Person>,
    changes: Vec<PresenceRecord>,
}

/// Why something was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The visit has ended.
    Ended,
    /// Nobody of that name is here.
    Unknown,
    /// Not admitted, or not waiting.
    NotAdmitted,
    /// Has no seat to give up.
    NotSeated,
    /// A provider is sent out by nobody.
    Provider,
    /// Who was inside may not come back now.
    RejoinClosed,
    /// Every seat is taken or reserved.
    RoomFull,
    /// Someone else shares their screen: it is one at a time, and who began keeps it until they stop.
    ScreenTaken,
}

/// A leg that has to go, and from where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unseat {
    pub seat: Seat,
    pub leg: LegId,
}

impl Visit {
    pub fn new(id: VisitId, hours: Hours, rules: Rules) -> Visit {
        Visit { id, hours, rules, ended: false, closing: false, message: None, people: Vec::new(), changes: Vec::new() }
    }

    pub fn is_ended(&self) -> bool {
        self.ended
    }

    /// Whether someone has a seat.
    pub fn is_running(&self) -> bool {
        self.people.iter().any(|person| person.seated().is_some())
    }

    /// Whether it closes within [`CLOSING`].
    pub fn is_closing(&self) -> bool {
        self.closing
    }

    /// What the provider last told those who wait, and when.
    pub fn message(&self) -> Option<&(Notice, Timestamp)> {
        self.message.as_ref()
    }

    /// What became of people since this was last asked, for the record.
    pub fn take_changes(&mut self) -> Vec<PresenceRecord> {
        std::mem::take(&mut self.changes)
    }

    /// Everyone, in the order in which they came.
    pub fn people(&self) -> &[Person] {
        &self.people
    }

    pub fn person(&self, id: ParticipantId) -> Option<&Person> {
        self.people.iter().find(|person| person.who.id == id)
    }

    /// The seat of someone, if they have one.
    pub fn seat_of(&self, id: ParticipantId) -> Option<Seated> {
        self.person(id)?.seated()
    }

    /// Who holds a seat.
    pub fn sitter(&self, seat: Seat) -> Option<&Person> {
        self.people.iter().find(|person| person.seated().is_some_and(|seated| seated.seat == seat))
    }

    /// Whether nobody more can be admitted: the provider's seat is not for them.
    pub fn is_full(&self) -> bool {
        self.free_seat(Role::Patient).is_none()
    }

    /// Whether a provider is in the room, be it with a weak connection.
    pub fn has_provider(&self) -> bool {
        self.people.iter().any(|person| person.who.role == Role::Provider && person.is_inside())
    }

    /// Whether nobody more can come through the door.
    pub fn is_crowded(&self) -> bool {
        self.people.len() >= PEOPLE_MAX
    }

    /// Whom someone who comes in now by this link in this role takes the place of.
    pub fn predecessors(&self, link: LinkId, role: Role) -> Vec<ParticipantId> {
        self.people.iter().filter(|one| one.who.link == link && one.who.role == role).map(|one| one.who.id).collect()
    }

    /// Everyone who came in by this link.
    pub fn invited_by(&self, link: LinkId) -> Vec<ParticipantId> {
        self.people.iter().filter(|one| one.who.link == link).map(|one| one.who.id).collect()
    }

    /// Someone came through the door.
    pub fn enter(&mut self, who: Identity, now: Timestamp) -> Result<(), Refused> {
        self.open()?;
        if self.is_crowded() {
            return Err(Refused::RoomFull);
        }
        let person = Person::new(who, now);
        self.changes.push(person.record());
        self.people.push(person);
        Ok(())
    }

    /// Someone whom the record knows to be here, before anything else happens. `alive`: what holds their seat
    /// now, if media still carries them. More people than a visit takes cannot have been recorded.
    pub fn restore(&mut self, who: Identity, record: Option<&PresenceRecord>, alive: Option<Hold>, now: Now) {
        let mut person = match record {
            Some(record) => Person::restored(who, record, alive, now.passed),
            None => Person::new(who, now.wall),
        };
        // Two on one seat cannot have been recorded; if they were, the first keeps it.
        if person.seated().is_some_and(|seated| self.sitter(seated.seat).is_some()) {
            return;
        }
        if record.is_some_and(|record| *record != person.record()) {
            person.since = now.wall;
            self.changes.push(person.record());
        }
        self.people.push(person);
        self.check_invariants();
    }

    /// Someone is no longer of this visit: replaced by a newer session, or their link was revoked, or they may
    /// not come back.
    pub fn expel(&mut self, id: ParticipantId, reason: Reason, now: Timestamp) -> Option<Unseat> {
        let place = self.people.iter().position(|person| person.who.id == id)?;
        let person = self.people.remove(place);
        let gone =
            PresenceRecord { standing: Standing::Left, reason: Some(reason), seat: None, leg: None, at: now, ..person.record() };
        self.changes.push(gone);
        self.check_invariants();
        unseat(person.presence)
    }

    /// Someone pressed "Join": they wait, or, if they are a provider, a seat is reserved for them. Pressing
    /// twice, or when already seated, only tells of the devices.
    pub fn ready(&mut self, id: ParticipantId, devices: Option<Devices>, now: Now) -> Result<(), Refused> {
        self.open()?;
        let person = self.person(id).ok_or(Refused::Unknown)?;
        let (presence, role, was_seated) = (person.presence, person.who.role, person.was_seated);
        match (presence, role) {
            (Presence::Seated(_) | Presence::Waiting, _) => {}
            (Presence::Verified | Presence::Left, Role::Provider) => drop(self.reserve(id, now)?),
            (Presence::Verified | Presence::Left, Role::Patient | Role::Guest | Role::Interpreter) => {
                if was_seated && !self.takes_back(now.wall) {
                    return Err(Refused::RejoinClosed);
                }
                self.change(id, Presence::Waiting, None, now.wall);
            }
        }
        if devices.is_some() {
            for person in self.people.iter_mut().filter(|person| person.who.id == id) {
                person.devices = devices;
            }
        }
        self.release(now);
        Ok(())
    }

    /// Lets one person in who waits. Someone already let in stays so.
    pub fn admit(&mut self, id: ParticipantId, now: Now) -> Result<(), Refused> {
        self.open()?;
        match self.person(id).ok_or(Refused::Unknown)?.presence {
            Presence::Seated(_) => Ok(()),
            Presence::Waiting => self.reserve(id, now).map(drop),
            Presence::Verified | Presence::Left => Err(Refused::NotAdmitted),
        }
    }

    /// Lets in everyone for whom there is a seat, longest waiting first; refused if nobody could be let in.
    pub fn admit_all(&mut self, now: Now) -> Result<Vec<ParticipantId>, Refused> {
        self.open()?;
        let waiting = self.waiting();
        let admitted: Vec<_> = waiting.iter().copied().filter(|id| self.reserve(*id, now).is_ok()).collect();
        if admitted.is_empty() && !waiting.is_empty() { Err(Refused::RoomFull) } else { Ok(admitted) }
    }

    /// Sends someone with a seat back to the waiting room. Their media stops.
    pub fn step_out(&mut self, id: ParticipantId, now: Timestamp) -> Result<Option<Unseat>, Refused> {
        let gone = unseat(self.guest(id)?.presence);
        if self.seat_of(id).is_none() {
            return Err(Refused::NotSeated);
        }
        self.change(id, Presence::Waiting, Some(Reason::SteppedOut), now);
        Ok(gone)
    }

    /// Has someone leave, seated or waiting; they may come back.
    pub fn remove(&mut self, id: ParticipantId, now: Timestamp) -> Result<Option<Unseat>, Refused> {
        let gone = unseat(self.guest(id)?.presence);
        self.change(id, Presence::Left, Some(Reason::Removed), now);
        Ok(gone)
    }

    /// Has someone leave for good.
    pub fn bar(&mut self, id: ParticipantId, now: Timestamp) -> Result<Option<Unseat>, Refused> {
        self.guest(id)?;
        Ok(self.expel(id, Reason::Barred, now))
    }

    /// What those who wait are told from now on; nothing, if there is nothing to say.
    pub fn tell(&mut self, notice: Option<Notice>, now: Timestamp) -> Result<(), Refused> {
        self.open()?;
        self.message = notice.map(|notice| (notice, now));
        Ok(())
    }

    /// Those who wait, longest first.
    pub fn waiting(&self) -> Vec<ParticipantId> {
        let mut waiting: Vec<_> = self.people.iter().filter(|person| person.presence == Presence::Waiting).collect();
        waiting.sort_by_key(|person| person.since);
        waiting.iter().map(|person| person.who.id).collect()
    }

    /// Seats a leg for someone who may sit. An older leg on the seat gives way, as it does on the worker.
    pub fn connect(&mut self, id: ParticipantId, leg: LegId, now: Now) -> Result<Seat, Refused> {
        let seat = self.seat_for(id)?;
        let held = self.seat_of(id);
        let again = held.is_some_and(|seated| !matches!(seated.hold, Hold::Reserved { .. } | Hold::Connecting { .. }));
        let hold = if again { Hold::Reconnecting { leg } } else { Hold::Connecting { leg } };
        self.change(id, Presence::Seated(Seated { seat, hold }), None, now.wall);
        Ok(seat)
    }

    /// The seat that this person holds or, for a provider, would get.
    pub fn seat_for(&self, id: ParticipantId) -> Result<Seat, Refused> {
        self.open()?;
        let person = self.person(id).ok_or(Refused::Unknown)?;
        match (person.presence, person.who.role) {
            (Presence::Seated(seated), _) => Ok(seated.seat),
            (Presence::Verified | Presence::Waiting | Presence::Left, Role::Provider) => {
                self.free_seat(Role::Provider).ok_or(Refused::RoomFull)
            }
            (Presence::Waiting, Role::Patient | Role::Guest | Role::Interpreter) if self.is_full() => Err(Refused::RoomFull),
            (Presence::Verified | Presence::Waiting | Presence::Left, Role::Patient | Role::Guest | Role::Interpreter) => {
                Err(Refused::NotAdmitted)
            }
        }
    }

    /// Someone for whom a seat is reserved would take it and cannot yet: it is reserved for as long again.
    pub fn reserve_anew(&mut self, id: ParticipantId, now: Instant) {
        for person in self.people.iter_mut().filter(|person| person.who.id == id) {
            if let Presence::Seated(Seated { hold: Hold::Reserved { until }, .. }) = &mut person.presence {
                *until = now + RESERVED;
            }
        }
    }

    /// Someone gives up their seat, or stops waiting.
    pub fn leave(&mut self, id: ParticipantId, now: Now) -> Option<Unseat> {
        let gone = unseat(self.person(id)?.presence);
        self.change(id, Presence::Left, None, now.wall);
        self.release(now);
        gone
    }

    /// What may be forwarded of someone.
    pub fn set_sources(&mut self, id: ParticipantId, sources: Sources) -> Result<Seated, Refused> {
        self.open()?;
        let seated = self.seat_of(id).ok_or(Refused::NotAdmitted)?;
        if sources.screen && self.people.iter().any(|person| person.who.id != id && person.shares_screen()) {
            return Err(Refused::ScreenTaken);
        }
        for person in self.people.iter_mut().filter(|person| person.who.id == id) {
            person.sources = sources;
        }
        Ok(seated)
    }

    /// Media says that a leg works, for the first time or again.
    pub fn leg_connected(&mut self, seat: Seat, leg: LegId, now: Now) -> bool {
        let changed = self.hold(seat, leg, Hold::Connected { leg }, now.wall);
        self.release(now);
        changed
    }

    /// Media says that nothing is heard of a leg.
    pub fn leg_silent(&mut self, seat: Seat, leg: LegId, now: Timestamp) -> bool {
        self.hold(seat, leg, Hold::Silent { leg }, now)
    }

    /// Media says that a leg is gone: its seat is kept for a while.
    pub fn leg_ended(&mut self, seat: Seat, leg: LegId, now: Now) -> bool {
        self.hold(seat, leg, Hold::Lost { until: now.passed + RECONNECT }, now.wall)
    }

    /// Media lost the whole visit: every seat with a leg is kept for a while.
    pub fn media_lost(&mut self, now: Now) -> bool {
        let legs: Vec<_> = self.people.iter().filter_map(|person| unseat(person.presence)).collect();
        for gone in &legs {
            self.leg_ended(gone.seat, gone.leg, now);
        }
        !legs.is_empty()
    }

    /// Time passed: seats that were kept long enough are free, and who is inside is told before the visit closes.
    pub fn handle_timeout(&mut self, now: Now) -> bool {
        let over: Vec<_> = self
            .people
            .iter()
            .filter_map(|person| Some((person.who.id, person.seated()?.hold)))
            .filter(|(_, hold)| hold.until().is_some_and(|until| until <= now.passed))
            .collect();
        for (id, hold) in &over {
            let reason = if matches!(hold, Hold::Reserved { .. }) { Reason::NotConnected } else { Reason::Lost };
            self.change(*id, Presence::Left, Some(reason), now.wall);
        }
        self.release(now);
        let closing = now.wall.checked_add(CLOSING).is_ok_and(|soon| soon >= self.hours.closes_at);
        let changed = !over.is_empty() || closing != self.closing;
        self.closing = closing;
        changed
    }

    /// The visit is over, for everyone and for good. False if it already was.
    pub fn end(&mut self, now: Timestamp) -> bool {
        if self.ended {
            return false;
        }
        self.ended = true;
        self.message = None;
        for person in &mut self.people {
            person.presence = Presence::Left;
            person.reason = None;
            person.since = now;
            self.changes.push(PresenceRecord { standing: Standing::Ended, ..person.record() });
        }
        true
    }

    /// The visit has ended long ago, says the record.
    pub fn restore_end(&mut self, ended_at: Timestamp) {
        self.end(ended_at);
        self.changes.clear();
    }

    fn open(&self) -> Result<(), Refused> {
        if self.ended { Err(Refused::Ended) } else { Ok(()) }
    }

    /// Someone whom the provider may send out.
    fn guest(&self, id: ParticipantId) -> Result<&Person, Refused> {
        self.open()?;
        let person = self.person(id).ok_or(Refused::Unknown)?;
        if person.who.role == Role::Provider { Err(Refused::Provider) } else { Ok(person) }
    }

    /// Whether someone who was inside may come back now.
    fn takes_back(&self, now: Timestamp) -> bool {
        match self.rules.rejoin {
            Rejoin::Window => true,
            Rejoin::ScheduledAndHostPresent => now < self.hours.ends_at && self.has_provider(),
        }
    }

    /// Lets in who waits, where the house leaves that to the provider's coming. Who was sent back to the waiting
    /// room waits for the provider's word all the same.
    fn release(&mut self, now: Now) {
        if self.rules.admission != Admission::OnArrival || self.ended || !self.has_provider() {
            return;
        }
        for id in self.waiting() {
            let sent_back = self.person(id).is_some_and(|person| person.reason == Some(Reason::SteppedOut));
            if !sent_back && self.reserve(id, now).is_err() {
                break;
            }
        }
    }

    /// The lowest free seat for this role. Seat 0 is kept for a provider, whoever else waits; a second
    /// provider takes one of the others.
    fn free_seat(&self, role: Role) -> Option<Seat> {
        Seat::ALL
            .into_iter()
            .filter(|seat| role == Role::Provider || *seat != Seat::PROVIDER)
            .find(|seat| self.sitter(*seat).is_none())
    }

    fn reserve(&mut self, id: ParticipantId, now: Now) -> Result<Seat, Refused> {
        let role = self.person(id).ok_or(Refused::Unknown)?.who.role;
        let seat = self.free_seat(role).ok_or(Refused::RoomFull)?;
        let hold = Hold::Reserved { until: now.passed + RESERVED };
        self.change(id, Presence::Seated(Seated { seat, hold }), None, now.wall);
        Ok(seat)
    }

    /// Changes the hold of whoever has this seat with this leg: a late word of an older leg changes nothing.
    fn hold(&mut self, seat: Seat, leg: LegId, hold: Hold, now: Timestamp) -> bool {
        let held = self.sitter(seat).and_then(|person| Some((person.who.id, person.seated()?)));
        match held {
            Some((id, seated)) if seated.hold.leg() == Some(leg) && seated.hold != hold => {
                self.change(id, Presence::Seated(Seated { seat, hold }), None, now);
                true
            }
            Some(_) | None => false,
        }
    }

    /// The one place where a presence changes.
    fn change(&mut self, id: ParticipantId, presence: Presence, reason: Option<Reason>, now: Timestamp) {
        for person in self.people.iter_mut().filter(|person| person.who.id == id) {
            if person.presence != presence {
                tracing::debug!(visit = %self.id, participant = %id, from = ?person.presence, to = ?presence, "presence");
                let before = person.record();
                person.presence = presence;
                person.reason = reason;
                person.since = now;
                person.was_seated |= person.is_inside();
                let after = person.record();
                if after != (PresenceRecord { at: after.at, ..before }) {
                    self.changes.push(after);
                }
            }
        }
        self.check_invariants();
    }

    /// No seat has two holders; only a provider sits on the provider's seat.
    fn check_invariants(&self) {
        if cfg!(debug_assertions) {
            for seat in Seat::ALL {
                let holders: Vec<_> =
                    self.people.iter().filter(|person| person.seated().is_some_and(|seated| seated.seat == seat)).collect();
                assert!(holders.len() <= 1, "one seat, one person");
                assert!(seat != Seat::PROVIDER || holders.iter().all(|person| person.who.role == Role::Provider));
            }
        }
    }
}

/// The leg that goes when someone of this presence goes.
fn unseat(presence: Presence) -> Option<Unseat> {
    match presence {
        Presence::Seated(Seated { seat, hold }) => hold.leg().map(|leg| Unseat { seat, leg }),
        Presence::Verified | Presence::Waiting | Presence::Left => None,
    }
}
