//! What became of whom in a visit, and who did it: kept together or not at all.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite, Transaction};

use super::{Store, StoreError, audit, micros, row};
use crate::base::ids::ParticipantId;
use crate::base::{LegId, Seat, VisitId};
use crate::control::words::{Act, Actor, Reason, Standing};

/// One change of where someone stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PresenceRecord {
    pub participant: ParticipantId,
    pub standing: Standing,
    pub reason: Option<Reason>,
    /// The seat they hold.
    pub seat: Option<Seat>,
    /// The connection that carries them.
    pub leg: Option<LegId>,
    pub at: Timestamp,
}

/// The minutes of a visit: what someone did there, and what became of whom by it.
#[derive(Clone, Debug)]
pub struct Minutes {
    pub visit: VisitId,
    /// Who did it all.
    pub actor: Actor,
    /// What they did, where that says more than what became of people.
    pub acts: Vec<Act>,
    pub presences: Vec<PresenceRecord>,
}

impl Minutes {
    /// Minutes with nothing in them yet.
    pub fn of(visit: VisitId, actor: Actor) -> Minutes {
        Minutes { visit, actor, acts: Vec::new(), presences: Vec::new() }
    }

    pub fn is_empty(&self) -> bool {
        self.acts.is_empty() && self.presences.is_empty()
    }

    /// What the audit is told: what was done, and then who came to stand where by it.
    pub(super) fn all_acts(&self) -> Vec<Act> {
        let came_to_stand = self.presences.iter().map(|presence| {
            let outcome = presence.reason.map_or(Act::DONE, Reason::word);
            let act = Act { outcome, ..Act::done(self.actor, action(presence.standing)) };
            act.in_visit(self.visit).to(presence.participant)
        });
        self.acts.iter().cloned().chain(came_to_stand).collect()
    }

    /// Who came to stand where, and in which visit.
    pub(super) fn places(&self) -> Vec<(VisitId, PresenceRecord)> {
        self.presences.iter().map(|presence| (self.visit, *presence)).collect()
    }
}

impl Store {
    /// Where everyone in a visit stands, in the order in which they came to stand there.
    pub async fn presences(&self, visit: VisitId) -> Result<Vec<PresenceRecord>, StoreError> {
        let found = sqlx::query(
            "SELECT p.* FROM presences p
             JOIN (SELECT participant_id, MAX(place) AS place FROM presences WHERE visit_id = $1 GROUP BY participant_id) last
               ON last.place = p.place
             WHERE p.visit_id = $1 ORDER BY p.place",
        )
        .bind(visit.to_string())
        .fetch_all(&self.readers);
        found.await?.iter().map(read).collect()
    }
}

/// Keeps minutes in a transaction that changes more.
pub(super) async fn append(tx: &mut Transaction<'_, Sqlite>, minutes: &Minutes, now: Timestamp) -> Result<(), StoreError> {
    let (acts, places) = (minutes.all_acts(), minutes.places());
    audit::append_with(tx, insertion(&places), acts.iter().map(|act| (act, now))).await
}

/// The statement that keeps where people stand, in this order; none, if there is nothing to keep.
pub(super) fn insertion(places: &[(VisitId, PresenceRecord)]) -> Option<QueryBuilder<Sqlite>> {
    if places.is_empty() {
        return None;
    }
    let mut counts = BTreeMap::new();
    let head = "INSERT INTO presences (visit_id, place, participant_id, standing, reason, seat, leg_id, at) ";
    let mut insert = QueryBuilder::<Sqlite>::new(head);
    insert.push_values(places, |mut row, (visit, presence)| {
        // The last place of the visit may be asked for before all rows of the statement or before each: the order is the same.
        let further = counts.entry(*visit).and_modify(|count| *count += 1).or_insert(1_i64);
        row.push_bind(visit.to_string())
            .push("(SELECT COALESCE(MAX(place), 0) FROM presences WHERE visit_id = ")
            .push_bind_unseparated(visit.to_string())
            .push_unseparated(") + ")
            .push_bind_unseparated(*further)
            .push_bind(presence.participant.to_string())
            .push_bind(presence.standing.word())
            .push_bind(presence.reason.map(Reason::word))
            .push_bind(presence.seat.map(|seat| i64::from(u8::from(seat))))
            .push_bind(presence.leg.map(|leg| leg.to_string()))
            .push_bind(micros(presence.at));
    });
    Some(insert)
}

/// What the audit calls coming to stand there.
fn action(standing: Standing) -> &'static str {
    match standing {
        Standing::Verified => "presence.verified",
        Standing::Waiting => "presence.waiting",
        Standing::Admitted => "presence.admitted",
        Standing::Joined => "presence.joined",
        Standing::Reconnecting => "presence.reconnecting",
        Standing::Left => "presence.left",
        Standing::Ended => "presence.ended",
    }
}

fn read(row: &SqliteRow) -> Result<PresenceRecord, StoreError> {
    let reason: Option<String> = row.try_get("reason")?;
    let seat: Option<i64> = row.try_get("seat")?;
    Ok(PresenceRecord {
        participant: row::parsed(row, "participant_id")?,
        standing: row::word(row, "standing", Standing::from_word)?,
        reason: reason.map(|word| Reason::from_word(&word).ok_or(StoreError::Unreadable("reason"))).transpose()?,
        seat: seat
            .map(|number| u8::try_from(number).ok().and_then(Seat::new).ok_or(StoreError::Unreadable("seat")))
            .transpose()?,
        leg: row::optional_parsed(row, "leg_id")?,
        at: row::moment(row, "at")?,
    })
}
