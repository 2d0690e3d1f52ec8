//! The beginning of a leg, and its return.

use super::ms;
use super::path::Path;
use super::visit::{Sends, Visit};

#[test]
fn a_wide_path_is_found_within_two_and_a_half_seconds() {
    for seed in 1..=5 {
        let mut visit = Visit::new(Path::of(&[(0, 5_000)]), Sends::Obeys { pictures: 3 }, seed).wants(4_800);
        visit.run(10_000);
        let reached = visit.reaches(0, 4_000);
        assert!(reached.is_some_and(|after| after <= 2_500), "seed {seed}: {reached:?}{}", visit.curves());
        let (_, most) = visit.range(0, 10_000);
        assert!(most <= 5_500, "seed {seed}: {most}{}", visit.curves());
    }
}

#[test]
fn start_probes_do_no_lasting_harm_on_a_narrow_path() {
    for seed in 1..=5 {
        let mut visit = Visit::new(Path::of(&[(0, 300)]), Sends::Obeys { pictures: 1 }, seed).wants(4_800);
        visit.run(10_000);
        let (_, most) = visit.range(2_000, 10_000);
        assert!(most <= 330, "seed {seed}: {most}{}", visit.curves());
        assert!(visit.longest_wait(3_000, 10_000) < ms(200), "seed {seed}{}", visit.curves());
    }
}

#[test]
fn after_an_outage_the_estimate_is_back_within_five_seconds() {
    for seed in 1..=5 {
        let path = Path::of(&[(0, 4_000), (10_000, 0), (30_000, 4_000)]);
        let mut visit = Visit::new(path, Sends::Obeys { pictures: 1 }, seed).wants(1_900);
        visit.run(40_000);
        let (_, at_its_end) = visit.range(18_000, 30_000);
        assert_eq!(at_its_end, 30, "a dead path is not flooded{}", visit.curves());
        let back = visit.reaches(30_000, 1_000);
        assert!(back.is_some_and(|after| after <= 5_000), "seed {seed}: {back:?}{}", visit.curves());
    }
}

#[test]
fn after_an_outage_a_path_that_came_back_narrow_is_not_flooded() {
    for seed in 1..=5 {
        let path = Path::of(&[(0, 4_000), (10_000, 0), (20_000, 300)]);
        let mut visit = Visit::new(path, Sends::Obeys { pictures: 1 }, seed).wants(1_900);
        visit.run(40_000);
        let (_, most) = visit.range(22_000, 40_000);
        assert!(most <= 330, "seed {seed}: {most}{}", visit.curves());
    }
}
