//! What no honest receiver reports, and what an unlucky one does.

use proptest::prelude::*;

use super::super::{Content, Estimator, FLOOR};
use super::path::Path;
use super::visit::{Sends, Visit};
use super::{at, kbps, ms};
use crate::base::{Instant, Seq16};
use crate::link::terms::Ssrc;
use crate::media::wire::rtcp::{Block, Compound, RtcpWriter};

#[derive(Clone, Debug)]
enum Step {
    Pass(u64),
    Send(usize, Content),
    Want(u64),
    /// Bytes as they may come, behind a head that says what they are.
    Noise(Vec<u8>),
    /// A block in good order that tells something else than the truth: numbers from so far off the newest, ticks as
    /// they are.
    Lie {
        off: i16,
        count: u8,
        arrivals: Vec<Option<u64>>,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let arrival = prop_oneof![
        4 => (0..4_000_u64).prop_map(Some),
        1 => Just(None),
        1 => any::<u64>().prop_map(Some),
    ];
    prop_oneof![
        6 => prop_oneof![6 => 0..60_u64, 1 => 0..100_000_u64, 1 => any::<u32>().prop_map(u64::from)].prop_map(Step::Pass),
        12 => (0..1_500_usize, prop_oneof![Just(Content::Media), Just(Content::Padding)]).prop_map(|(len, what)| Step::Send(len, what)),
        1 => any::<u64>().prop_map(Step::Want),
        4 => proptest::collection::vec(any::<u8>(), 16..200).prop_map(Step::Noise),
        6 => (-60..10_i16, any::<u8>(), proptest::collection::vec(arrival, 1..60))
            .prop_map(|(off, count, arrivals)| Step::Lie { off, count, arrivals }),
    ]
}

/// Hands over the feedback blocks of a packet, if it parses.
fn hear(estimator: &mut Estimator, now: Instant, packet: &[u8]) {
    for block in Compound::new(packet) {
        if let Ok(Block::TransportCc(feedback)) = block {
            estimator.handle_feedback(now, &feedback);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn nothing_that_is_reported_leads_out_of_bounds(start in 0..9_000_u64, steps in proptest::collection::vec(step(), 1..200)) {
        let mut now = at(0);
        let mut estimator = Estimator::new(now, kbps(start), kbps(4_000));
        let mut newest = Seq16(0);
        for step in steps {
            match step {
                Step::Pass(millis) => now += ms(millis),
                Step::Send(len, content) => newest = estimator.send(now, len, content),
                Step::Want(bps) => estimator.want(now, crate::base::Bitrate::from_bps(bps)),
                Step::Noise(mut body) => {
                    body.truncate(body.len() / 4 * 4);
                    let words = u8::try_from(body.len() / 4).unwrap();
                    hear(&mut estimator, now, &[&[0x8f, 205, 0, words][..], &body].concat());
                }
                Step::Lie { off, count, arrivals } => {
                    let mut buffer = [0; 1_200];
                    let mut writer = RtcpWriter::new(&mut buffer);
                    let base = Seq16(newest.0.wrapping_add_signed(off));
                    writer.transport_cc(Ssrc(1), Ssrc(2), base, count, &arrivals);
                    let len = writer.len();
                    hear(&mut estimator, now, &buffer[..len]);
                }
            }
            // A loop that does what is due comes to an end.
            for turns in 0.. {
                prop_assert!(turns < 3);
                let padding = std::iter::from_fn(|| estimator.poll_probe(now)).take(1_000).count();
                prop_assert!(padding < 100, "{padding} packets at once");
                if estimator.deadline().is_none_or(|deadline| deadline.at > now) {
                    break;
                }
                estimator.handle_timeout(now);
            }
            prop_assert!((FLOOR..=kbps(4_000)).contains(&estimator.estimate()));
        }
    }
}

#[test]
fn lost_feedback_is_not_taken_for_lost_packets() {
    let mut visit = Visit::new(Path::of(&[(0, 4_000)]), Sends::Always(1_500), 1).wants(1_900);
    visit.feedback_loss = 40;
    visit.run(10_000);
    let (before, _) = visit.range(5_000, 10_000);
    assert!(before >= 1_540 && visit.estimator.loss() == 0, "{}{}", visit.estimator.loss(), visit.curves());
}

#[test]
fn losses_are_told_in_256ths() {
    for (loss, least, most) in [(0, 0, 0), (5, 4, 24), (20, 38, 66)] {
        let path = Path { loss, ..Path::of(&[(0, 4_000)]) };
        let mut visit = Visit::new(path, Sends::Always(1_500), 1);
        visit.run(10_000);
        let told = visit.estimator.loss();
        assert!((least..=most).contains(&told), "{loss} %: {told}");
    }
}

#[test]
fn a_reporter_that_says_everything_twice_changes_nothing() {
    let run = |twice: bool| {
        let mut visit = Visit::new(Path::of(&[(0, 2_000), (5_000, 300)]), Sends::Obeys { pictures: 1 }, 3).wants(1_900);
        visit.says_twice = twice;
        visit.run(10_000);
        visit.estimates
    };
    assert_eq!(run(false), run(true));
}
