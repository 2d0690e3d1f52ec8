//! Four people in one shard: what arrives is sealed beforehand, and only what the shard does with it is measured.

use std::hint::black_box;

use quartet::base::limits::OUTBOX_ROOM_MIN;
use quartet::link::WorkerReport;
use quartet::link::event::SrtpProfile;
use quartet::media::worker::shard::Shard;

use crate::ALLOCATOR;
use crate::clock::time;
use crate::spread::Spread;
use crate::support::World;
use crate::support::browser::Shape;
use crate::support::world::Step;

/// What Chromium sends of a camera at 720p, near enough: frames of one packet (q), two (h) and five (f), 33 a second,
/// and 50 packets of Opus. On the wire f's packets are some 1,150 bytes, those of sound some 100.
const SHAPE: Shape = Shape { packets: [1, 2, 5, 2], picture: [560, 900, 1_106, 1_106], sound: 64 };

/// Long enough that timers, reports and checks are part of every few rounds; short enough that what arrives stays
/// near the processor, as it would in the kernel's hands.
const ROUND_MS: u64 = 600;
const ROUNDS: usize = 100;

/// What a packet costs in the steady state of a visit.
pub(crate) struct Cost {
    pub(crate) ns_in: Spread,
    pub(crate) ns_out: Spread,
    pub(crate) packets_in: u64,
    pub(crate) packets_out: u64,
    pub(crate) allocations: u64,
}

pub(crate) fn measure(profile: SrtpProfile) -> Cost {
    let mut world = steady(profile);
    let start = world.report();
    let allocations = ALLOCATOR.allocations();
    let (mut ns_in, mut ns_out) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let mut script = world.script(ROUND_MS);
        let before = world.report();
        ALLOCATOR.start();
        let (taken, ()) = time(|| run(&mut world.shard, &mut script));
        ALLOCATOR.stop();
        let after = world.report();
        ns_in.push(taken.as_nanos() as f64 / (after.datagrams_in - before.datagrams_in) as f64);
        ns_out.push(taken.as_nanos() as f64 / (after.forwarded - before.forwarded) as f64);
    }
    let end = world.report();
    Cost {
        ns_in: Spread::of(ns_in),
        ns_out: Spread::of(ns_out),
        packets_in: end.datagrams_in - start.datagrams_in,
        packets_out: forwarded(&start, &end),
        allocations: ALLOCATOR.allocations() - allocations,
    }
}

/// Seals the same packets whatever `rounds` (at most ten) is, and delivers so many rounds of them: what they cost is
/// what two such runs differ by. How many packets were forwarded.
pub(crate) fn play(profile: SrtpProfile, rounds: usize) -> u64 {
    let mut world = steady(profile);
    let mut scripts: Vec<_> = (0..10).map(|_| world.script(ROUND_MS)).collect();
    let start = world.report();
    scripts.iter_mut().take(rounds).for_each(|script| run(&mut world.shard, script));
    forwarded(&start, &world.report())
}

/// Four people who see and hear each other, for so long that it is clear which layers nobody takes.
fn steady(profile: SrtpProfile) -> World {
    let mut world = World::seated(profile);
    for browser in world.browsers.iter_mut().flatten() {
        browser.shape = SHAPE;
        browser.keeps = false;
    }
    world.run(7_000);
    world
}

/// What a worker does with what has arrived, without its sockets.
fn run(shard: &mut Shard, script: &mut [Step]) {
    for step in script {
        if shard.deadline().is_some_and(|deadline| deadline.at <= step.at) {
            shard.handle_timeout(step.at);
        }
        for (path, datagram) in &mut step.datagrams {
            if shard.outbox().room() < OUTBOX_ROOM_MIN {
                empty(shard);
            }
            shard.handle_datagram(step.at, *path, datagram);
        }
        empty(shard);
    }
}

fn empty(shard: &mut Shard) {
    black_box(shard.outbox().filled());
    shard.outbox().clear();
    assert_eq!(shard.poll_event(), None, "nothing happens to a visit in its steady state");
}

/// How many packets went out between two reports, each of which one was meant to.
fn forwarded(start: &WorkerReport, end: &WorkerReport) -> u64 {
    assert_eq!(start.drops, end.drops, "nothing is dropped in the steady state");
    assert_eq!(start.layer_switches, end.layer_switches);
    end.forwarded - start.forwarded
}
