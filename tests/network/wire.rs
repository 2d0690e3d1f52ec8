use std::time::Duration;

use quartet::base::Instant;

use super::network::{Impairment, Loss, Rate, Tally, Wire};

const START: Instant = Instant::from_nanos(1_000_000_000);
const MTU: usize = Impairment::NONE.mtu;

/// What came out of a wire: which packet and when, in the order in which it came.
type Story = Vec<(usize, Instant)>;

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Packet `n` of `bytes` is sent `n` spaces after the start; everything is taken out when it comes.
fn carry(seed: u64, impairment: Impairment, packets: usize, space: Duration, bytes: usize) -> (Story, Tally) {
    let mut wire = Wire::new(seed, impairment);
    let mut story = Vec::new();
    for packet in 0..packets {
        let now = sent(packet, space);
        arrived_by(&mut wire, now, &mut story);
        wire.send(now, bytes, packet);
    }
    arrived_by(&mut wire, Instant::from_nanos(u64::MAX), &mut story);
    let tally = wire.tally();
    assert_eq!(tally.offered, packets as u64);
    assert_eq!(tally.delivered, story.len() as u64);
    let delivered_once = tally.delivered - tally.duplicated;
    assert_eq!(tally.offered, delivered_once + tally.lost + tally.overflowed + tally.too_long, "{tally:?}");
    (story, tally)
}

fn sent(packet: usize, space: Duration) -> Instant {
    START + space * u32::try_from(packet).unwrap()
}

/// Takes each packet at its own moment, up to `end`.
fn arrived_by(wire: &mut Wire<usize>, end: Instant, story: &mut Story) {
    while let Some(at) = wire.deadline().filter(|&at| at <= end) {
        assert_eq!(wire.receive(at - Duration::from_nanos(1)), None, "nothing before the deadline");
        story.push((wire.receive(at).expect("something at the deadline"), at));
    }
}

/// Whether a share that was counted is the one asked for, within four standard deviations.
fn assert_share(counted: u64, of: u64, asked: f64) {
    let measured = counted as f64 / of as f64;
    let bound = 4.0 * (asked * (1.0 - asked) / of as f64).sqrt();
    assert!((measured - asked).abs() <= bound, "{measured} of {of}, asked {asked} ± {bound}");
}

#[test]
fn a_wire_of_which_nothing_is_asked_does_nothing() {
    let (story, tally) = carry(1, Impairment::NONE, 1_000, millis(1), 1_200);
    let expected: Story = (0..1_000).map(|packet| (packet, sent(packet, millis(1)))).collect();
    assert_eq!(story, expected);
    let through =
        Tally { offered: 1_000, delivered: 1_000, bytes_offered: 1_200_000, bytes_delivered: 1_200_000, ..Tally::default() };
    assert_eq!(tally, through);
}

#[test]
fn random_losses_are_the_share_asked_for_and_alone_as_often_as_chance_has_it() {
    for (seed, share) in [(1, 0.01), (2, 0.05), (3, 0.1), (4, 0.2), (5, 0.3)] {
        let (_, tally) = carry(seed, Impairment { loss: Loss::Random(share), ..Impairment::NONE }, 50_000, millis(1), 100);
        assert_share(tally.lost, tally.offered, share);
        let mean = tally.lost as f64 / tally.bursts as f64;
        let expected = 1.0 / (1.0 - share);
        assert!((mean / expected - 1.0).abs() < 0.1, "runs of {mean}, by chance {expected}");
    }
}

#[test]
fn bursts_have_the_share_and_the_mean_length_asked_for() {
    for (seed, share, mean) in [(1, 0.05, 5.0), (2, 0.05, 10.0), (3, 0.2, 5.0), (4, 0.2, 10.0)] {
        let impairment = Impairment { loss: Loss::Burst { share, mean }, ..Impairment::NONE };
        let (story, tally) = carry(seed, impairment, 200_000, millis(1), 100);
        let measured = tally.lost as f64 / tally.offered as f64;
        assert!((measured / share - 1.0).abs() < 0.1, "{measured} lost, asked {share}");
        // By what is missing, not by what the wire says.
        let missing: Vec<_> = story.windows(2).map(|pair| pair[1].0 - pair[0].0 - 1).filter(|&run| run > 0).collect();
        let measured = missing.iter().sum::<usize>() as f64 / missing.len() as f64;
        assert!((measured / mean - 1.0).abs() < 0.1, "runs of {measured}, asked {mean}");
        assert!((tally.lost as f64 / tally.bursts as f64 / measured - 1.0).abs() < 0.01);
    }
}

#[test]
fn an_outage_takes_everything_until_it_ends() {
    let slow = Impairment { delay: millis(50), ..Impairment::NONE };
    let mut wire = Wire::new(1, slow);
    let mut story = Vec::new();
    for packet in 0..300 {
        let now = sent(packet, millis(10));
        arrived_by(&mut wire, now, &mut story);
        match packet {
            100 => wire.set(Impairment { loss: Loss::All, ..slow }),
            200 => wire.set(slow),
            _ => {}
        }
        wire.send(now, 100, packet);
    }
    arrived_by(&mut wire, START + millis(10_000), &mut story);
    let arrived: Vec<_> = story.into_iter().map(|(packet, _)| packet).collect();
    assert_eq!(arrived, (0..100).chain(200..300).collect::<Vec<_>>(), "what was under way when it began arrives");
    assert_eq!((wire.tally().lost, wire.tally().bursts), (100, 1));
}

#[test]
fn every_packet_is_under_way_as_long_as_asked() {
    for delay in [0, 25, 50, 250] {
        let (story, _) = carry(1, Impairment { delay: millis(delay), ..Impairment::NONE }, 100, millis(3), 100);
        assert!(story.iter().all(|&(packet, at)| at == sent(packet, millis(3)) + millis(delay)));
    }
}

#[test]
fn jitter_is_spread_evenly_within_its_bound() {
    let (delay, jitter) = (millis(20), millis(60));
    let (story, tally) = carry(1, Impairment { delay, jitter, ..Impairment::NONE }, 20_000, millis(100), 100);
    assert_eq!(tally.delivered, 20_000);
    let late: Vec<_> = story.iter().map(|&(packet, at)| at.since(sent(packet, millis(100)))).collect();
    assert!(late.iter().all(|&late| (delay..delay + jitter).contains(&late)));
    for sixth in 0..6 {
        let (from, to) = (delay + jitter / 6 * sixth, delay + jitter / 6 * (sixth + 1));
        let within = late.iter().filter(|&&late| (from..to).contains(&late)).count();
        assert_share(within as u64, 20_000, 1.0 / 6.0);
    }
}

#[test]
fn jitter_alone_keeps_the_order_and_its_bound() {
    let (delay, jitter) = (millis(20), millis(60));
    let (story, tally) = carry(1, Impairment { delay, jitter, ..Impairment::NONE }, 20_000, millis(2), 100);
    assert!(story.is_sorted(), "by packet and by time");
    assert!(story.iter().all(|&(packet, at)| (delay..delay + jitter).contains(&at.since(sent(packet, millis(2))))));
    assert_eq!(tally.reordered, 0);
}

#[test]
fn so_many_packets_as_asked_are_passed_by_one_to_twenty_others() {
    for (seed, reorder) in [(1, 0.01), (2, 0.05), (3, 0.25)] {
        let (story, tally) = carry(seed, Impairment { reorder, ..Impairment::NONE }, 20_000, millis(2), 100);
        assert_eq!(tally.delivered, 20_000);
        // The wire calls each packet reordered that comes after a later one; one that is held back comes after its time.
        let held: Vec<_> = story.iter().filter(|&&(packet, at)| at > sent(packet, millis(2))).collect();
        assert_share(held.len() as u64, 20_000, reorder);
        let passed_by = |packet: usize, at: Instant| {
            (packet + 1..(packet + 30).min(20_000)).filter(|&later| sent(later, millis(2)) < at).count()
        };
        assert!(held.iter().all(|&&(packet, at)| packet > 19_970 || (1..=20).contains(&passed_by(packet, at))));
        assert!(tally.reordered <= held.len() as u64);
        assert!(tally.reordered as f64 >= held.len() as f64 * (1.0 - 2.0 * reorder), "{} of {}", tally.reordered, held.len());
    }
}

#[test]
fn reordering_is_the_share_asked_for_under_jitter_too() {
    let impairment = Impairment { jitter: millis(60), reorder: 0.01, ..Impairment::NONE };
    let (story, tally) = carry(1, impairment, 50_000, millis(2), 100);
    assert!(!story.iter().map(|&(packet, _)| packet).is_sorted());
    let measured = tally.reordered as f64 / tally.offered as f64;
    assert!((0.008..=0.011).contains(&measured), "{measured}");
}

#[test]
fn copies_are_the_share_asked_for_and_come_behind_their_originals() {
    let (story, tally) = carry(1, Impairment { duplicate: 0.05, ..Impairment::NONE }, 20_000, millis(1), 100);
    assert_share(tally.duplicated, tally.offered, 0.05);
    assert_eq!(tally.reordered, 0);
    let copies = story.windows(2).filter(|pair| pair[0] == pair[1]).count();
    assert_eq!(copies as u64, tally.duplicated);
}

#[test]
fn the_rate_is_kept_within_two_percent() {
    for bits_per_second in [100_000, 300_000, 2_000_000, 10_000_000] {
        for bytes in [120, 1_200] {
            let rate = Rate { bits_per_second, queue: millis(100) };
            // Twice what the link carries.
            let space = Duration::from_secs_f64(bytes as f64 * 4.0 / bits_per_second as f64);
            let (story, tally) = carry(1, Impairment { rate: Some(rate), ..Impairment::NONE }, 5_000, space, bytes);
            let (first, last) = (story.first().unwrap().1, story.last().unwrap().1);
            let measured = (tally.delivered - 1) as f64 * bytes as f64 * 8.0 / last.since(first).as_secs_f64();
            assert!((measured / bits_per_second as f64 - 1.0).abs() < 0.02, "{measured} bit/s, asked {bits_per_second}");
            assert!(tally.overflowed > 0);
        }
    }
}

#[test]
fn a_link_that_has_room_drops_and_delays_nothing_but_for_the_time_to_send() {
    let rate = Rate { bits_per_second: 1_000_000, queue: Duration::ZERO };
    let (story, tally) = carry(1, Impairment { rate: Some(rate), ..Impairment::NONE }, 1_000, millis(10), 1_250);
    assert_eq!(tally.overflowed, 0);
    assert!(story.iter().all(|&(packet, at)| at == sent(packet, millis(10)) + millis(10)));
}

#[test]
fn a_packet_that_would_wait_longer_than_the_queue_is_dropped() {
    let rate = Rate { bits_per_second: 300_000, queue: millis(200) };
    let mut wire = Wire::new(1, Impairment { rate: Some(rate), ..Impairment::NONE });
    for packet in 0..100 {
        let waits = wire.queue_delay(START);
        let dropped = wire.tally().overflowed;
        wire.send(START, 1_200, packet);
        assert_eq!(wire.tally().overflowed > dropped, waits > millis(200), "packet {packet} would wait {waits:?}");
    }
    // 32 ms each: the first is sent at once, and before the eighth there are 224 ms.
    assert_eq!(wire.tally().overflowed, 93);
    assert_eq!(wire.queue_delay(START), millis(7 * 32));
    assert_eq!(wire.queue_delay(START + millis(100)), millis(7 * 32 - 100), "the queue drains");
    assert_eq!(wire.queue_delay(START + millis(1_000)), Duration::ZERO);
}

#[test]
fn a_rate_that_falls_and_rises_is_kept_all_the_way() {
    let at_rate = |bits_per_second| Impairment { rate: Some(Rate { bits_per_second, queue: millis(100) }), ..Impairment::NONE };
    let (wide, narrow) = (at_rate(2_000_000), at_rate(300_000));
    let mut wire = Wire::new(1, wide);
    let mut story = Vec::new();
    // 4 Mbit/s for thirty seconds.
    for packet in 0..15_000 {
        let now = sent(packet, millis(2));
        arrived_by(&mut wire, now, &mut story);
        match packet {
            5_000 => wire.set(narrow),
            10_000 => wire.set(wide),
            _ => {}
        }
        wire.send(now, 1_000, packet);
    }
    for (second, expected) in
        [(1, 2_000_000.0), (8, 2_000_000.0), (11, 300_000.0), (18, 300_000.0), (21, 2_000_000.0), (28, 2_000_000.0)]
    {
        let from = START + millis(second * 1_000);
        let packets = story.iter().filter(|&&(_, at)| (from..from + millis(1_000)).contains(&at)).count();
        let measured = packets as f64 * 8_000.0;
        assert!((measured / expected - 1.0).abs() < 0.02, "second {second}: {measured} bit/s, asked {expected}");
    }
    assert!(story.is_sorted(), "nothing overtakes what stood in the queue before");
}

#[test]
fn a_packet_longer_than_the_mtu_does_not_arrive() {
    let impairment = Impairment { mtu: 1_200, ..Impairment::NONE };
    for (bytes, too_long) in [(1, 0), (1_200, 0), (1_201, 10), (MTU, 10)] {
        let (_, tally) = carry(1, impairment, 10, millis(1), bytes);
        assert_eq!((tally.too_long, tally.delivered), (too_long, 10 - too_long), "{bytes} bytes");
    }
}

#[test]
fn no_more_than_a_megabyte_is_ever_under_way() {
    let mut wire = Wire::new(1, Impairment { delay: Duration::from_secs(3_600), ..Impairment::NONE });
    for packet in 0..2_000 {
        wire.send(START, 1_024, packet);
    }
    assert_eq!(wire.tally().overflowed, 2_000 - 1_024);
    let mut story = Vec::new();
    arrived_by(&mut wire, START + Duration::from_secs(3_600), &mut story);
    assert_eq!(story.len(), 1_024);
    wire.send(START + Duration::from_secs(3_600), 1_024, 0);
    assert_eq!(wire.tally().overflowed, 2_000 - 1_024, "what has arrived makes room");
}

/// Everything at once.
const AWFUL: Impairment = Impairment {
    delay: Duration::from_millis(30),
    jitter: Duration::from_millis(60),
    loss: Loss::Burst { share: 0.1, mean: 4.0 },
    reorder: 0.05,
    duplicate: 0.02,
    rate: Some(Rate { bits_per_second: 2_000_000, queue: Duration::from_millis(100) }),
    mtu: 1_472,
};

#[test]
fn the_same_seed_tells_the_same_story_and_another_seed_another() {
    let (story, tally) = carry(7, AWFUL, 5_000, millis(3), 1_000);
    assert_eq!((story.clone(), tally), carry(7, AWFUL, 5_000, millis(3), 1_000));
    assert_ne!(story, carry(8, AWFUL, 5_000, millis(3), 1_000).0);
    // Written down: a change of the dice would change what every seed of every test means.
    assert_eq!((tally.lost, tally.bursts, tally.overflowed, tally.duplicated), (519, 130, 712, 74));
}

#[test]
fn one_knob_turned_leaves_the_others_as_they_were() {
    let lost = |impairment| {
        let (story, _) = carry(7, impairment, 5_000, millis(10), 1_000);
        let arrived: std::collections::BTreeSet<_> = story.into_iter().map(|(packet, _)| packet).collect();
        (0..5_000).filter(|packet| !arrived.contains(packet)).collect::<Vec<_>>()
    };
    let as_it_was = lost(AWFUL);
    assert!(as_it_was.len() > 300);
    for changed in [
        Impairment { jitter: Duration::ZERO, ..AWFUL },
        Impairment { reorder: 0.0, ..AWFUL },
        Impairment { duplicate: 0.5, ..AWFUL },
        Impairment { rate: None, ..AWFUL },
    ] {
        assert_eq!(lost(changed), as_it_was, "{changed:?}");
    }
}
