//! What one person may see of a visit.

use jiff::Timestamp;
use serde::Serialize;

use super::person::{Devices, Person};
use super::visit::Visit;
use crate::base::ids::ParticipantId;
use crate::base::{LegId, Seat, VisitId};
use crate::control::words::{Reason, Role, Standing};

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
    /// Whether it closes within [`super::visit::CLOSING`].
    pub closing: bool,
    pub room_full: bool,
    pub provider_present: bool,
    /// What the provider told those who wait: for them, and for who told it.
    pub message: Option<Message>,
    pub you: Option<You>,
    pub participants: Vec<Seen>,
}

/// What the provider told those who wait.
#[derive(Clone, PartialEq, Serialize)]
pub struct Message {
    pub text: String,
    pub at: String,
}

/// The viewer themselves.
#[derive(Clone, PartialEq, Serialize)]
pub struct You {
    pub participant: ParticipantId,
    pub name: String,
    pub role: &'static str,
    pub presence: &'static str,
    pub reason: Option<&'static str>,
    pub seat: Option<Seat>,
    /// The connection that carries them; a page with another one has lost its own.
    pub leg: Option<LegId>,
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
    /// What someone who is not the patient is to the patient: for who lets people in.
    pub relationship: Option<String>,
    pub seat: Option<Seat>,
    pub presence: &'static str,
    pub reason: Option<&'static str>,
    pub microphone: bool,
    pub camera: bool,
    pub screen: bool,
    pub since: String,
    /// What their own test of their devices came to: for who lets people in.
    pub devices: Option<Devices>,
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
            let sees = match (person.who.role, person.seated()) {
                (Role::Provider, _) => Sees::Everyone,
                (Role::Patient | Role::Guest | Role::Interpreter, Some(_)) => Sees::Seated,
                (Role::Patient | Role::Guest | Role::Interpreter, None) => Sees::Nobody,
            };
            (Some(you(visit, person)), sees)
        }
    };
    let participants = visit
        .people()
        .iter()
        .filter(|person| match sees {
            Sees::Everyone => true,
            Sees::Seated => person.seated().is_some(),
            Sees::Nobody => false,
        })
        .map(|person| seen(visit, person, sees))
        .collect();
    let message = visit.message().filter(|_| sees != Sees::Seated);
    Some(View {
        visit: visit.id,
        state: if visit.is_ended() { "ended" } else { "open" },
        opens_at: moment(visit.hours.opens_at),
        closes_at: moment(visit.hours.closes_at),
        closing: visit.is_closing() && !visit.is_ended(),
        room_full: visit.is_full(),
        provider_present: visit.has_provider(),
        message: message.map(|(notice, at)| Message { text: notice.as_str().to_owned(), at: moment(*at) }),
        you,
        participants,
    })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sees {
    Everyone,
    Seated,
    Nobody,
}

fn you(visit: &Visit, person: &Person) -> You {
    let seated = person.seated();
    You {
        participant: person.who.id,
        name: person.who.name.as_str().to_owned(),
        role: person.who.role.word(),
        presence: standing(visit, person).word(),
        reason: person.reason.map(Reason::word),
        seat: seated.map(|seated| seated.seat),
        leg: seated.and_then(|seated| seated.hold.leg()),
        microphone: person.sources.microphone,
        camera: person.sources.camera,
        screen: person.shares_screen(),
    }
}

fn seen(visit: &Visit, person: &Person, sees: Sees) -> Seen {
    let relationship = person.who.relationship.as_ref().filter(|_| sees == Sees::Everyone);
    Seen {
        participant: person.who.id,
        name: person.who.name.as_str().to_owned(),
        role: person.who.role.word(),
        relationship: relationship.map(|relationship| relationship.as_str().to_owned()),
        seat: person.seated().map(|seated| seated.seat),
        presence: standing(visit, person).word(),
        reason: person.reason.map(Reason::word),
        microphone: person.sources.microphone,
        camera: person.sources.camera,
        screen: person.shares_screen(),
        since: moment(person.since),
        devices: person.devices.filter(|_| sees == Sees::Everyone),
    }
}

fn standing(visit: &Visit, person: &Person) -> Standing {
    if visit.is_ended() { Standing::Ended } else { person.standing() }
}
