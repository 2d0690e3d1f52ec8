//! What became of whom in a visit, and who did it: kept together or not at all.

use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, Sqlite, Transaction};

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
}

impl Store {
    /// Keeps the minutes of a visit.
    pub async fn keep(&self, minutes: &Minutes, now: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.writing().await?;
        append(&mut tx, minutes, now).await?;
        tx.commit().await?;
        Ok(())
    }

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
    for presence in &minutes.presences {
        sqlx::query(
            "INSERT INTO presences (visit_id, place, participant_id, standing, reason, seat, leg_id, at)
             VALUES ($1, (SELECT COALESCE(MAX(place), 0) + 1 FROM presences WHERE visit_id = $1), $2, $3, $4, $5, $6, $7)",
        )
        .bind(minutes.visit.to_string())
        .bind(presence.participant.to_string())
        .bind(presence.standing.word())
        .bind(presence.reason.map(Reason::word))
        .bind(presence.seat.map(|seat| i64::from(u8::from(seat))))
        .bind(presence.leg.map(|leg| leg.to_string()))
        .bind(micros(presence.at))
        .execute(&mut **tx)
        .await?;
    }
    let came_to_stand = minutes.presences.iter().map(|presence| {
        let outcome = presence.reason.map_or(Act::DONE, Reason::word);
        let act = Act { outcome, ..Act::done(minutes.actor, action(presence.standing)) };
        act.in_visit(minutes.visit).to(presence.participant)
    });
    // All at once: each question to the database is a turn to its thread and back.
    let acts: Vec<Act> = minutes.acts.iter().cloned().chain(came_to_stand).collect();
    audit::append_all(tx, acts.iter().map(|act| (act, now))).await
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
