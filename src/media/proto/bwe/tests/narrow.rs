//! Paths that carry less than we would send.

use super::ms;
use super::path::Path;
use super::visit::{Sends, Visit};

#[test]
fn a_path_that_narrows_and_widens_is_followed() {
    for seed in 1..=5 {
        for queue in [200, 400] {
            let path = Path { queue: ms(queue), ..Path::of(&[(0, 2_000), (15_000, 300), (30_000, 2_000)]) };
            let mut visit = Visit::new(path, Sends::Obeys { pictures: 1 }, seed).wants(1_900);
            visit.run(17_000);
            let padding = visit.padding;
            visit.run(30_000);
            let tried = visit.padding - padding;
            assert!(tried <= 4 * 9_300, "a probe each four seconds at most: {tried}{}", visit.curves());
            visit.run(50_000);
            let curves = visit.curves();
            let (before, _) = visit.range(6_000, 15_000);
            assert!(before >= 1_600, "seed {seed}: {before}{curves}");
            let (_, most) = visit.range(16_000, 30_000);
            assert!(most <= 330, "seed {seed}, queue {queue}: {most}{curves}");
            assert!(visit.longest_wait(17_000, 30_000) < ms(200), "seed {seed}, queue {queue}{curves}");
            let back = visit.reaches(30_000, 1_600);
            assert!(back.is_some_and(|after| after <= 7_000), "seed {seed}: {back:?}{curves}");
            let (least, _) = visit.range(38_000, 50_000);
            assert!(least >= 1_600, "seed {seed}: {least}{curves}");
        }
    }
}

#[test]
fn a_narrow_place_without_a_queue_is_seen_by_its_losses() {
    for seed in 1..=5 {
        let path = Path { queue: ms(20), ..Path::of(&[(0, 2_000), (10_000, 300)]) };
        let mut visit = Visit::new(path, Sends::Always(1_500), seed).wants(1_900);
        visit.run(20_000);
        let (_, most) = visit.range(13_000, 20_000);
        assert!(most <= 330, "seed {seed}: {most}{}", visit.curves());
    }
}

/// The estimate, in kbit/s, at the end of each half second of 2 Mbit/s, 300 kbit/s from 10 s on, and 2 Mbit/s again
/// from 20 s on. A change of a constant is a change of this table: read the difference, look at the curves, and write
/// down what you like.
const FOLLOWED: [[u64; 10]; 6] = [
    [1021, 2000, 2000, 2000, 2000, 2000, 2015, 2028, 2028, 2028],
    [2028, 2028, 2028, 2028, 2028, 2028, 2028, 2028, 2028, 2028],
    [259, 257, 257, 258, 258, 258, 258, 258, 258, 258],
    [271, 271, 271, 271, 272, 275, 275, 275, 275, 275],
    [275, 275, 275, 408, 1992, 1992, 1992, 1992, 1992, 2017],
    [2017, 2017, 2017, 2017, 2017, 2017, 2017, 2017, 2017, 2017],
];

#[test]
fn the_estimate_follows_the_path_as_written_down() {
    let path = Path::of(&[(0, 2_000), (10_000, 300), (20_000, 2_000)]);
    let mut visit = Visit::new(path, Sends::Obeys { pictures: 1 }, 1).wants(1_900);
    visit.run(30_000);
    let estimates: Vec<u64> = visit.rows.iter().map(|row| row.estimate).collect();
    assert_eq!(estimates, FOLLOWED.concat(), "{}", visit.curves());
}
