//! A thousand visits that chance has made: who comes and goes, what they show and mute, and what their paths do. All of
//! them end on good paths, and then everybody who is there must see and hear everybody. The rest is what [`House`] asserts
//! all the time: nothing to an address that passed no check, nothing of another visit, no number twice, no mixed frames.

use std::time::Duration;

use quartet::base::Seat;
use quartet::link::terms::{Rank, Tile};
use quartet::link::{Sources, Watching};

use super::house::{House, asked_seed};
use super::peer::Shape;
use crate::network::{Dice, Impairment, Loss, Rate};

const SEEDS: u64 = 1_000;
const THREADS: u64 = 2;
/// How often chance decides, and how long each time lasts.
const TURNS: usize = 8;
const TURN_MILLIS: (u32, u32) = (20, 300);
/// Security test 72: every join ends in media within 15 s.
const JOIN_MILLIS: u64 = 15_000;

const GOOD: Impairment = Impairment { delay: Duration::from_millis(10), ..Impairment::NONE };

#[test]
fn whatever_happens_everybody_sees_and_hears_everybody_in_the_end() {
    if let Some(seed) = asked_seed() {
        play(seed);
        return;
    }
    std::thread::scope(|scope| {
        let shares: Vec<_> = (0..THREADS)
            .map(|thread| scope.spawn(move || (0..SEEDS).filter(|seed| seed % THREADS == thread).for_each(play)))
            .collect();
        for share in shares {
            assert!(share.join().is_ok(), "a seed failed; its story is above");
        }
    });
}

fn play(seed: u64) {
    let mut dice = Dice::new(seed ^ 0x5eed);
    let mut house = House::new(seed, &[1, 2]);
    for _ in 0..3 {
        join(&mut house, &mut dice);
    }
    for _ in 0..TURNS {
        act(&mut house, &mut dice);
        house.run(dice.between(TURN_MILLIS).into());
    }
    house.tell("all paths are good, and everybody looks at everybody");
    for number in house.present() {
        house.set_up(number, GOOD);
        house.set_down(number, GOOD);
        house.watch(number, Watching::default());
        house.set_sources(number, Sources::default());
    }
    // What is under way on the bad paths is another matter.
    house.run(500);
    let good = house.now;
    let is_well = |house: &House| {
        let present = house.present();
        let pairs = present.iter().flat_map(|who| present.iter().map(move |of| (*who, *of)));
        pairs.filter(|(who, of)| who != of && house.members[*who].visit == house.members[*of].visit).all(|(who, of)| {
            let line = house.line(who, of);
            let peer = &house.members[who].peer;
            let hears = peer.sounds[line].heard.is_some_and(|at| at > good);
            hears && peer.pictures[line].first_shown(good, |_| true).is_some()
        })
    };
    assert!(house.run_until(JOIN_MILLIS, is_well), "seed {seed}: somebody does not see or hear somebody");
}

/// Something that happens in visits.
fn act(house: &mut House, dice: &mut Dice) {
    let present = house.present();
    let Some(&number) = present.get(dice.between((0, present.len() as u32)) as usize) else {
        join(house, dice);
        return;
    };
    match dice.between((0, 9)) {
        0 | 1 => join(house, dice),
        2 => house.leave(number),
        3 | 4 => {
            let cameras = std::array::from_fn(|_| tile(dice));
            house.watch(number, Watching { cameras, screen: Tile::default() });
        }
        5 => house.set_sources(number, Sources { microphone: dice.chance(0.5), camera: dice.chance(0.5), screen: true }),
        6 => house.rebind(number),
        7 => house.set_up(number, path(dice)),
        _ => house.set_down(number, path(dice)),
    }
}

/// Someone takes a seat, often one that is taken.
fn join(house: &mut House, dice: &mut Dice) {
    let visit = 1 + u8::from(dice.chance(0.3));
    let seat = Seat::new(dice.between((0, 3)) as u8).unwrap();
    let shape = Shape { temporal_layers: dice.between((1, 3)) as u8, takes_red: dice.chance(0.7), ..Shape::SMALL };
    let (up, down) = (path(dice), path(dice));
    house.join(visit, seat, shape, up, down);
}

fn tile(dice: &mut Dice) -> Tile {
    let heights = [0, 180, 360, 1_080];
    let ranks = [Rank::Plain, Rank::Pinned, Rank::Interpreter];
    Tile { height: heights[dice.between((0, 3)) as usize], rank: ranks[dice.between((0, 2)) as usize] }
}

fn path(dice: &mut Dice) -> Impairment {
    let loss = match dice.between((0, 5)) {
        0 => Loss::Random(0.3 * dice.unit()),
        1 => Loss::Burst { share: 0.1, mean: 4.0 },
        2 if dice.chance(0.3) => Loss::All,
        _ => Loss::None,
    };
    let slow = Rate { bits_per_second: dice.between((30_000, 500_000)).into(), queue: Duration::from_millis(200) };
    Impairment {
        delay: dice.shorter_than(Duration::from_millis(100)),
        jitter: if dice.chance(0.3) { Duration::from_millis(50) } else { Duration::ZERO },
        loss,
        reorder: if dice.chance(0.3) { 0.05 } else { 0.0 },
        duplicate: if dice.chance(0.3) { 0.1 } else { 0.0 },
        rate: dice.chance(0.2).then_some(slow),
        ..Impairment::NONE
    }
}
