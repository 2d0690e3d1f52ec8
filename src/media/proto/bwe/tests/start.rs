//! The beginning of a leg, and its return.

use super::super::{Content, Estimator};
use super::path::Path;
use super::visit::{Sends, Visit};
use super::{at, kbps, ms};

#[test]
fn what_is_not_used_neither_shrinks_nor_grows() {
    for pictures in [0, 150, 500] {
        let mut visit = Visit::new(Path::of(&[(0, 10_000)]), Sends::Always(pictures), 1);
        visit.run(60_000);
        let (least, most) = visit.range(0, 60_000);
        assert!(least == 1_000 && most <= 1_030, "{pictures} kbit/s: {most}{}", visit.curves());
        assert_eq!(visit.padding, 0, "nothing is wanted");
    }
}

#[test]
fn without_a_probe_nothing_grows_beyond_what_arrives() {
    let mut visit = Visit::new(Path::of(&[(0, 10_000)]), Sends::Always(1_500), 1);
    visit.run(60_000);
    let (least, most) = visit.range(10_000, 60_000);
    // A quarter above the fullest moment, which had a keyframe.
    assert!(least >= 1_540 && most <= 2_500, "{least} {most}{}", visit.curves());
}

#[test]
fn the_round_trip_is_told() {
    let mut visit = Visit::new(Path { delay: ms(40), ..Path::of(&[(0, 10_000)]) }, Sends::Always(500), 1);
    visit.run(5_000);
    let trip = visit.estimator.round_trip();
    assert!(trip.is_some_and(|trip| (ms(80)..ms(100)).contains(&trip)), "{trip:?}");
}

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

#[test]
fn who_sends_nothing_waits_for_nothing() {
    let mut estimator = Estimator::new(at(0), kbps(1_000), kbps(5_000));
    assert_eq!(estimator.deadline(), None);
    estimator.send(at(0), 100, Content::Media);
    estimator.send(at(900), 100, Content::Media);
    let mut halvings = Vec::new();
    while let Some(deadline) = estimator.deadline().filter(|deadline| deadline.at < at(5_000)) {
        estimator.handle_timeout(deadline.at);
        halvings.push((deadline.at, estimator.estimate(), estimator.is_silent()));
    }
    let expected = [1_000, 2_000, 3_000, 4_000].map(|millis| (at(millis), kbps(500), true));
    assert_eq!(halvings, expected, "halved once for what was sent");
}
