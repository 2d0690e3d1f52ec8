//! Four people in one shard, who do all that browsers do; only what the shard does is measured.

use std::time::Duration;

use quartet::base::Instant;
use quartet::base::limits::OUTBOX_ROOM_MIN;
use quartet::link::WorkerReport;
use quartet::link::event::SrtpProfile;
use quartet::media::net::path::Path;
use quartet::media::worker::shard::Shard;

use crate::ALLOCATOR;
use crate::clock::time;
use crate::spread::Spread;
use crate::support::World;
use crate::support::browser::Shape;

/// What Chromium sends of a camera at 720p, near enough: frames of one packet (q), two (h) and five (f), 33 a second,
/// and 50 packets of Opus. On the wire f's packets are some 1,150 bytes, those of sound some 100.
const SHAPE: Shape = Shape { packets: [1, 2, 5, 2], picture: [560, 900, 1_106, 1_106], sound: 64 };

/// Long enough that timers, reports and checks are part of every few rounds; short enough that what arrives stays
/// near the processor, as it would in the kernel's hands.
const STEPS: usize = 60;
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
        let before = world.report();
        let mut taken = Duration::ZERO;
        for _ in 0..STEPS {
            world.step(|shard, now, datagrams| {
                ALLOCATOR.start();
                let (more, count) = time(|| deliver(shard, now, datagrams));
                ALLOCATOR.stop();
                taken += more;
                count
            });
        }
        let after = world.report();
        ns_in.push(taken.as_nanos() as f64 / (after.datagrams_in - before.datagrams_in) as f64);
        ns_out.push(taken.as_nanos() as f64 / (after.forwarded - before.forwarded) as f64);
    }
    let end = world.report();
    Cost {
        ns_in: Spread::of(ns_in),
        ns_out: Spread::of(ns_out),
        packets_in: end.datagrams_in - start.datagrams_in,
        packets_out: forwarded(&world, &start, &end),
        allocations: ALLOCATOR.allocations() - allocations,
    }
}

/// So many rounds, for whoever counts what [`deliver`] does. How many packets were forwarded.
pub(crate) fn play(profile: SrtpProfile, rounds: usize) -> u64 {
    let mut world = steady(profile);
    let start = world.report();
    (0..rounds * STEPS).for_each(|_| world.step(deliver));
    forwarded(&world, &start, &world.report())
}

/// Four people who see and hear each other and tell what arrives, for so long that nothing changes any more: what their paths
/// carry is known, and so is which layers nobody takes.
fn steady(profile: SrtpProfile) -> World {
    let mut world = World::telling(profile, |_| {});
    for browser in world.browsers.iter_mut().flatten() {
        browser.shape = SHAPE;
        browser.keeps = false;
    }
    world.run(20_000);
    world.events.clear();
    world
}

/// What a worker does with what has arrived, without its sockets: that much of it after which what it said has to leave.
/// Callgrind knows it by its name.
#[inline(never)]
pub(crate) fn deliver(shard: &mut Shard, now: Instant, datagrams: &mut [(Path, Vec<u8>)]) -> usize {
    if shard.deadline().is_some_and(|deadline| deadline.at <= now) {
        shard.handle_timeout(now);
    }
    let mut count = 0;
    for (path, datagram) in datagrams {
        if shard.outbox().room() < OUTBOX_ROOM_MIN {
            break;
        }
        shard.handle_datagram(now, now, *path, datagram);
        count += 1;
    }
    count
}

/// How many packets went out between two reports, each of which one was meant to.
fn forwarded(world: &World, start: &WorkerReport, end: &WorkerReport) -> u64 {
    assert_eq!(world.events, [], "nothing happens to a visit in its steady state");
    assert_eq!(start.drops, end.drops, "nothing is dropped in the steady state");
    assert_eq!(start.layer_switches, end.layer_switches);
    end.forwarded - start.forwarded
}
