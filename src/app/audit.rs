//! `quartet audit`: the record of who did what, for whoever must be able to trust it.

use super::token::{open, unusable};
use super::{Failure, runtime};
use crate::config::Config;
use crate::control::store::{AuditHead, AuditRecord, Store, Verdict};

/// Walks the whole chain: says how many records there are and the newest one's hash, or which is the first bad one.
pub fn verify_audit(config: &Config) -> Result<String, Failure> {
    let verdict = runtime()?.block_on(async { existing(config).await?.verify_audit().await.map_err(unusable) })?;
    let bad = |what: String| {
        Err(Failure::new(
            what,
            "keep this file as it is and compare it with a backup and with heads kept elsewhere (`quartet audit head`)",
        ))
    };
    match verdict {
        Verdict::Whole(AuditHead { seq, hash }) => Ok(format!("{seq} records, none changed. The head is {seq} {hash}")),
        Verdict::Changed { seq } => bad(format!("audit record {seq} is not as it was written")),
        Verdict::Missing { seq } => bad(format!("audit record {seq} is missing")),
        Verdict::WrongHead { seq } => bad(format!("audit record {seq} stands beyond the head, or the head was changed")),
    }
}

/// The newest record's number and hash. A copy kept elsewhere proves later that nothing before it was cut off or rewritten.
pub fn audit_head(config: &Config) -> Result<String, Failure> {
    let head = runtime()?.block_on(async { existing(config).await?.audit_head().await.map_err(unusable) })?;
    Ok(format!("{} {}", head.seq, head.hash))
}

/// Up to `limit` records after number `after`, a line each.
pub fn list_audit(config: &Config, after: i64, limit: u32) -> Result<Vec<String>, Failure> {
    let records = runtime()?.block_on(async { existing(config).await?.audit(after, limit).await.map_err(unusable) })?;
    Ok(records.iter().map(line).collect())
}

/// The store, if there is one: a new one would be whole, and prove nothing.
async fn existing(config: &Config) -> Result<Store, Failure> {
    if !config.store.path.exists() {
        return Err(Failure::new(
            format!("store.path: {} is not there", config.store.path.display()),
            "name the configuration of the server with --config",
        ));
    }
    open(config).await
}

fn line(record: &AuditRecord) -> String {
    let AuditRecord { seq, at, actor, action, outcome, visit, subject, .. } = record;
    let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    format!("{seq:>8}  {at:.3}  {actor:<17}  {action:<24}  {outcome:<20}  {:<17}  {}", or_none(visit), or_none(subject))
}
