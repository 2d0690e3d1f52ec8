//! After a leg is seated, packets cost no allocation: counted by an allocator that counts.
//!
//! A test binary of its own, with one test, so that nobody else's allocations are counted.
#![allow(unsafe_code, reason = "an allocator cannot be written without")]

mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use quartet::base::Seat;
use support::World;

/// The system's allocator, counting while it is told to.
struct Counting;

static COUNTS: AtomicBool = AtomicBool::new(false);
static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

// SAFETY: every call goes on to the system's allocator with the caller's own promises; counting touches no memory of it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if COUNTS.load(Ordering::Relaxed) {
            ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        }
        // SAFETY: as promised by the caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as promised by the caller.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if COUNTS.load(Ordering::Relaxed) {
            ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        }
        // SAFETY: as promised by the caller.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn a_hundred_thousand_packets_with_rtcp_and_layer_switches_cost_no_allocation() {
    let mut world = World::full();
    world.run(3_000);
    for browser in world.browsers.iter_mut().flatten() {
        browser.keeps = false;
    }
    let before = world.report();
    world.around_the_shard = |inside| COUNTS.store(inside, Ordering::Relaxed);
    let start = world.now;
    for layers in [[true, true, false], [true, false, false], [true, true, true]].into_iter().cycle() {
        world.layers[1] = layers;
        world.run(3_000);
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
    assert_eq!(ALLOCATIONS.load(Ordering::Relaxed), 0, "allocations over {sealed} packets out");
    assert!(counting_counts(), "the counter itself works");
}

/// That a zero above means something.
fn counting_counts() -> bool {
    COUNTS.store(true, Ordering::Relaxed);
    let boxed = std::hint::black_box(Box::new(1));
    COUNTS.store(false, Ordering::Relaxed);
    *boxed == 1 && ALLOCATIONS.load(Ordering::Relaxed) > 0
}
