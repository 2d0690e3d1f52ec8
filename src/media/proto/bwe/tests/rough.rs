//! Paths that are wide enough and still lose, shake or mix up packets, or change.

use super::ms;
use super::path::Path;
use super::visit::{Sends, Visit};

#[test]
fn random_loss_alone_takes_no_layer() {
    for seed in 1..=5 {
        for (loss, least) in [(5, 1_500), (20, 400)] {
            let path = Path { loss, ..Path::of(&[(0, 10_000)]) };
            let mut visit = Visit::new(path, Sends::Obeys { pictures: 1 }, seed).wants(1_900);
            visit.feedback_loss = loss;
            visit.run(60_000);
            let (lowest, _) = visit.range(5_000, 60_000);
            assert!(lowest >= least, "seed {seed}, {loss} %: {lowest}{}", visit.curves());
        }
    }
}

#[test]
fn jitter_and_reordering_are_no_queue() {
    for seed in 1..=5 {
        for in_order in [true, false] {
            let path = Path { jitter: ms(60), reordered: 1, in_order, ..Path::of(&[(0, 4_000)]) };
            let mut visit = Visit::new(path, Sends::Always(1_500), seed).wants(1_900);
            visit.run(60_000);
            let (lowest, _) = visit.range(5_000, 60_000);
            assert!(lowest >= 1_200, "seed {seed}, in order {in_order}: {lowest}{}", visit.curves());
        }
    }
}

#[test]
fn a_path_that_becomes_longer_and_hands_on_in_clumps_takes_no_layer() {
    for seed in 1..=10 {
        let mut visit = Visit::new(Path::of(&[(0, 8_000)]), Sends::Obeys { pictures: 2 }, seed).wants(3_700);
        visit.run(15_000);
        (visit.path.jitter, visit.path.reordered, visit.path.delay) = (ms(60), 1, ms(45));
        visit.run(75_000);
        let (lowest, _) = visit.range(15_000, 75_000);
        assert!(lowest >= 3_040, "seed {seed}: {lowest}{}", visit.curves());
    }
}

#[test]
fn a_radio_that_is_away_for_a_moment_takes_no_layer() {
    for seed in 1..=5 {
        for away in [100, 300] {
            let path = Path { away: ms(away), queue: ms(500), ..Path::of(&[(0, 6_000)]) };
            let mut visit = Visit::new(path, Sends::Obeys { pictures: 1 }, seed).wants(1_900);
            visit.run(30_000);
            let (lowest, _) = visit.range(10_000, 30_000);
            assert!(lowest >= 1_540, "seed {seed}, {away} ms: {lowest}{}", visit.curves());
        }
    }
}

#[test]
fn a_path_that_becomes_longer_costs_a_layer_for_a_moment_only() {
    for seed in 1..=5 {
        let mut visit = Visit::new(Path::of(&[(0, 4_000)]), Sends::Obeys { pictures: 1 }, seed).wants(1_900);
        visit.run(10_000);
        visit.path.delay = ms(125);
        visit.run(30_000);
        let back = visit.reaches(12_000, 1_850);
        assert!(back.is_some_and(|after| after <= 8_000), "seed {seed}: {back:?}{}", visit.curves());
        let (lowest, _) = visit.range(20_000, 30_000);
        assert!(lowest >= 1_540, "seed {seed}: {lowest}{}", visit.curves());
    }
}
