//! A compound is read within its bounds, and every block that we can write says the same when read again.

use quartet::base::Seq16;
use quartet::media::wire::rtcp::{BLOCKS_MAX, Block, Compound, RtcpWriter, TransportCc};

/// Room for the largest block that a datagram can say, written less tightly.
const ROOM: usize = 32 * 1024;

pub(crate) fn run(input: &[u8]) {
    // A datagram is never longer.
    let input = &input[..input.len().min(1_500)];
    let mut buffer = vec![0; ROOM];
    let mut blocks = Compound::new(input);
    for block in blocks.by_ref().take(BLOCKS_MAX).map_while(Result::ok) {
        write_again(&block, &mut buffer);
    }
    assert!(!matches!(blocks.last(), Some(Ok(_))), "too many blocks, or one behind a malformed one");
}

fn write_again(block: &Block<'_>, buffer: &mut [u8]) {
    let mut writer = RtcpWriter::new(buffer);
    let written = match block {
        Block::SenderReport(report) => writer.sender_report(report.ssrc, &report.info, &report.reports().collect::<Vec<_>>()),
        Block::ReceiverReport(report) => writer.receiver_report(report.ssrc, &report.reports().collect::<Vec<_>>()),
        Block::Bye(bye) => writer.bye(&bye.ssrcs().collect::<Vec<_>>()),
        Block::Pli(pli) => writer.pli(pli.sender, pli.media),
        Block::Fir(fir) => writer.fir(fir.sender, &fir.entries().collect::<Vec<_>>()),
        Block::Nack(nack) => writer.nack(nack.sender, nack.media, &nack.lost().collect::<Vec<_>>()),
        Block::TransportCc(feedback) => {
            let arrivals = arrivals(feedback);
            let reported =
                writer.transport_cc(feedback.sender, feedback.media, feedback.base, feedback.feedback_count, &arrivals);
            let arrived = arrivals.iter().any(Option::is_some);
            assert_eq!(reported, if arrived { arrivals.len() } else { 0 });
            Ok(())
        }
        Block::Remb(remb) => {
            assert!(remb.ssrcs().count() <= 255);
            return;
        }
        Block::Sdes | Block::Unknown(_) => return,
    };
    assert_eq!(written, Ok(()));

    let len = writer.len();
    let mut again = Compound::new(&buffer[..len]);
    match again.next() {
        Some(read) => assert_same(block, &read.expect("what we write is RTCP")),
        None => assert!(matches!(block, Block::TransportCc(_)), "only feedback on nothing is not written"),
    }
    assert_eq!(again.next(), None);
}

fn assert_same(block: &Block<'_>, read: &Block<'_>) {
    match (block, read) {
        (Block::SenderReport(a), Block::SenderReport(b)) => {
            assert_eq!((a.ssrc, a.info), (b.ssrc, b.info));
            assert!(a.reports().eq(b.reports()));
        }
        (Block::ReceiverReport(a), Block::ReceiverReport(b)) => assert!(a.ssrc == b.ssrc && a.reports().eq(b.reports())),
        (Block::Bye(a), Block::Bye(b)) => assert!(a.ssrcs().eq(b.ssrcs())),
        (Block::Fir(a), Block::Fir(b)) => assert!(a.sender == b.sender && a.entries().eq(b.entries())),
        (Block::Nack(a), Block::Nack(b)) => {
            // A stranger's entries may overlap and come in any order; ours say each number once.
            let numbers = |lost: &mut dyn Iterator<Item = Seq16>| {
                let mut numbers: Vec<u16> = lost.map(|seq| seq.0).collect();
                numbers.sort_unstable();
                numbers.dedup();
                numbers
            };
            assert_eq!((a.sender, a.media), (b.sender, b.media));
            assert_eq!(numbers(&mut a.lost()), numbers(&mut b.lost()));
        }
        (Block::TransportCc(a), Block::TransportCc(b)) => {
            assert_eq!(
                (a.sender, a.media, a.base, a.count, a.feedback_count),
                (b.sender, b.media, b.base, b.count, b.feedback_count)
            );
            let of_clock = |feedback| arrivals(feedback).into_iter().map(|at| at.map(|at| at % CLOCK)).collect::<Vec<_>>();
            assert_eq!(of_clock(a), of_clock(b));
        }
        (a, b) => assert_eq!(a, b),
    }
}

/// Ticks in 24 bits of 64 ms, after which reference times repeat.
const CLOCK: u64 = 256 << 24;

/// When each packet arrived, one round of the clock up, so that deltas into the past stay above zero.
fn arrivals(feedback: &TransportCc<'_>) -> Vec<Option<u64>> {
    let mut at = CLOCK + 256 * u64::from(feedback.reference_time);
    let arrival = |(_, delta): (Seq16, Option<i16>)| {
        at = at.checked_add_signed(i64::from(delta?)).expect("few and small steps back");
        Some(at)
    };
    feedback.statuses().map(arrival).collect()
}
