//! Records of who looked and who was refused, as many as are waiting in one transaction.
//!
//! Nothing else changes with them, so they can be written together: while one transaction is being made durable, which takes far
//! longer than the records in it, those for the next come together. Nobody is told that a record is kept before the
//! transaction that holds it is; if that fails, everyone in it is told so.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use tokio::sync::oneshot;

use super::audit::append_all;
use super::{Store, StoreError};
use crate::control::words::Act;

/// Records of one transaction. More would keep a person's change waiting for the pen; with fewer a rush would be written more slowly.
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
    act: Act,
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
        let (kept, told) = oneshot::channel();
        let begins = {
            let mut waiting = self.recorder.waiting();
            waiting.records.push_back(Record { act: act.clone(), at: now, kept });
            !std::mem::replace(&mut waiting.under_way, true)
        };
        if begins {
            tokio::spawn(Turn { store: self.clone() }.write());
        }
        // Who is not told anything is not recorded: the task ended before its time.
        told.await.unwrap_or_else(|_| Err(sqlx::Error::WorkerCrashed.into()))
    }
}

/// The one task that writes. It ends when nothing waits.
struct Turn {
    store: Store,
}

impl Turn {
    async fn write(self) {
        while !self.is_done() {
            self.write_some().await;
        }
    }

    fn is_done(&self) -> bool {
        let mut waiting = self.store.recorder.waiting();
        waiting.under_way = !waiting.records.is_empty();
        !waiting.under_way
    }

    /// 1. wait for the pen; 2. take what has come by then; 3. write it; 4. say so.
    async fn write_some(&self) {
        let pen = self.store.writing().await;
        let records: Vec<Record> = {
            let mut waiting = self.store.recorder.waiting();
            let count = waiting.records.len().min(TOGETHER_MAX);
            waiting.records.drain(..count).collect()
        };
        let written = async {
            let mut tx = pen?;
            append_all(&mut tx, records.iter().map(|record| (&record.act, record.at))).await?;
            Ok(tx.commit().await?)
        };
        let outcome: Result<(), StoreError> = written.await;
        for record in records {
            // Who has gone away is recorded all the same.
            let _ = record.kept.send(outcome.clone());
        }
    }
}

impl Drop for Turn {
    /// After a panic, or when the program ends: whoever still waits learns that nothing was recorded, and the next one begins anew.
    fn drop(&mut self) {
        let mut waiting = self.store.recorder.waiting();
        if waiting.under_way {
            *waiting = Waiting::default();
        }
    }
}
