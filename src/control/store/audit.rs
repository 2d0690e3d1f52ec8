//! The audit: one record for every act, each bound to the one before by its hash.
//!
//! An act that changes something is recorded in the transaction that changes it: no record, no change. The
//! order is that of the sequence numbers, whatever the clock does. A record that was changed, taken out or put
//! in between breaks the chain from there on; records cut off at the end are missed by the head. Whoever can
//! rewrite the whole database can rewrite both: against that, keep a copy of the head elsewhere
//! (`quartet audit head`).

use aws_lc_rs::digest::{Context, SHA256};
use data_encoding::HEXLOWER;
use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite, Transaction};

use super::{Store, StoreError, micros, row};
use crate::control::words::{Act, Subject};

/// A record as it is read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRecord {
    pub seq: i64,
    pub at: Timestamp,
    pub actor: String,
    pub action: String,
    pub outcome: String,
    pub visit: Option<String>,
    pub subject: Option<String>,
    /// Hexadecimal.
    pub hash: String,
}

/// The newest record: its number and hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditHead {
    pub seq: i64,
    pub hash: String,
}

/// What looking at the whole chain came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every record is as it was written.
    Whole(AuditHead),
    /// The first record that is not: changed, or put in the place of another.
    Changed { seq: i64 },
    /// The first record that is not there.
    Missing { seq: i64 },
    /// All records are there and the head names another: it was set back, or set by hand.
    WrongHead { seq: i64 },
}

/// Records of one page while the chain is walked. More would hold more memory, fewer would ask more often.
const PAGE: i64 = 1_000;

impl Store {
    /// Up to `limit` records after the one with number `after`, in order.
    pub async fn audit(&self, after: i64, limit: u32) -> Result<Vec<AuditRecord>, StoreError> {
        let found = sqlx::query("SELECT * FROM audit WHERE seq > $1 ORDER BY seq LIMIT $2")
            .bind(after)
            .bind(limit)
            .fetch_all(&self.readers);
        found.await?.iter().map(read).collect()
    }

    /// The newest record's number and hash; number 0 when there is none.
    pub async fn audit_head(&self) -> Result<AuditHead, StoreError> {
        let row = sqlx::query("SELECT seq, hash FROM audit_head WHERE one = 1").fetch_one(&self.readers).await?;
        Ok(AuditHead { seq: row.try_get("seq")?, hash: row::text(&row, "hash")? })
    }

    /// Walks the whole chain. Records that are added meanwhile are not looked at.
    pub async fn verify_audit(&self) -> Result<Verdict, StoreError> {
        let head = self.audit_head().await?;
        let mut last = AuditHead { seq: 0, hash: ORIGIN.to_owned() };
        while last.seq < head.seq {
            let page = sqlx::query("SELECT * FROM audit WHERE seq > $1 AND seq <= $2 ORDER BY seq LIMIT $3")
                .bind(last.seq)
                .bind(head.seq)
                .bind(PAGE)
                .fetch_all(&self.readers)
                .await?;
            if page.is_empty() {
                return Ok(Verdict::Missing { seq: last.seq + 1 });
            }
            for row in &page {
                let seq: i64 = row.try_get("seq")?;
                if seq != last.seq + 1 {
                    return Ok(Verdict::Missing { seq: last.seq + 1 });
                }
                // A record that cannot even be read was not written by us.
                let Ok(record) = read(row) else { return Ok(Verdict::Changed { seq }) };
                if hash(&last.hash, &record) != record.hash {
                    return Ok(Verdict::Changed { seq });
                }
                last = AuditHead { seq, hash: record.hash };
            }
        }
        // Our own numbers go no further than the head; what stands behind it was put there.
        let beyond = sqlx::query("SELECT MIN(seq) AS seq FROM audit WHERE seq < 1 OR seq > (SELECT seq FROM audit_head)")
            .fetch_one(&self.readers)
            .await?;
        match beyond.try_get::<Option<i64>, _>("seq")? {
            Some(seq) => Ok(Verdict::WrongHead { seq }),
            None if last != head => Ok(Verdict::WrongHead { seq: head.seq }),
            None => Ok(Verdict::Whole(head)),
        }
    }
}

/// The hash before the first record.
const ORIGIN: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// As many records at once have a statement of their own that is kept: what someone did and what became of whom by it, of a few
/// visits. Every number of rows is another statement, and more of them would push out others.
const PREPARED_MAX: usize = 8;

/// Records an act with what it changes.
pub(super) async fn append(tx: &mut Transaction<'_, Sqlite>, act: &Act, now: Timestamp) -> Result<(), StoreError> {
    append_with(tx, None, std::iter::once((act, now))).await
}

/// Makes a change, and records its acts in this order. A change without an act is not made.
///
/// Two turns to the database's thread and back, however many there are: a turn takes as long as what is done in it.
pub(super) async fn append_with(
    tx: &mut Transaction<'_, Sqlite>,
    change: Option<QueryBuilder<Sqlite>>,
    acts: impl ExactSizeIterator<Item = (&Act, Timestamp)>,
) -> Result<(), StoreError> {
    if acts.len() == 0 {
        return Ok(());
    }
    let is_prepared = acts.len() <= PREPARED_MAX;
    let mut asking = QueryBuilder::<Sqlite>::default();
    if let Some(change) = change {
        asking = change;
        asking.push("; ");
    }
    asking.push("SELECT seq, hash FROM audit_head WHERE one = 1");
    let head = asking.build().persistent(is_prepared).fetch_one(&mut **tx).await?;
    let (mut seq, mut hash): (i64, String) = (head.try_get("seq")?, row::text(&head, "hash")?);
    let records: Vec<AuditRecord> = acts
        .map(|(act, now)| {
            seq += 1;
            let record = bound(act, now, seq, &hash);
            hash.clone_from(&record.hash);
            record
        })
        .collect();
    let mut insert = QueryBuilder::<Sqlite>::new("INSERT INTO audit (seq, at, actor, action, outcome, visit_id, subject, hash) ");
    insert.push_values(records, |mut row, record| {
        row.push_bind(record.seq)
            .push_bind(micros(record.at))
            .push_bind(record.actor)
            .push_bind(record.action)
            .push_bind(record.outcome)
            .push_bind(record.visit)
            .push_bind(record.subject)
            .push_bind(record.hash);
    });
    insert.push("; UPDATE audit_head SET seq = ").push_bind(seq).push(", hash = ").push_bind(hash).push(" WHERE one = 1");
    insert.build().persistent(is_prepared).execute(&mut **tx).await?;
    Ok(())
}

/// The record with number `seq` of an act, bound to the one before by its hash.
fn bound(act: &Act, now: Timestamp, seq: i64, before: &str) -> AuditRecord {
    let mut record = AuditRecord {
        seq,
        at: now,
        actor: act.actor.to_string(),
        action: act.action.to_owned(),
        outcome: act.outcome.to_owned(),
        visit: act.visit.map(|id| id.to_string()),
        subject: act.subject.as_ref().map(Subject::as_str).map(str::to_owned),
        hash: String::new(),
    };
    record.hash = hash(before, &record);
    record
}

/// The hash of a record whose predecessor has the hash `before`. Each text is preceded by its length, so that
/// no two records hash the same bytes.
fn hash(before: &str, record: &AuditRecord) -> String {
    let mut context = Context::new(&SHA256);
    let mut text = |text: Option<&str>| {
        // No text is not an empty text.
        let length = text.map_or(u64::MAX, |text| text.len() as u64);
        context.update(&length.to_be_bytes());
        context.update(text.unwrap_or_default().as_bytes());
    };
    text(Some("quartet audit 1"));
    text(Some(before));
    text(Some(&record.seq.to_string()));
    text(Some(&micros(record.at).to_string()));
    text(Some(&record.actor));
    text(Some(&record.action));
    text(Some(&record.outcome));
    text(record.visit.as_deref());
    text(record.subject.as_deref());
    HEXLOWER.encode(context.finish().as_ref())
}

fn read(row: &SqliteRow) -> Result<AuditRecord, StoreError> {
    Ok(AuditRecord {
        seq: row.try_get("seq")?,
        at: row::moment(row, "at")?,
        actor: row::text(row, "actor")?,
        action: row::text(row, "action")?,
        outcome: row::text(row, "outcome")?,
        visit: row.try_get("visit_id")?,
        subject: row.try_get("subject")?,
        hash: row::text(row, "hash")?,
    })
}
