//! How the connections of one visit fare, as staff and providers read it. Ids and roles, no names.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::history::{Connection, History};
use super::span::{Share, kilobits, milliseconds};
use crate::base::ids::ParticipantId;
use crate::base::{Seat, VisitId};
use crate::control::registry::person::Person;
use crate::control::registry::scene::Scene;
use crate::control::registry::view::{LAYER_WORDS, moment};
use crate::control::registry::visit::Visit;
use crate::link::{LegFacts, Uplink};

/// The answer to a question about a visit's connections.
#[derive(Serialize)]
pub struct VisitQuality {
    visit: VisitId,
    now: String,
    /// Those who have a seat, and those who had one and a connection.
    people: Vec<PersonQuality>,
    /// All of it in one sentence.
    verdict: String,
}

#[derive(Serialize)]
struct PersonQuality {
    participant: ParticipantId,
    role: &'static str,
    seat: Option<Seat>,
    connected: bool,
    connection: Option<&'static str>,
    verdict: String,
    uplink: Option<UplinkMessage>,
    downlink: Option<DownlinkMessage>,
}

/// Of the present leg, since it began.
#[derive(Serialize)]
struct UplinkMessage {
    loss_percent: f64,
    jitter_ms: u64,
    packets: u64,
    lost: u64,
    repaired: u64,
}

#[derive(Serialize)]
struct DownlinkMessage {
    loss_percent: f64,
    round_trip_ms: Option<u64>,
    estimate_kbps: Option<u64>,
    repairs: u64,
    /// What of each other's camera is shown.
    layers: BTreeMap<ParticipantId, &'static str>,
    /// Whose pictures are withheld.
    paused: Vec<ParticipantId>,
    redundant_sound: bool,
}

impl VisitQuality {
    pub(in crate::control::registry) fn new(visit: &Visit, scene: &Scene, now: Timestamp) -> VisitQuality {
        let concerned: Vec<_> = visit
            .people()
            .iter()
            .map(|person| (person, scene.history(person.who.id)))
            .filter(|(person, history)| person.seated().is_some() || history.is_some())
            .collect();
        let people: Vec<_> = concerned.iter().map(|(person, history)| quality(visit, scene, person, *history)).collect();
        let verdict = sentence(&people);
        VisitQuality { visit: visit.id, now: moment(now), people, verdict }
    }
}

fn quality(visit: &Visit, scene: &Scene, person: &Person, history: Option<&History>) -> PersonQuality {
    let seated = person.seated();
    let connected = person.is_connected();
    let connection = scene.connection(person);
    let facts = history.and_then(History::facts).filter(|_| connected);
    let known = if !connected {
        Some(NOT_CONNECTED)
    } else if connection.is_none() {
        Some("not measured yet")
    } else {
        None
    };
    let told = history.map(History::told).unwrap_or_default();
    let words: Vec<_> = known.map(str::to_owned).into_iter().chain(told).collect();
    PersonQuality {
        participant: person.who.id,
        role: person.who.role.word(),
        seat: seated.map(|seated| seated.seat),
        connected,
        connection: connection.map(Connection::word),
        verdict: if words.is_empty() { FINE.to_owned() } else { words.join(", ") },
        uplink: facts.map(uplink),
        downlink: facts.map(|facts| downlink(visit, facts)),
    }
}

const FINE: &str = "fine";
const NOT_CONNECTED: &str = "not connected";

fn uplink(facts: &LegFacts) -> UplinkMessage {
    let Uplink { packets, lost, repaired, jitter_us } = facts.uplink;
    let share = Share { lost, of: packets.saturating_add(lost) };
    UplinkMessage { loss_percent: one_place(share.percent()), jitter_ms: milliseconds(jitter_us), packets, lost, repaired }
}

fn downlink(visit: &Visit, facts: &LegFacts) -> DownlinkMessage {
    let said = &facts.downlink;
    let sitter = |seat: Seat| visit.sitter(seat).map(|person| person.who.id);
    let layer = |seat: Seat| LAYER_WORDS.get(usize::from(said.layers[seat.index()]?)).copied();
    DownlinkMessage {
        loss_percent: one_place(Share { lost: said.lost, of: said.packets }.percent()),
        round_trip_ms: said.round_trip_us.map(milliseconds),
        estimate_kbps: kilobits(said.estimate_bps),
        repairs: said.repairs,
        layers: Seat::ALL.into_iter().filter_map(|seat| Some((sitter(seat)?, layer(seat)?))).collect(),
        paused: Seat::ALL.into_iter().filter(|seat| said.paused[seat.index()]).filter_map(sitter).collect(),
        redundant_sound: said.redundant,
    }
}

fn one_place(percent: f64) -> f64 {
    (percent * 10.0).round() / 10.0
}

/// "patient's uplink lost 7 % from 10:04 to 10:06; provider fine": trouble first. Where a role has several people, they
/// are told apart by their ids.
fn sentence(people: &[PersonQuality]) -> String {
    let mut parts: Vec<_> = people
        .iter()
        .map(|person| {
            let alone = people.iter().filter(|other| other.role == person.role).count() == 1;
            let who = if alone { person.role.to_owned() } else { format!("{} {}", person.role, person.participant) };
            let verdict = &person.verdict;
            let states = person.connection.is_none() || verdict == FINE;
            (verdict == FINE, if states { format!("{who} {verdict}") } else { format!("{who}'s {verdict}") })
        })
        .collect();
    parts.sort_by_key(|(fine, _)| *fine);
    let parts: Vec<_> = parts.into_iter().map(|(_, part)| part).collect();
    if parts.is_empty() { "nobody has a seat".to_owned() } else { parts.join("; ") }
}
