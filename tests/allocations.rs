//! After a leg is seated, packets cost no allocation: counted by an allocator that counts.
//!
//! A test binary of its own, with one test, so that nobody else's allocations are counted.
#![expect(clippy::unwrap_used, clippy::cast_possible_truncation, reason = "scripted browsers know what they made")]

#[path = "support/counting.rs"]
mod counting;
mod support;

use std::time::Duration;

use counting::Counting;
use quartet::base::Seat;
use quartet::link::event::SrtpProfile;
use support::World;

#[global_allocator]
static ALLOCATOR: Counting = Counting::new();

#[test]
fn a_hundred_thousand_packets_with_rtcp_and_layer_switches_cost_no_allocation() {
    let mut world = World::telling(SrtpProfile::AeadAes128Gcm, |_| {});
    world.run(5_000);
    for browser in world.browsers.iter_mut().flatten() {
        browser.keeps = false;
    }
    let before = world.report();
    world.around_the_shard = |inside| if inside { ALLOCATOR.start() } else { ALLOCATOR.stop() };
    let start = world.now;
    for layers in [[true, true, false], [true, false, false], [true, true, true]].into_iter().cycle() {
        world.layers[1] = layers;
        // A layer that comes again is believed in only after some seconds.
        world.run(12_000);
        let so_far = world.report();
        if (so_far.forwarded - before.forwarded).min(so_far.datagrams_in - before.datagrams_in) >= 100_000 {
            break;
        }
    }
    world.around_the_shard = |_| {};
    let after = world.report();
    let sealed = after.forwarded - before.forwarded;
    assert!(after.layer_switches - before.layer_switches >= 9);
    assert!(after.datagrams_out - before.datagrams_out > sealed + 4 * world.now.since(start).as_secs(), "RTCP among them");
    assert!(world.now.since(start) > Duration::from_secs(30), "timeouts and checks of all kinds among them");
    assert_eq!(after.legs as usize, Seat::COUNT);
    assert_eq!(ALLOCATOR.allocations(), 0, "allocations over {sealed} packets out");
    assert!(ALLOCATOR.proves_itself(), "the counter itself works");
}
