//! Someone in a visit: who they are, and where they are on their way.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use crate::base::ids::{LinkId, ParticipantId};
use crate::base::{Instant, LegId, Seat};
use crate::control::store::PresenceRecord;
use crate::control::words::{Name, Reason, Role, Standing};
use crate::link::Sources;

/// How long a seat waits for someone who lost the connection. Shorter would cost people in a lift their
/// place; longer would keep a place from who waits.
pub const RECONNECT: Duration = Duration::from_secs(30);
/// How long a seat is reserved for someone admitted. Long enough to be called back to the screen; not so
/// long that a closed browser fills the room.
pub const RESERVED: Duration = Duration::from_secs(120);

/// What is sent of someone who has not said otherwise. A screen is shared by saying so.
const AT_FIRST: Sources = Sources { microphone: true, camera: true, screen: false };

/// When something happened: the date for people, the time that passed for deadlines.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    pub wall: Timestamp,
    pub passed: Instant,
}

/// Who someone is.
#[derive(Clone, Debug)]
pub struct Identity {
    pub id: ParticipantId,
    /// By which they came in.
    pub link: LinkId,
    pub name: Name,
    pub role: Role,
    /// What someone who is not the patient is to the patient.
    pub relationship: Option<Name>,
}

/// Someone in a visit.
#[derive(Clone, Debug)]
pub struct Person {
    pub who: Identity,
    pub presence: Presence,
    /// Why the presence is what it is, where that is not plain.
    pub reason: Option<Reason>,
    /// When the presence began to be what it is.
    pub since: Timestamp,
    pub sources: Sources,
    /// What the devices step found, if they have told.
    pub devices: Option<Devices>,
    /// Whether they have had a seat: coming back is another thing than coming.
    pub was_seated: bool,
}

/// What someone's own test of their devices came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Devices {
    pub camera: bool,
    pub microphone: bool,
    /// The word of [`Speaker`].
    pub speaker: &'static str,
}

crate::control::words::person::word_enum! {
    /// Whether someone heard the test sound.
    Speaker {
        Heard "heard",
        NotHeard "not_heard",
        Untested "untested",
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

    /// When the seat is given up, unless something happens first.
    pub(super) fn until(self) -> Option<Instant> {
        match self {
            Hold::Reserved { until } | Hold::Lost { until } => Some(until),
            Hold::Connecting { .. } | Hold::Connected { .. } | Hold::Silent { .. } | Hold::Reconnecting { .. } => None,
        }
    }
}

impl Person {
    /// Someone who comes through the door.
    pub(super) fn new(who: Identity, now: Timestamp) -> Person {
        Person {
            who,
            presence: Presence::Verified,
            reason: None,
            since: now,
            sources: AT_FIRST,
            devices: None,
            was_seated: false,
        }
    }

    /// Someone as the record last knew them. The connection that carried them is `alive` if media still has it;
    /// otherwise their seat waits for a new one.
    pub(super) fn restored(who: Identity, record: &PresenceRecord, alive: Option<Hold>, now: Instant) -> Person {
        let presence = match (record.standing, record.seat) {
            (Standing::Verified, _) => Presence::Verified,
            (Standing::Waiting, _) => Presence::Waiting,
            (Standing::Admitted, Some(seat)) if record.leg.is_none() => {
                Presence::Seated(Seated { seat, hold: Hold::Reserved { until: now + RESERVED } })
            }
            (Standing::Admitted | Standing::Joined | Standing::Reconnecting, Some(seat)) => {
                let hold = alive.unwrap_or(Hold::Lost { until: now + RECONNECT });
                Presence::Seated(Seated { seat, hold })
            }
            // Nobody is admitted without a seat; who is said to be has none to come back to.
            (Standing::Admitted | Standing::Joined | Standing::Reconnecting, None) => Presence::Left,
            (Standing::Left | Standing::Ended, _) => Presence::Left,
        };
        let was_seated = matches!(record.standing, Standing::Joined | Standing::Reconnecting) || record.seat.is_some();
        Person { presence, reason: record.reason, since: record.at, was_seated, ..Person::new(who, record.at) }
    }

    /// The seat they hold, if they have one.
    pub fn seated(&self) -> Option<Seated> {
        match self.presence {
            Presence::Seated(seated) => Some(seated),
            Presence::Verified | Presence::Waiting | Presence::Left => None,
        }
    }

    /// Whether the others are shown this person's screen.
    pub fn shares_screen(&self) -> bool {
        self.sources.screen && self.seated().is_some()
    }

    /// Whether they are in the room, be it with a weak connection.
    pub fn is_inside(&self) -> bool {
        self.seated().is_some_and(|seated| !matches!(seated.hold, Hold::Reserved { .. } | Hold::Connecting { .. }))
    }

    /// Whether they are heard, and hear.
    pub(super) fn is_connected(&self) -> bool {
        self.seated().is_some_and(|seated| matches!(seated.hold, Hold::Connected { .. }))
    }

    /// Where they stand, as records and messages say it, while the visit is not over.
    pub fn standing(&self) -> Standing {
        match self.presence {
            Presence::Verified => Standing::Verified,
            Presence::Waiting => Standing::Waiting,
            Presence::Seated(Seated { hold: Hold::Reserved { .. } | Hold::Connecting { .. }, .. }) => Standing::Admitted,
            Presence::Seated(Seated { hold: Hold::Connected { .. }, .. }) => Standing::Joined,
            Presence::Seated(Seated { hold: Hold::Silent { .. } | Hold::Lost { .. } | Hold::Reconnecting { .. }, .. }) => {
                Standing::Reconnecting
            }
            Presence::Left => Standing::Left,
        }
    }

    /// What the record should say of them now.
    pub(super) fn record(&self) -> PresenceRecord {
        PresenceRecord {
            participant: self.who.id,
            standing: self.standing(),
            reason: self.reason,
            seat: self.seated().map(|seated| seated.seat),
            leg: self.seated().and_then(|seated| seated.hold.leg()),
            at: self.since,
        }
    }
}
