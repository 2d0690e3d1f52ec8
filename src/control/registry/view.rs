//! What one person may see of a visit.

use jiff::Timestamp;
use serde::Serialize;

use super::person::{Devices, Person};
use super::quality::Connection;
use super::scene::Scene;
use super::visit::Visit;
use crate::base::ids::ParticipantId;
use crate::base::limits::LAYERS;
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
    /// Who speaks, or spoke last, of those whom the viewer sees.
    pub speaker: Option<ParticipantId>,
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
    /// The layers of their camera that somebody takes; the others need not be sent.
    pub layers: Vec<&'static str>,
    /// Whose pictures are withheld from them, so that their sound stays whole.
    pub paused: Vec<ParticipantId>,
    /// The word for their connection, once it was measured.
    pub connection: Option<&'static str>,
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
    /// The word for their connection, once it was measured.
    pub connection: Option<&'static str>,
}

/// The layers of a camera, smallest first, as pages name them in their offers.
pub(super) const LAYER_WORDS: [&str; LAYERS] = ["q", "h", "f"];

/// A moment for programs: always UTC, always as long, so that texts sort as moments do.
pub fn moment(at: Timestamp) -> String {
    format!("{at:.3}")
}

/// What `viewer` may see: a participant only if they are of this visit.
pub(super) fn view(visit: &Visit, scene: &Scene, viewer: Viewer) -> Option<View> {
    let (you, sees) = match viewer {
        Viewer::Staff => (None, Sees::Everyone),
        Viewer::Participant(id) => {
            let person = visit.person(id)?;
            let sees = match (person.who.role, person.seated()) {
                (Role::Provider, _) => Sees::Everyone,
                (Role::Patient | Role::Guest | Role::Interpreter, Some(_)) => Sees::Seated,
                (Role::Patient | Role::Guest | Role::Interpreter, None) => Sees::Nobody,
            };
            (Some(you(visit, scene, person)), sees)
        }
    };
    let in_sight = |person: &&Person| match sees {
        Sees::Everyone => true,
        Sees::Seated => person.seated().is_some(),
        Sees::Nobody => false,
    };
    let participants = visit.people().iter().filter(in_sight).map(|person| seen(visit, scene, person, sees)).collect();
    let message = visit.message().filter(|_| sees != Sees::Seated);
    Some(View {
        visit: visit.id,
        state: if visit.is_ended() { "ended" } else { "open" },
        opens_at: moment(visit.hours.opens_at),
        closes_at: moment(visit.hours.closes_at),
        closing: visit.is_closing() && !visit.is_ended(),
        room_full: visit.is_full(),
        provider_present: visit.has_provider(),
        speaker: scene.speaker().filter(|_| sees != Sees::Nobody),
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

fn you(visit: &Visit, scene: &Scene, person: &Person) -> You {
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
        layers: LAYER_WORDS.into_iter().zip(scene.wanted(person.who.id)).filter_map(|(word, is)| is.then_some(word)).collect(),
        paused: scene.paused(person.who.id),
        connection: scene.connection(person).map(Connection::word),
    }
}

fn seen(visit: &Visit, scene: &Scene, person: &Person, sees: Sees) -> Seen {
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
        connection: scene.connection(person).map(Connection::word),
    }
}

fn standing(visit: &Visit, person: &Person) -> Standing {
    if visit.is_ended() { Standing::Ended } else { person.standing() }
}
