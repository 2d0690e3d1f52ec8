//! What one person may see of a visit.

use jiff::Timestamp;
use serde::Serialize;

use super::visit::{Hold, Person, Presence, Seated, Visit};
use crate::base::ids::ParticipantId;
use crate::base::{Seat, VisitId};
use crate::control::words::Role;

/// Through whose eyes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Viewer {
    Participant(ParticipantId),
    /// Staff, with an admin token: sees everyone and is no one.
    Staff,
}

/// A visit as one viewer sees it; the message of the event stream. Without `Debug`, as it holds names.
#[derive(Clone, PartialEq, Serialize)]
pub struct View {
    pub visit: VisitId,
    pub state: &'static str,
    pub opens_at: String,
    pub closes_at: String,
    pub room_full: bool,
    pub provider_present: bool,
    pub you: Option<You>,
    pub participants: Vec<Seen>,
}

/// The viewer themselves.
#[derive(Clone, PartialEq, Serialize)]
pub struct You {
    pub participant: ParticipantId,
    pub name: String,
    pub role: &'static str,
    pub presence: &'static str,
    pub seat: Option<Seat>,
    pub microphone: bool,
    pub camera: bool,
    pub screen: bool,
}

/// Someone as others see them.
#[derive(Clone, PartialEq, Serialize)]
pub struct Seen {
    pub participant: ParticipantId,
    pub name: String,
    pub role: &'static str,
    pub seat: Option<Seat>,
    pub presence: &'static str,
    pub microphone: bool,
    pub camera: bool,
    pub screen: bool,
    pub since: String,
}

/// A moment for programs: always UTC, always as long, so that texts sort as moments do.
pub fn moment(at: Timestamp) -> String {
    format!("{at:.3}")
}

/// What `viewer` may see: a participant only if they are of this visit.
pub fn view(visit: &Visit, viewer: Viewer) -> Option<View> {
    let (you, sees) = match viewer {
        Viewer::Staff => (None, Sees::Everyone),
        Viewer::Participant(id) => {
            let person = visit.person(id)?;
            let seated = matches!(person.presence, Presence::Seated(_));
            let sees = match (person.role, seated) {
                (Role::Provider, _) => Sees::Everyone,
                (Role::Patient | Role::Guest | Role::Interpreter, true) => Sees::Seated,
                (Role::Patient | Role::Guest | Role::Interpreter, false) => Sees::Nobody,
            };
            (Some(you(visit, person)), sees)
        }
    };
    let participants = visit
        .people()
        .iter()
        .filter(|person| match sees {
            Sees::Everyone => true,
            Sees::Seated => matches!(person.presence, Presence::Seated(_)),
            Sees::Nobody => false,
        })
        .map(|person| seen(visit, person))
        .collect();
    Some(View {
        visit: visit.id,
        state: if visit.is_ended() { "ended" } else { "open" },
        opens_at: moment(visit.opens_at),
        closes_at: moment(visit.closes_at),
        room_full: visit.is_full(),
        provider_present: visit.has_provider(),
        you,
        participants,
    })
}

enum Sees {
    Everyone,
    Seated,
    Nobody,
}

fn you(visit: &Visit, person: &Person) -> You {
    You {
        participant: person.id,
        name: person.name.as_str().to_owned(),
        role: person.role.word(),
        presence: presence(visit, person),
        seat: seat(person),
        microphone: person.sources.microphone,
        camera: person.sources.camera,
        screen: person.shares_screen(),
    }
}

fn seen(visit: &Visit, person: &Person) -> Seen {
    Seen {
        participant: person.id,
        name: person.name.as_str().to_owned(),
        role: person.role.word(),
        seat: seat(person),
        presence: presence(visit, person),
        microphone: person.sources.microphone,
        camera: person.sources.camera,
        screen: person.shares_screen(),
        since: moment(person.since),
    }
}

fn seat(person: &Person) -> Option<Seat> {
    match person.presence {
        Presence::Seated(seated) => Some(seated.seat),
        Presence::Verified | Presence::Waiting | Presence::Left => None,
    }
}

fn presence(visit: &Visit, person: &Person) -> &'static str {
    match person.presence {
        _ if visit.is_ended() => "ended",
        Presence::Verified => "verified",
        Presence::Waiting => "waiting",
        Presence::Seated(Seated { hold: Hold::Reserved { .. } | Hold::Connecting { .. }, .. }) => "admitted",
        Presence::Seated(Seated { hold: Hold::Connected { .. }, .. }) => "joined",
        Presence::Seated(Seated { hold: Hold::Silent { .. } | Hold::Lost { .. } | Hold::Reconnecting { .. }, .. }) => {
            "reconnecting"
        }
        Presence::Left => "left",
    }
}
