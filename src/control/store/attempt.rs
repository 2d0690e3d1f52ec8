//! Attempts at the door: a link and perhaps a birth date, looked at, judged, counted and recorded in one
//! transaction, so that however many try at once, across restarts and programs, every count is right.

use jiff::{SignedDuration, Timestamp};
use sqlx::{Row, Sqlite, Transaction};

use super::appointment::{self, Appointment};
use super::link::{self, FAILURES_MAX, Link};
use super::patient::{self, Patient};
use super::{Store, StoreError, audit, micros, row};
use crate::base::ids::PatientId;
use crate::control::words::{Act, Actor, Digest, Name, Role};

/// Wrong dates that are taken of one patient, over all links, within [`WRONG_DATES_WITHIN`]. Someone who holds
/// several links of one patient guesses no further than this; a family that mistypes on two phones gets by.
pub const WRONG_DATES_MAX: u32 = 10;
/// A shorter time would let a patient guesser come back sooner; a longer one would keep a patient out over a
/// second appointment.
const WRONG_DATES_WITHIN: SignedDuration = SignedDuration::from_hours(24);

/// What the record says of a link that was shown.
pub struct Invited {
    pub link: Link,
    pub appointment: Appointment,
    /// With whose birth date it may be opened now: without those of whom too many dates were tried.
    pub patients: Vec<Patient>,
    /// The provider's name.
    pub provider: Option<Name>,
    /// As what nobody may come in by this link again.
    pub barred: Vec<Role>,
}

/// What is recorded of an attempt with the judgement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// Nothing: who lets them in records that.
    Passed,
    /// Refused, and why.
    Refused(&'static str),
    /// Refused, and why, and not recorded for itself: more are refused than should be, and who asks sums them up.
    Summed(&'static str),
    /// A wrong date, which counts against the link and against each patient it was compared with.
    WrongDate,
}

impl Finding {
    /// The word for the record and the metric.
    pub const fn word(self) -> &'static str {
        match self {
            Finding::Passed => "passed",
            Finding::Refused(why) | Finding::Summed(why) => why,
            Finding::WrongDate => "wrong_date",
        }
    }
}

impl Store {
    /// Shows the judge what is recorded of the link of this token, and records what the judge finds. A token that
    /// opens nothing is looked for, judged and recorded alike.
    pub async fn attempt<R>(
        &self,
        token: Option<Digest>,
        now: Timestamp,
        judge: impl FnOnce(Option<&Invited>) -> (R, Finding),
    ) -> Result<R, StoreError> {
        let mut tx = self.writing().await?;
        let invited = invited(&mut tx, token, now).await?;
        let (judgement, finding) = judge(invited.as_ref());
        match (finding, &invited) {
            (Finding::Passed | Finding::Summed(_), _) => return Ok(judgement),
            (Finding::WrongDate, Some(invited)) => count(&mut tx, invited, now).await?,
            (Finding::WrongDate, None) | (Finding::Refused(_), _) => {}
        }
        let act = Act::refused(Actor::Nobody, "door.verify", finding.word());
        let act = match &invited {
            Some(Invited { link, appointment, .. }) => act.in_visit(appointment.visit).to(link.id),
            None => act,
        };
        audit::append(&mut tx, &act, now).await?;
        tx.commit().await?;
        Ok(judgement)
    }
}

/// What is recorded of a token's link. For a token without one the same questions are asked, of nobody.
async fn invited(tx: &mut Transaction<'_, Sqlite>, token: Option<Digest>, now: Timestamp) -> Result<Option<Invited>, StoreError> {
    let found = sqlx::query("SELECT * FROM links WHERE token_sha256 = $1")
        .bind(token.map_or_else(String::new, |token| token.hex()))
        .fetch_optional(&mut **tx)
        .await?;
    let link = found.as_ref().map(link::read).transpose()?;
    let appointment = appointment::find(tx, link.as_ref().map(|link| link.appointment)).await?;
    let of = link.as_ref().map_or_else(String::new, |link| link.appointment.to_string());
    let only = link.as_ref().and_then(|link| link.patient).map_or_else(String::new, |patient| patient.to_string());
    let people = sqlx::query(
        "SELECT p.*, (SELECT COUNT(*) FROM wrong_dates w WHERE w.patient_id = p.id AND w.at > $2) AS tried
         FROM appointment_patients a JOIN patients p ON p.id = a.patient_id
         WHERE a.appointment_id = $1 AND ($3 = '' OR p.id = $3) ORDER BY a.place",
    )
    .bind(&of)
    .bind(micros(now.saturating_sub(WRONG_DATES_WITHIN).unwrap_or(Timestamp::MIN)))
    .bind(only)
    .fetch_all(&mut **tx)
    .await?;
    let barred = sqlx::query("SELECT DISTINCT role FROM participants WHERE link_id = $1 AND barred_at IS NOT NULL")
        .bind(link.as_ref().map_or_else(String::new, |link| link.id.to_string()))
        .fetch_all(&mut **tx)
        .await?;
    let provider = sqlx::query(
        "SELECT p.name FROM providers p
         WHERE p.id = COALESCE($1, (SELECT provider_id FROM appointments WHERE id = $2))",
    )
    .bind(link.as_ref().and_then(|link| link.provider).map(|id| id.to_string()))
    .bind(&of)
    .fetch_optional(&mut **tx)
    .await?;
    let (Some(link), Some(appointment)) = (link, appointment) else { return Ok(None) };
    let mut patients = Vec::new();
    let mut ids = Vec::new();
    for row in &people {
        let patient = patient::read(row)?;
        ids.push(patient.id);
        if row.try_get::<i64, _>("tried")? < i64::from(WRONG_DATES_MAX) {
            patients.push(patient);
        }
    }
    Ok(Some(Invited {
        link,
        appointment: appointment::read(&appointment, ids)?,
        patients,
        provider: provider.as_ref().map(|row| row::name(row, "name")).transpose()?,
        barred: barred.iter().map(|row| row::word(row, "role", Role::from_word)).collect::<Result<_, _>>()?,
    }))
}

/// Counts one wrong date, and locks the link with the last that it takes.
async fn count(tx: &mut Transaction<'_, Sqlite>, invited: &Invited, now: Timestamp) -> Result<(), StoreError> {
    let link = invited.link.id;
    let counted = sqlx::query(
        "UPDATE links SET failures = failures + 1,
             locked_at = CASE WHEN failures + 1 >= $1 THEN $2 ELSE locked_at END
         WHERE id = $3 RETURNING failures",
    )
    .bind(i64::from(FAILURES_MAX))
    .bind(micros(now))
    .bind(link.to_string())
    .fetch_one(&mut **tx)
    .await?;
    for id in invited.patients.iter().map(|patient| patient.id) {
        wrong_date(tx, invited, id, now).await?;
    }
    if row::number(&counted, "failures")? >= FAILURES_MAX {
        let act = Act::done(Actor::System, "link.lock").in_visit(invited.appointment.visit).to(link);
        audit::append(tx, &act, now).await?;
    }
    Ok(())
}

async fn wrong_date(
    tx: &mut Transaction<'_, Sqlite>,
    invited: &Invited,
    patient: PatientId,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO wrong_dates (link_id, patient_id, at) VALUES ($1, $2, $3)")
        .bind(invited.link.id.to_string())
        .bind(patient.to_string())
        .bind(micros(now))
        .execute(&mut **tx)
        .await?;
    Ok(())
}
