//! The load generator itself: its parts' own tests, and one visit of its bots with a real server.
//!
//! It lives among the benches, whose tests cargo does not run; here it is built once more, for them.
#![allow(dead_code, clippy::cast_possible_truncation, reason = "parts of a program that is whole elsewhere")]
#![allow(unreachable_pub, unused_imports, reason = "modules that others share")]

use std::time::Duration;

#[path = "support/bot/mod.rs"]
mod bot;
#[path = "support/demo.rs"]
mod demo;
#[path = "../benches/load/machine/mod.rs"]
mod machine;
#[path = "../benches/load/media/mod.rs"]
mod media;
#[path = "../benches/load/options.rs"]
mod options;
#[path = "../benches/load/peer/mod.rs"]
mod peer;
#[path = "../benches/load/mode/plot.rs"]
mod plot;
#[path = "../benches/load/mode/requests.rs"]
mod requests;
#[path = "../benches/load/run/mod.rs"]
mod run;
#[path = "../benches/load/mode/steps.rs"]
mod steps;

use bot::Problem;
use bot::http::client;
use demo::Demo;
use machine::process::Machine;
use media::engine::Engine;
use media::mix;
use media::tally::{Faults, Tally};
use peer::quartet::Quartet;
use peer::{Bots, Peer, Profile};
use run::Progress;
use run::moving::{self, Moving};
use serde_json::Value;

/// How long is measured.
const SECONDS: u32 = 2;
/// What one bot sends in a second: sound, and three layers of pictures.
const SENT_PER_SECOND: u64 = 50 + 30 * 8;
/// What one bot receives at least: three people's sound, and the least of their layers.
const RECEIVED_PER_SECOND_MIN: u64 = 3 * (50 + 30);

#[test]
fn a_visit_of_four_bots_loses_nothing_and_one_of_them_leaves_and_comes_back() {
    let demo = Demo::start(&[], None);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(visit(&demo)).unwrap();
}

async fn visit(demo: &Demo) -> Result<(), Problem> {
    let quartet = Quartet::new(client(), demo.base_url(), demo.admin_token(), Bots::new(Profile::Gcm)?);
    quartet.meet().await?;
    let (engine, progress) = (Engine::start(false)?, Progress::default());
    let mut moving = Moving::open(&quartet, &engine, 0, 0..mix::SEATS).await?;

    let mut all = Tally::default();
    for second in run::seconds::measure(&engine, SECONDS, None, &Machine, &progress).await? {
        all.add(&second.tally);
    }
    assert_eq!((all.lost, all.faults), (0, Faults::default()), "of {} packets", all.received);
    let bots = u64::from(mix::SEATS) * u64::from(SECONDS);
    let sent = bots * SENT_PER_SECOND;
    assert!((sent * 9 / 10..=sent * 12 / 10).contains(&all.sent), "{} sent, {sent} expected", all.sent);
    let received = bots * RECEIVED_PER_SECOND_MIN;
    assert!(all.received >= received * 9 / 10, "{} received, {received} expected at least", all.received);
    assert!(all.opened >= all.received / 20 && !all.latency.is_empty(), "{} opened of {}", all.opened, all.received);

    moving.leave(&quartet, &engine, 2).await?;
    engine.tally()?;
    moving.join(&quartet, &engine, 2).await?;
    let joined = moving::first_packet(&engine, Duration::from_secs(5)).await?;
    assert!(joined.is_some(), "nobody saw the one who came back");

    assert!(quartet.end_all().await.is_none(), "all visits end");
    let later = Quartet::new(client(), demo.base_url(), demo.admin_token(), Bots::new(Profile::Gcm)?);
    later.meet().await?;
    later.open(0).await?;
    let patients = format!("{}/api/v1/patients?q=Loadtest", demo.base_url());
    let listed: Value = client().get(patients).bearer_auth(demo.admin_token()).send().await?.json().await?;
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(3), "a later run finds whom an earlier one made");
    Ok(())
}
