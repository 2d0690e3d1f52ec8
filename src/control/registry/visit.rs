//! The rules of a live visit, pure: told what happened and when, it says who sits where.
//!
//! A person's way: verified → waiting → admitted (a seat is reserved) → joined → left. The provider is not
//! admitted by anyone and has a seat of their own. A lost connection keeps its seat for a while.

use std::time::Duration;

use jiff::Timestamp;

use crate::base::ids::ParticipantId;
use crate::base::{Instant, LegId, Seat, VisitId};
use crate::control::words::{Name, Role};
use crate::link::Sources;

/// How long a seat waits for someone who lost the connection. Shorter would cost people in a lift their
/// place; longer would keep a place from who waits.
pub const RECONNECT: Duration = Duration::from_secs(30);
/// How long a seat is reserved for someone admitted. Long enough to be called back to the screen; not so
/// long that a closed browser fills the room.
pub const RESERVED: Duration = Duration::from_secs(120);
/// People of one visit at one time, seated or not: each link brings at most two. More would only make the
/// provider's list unreadable.
pub const PEOPLE_MAX: usize = 32;

/// When something happened: the date for people, the time that passed for deadlines.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    pub wall: Timestamp,
    pub passed: Instant,
}

/// A live visit.
#[derive(Clone, Debug)]
pub struct Visit {
    pub id: VisitId,
    pub opens_at: Timestamp,
    pub closes_at: Timestamp,
    ended: bool,
    people: Vec<Person>,
}

/// Someone in it.
#[derive(Clone, Debug)]
pub struct Person {
    pub id: ParticipantId,
    pub name: Name,
    pub role: Role,
    pub presence: Presence,
    /// When the presence began to be what it is.
    pub since: Timestamp,
    pub sources: Sources,
}

impl Person {
    /// Whether the others are shown this person's screen.
    pub fn shares_screen(&self) -> bool {
        self.sources.screen && matches!(self.presence, Presence::Seated(_))
    }
}

/// Where someone is on their way, in the order of the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// Came through the door, and is getting ready.
    Verified,
    /// Waits to be let in.
    Waiting,
    /// Has this seat.
    Seated(Seated),
    Left,
}

/// Someone's hold on a seat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seated {
    pub seat: Seat,
    pub hold: Hold,
}

/// How far the connection of a seat is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// Kept until then for someone who has yet to connect.
    Reserved {
        until: Instant,
    },
    /// A leg is being connected for the first time; media says when it ends.
    Connecting {
        leg: LegId,
    },
    Connected {
        leg: LegId,
    },
    /// Nothing is heard of a leg that may still come back; media says when it ends.
    Silent {
        leg: LegId,
    },
    /// The leg is gone; the seat is kept until then.
    Lost {
        until: Instant,
    },
    /// A new leg after a lost one is being connected.
    Reconnecting {
        leg: LegId,
    },
}

impl Hold {
    /// The leg that stands behind this hold, if there is one.
    pub fn leg(self) -> Option<LegId> {
        match self {
            Hold::Connecting { leg } | Hold::Connected { leg } | Hold::Silent { leg } | Hold::Reconnecting { leg } => Some(leg),
            Hold::Reserved { .. } | Hold::Lost { .. } => None,
        }
    }

    fn until(self) -> Option<Instant> {
        match self {
            Hold::Reserved { until } | Hold::Lost { until } => Some(until),
            Hold::Connecting { .. } | Hold::Connected { .. } | Hold::Silent { .. } | Hold::Reconnecting { .. } => None,
        }
    }
}

/// What is sent of someone who has not said otherwise. A screen is shared by saying so.
const AT_FIRST: Sources = Sources { microphone: true, camera: true, screen: false };

/// Why something was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The visit has ended.
    Ended,
    /// Nobody of that name is here.
    Unknown,
    /// Not admitted, or not waiting.
    NotAdmitted,
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
    pub fn new(id: VisitId, opens_at: Timestamp, closes_at: Timestamp, ended: bool) -> Visit {
        Visit { id, opens_at, closes_at, ended, people: Vec::new() }
    }

    pub fn is_ended(&self) -> bool {
        self.ended
    }

    /// Everyone, in the order in which they came.
    pub fn people(&self) -> &[Person] {
        &self.people
    }

    pub fn person(&self, id: ParticipantId) -> Option<&Person> {
        self.people.iter().find(|person| person.id == id)
    }

    /// The seat of someone, if they have one.
    pub fn seat_of(&self, id: ParticipantId) -> Option<Seated> {
        match self.person(id)?.presence {
            Presence::Seated(seated) => Some(seated),
            Presence::Verified | Presence::Waiting | Presence::Left => None,
        }
    }

    /// Who holds a seat.
    pub fn sitter(&self, seat: Seat) -> Option<&Person> {
        self.people.iter().find(|person| matches!(person.presence, Presence::Seated(seated) if seated.seat == seat))
    }

    /// Whether nobody more can be admitted: the provider's seat is not for them.
    pub fn is_full(&self) -> bool {
        self.free_seat(Role::Patient).is_none()
    }

    /// Whether a provider is in the room, be it with a weak connection.
    pub fn has_provider(&self) -> bool {
        self.people.iter().any(|person| {
            person.role == Role::Provider
                && matches!(person.presence, Presence::Seated(Seated { hold, .. })
                    if !matches!(hold, Hold::Reserved { .. } | Hold::Connecting { .. }))
        })
    }

    /// Whether nobody more can come through the door.
    pub fn is_crowded(&self) -> bool {
        self.people.len() >= PEOPLE_MAX
    }

    /// Someone came through the door.
    pub fn enter(&mut self, id: ParticipantId, name: Name, role: Role, now: Timestamp) -> Result<(), Refused> {
        if self.ended {
            return Err(Refused::Ended);
        }
        if self.is_crowded() {
            return Err(Refused::RoomFull);
        }
        self.people.push(Person { id, name, role, presence: Presence::Verified, since: now, sources: AT_FIRST });
        Ok(())
    }

    /// Someone is no longer of this visit: replaced by a newer session, or their link was revoked.
    pub fn expel(&mut self, id: ParticipantId) -> Option<Unseat> {
        let place = self.people.iter().position(|person| person.id == id)?;
        let person = self.people.remove(place);
        self.check_invariants();
        unseat(person.presence)
    }

    /// Someone pressed "Join": they wait, or, if they are a provider, a seat is reserved for them. Pressing
    /// twice, or when already seated, changes nothing.
    pub fn ready(&mut self, id: ParticipantId, now: Now) -> Result<(), Refused> {
        self.open()?;
        let person = self.person(id).ok_or(Refused::Unknown)?;
        match (person.presence, person.role) {
            (Presence::Seated(_) | Presence::Waiting, _) => Ok(()),
            (Presence::Verified | Presence::Left, Role::Provider) => self.reserve(id, now).map(drop),
            (Presence::Verified | Presence::Left, Role::Patient | Role::Guest | Role::Interpreter) => {
                self.change(id, Presence::Waiting, now.wall);
                Ok(())
            }
        }
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

    /// Those who wait, longest first.
    pub fn waiting(&self) -> Vec<ParticipantId> {
        let mut waiting: Vec<_> = self.people.iter().filter(|person| person.presence == Presence::Waiting).collect();
        waiting.sort_by_key(|person| person.since);
        waiting.iter().map(|person| person.id).collect()
    }

    /// Seats a leg for someone who may sit. An older leg on the seat gives way, as it does on the worker.
    pub fn connect(&mut self, id: ParticipantId, leg: LegId, now: Now) -> Result<Seat, Refused> {
        let seat = self.seat_for(id)?;
        let held = self.seat_of(id);
        let again = held.is_some_and(|seated| !matches!(seated.hold, Hold::Reserved { .. } | Hold::Connecting { .. }));
        let hold = if again { Hold::Reconnecting { leg } } else { Hold::Connecting { leg } };
        self.change(id, Presence::Seated(Seated { seat, hold }), now.wall);
        Ok(seat)
    }

    /// The seat that this person holds or, for a provider, would get.
    pub fn seat_for(&self, id: ParticipantId) -> Result<Seat, Refused> {
        self.open()?;
        let person = self.person(id).ok_or(Refused::Unknown)?;
        match (person.presence, person.role) {
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

    /// Someone gives up their seat, or stops waiting.
    pub fn leave(&mut self, id: ParticipantId, now: Timestamp) -> Option<Unseat> {
        let gone = unseat(self.person(id)?.presence);
        self.change(id, Presence::Left, now);
        gone
    }

    /// What may be forwarded of someone.
    pub fn set_sources(&mut self, id: ParticipantId, sources: Sources) -> Result<Seated, Refused> {
        self.open()?;
        let seated = self.seat_of(id).ok_or(Refused::NotAdmitted)?;
        if sources.screen && self.people.iter().any(|person| person.id != id && person.shares_screen()) {
            return Err(Refused::ScreenTaken);
        }
        for person in self.people.iter_mut().filter(|person| person.id == id) {
            person.sources = sources;
        }
        Ok(seated)
    }

    /// Media says that a leg works, for the first time or again.
    pub fn leg_connected(&mut self, seat: Seat, leg: LegId, now: Timestamp) -> bool {
        self.hold(seat, leg, Hold::Connected { leg }, now)
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

    /// Time passed: seats that were kept long enough are free.
    pub fn handle_timeout(&mut self, now: Now) -> bool {
        let over: Vec<_> = self
            .people
            .iter()
            .filter(|person| match person.presence {
                Presence::Seated(seated) => seated.hold.until().is_some_and(|until| until <= now.passed),
                Presence::Verified | Presence::Waiting | Presence::Left => false,
            })
            .map(|person| person.id)
            .collect();
        for id in &over {
            self.change(*id, Presence::Left, now.wall);
        }
        !over.is_empty()
    }

    /// The visit is over, for everyone and for good. False if it already was.
    pub fn end(&mut self, now: Timestamp) -> bool {
        if self.ended {
            return false;
        }
        self.ended = true;
        for person in &mut self.people {
            person.presence = Presence::Left;
            person.since = now;
        }
        true
    }

    fn open(&self) -> Result<(), Refused> {
        if self.ended { Err(Refused::Ended) } else { Ok(()) }
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
        let role = self.person(id).ok_or(Refused::Unknown)?.role;
        let seat = self.free_seat(role).ok_or(Refused::RoomFull)?;
        let hold = Hold::Reserved { until: now.passed + RESERVED };
        self.change(id, Presence::Seated(Seated { seat, hold }), now.wall);
        Ok(seat)
    }

    /// Changes the hold of whoever has this seat with this leg: a late word of an older leg changes nothing.
    fn hold(&mut self, seat: Seat, leg: LegId, hold: Hold, now: Timestamp) -> bool {
        let held = self.sitter(seat).map(|person| (person.id, person.presence));
        match held {
            Some((id, Presence::Seated(seated))) if seated.hold.leg() == Some(leg) && seated.hold != hold => {
                self.change(id, Presence::Seated(Seated { seat, hold }), now);
                true
            }
            Some(_) | None => false,
        }
    }

    /// The one place where a presence changes.
    fn change(&mut self, id: ParticipantId, presence: Presence, now: Timestamp) {
        for person in self.people.iter_mut().filter(|person| person.id == id) {
            if person.presence != presence {
                tracing::debug!(visit = %self.id, participant = %id, from = ?person.presence, to = ?presence, "presence");
                person.presence = presence;
                person.since = now;
            }
        }
        self.check_invariants();
    }

    /// No seat has two holders; only a provider sits on the provider's seat.
    fn check_invariants(&self) {
        if cfg!(debug_assertions) {
            for seat in Seat::ALL {
                let holders: Vec<_> = self
                    .people
                    .iter()
                    .filter(|person| matches!(person.presence, Presence::Seated(seated) if seated.seat == seat))
                    .collect();
                assert!(holders.len() <= 1, "one seat, one person");
                assert!(seat != Seat::PROVIDER || holders.iter().all(|person| person.role == Role::Provider));
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
