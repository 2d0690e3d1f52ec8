//! What a visit costs in memory: counted by an allocator that counts.
//!
//! A test binary of its own, with one test, so that nobody else's allocations are counted.
#![expect(clippy::unwrap_used, clippy::cast_possible_truncation, reason = "scripted browsers know what they made")]

#[path = "support/counting.rs"]
mod counting;
mod support;

use counting::Counting;
use quartet::link::Command;
use quartet::link::event::SrtpProfile;
use support::World;
use support::world::VISIT;

#[global_allocator]
static ALLOCATOR: Counting = Counting::new();

/// A second of every layer of everyone, in the clear, is 1.1 MB of this. More would halve what a small machine carries; less
/// would forget packets before a far receiver has missed them.
const VISIT_BYTES_MAX: i64 = 1_500_000;

#[test]
fn a_visit_of_four_who_send_three_layers_each_takes_a_megabyte_and_a_half_at_most_and_gives_it_back() {
    let counts = |inside| if inside { ALLOCATOR.start() } else { ALLOCATOR.stop() };
    let mut world = World::telling(SrtpProfile::AeadAes128Gcm, counts);
    world.run(3_000);
    assert_eq!(world.report().legs, 4);
    let held = ALLOCATOR.held();
    assert!((1_000_000..=VISIT_BYTES_MAX).contains(&held), "{held} bytes");
    world.command(Command::CloseVisit { visit: VISIT });
    let left = ALLOCATOR.held();
    assert!(left.abs() < 50_000, "{left} bytes are left");
    assert!(ALLOCATOR.proves_itself());
}
