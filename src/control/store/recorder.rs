//! The minutes of visits, and records of who looked and who was refused, as many as are waiting in one transaction.
//!
//! Nothing else changes with them, so they can be written together: while one transaction is being made durable, which takes far
//! longer than the records in it, those for the next come together. Nobody is told that a record is kept before the
//! transaction that holds it is; if that fails, everyone in it is told so. Only if one record cannot be kept as it is
//! does it fail alone: the others are written again, each for itself.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use tokio::sync::oneshot;

use super::presence::insertion;
use super::{Minutes, Pen, PresenceRecord, Store, StoreError, audit};
use crate::base::VisitId;
use crate::control::words::Act;

/// Acts of one transaction. More would keep a person's change waiting for the pen; with fewer a rush would be written more slowly.
pub(super) const TOGETHER_MAX: usize = 256;

/// What waits to be recorded. No more than requests are under way.
#[derive(Clone, Default)]
pub(super) struct Recorder(Arc<Mutex<Waiting>>);

#[derive(Default)]
struct Waiting {
    records: VecDeque<Record>,
    /// Whether a task is at it.
    under_way: bool,
}

struct Record {
    acts: Vec<Act>,
    places: Vec<(VisitId, PresenceRecord)>,
    at: Timestamp,
    kept: oneshot::Sender<Result<(), StoreError>>,
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Recorder")
    }
}

impl Recorder {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store {
    /// Records what changed nothing else: someone looked, or was refused. It is recorded also if who asked goes away meanwhile.
    pub async fn record(&self, act: &Act, now: Timestamp) -> Result<(), StoreError> {
        self.wait_in_line(vec![act.clone()], Vec::new(), now).await
    }

    /// Keeps the minutes of a visit, also if who asked goes away meanwhile.
    pub async fn keep(&self, minutes: &Minutes, now: Timestamp) -> Result<(), StoreError> {
        self.wait_in_line(minutes.all_acts(), minutes.places(), now).await
    }

    async fn wait_in_line(
        &self,
        acts: Vec<Act>,
        places: Vec<(VisitId, PresenceRecord)>,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let (kept, told) = oneshot::channel();
        let begins = {
            let mut waiting = self.recorder.waiting();
            waiting.records.push_back(Record { acts, places, at, kept });
            !std::mem::replace(&mut waiting.under_way, true)
        };
        if begins {
            tokio::spawn(Turn::new(self.clone()).write());
        }
        // Who is not told anything is not recorded: the task ended before its time.
        told.await.unwrap_or_else(|_| Err(sqlx::Error::WorkerCrashed.into()))
    }
}

/// Writes these with the pen.
async fn write(pen: Result<Pen, StoreError>, records: &[Record]) -> Result<(), StoreError> {
    let mut tx = pen?;
    let places: Vec<_> = records.iter().flat_map(|record| record.places.iter().copied()).collect();
    let acts: Vec<_> = records.iter().flat_map(|record| record.acts.iter().map(|act| (act, record.at))).collect();
    audit::append_with(&mut tx, insertion(&places), acts.into_iter()).await?;
    Ok(tx.commit().await?)
}

/// The one task that writes. It ends when nothing waits.
pub(super) struct Turn {
    store: Store,
    /// Nothing waited any more: what waits since then is the next one's.
    over: bool,
}

impl Turn {
    pub(super) fn new(store: Store) -> Turn {
        Turn { store, over: false }
    }

    async fn write(mut self) {
        while !self.ends() {
            self.write_some().await;
        }
    }

    /// Whether nothing waits: then it has put down the pen.
    pub(super) fn ends(&mut self) -> bool {
        let mut waiting = self.store.recorder.waiting();
        self.over = waiting.records.is_empty();
        waiting.under_way = !self.over;
        self.over
    }

    /// 1. wait for the pen; 2. take what has come by then; 3. write it; 4. say so.
    async fn write_some(&self) {
        let pen = self.store.writing().await;
        let records = self.store.recorder.waiting().take();
        let outcome = write(pen, &records).await;
        let alone = records.len() > 1 && outcome.as_ref().is_err_and(StoreError::is_of_a_record);
        for record in records {
            let outcome =
                if alone { write(self.store.writing().await, std::slice::from_ref(&record)).await } else { outcome.clone() };
            // Who has gone away is recorded all the same.
            let _ = record.kept.send(outcome);
        }
    }
}

impl Waiting {
    /// The next, as many as go into one transaction.
    fn take(&mut self) -> Vec<Record> {
        let mut room = TOGETHER_MAX;
        let fits = |record: &&Record| {
            let fits = record.acts.len() <= room || room == TOGETHER_MAX;
            room = room.saturating_sub(record.acts.len());
            fits
        };
        let count = self.records.iter().take_while(fits).count();
        self.records.drain(..count).collect()
    }
}

impl Drop for Turn {
    /// After a panic, or when the program ends: whoever still waits learns that nothing was recorded, and the next one begins anew.
    fn drop(&mut self) {
        if !self.over {
            *self.store.recorder.waiting() = Waiting::default();
        }
    }
}
