//! What control does for one person, each part alone: an offer answered, a link looked at, a birth date verified, an act
//! recorded for good.
//!
//! `cargo bench --bench control` prints a table, `-- --json` one JSON object. README.md has the budgets, and who feels them.
#![expect(clippy::unwrap_used, reason = "a bench says by failing that it could not measure")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use quartet::base::Seat;
use quartet::base::ids::ParticipantId;
use quartet::control::negotiate::{LocalMedia, answer};
use quartet::control::store::Store;
use quartet::control::words::{Act, Actor};
use quartet::link::Fingerprint;
use serde_json::json;
use tokio::task::JoinSet;

mod door;

/// What our page offers in Chromium.
const OFFER: &str = include_str!("../../tests/fixtures/offers/chromium-156-page.sdp");

/// What one of each may take, in microseconds. They are what keeps a join below 30 ms and a morning's rush short.
const BUDGETS: [(&str, f64); 5] = [
    ("answer an offer", 500.0),
    ("look at a link that opens nothing", 400.0),
    ("verify a birth date", 7_000.0),
    ("record an act for good", 5_000.0),
    ("record an act for good, 32 at a time", 1_000.0),
];

fn main() {
    let as_json = std::env::args().any(|argument| argument == "--json");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let store = runtime.block_on(Store::open(&directory.path().join("bench.db"))).unwrap();
    let took = [
        offers(),
        runtime.block_on(door::looks(&store)),
        runtime.block_on(door::verifications(&store)),
        runtime.block_on(records(&store)),
        runtime.block_on(records_side_by_side(&store)),
    ];
    let micros = took.map(|took| took.as_secs_f64() * 1e6);
    if as_json {
        let parts =
            BUDGETS.iter().zip(micros).map(|((name, budget), us)| ((*name).to_owned(), json!({ "us": us, "budget_us": budget })));
        println!("{}", serde_json::Value::Object(parts.collect()));
        return;
    }
    for ((name, budget), us) in BUDGETS.iter().zip(micros) {
        let verdict = if us <= *budget { "within" } else { "ABOVE" };
        println!("{name:40} {us:8.1} µs   {verdict} its budget of {budget:.0}");
    }
}

/// The middle one of some batches, for each of so many.
fn median(mut batches: Vec<Duration>, each: u32) -> Duration {
    batches.sort_unstable();
    batches[batches.len() / 2] / each
}

fn offers() -> Duration {
    let local = LocalMedia { fingerprint: Fingerprint([7; 32]), candidates: vec![([192, 0, 2, 7], 40_000).into()] };
    let mut number = 0_u8;
    let mut random = |bytes: &mut [u8]| {
        number = number.wrapping_add(1);
        bytes.fill(number);
    };
    let batch = |_| {
        let began = Instant::now();
        for _ in 0..100 {
            black_box(answer(black_box(OFFER), Seat::PROVIDER, &local, &mut random).unwrap());
        }
        began.elapsed()
    };
    median((0..20).map(batch).collect(), 100)
}

fn act() -> Act {
    Act::done(Actor::Participant(ParticipantId::from_bits(7)), "bench.act")
}

/// One after the other: each has reached the disk before the next begins.
async fn records(store: &Store) -> Duration {
    let mut batches = Vec::new();
    for _ in 0..10 {
        let began = Instant::now();
        for _ in 0..20 {
            store.record(&act(), Timestamp::now()).await.unwrap();
        }
        batches.push(began.elapsed());
    }
    median(batches, 20)
}

/// Many people at once, as in the minute before the hour.
async fn records_side_by_side(store: &Store) -> Duration {
    let mut batches = Vec::new();
    for _ in 0..10 {
        let began = Instant::now();
        let mut people = JoinSet::new();
        for _ in 0..32 {
            let store = store.clone();
            people.spawn(async move {
                for _ in 0..5 {
                    store.record(&act(), Timestamp::now()).await.unwrap();
                }
            });
        }
        people.join_all().await;
        batches.push(began.elapsed());
    }
    median(batches, 32 * 5)
}
