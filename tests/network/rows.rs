//! What visits are like on paths that are not what one would like: the targets of media.md, each a claim. `SEED` plays
//! them with other chances.

use std::time::Duration;

use quartet::base::{Instant, Seat};
use quartet::link::Watching;

use super::house::{House, asked_seed};
use super::peer::{Picture, Played, Shape};
use crate::network::{Impairment, Loss, Rate};

/// A path that nobody complains about.
const GOOD: Impairment = Impairment { delay: millis(10), ..Impairment::NONE };

const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A path of so long there and back.
const fn of_round_trip(there_and_back: u64) -> Impairment {
    Impairment { delay: millis(there_and_back / 2), ..Impairment::NONE }
}

/// A link of so many kbit/s, with a queue of 300 ms before it.
const fn of_rate(kbps: u64) -> Impairment {
    Impairment { rate: Some(Rate { bits_per_second: kbps * 1_000, queue: millis(300) }), ..of_round_trip(50) }
}

fn seat(number: u8) -> Seat {
    Seat::new(number).unwrap()
}

fn house() -> House {
    House::new(asked_seed().unwrap_or(1), &[1])
}

/// What one member sees and hears of another in some time.
struct Seen<'a> {
    picture: &'a Picture,
    from: Instant,
    to: Instant,
    sound: Played,
}

impl Seen<'_> {
    fn longest_freeze(&self) -> Duration {
        self.picture.longest_freeze(self.from, self.to)
    }

    fn frames_per_second(&self) -> f64 {
        self.picture.frames_per_second(self.from, self.to)
    }

    fn concealed(&self) -> f64 {
        self.sound.concealed_percent()
    }

    fn layers(&self) -> Vec<u8> {
        self.picture.layers(self.from, self.to)
    }
}

/// What `who` sees and hears of `of` from `from` until now; it is written down too.
fn seen(house: &House, who: usize, of: usize, from: Instant) -> Seen<'_> {
    let (line, to) = (house.line(who, of), house.now);
    let peer = &house.members[who].peer;
    let seen = Seen { picture: &peer.pictures[line], from, to, sound: peer.sounds[line].played(from, to) };
    eprintln!(
        "{who} of {of}: freeze {:.0?}, {:.1} frames/s, layers {:?}, concealed {:.2} % of {}, {} asked for of {} packets",
        seen.longest_freeze(),
        seen.frames_per_second(),
        seen.layers(),
        seen.concealed(),
        seen.sound.all,
        seen.picture.nacked,
        seen.picture.packets,
    );
    seen
}

/// For so many milliseconds nothing waits for long before the downlink of `who`.
fn assert_no_queue(house: &mut House, who: usize, time: u64) {
    house.members[who].queue = Duration::ZERO;
    house.run(time);
    let queue = house.members[who].queue;
    eprintln!("waits {queue:?}");
    assert!(queue < millis(200), "{queue:?}");
}

/// Two people; the first is behind this path, both ways.
fn two(path: Impairment, shape: Shape) -> (House, usize, usize) {
    let mut house = house();
    let far = house.join(1, seat(0), shape, path, path);
    let near = house.join(1, seat(1), shape, GOOD, GOOD);
    (house, far, near)
}

#[test]
fn five_percent_loss_freezes_nothing_and_is_not_heard() {
    for temporal_layers in 1..=3 {
        let path = Impairment { loss: Loss::Random(0.05), ..of_round_trip(50) };
        let (mut house, far, near) = two(path, Shape { temporal_layers, ..Shape::BROWSER });
        house.run(5_000);
        let from = house.now;
        house.run(60_000);
        for (who, of) in [(far, near), (near, far)] {
            let seen = seen(&house, who, of, from);
            assert!(seen.longest_freeze() <= millis(200), "{:?}", seen.longest_freeze());
            assert!(seen.concealed() < 1.0, "{} %", seen.concealed());
            assert!(seen.frames_per_second() > 25.0);
        }
    }
}

#[test]
fn what_is_lost_on_the_way_down_comes_again_even_if_no_request_ever_does() {
    let path = Impairment { loss: Loss::Random(0.05), ..of_round_trip(50) };
    let mut house = house();
    let far = house.join(1, seat(0), Shape { asks: false, ..Shape::BROWSER }, of_round_trip(50), path);
    let near = house.join(1, seat(1), Shape::BROWSER, GOOD, GOOD);
    house.run(5_000);
    let from = house.now;
    house.run(60_000);
    let seen = seen(&house, far, near, from);
    assert!(seen.longest_freeze() <= millis(500), "{:?}", seen.longest_freeze());
    assert!(seen.frames_per_second() > 25.0);
}

#[test]
fn a_path_that_turns_bad_at_once_leaves_a_picture_that_moves() {
    let path = Impairment { loss: Loss::Random(0.2), ..of_round_trip(100) };
    let (mut house, far, near) = two(of_round_trip(100), Shape::BROWSER);
    house.run(15_000);
    house.set_up(far, path);
    house.set_down(far, path);
    let from = house.now;
    house.run(30_000);
    for (who, of) in [(far, near), (near, far)] {
        let seen = seen(&house, who, of, from);
        assert!(seen.longest_freeze() <= Duration::from_secs(2), "{:?}", seen.longest_freeze());
    }
}

#[test]
fn a_path_that_grows_longer_while_it_loses_a_fifth_is_not_taken_for_a_narrow_one() {
    let bad = Impairment { loss: Loss::Random(0.2), ..of_round_trip(100) };
    // It was so with some chances and not with others.
    for seed in asked_seed().map_or(1..=6, |seed| seed..=seed) {
        let mut house = House::new(seed, &[1]);
        let far = house.join(1, seat(0), Shape::BROWSER, GOOD, GOOD);
        let others = [1, 2].map(|number| house.join(1, seat(number), Shape::BROWSER, GOOD, GOOD));
        house.run(15_000);
        house.set_up(far, bad);
        house.set_down(far, bad);
        house.run(3_000);
        let from = house.now;
        house.run(27_000);
        for of in others {
            let seen = seen(&house, far, of, from);
            assert!(seen.frames_per_second() > 25.0, "{}", seen.frames_per_second());
            assert!(seen.longest_freeze() <= Duration::from_secs(2), "{:?}", seen.longest_freeze());
            assert!(seen.concealed() < 1.0, "{} %", seen.concealed());
        }
    }
}

#[test]
fn without_copies_in_the_sound_five_percent_loss_is_heard() {
    let path = Impairment { loss: Loss::Random(0.05), ..of_round_trip(50) };
    let (mut house, far, near) = two(path, Shape { takes_red: false, ..Shape::BROWSER });
    house.run(5_000);
    let from = house.now;
    house.run(60_000);
    let seen = seen(&house, far, near, from);
    assert!(seen.concealed() > 2.0, "{} %", seen.concealed());
}

#[test]
fn twenty_percent_loss_leaves_sound_that_is_understood_and_a_picture_that_moves() {
    let path = Impairment { loss: Loss::Random(0.2), ..of_round_trip(100) };
    let (mut house, far, near) = two(path, Shape::BROWSER);
    house.run(10_000);
    let from = house.now;
    house.run(30_000);
    for (who, of) in [(far, near), (near, far)] {
        let seen = seen(&house, who, of, from);
        assert!(seen.concealed() < 5.0, "{} %", seen.concealed());
        assert!(seen.frames_per_second() >= 5.0, "{}", seen.frames_per_second());
    }
}

#[test]
fn a_downlink_that_grows_narrow_gets_a_lower_layer_within_two_seconds_and_the_upper_back_within_ten() {
    for temporal_layers in 1..=3 {
        narrow_and_widen(Shape { temporal_layers, ..Shape::BROWSER });
    }
}

fn narrow_and_widen(shape: Shape) {
    let (wide, narrow) = (of_rate(2_000), of_rate(300));
    let mut house = house();
    let sender = house.join(1, seat(0), shape, GOOD, GOOD);
    let narrowed = house.join(1, seat(1), Shape::SILENT, GOOD, wide);
    let other = house.join(1, seat(2), Shape::SILENT, GOOD, GOOD);
    house.run(15_000);
    let start = house.now;
    house.run(5_000);
    let upper = *seen(&house, narrowed, sender, start).layers().last().expect("a picture");
    assert_eq!(seen(&house, other, sender, start).layers(), [2]);

    let before = house.now;
    house.set_down(narrowed, narrow);
    house.run(2_000);
    let later = house.now;
    assert_no_queue(&mut house, narrowed, 15_000);
    let layers = seen(&house, narrowed, sender, later).layers();
    assert!(!layers.is_empty() && layers.iter().all(|layer| *layer < upper), "{layers:?}");

    let widened = house.now;
    house.set_down(narrowed, wide);
    house.run(20_000);
    let picture = seen(&house, narrowed, sender, widened).picture;
    let back = picture.first_shown(widened, |layer| layer == upper).expect("the upper layer comes back");
    eprintln!("back after {:?}", back.since(widened));
    assert!(back.since(widened) <= Duration::from_secs(10), "{:?}", back.since(widened));
    assert!(seen(&house, narrowed, sender, before).longest_freeze() < Duration::from_secs(2));

    assert_eq!(house.members[narrowed].peer.left_out(), 0, "a switch of layers leaves no gap");
    let other = seen(&house, other, sender, start);
    assert_eq!(other.layers(), [2], "the other is not touched");
    assert!(other.longest_freeze() <= millis(100) && other.concealed() < 0.1);
}

#[test]
fn copies_of_sound_do_not_keep_the_queue_of_a_narrow_path_full() {
    let mut house = house();
    let sender = house.join(1, seat(0), Shape::BROWSER, GOOD, GOOD);
    let narrowed = house.join(1, seat(1), Shape::SILENT, GOOD, Impairment { loss: Loss::Random(0.15), ..of_round_trip(50) });
    let talker = house.join(1, seat(2), Shape { camera: false, ..Shape::BROWSER }, GOOD, GOOD);
    // There are as many copies as there can be when it grows narrow: what it loses from then on, it loses to them.
    house.run(15_000);
    house.set_down(narrowed, of_rate(300));
    house.run(4_000);
    let from = house.now;
    assert_no_queue(&mut house, narrowed, 20_000);
    for of in [sender, talker] {
        let seen = seen(&house, narrowed, of, from);
        assert!(seen.concealed() < 1.0, "{} %", seen.concealed());
    }
}

#[test]
fn who_sends_no_picture_takes_no_room_from_who_does() {
    let mut house = house();
    let sender = house.join(1, seat(0), Shape::BROWSER, GOOD, GOOD);
    let receiver = house.join(1, seat(1), Shape::SILENT, GOOD, of_rate(2_000));
    house.join(1, seat(2), Shape::SILENT, GOOD, GOOD);
    house.run(10_000);
    let from = house.now;
    house.run(40_000);
    assert_eq!(seen(&house, receiver, sender, from).layers(), [2]);
}

#[test]
fn others_get_what_a_narrow_uplink_still_sends_within_three_seconds() {
    let (mut house, sender, receiver) = two(GOOD, Shape::BROWSER);
    house.run(10_000);
    house.set_up(sender, of_rate(300));
    house.run(3_000);
    let from = house.now;
    house.run(10_000);
    let seen = seen(&house, receiver, sender, from);
    assert!(seen.longest_freeze() < Duration::from_secs(2), "{:?}", seen.longest_freeze());
    assert!(seen.frames_per_second() > 15.0 && seen.layers().iter().all(|layer| *layer < 2));
    assert!(seen.concealed() < 5.0, "{} %", seen.concealed());
}

#[test]
fn jitter_and_reordering_bring_no_storm_and_no_flapping() {
    let path = Impairment { jitter: millis(60), reorder: 0.01, ..of_round_trip(40) };
    let (mut house, far, near) = two(path, Shape::BROWSER);
    house.run(10_000);
    let from = house.now;
    house.run(30_000);
    for (who, of) in [(far, near), (near, far)] {
        let peer = &house.members[who].peer;
        let (media, repaired, _) = peer.came();
        assert!(repaired * 5 <= media, "{repaired} repairs of {media}");
        assert!(peer.asked * 5 <= peer.sent, "{} asked for of {}", peer.asked, peer.sent);
        let seen = seen(&house, who, of, from);
        assert!(seen.picture.nacked * 5 <= seen.picture.packets);
        assert!(seen.layers().len() <= 1 + 3, "{:?}", seen.layers());
        assert!(seen.longest_freeze() <= millis(200) && seen.concealed() < 1.0);
    }
}

#[test]
fn bursts_are_repaired_and_repairs_stay_few() {
    for mean in [5.0, 10.0] {
        let path = Impairment { loss: Loss::Burst { share: 0.05, mean }, ..of_round_trip(50) };
        let (mut house, far, near) = two(path, Shape::BROWSER);
        house.run(10_000);
        let from = house.now;
        house.run(60_000);
        for (who, of) in [(far, near), (near, far)] {
            let (media, repaired, _) = house.members[who].peer.came();
            assert!(repaired * 5 <= media, "{repaired} repairs of {media}");
            let seen = seen(&house, who, of, from);
            let frozen = seen.picture.frozen(seen.from, seen.to, millis(200));
            assert!(frozen * 50 <= seen.to.since(seen.from), "frozen for {frozen:?}");
            assert!(seen.longest_freeze() < Duration::from_secs(1), "{:?}", seen.longest_freeze());
            assert!(seen.concealed() < 5.0, "{} %", seen.concealed());
        }
    }
}

#[test]
fn half_a_second_there_and_back_connects_within_five_seconds_and_holds() {
    let mut house = house();
    let far = of_round_trip(500);
    let one = house.join(1, seat(0), Shape::BROWSER, far, far);
    let two = house.join(1, seat(1), Shape::BROWSER, far, far);
    house.run(5_000);
    let connected = house.now;
    house.run(5_000);
    let settled = house.now;
    house.run(20_000);
    for (who, of) in [(one, two), (two, one)] {
        let seen_all = seen(&house, who, of, connected);
        assert!(seen_all.longest_freeze() <= millis(200) && seen_all.concealed() < 1.0);
        assert_eq!(seen(&house, who, of, settled).layers(), [2]);
    }
}

#[test]
fn another_address_costs_at_most_three_seconds() {
    let (mut house, moving, other) = two(of_round_trip(50), Shape::BROWSER);
    for millis in [7_000, 7_800, 8_600] {
        house.run(millis);
        house.rebind(moving);
        let from = house.now;
        house.run(3_000);
        let back = house.now;
        house.run(2_000);
        for (who, of) in [(moving, other), (other, moving)] {
            assert!(seen(&house, who, of, from).longest_freeze() <= Duration::from_secs(3));
            assert!(seen(&house, who, of, back).frames_per_second() > 25.0);
        }
    }
}

#[test]
fn after_twenty_seconds_of_silence_everything_is_back_within_two() {
    let (mut house, lost, other) = two(of_round_trip(50), Shape::BROWSER);
    house.run(10_000);
    let none = Impairment { loss: Loss::All, ..of_round_trip(50) };
    house.set_up(lost, none);
    house.set_down(lost, none);
    house.run(20_000);
    house.set_up(lost, of_round_trip(50));
    house.set_down(lost, of_round_trip(50));
    let back = house.now;
    house.run(2_000);
    let later = house.now;
    house.run(5_000);
    for (who, of) in [(lost, other), (other, lost)] {
        let first = seen(&house, who, of, back).picture.first_shown(back, |_| true).expect("a picture");
        assert!(first.since(back) <= Duration::from_secs(2), "{:?}", first.since(back));
        let seen = seen(&house, who, of, later);
        assert!(seen.longest_freeze() <= millis(500) && seen.concealed() < 1.0);
    }
}

#[test]
fn a_layer_that_its_sender_gives_up_is_replaced_at_once_where_it_says_so() {
    for (tells_layers, bound) in [(true, 200), (false, 250)] {
        let shape = Shape { frame_interval: Duration::from_nanos(66_666_667), tells_layers, ..Shape::BROWSER };
        let (mut house, sender, receiver) = two(of_round_trip(50), shape);
        // Somebody else looks at the layer below, or it would be off.
        let other = house.join(1, seat(2), Shape::SILENT, GOOD, GOOD);
        house.run(1_000);
        let mut watching = Watching::default();
        watching.cameras[0].height = 300;
        house.watch(other, watching);
        house.run(10_000);
        let from = house.now;
        assert_eq!(seen(&house, receiver, sender, from - millis(1_000)).layers(), [2]);
        house.members[sender].peer.hear_word(from, [true, true, false]);
        house.run(3_000);
        let seen = seen(&house, receiver, sender, from);
        assert_eq!(seen.layers(), [2, 1]);
        let freeze = seen.longest_freeze();
        assert!(freeze < millis(bound) && freeze > millis(bound) / 2, "{tells_layers}: {freeze:?}");
    }
}

#[test]
fn a_layer_that_its_sender_gives_up_for_a_moment_is_soon_believed_in_again_unless_that_goes_on() {
    let shape = Shape { frame_interval: Duration::from_nanos(66_666_667), ..Shape::BROWSER };
    let (mut house, sender, receiver) = two(of_round_trip(50), shape);
    house.run(10_000);
    // The second time is soon after the first, the third long after.
    for (within, watched) in [(3_500, 3_500), (11_500, 25_000), (3_500, 3_500)] {
        let from = house.now;
        house.members[sender].peer.hear_word(from, [true, true, false]);
        house.members[sender].peer.hear_word(from + millis(200), [true; 3]);
        house.run(500);
        let later = house.now;
        house.run(watched);
        let back = seen(&house, receiver, sender, later).picture.first_shown(later, |layer| layer == 2).expect("it comes back");
        let back = back.since(from);
        eprintln!("back after {back:?}");
        assert!(back < millis(within) && back > millis(within) / 2, "{back:?}");
    }
}
