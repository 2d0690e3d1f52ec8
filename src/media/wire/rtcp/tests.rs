//! What holds for every block: bounds, garbage, and that the rtcp crate writes and reads the same.

use ::rtcp::goodbye::Goodbye;
use ::rtcp::packet::Packet;
use ::rtcp::payload_feedbacks::full_intra_request as oracle_fir;
use ::rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use ::rtcp::payload_feedbacks::receiver_estimated_maximum_bitrate::ReceiverEstimatedMaximumBitrate;
use ::rtcp::reception_report::ReceptionReport;
use ::rtcp::source_description::{SdesType, SourceDescription};
use ::rtcp::transport_feedbacks::transport_layer_cc::{PacketStatusChunk, SymbolTypeTcc, TransportLayerCc};
use ::rtcp::transport_feedbacks::transport_layer_nack::{NackPair, TransportLayerNack, nack_pairs_from_sequence_numbers};
use ::rtcp::{receiver_report as oracle_rr, sender_report as oracle_sr};
use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::base::Seq16;
use crate::link::terms::Ssrc;

fn blocks(packet: &[u8]) -> Vec<Result<Block<'_>, Malformed>> {
    Compound::new(packet).collect()
}

/// The one block of a packet.
fn only(packet: &[u8]) -> Block<'_> {
    match blocks(packet)[..] {
        [Ok(block)] => block,
        ref other => panic!("{other:?}"),
    }
}

/// What `write` writes.
fn written(write: impl FnOnce(&mut RtcpWriter<'_>)) -> Vec<u8> {
    let mut buffer = vec![0xaa; 2_048];
    let mut writer = RtcpWriter::new(&mut buffer);
    write(&mut writer);
    let len = writer.len();
    buffer.truncate(len);
    buffer
}

/// What the rtcp crate reads: the one packet, of this type.
fn theirs<T: Packet + Clone + 'static>(packet: &[u8]) -> T {
    let packets = ::rtcp::packet::unmarshal(&mut &*packet).unwrap();
    assert_eq!(packets.len(), 1);
    packets[0].as_any().downcast_ref::<T>().expect("another type").clone()
}

/// What the rtcp crate writes.
fn by_them(packet: impl Packet + Send + Sync + 'static) -> Bytes {
    ::rtcp::packet::marshal(&[Box::new(packet)]).unwrap()
}

/// Reads everything that a block has, as its users do.
fn walk(block: &Block<'_>) -> usize {
    match block {
        Block::SenderReport(report) => report.reports().count(),
        Block::ReceiverReport(report) => report.reports().count(),
        Block::Bye(bye) => bye.ssrcs().count(),
        Block::Nack(nack) => nack.lost().count(),
        Block::TransportCc(feedback) => feedback.statuses().count(),
        Block::Fir(fir) => fir.entries().count(),
        Block::Remb(remb) => remb.ssrcs().count(),
        Block::Sdes | Block::Pli(_) | Block::Unknown(_) => 0,
    }
}

const PLI: [u8; 12] = [0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2];

#[test]
fn a_compound_is_read_block_by_block() {
    let packet = written(|writer| {
        let info = SenderInfo { ntp: 1, rtp_timestamp: 2, packets: 3, octets: 4 };
        writer.sender_report(Ssrc(9), &info, &[]).unwrap();
        writer.sdes(Ssrc(9), "name").unwrap();
        assert_eq!(writer.transport_cc(Ssrc(9), Ssrc(8), Seq16(7), 0, &[Some(6), Some(7)]), 2);
        writer.pli(Ssrc(1), Ssrc(2)).unwrap();
        writer.bye(&[Ssrc(9)]).unwrap();
    });
    let read: Vec<Block<'_>> = Compound::new(&packet).map(Result::unwrap).collect();
    let [Block::SenderReport(report), Block::Sdes, Block::TransportCc(feedback), Block::Pli(pli), Block::Bye(bye)] = read[..]
    else {
        panic!("{read:?}")
    };
    assert_eq!((report.ssrc, report.info.ntp, report.reports().len()), (Ssrc(9), 1, 0));
    assert_eq!(feedback.statuses().count(), 2);
    assert_eq!(pli, Pli { sender: Ssrc(1), media: Ssrc(2) });
    assert!(bye.ssrcs().eq([Ssrc(9)]));
}

#[test]
fn after_a_malformed_block_nothing_more_comes() {
    let pli = Ok(Block::Pli(Pli { sender: Ssrc(1), media: Ssrc(2) }));
    let of = |tail: &[u8]| [&PLI[..], tail, &PLI].concat();
    let unknown = Ok(Block::Unknown(Unknown { packet_type: 204, format: 5 }));
    assert_eq!(blocks(&[]), []);
    assert_eq!(blocks(&of(&[])), [pli, pli]);
    assert_eq!(blocks(&of(&[0x85, 204, 0, 0])), [pli, unknown, pli]);
    // Padding of four bytes, all of the block.
    assert_eq!(blocks(&of(&[0xa5, 204, 0, 1, 0, 0, 0, 4])), [pli, unknown, pli]);
    for fault in [
        // Versions 0, 1 and 3.
        &[0x05, 204, 0, 0][..],
        &[0x45, 204, 0, 0],
        &[0xc5, 204, 0, 0],
        // A length over the end.
        &[0x85, 204, 0, 4],
        &[0x85, 204, 0xff, 0xff],
        // Padding of nothing, of more than there is, and where there is no body.
        &[0xa5, 204, 0, 1, 0, 0, 0, 0],
        &[0xa5, 204, 0, 1, 0, 0, 0, 5],
        &[0xa5, 204, 0, 0],
        // A known type with too little in it.
        &[0x81, 206, 0, 1, 0, 0, 0, 1],
    ] {
        assert_eq!(blocks(&of(fault)), [pli, Err(Malformed)], "{fault:x?}");
    }
    for cut in 1..PLI.len() {
        assert_eq!(blocks(&PLI[..cut]), [Err(Malformed)]);
    }
}

#[test]
fn one_packet_has_at_most_so_many_blocks() {
    for (count, malformed) in [(BLOCKS_MAX, 0), (BLOCKS_MAX + 1, 1), (300, 1)] {
        let packet = PLI.repeat(count);
        let (right, wrong): (Vec<_>, Vec<_>) = Compound::new(&packet).partition(Result::is_ok);
        assert_eq!((right.len(), wrong.len()), (BLOCKS_MAX, malformed), "{count}");
    }
}

#[test]
fn a_count_that_lies_is_malformed() {
    // (count or format, type, bytes of body that are just enough)
    for (count, packet_type, enough) in [
        (0, 200, 24),
        (1, 200, 48),
        (31, 200, 768),
        (0, 201, 4),
        (1, 201, 28),
        (31, 201, 748),
        (0, 203, 0),
        (1, 203, 4),
        (31, 203, 124),
        (1, 205, 12),
        (1, 206, 8),
        (4, 206, 16),
    ] {
        for len in (0..800).step_by(4) {
            let mut packet = vec![0x80 | count, packet_type];
            packet.extend_from_slice(&u16::try_from(len / 4).unwrap().to_be_bytes());
            packet.resize(4 + len, 0);
            // FIR's entries have eight bytes: half of one is a lie too.
            let whole = (count, packet_type) != (4, 206) || len % 8 == 0;
            assert_eq!(blocks(&packet)[0].is_ok(), len >= enough && whole, "{count} {packet_type} {len}");
        }
    }
    // REMB: its own count, and an exponent beyond 64 bits.
    for (count, rate, is_right) in [
        (1, [0x00, 0x00, 0x01], true),
        (2, [0x00, 0x00, 0x01], false),
        (255, [0x00, 0x00, 0x01], false),
        (1, [0xff, 0xff, 0xff], false),
        (1, [0xfc, 0x00, 0x00], true),
        (1, [0xfc, 0x00, 0x01], true),
        (1, [0xfc, 0x00, 0x02], false),
    ] {
        let [a, b, c] = rate;
        let packet = [0x8f, 206, 0, 5, 0, 0, 0, 1, 0, 0, 0, 0, b'R', b'E', b'M', b'B', count, a, b, c, 0, 0, 0, 2];
        assert_eq!(blocks(&packet)[0].is_ok(), is_right, "{count} {rate:x?}");
    }
    let unnamed = [0x8f, 206, 0, 3, 0, 0, 0, 1, 0, 0, 0, 0, b'R', b'E', b'M', b'C'];
    assert_eq!(only(&unnamed), Block::Unknown(Unknown { packet_type: 206, format: 15 }));
}

/// Every first byte, type and length, in garbage of several kinds, with the length told rightly and wrongly.
#[test]
fn garbage_is_total() {
    let mut noise = 1_u32;
    let random: Vec<u8> = (0..64)
        .map(|_| {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            noise.to_be_bytes()[0]
        })
        .collect();
    for fill in [vec![0; 64], vec![0xff; 64], vec![0x20; 64], random] {
        for first in 0..=255 {
            for packet_type in 192..=223 {
                for len in 0..=fill.len() {
                    let mut packet = fill.clone();
                    packet.truncate(len);
                    for (at, byte) in
                        [first, packet_type, 0, u8::try_from((len / 4).saturating_sub(1)).unwrap()].iter().enumerate()
                    {
                        if let Some(place) = packet.get_mut(at) {
                            *place = *byte;
                        }
                    }
                    for block in Compound::new(&packet).flatten() {
                        walk(&block);
                    }
                }
            }
        }
    }
    for first in 0..=255 {
        let mut packet = [0x20; 1_500];
        packet[0] = first;
        for len in 0..packet.len() {
            for block in Compound::new(&packet[..len]).flatten() {
                walk(&block);
            }
        }
    }
}

#[test]
fn a_block_is_written_whole_or_not_at_all() {
    let report = ReportBlock {
        ssrc: Ssrc(1),
        fraction_lost: 2,
        cumulative_lost: 3,
        highest_sequence: 4,
        jitter: 5,
        last_sender_report: 6,
        delay_since: 7,
    };
    let info = SenderInfo { ntp: 1, rtp_timestamp: 2, packets: 3, octets: 4 };
    type Write<'a> = &'a dyn Fn(&mut RtcpWriter<'_>) -> Result<(), NoRoom>;
    let writes: [(usize, Write<'_>); 9] = [
        (52, &|writer| writer.sender_report(Ssrc(1), &info, &[report])),
        (56, &|writer| writer.receiver_report(Ssrc(1), &[report; 2])),
        (16, &|writer| writer.sdes(Ssrc(1), "12345")),
        (12, &|writer| writer.sdes(Ssrc(1), "1")),
        (8, &|writer| writer.bye(&[Ssrc(1)])),
        (12, &|writer| writer.pli(Ssrc(1), Ssrc(2))),
        (20, &|writer| writer.fir(Ssrc(1), &[FirEntry { ssrc: Ssrc(2), sequence: 3 }])),
        (20, &|writer| writer.nack(Ssrc(1), Ssrc(2), &[Seq16(3), Seq16(20)])),
        (24, &|writer| {
            let reported = writer.transport_cc(Ssrc(1), Ssrc(2), Seq16(3), 4, &[Some(5)]);
            (reported == 1).then_some(()).ok_or(NoRoom)
        }),
    ];
    for (at, (len, write)) in writes.iter().enumerate() {
        for room in 0..80 {
            let mut buffer = vec![0xaa; 8 + room];
            let mut writer = RtcpWriter::new(&mut buffer);
            writer.bye(&[Ssrc(7)]).unwrap();
            let fits = write(&mut writer).is_ok();
            assert_eq!(fits, room >= *len, "{at} {room}");
            let whole = writer.len();
            assert_eq!(whole, if fits { 8 + len } else { 8 });
            let read = Compound::new(&buffer[..whole]).map(Result::unwrap).count();
            assert_eq!(read, if fits { 2 } else { 1 });
        }
    }
}

#[test]
fn what_a_field_cannot_count_is_not_written() {
    let packet = written(|writer| {
        assert_eq!(writer.bye(&[Ssrc(1); 32]), Err(NoRoom));
        assert_eq!(writer.sdes(Ssrc(1), &"x".repeat(256)), Err(NoRoom));
        assert_eq!(writer.nack(Ssrc(1), Ssrc(2), &[]), Ok(()));
        assert_eq!(writer.fir(Ssrc(1), &[]), Ok(()));
        assert!(writer.is_empty());
        assert_eq!(writer.bye(&[Ssrc(1); 31]), Ok(()));
        assert_eq!(writer.sdes(Ssrc(1), &"x".repeat(255)), Ok(()));
    });
    assert!(matches!(blocks(&packet)[..], [Ok(Block::Bye(_)), Ok(Block::Sdes)]));
}

#[test]
fn a_nack_names_sequence_numbers_across_the_wrap() {
    let lost = [0xfffe, 0xffff, 0, 14, 15, 100].map(Seq16);
    let packet = written(|writer| writer.nack(Ssrc(1), Ssrc(2), &lost).unwrap());
    assert_eq!(packet[12..], [0xff, 0xfe, 0x80, 0x03, 0, 15, 0, 0, 0, 100, 0, 0]);
    let Block::Nack(nack) = only(&packet) else { panic!() };
    assert!(nack.lost().eq(lost));
}

#[test]
fn losses_stay_within_their_24_bits() {
    for (lost, expected) in
        [(0, 0), (5, 5), (-5, -5), (0x7f_ffff, 0x7f_ffff), (0x80_0000, 0x7f_ffff), (i32::MAX, 0x7f_ffff), (i32::MIN, -0x80_0000)]
    {
        let report = ReportBlock {
            ssrc: Ssrc(1),
            fraction_lost: 0,
            cumulative_lost: lost,
            highest_sequence: 0,
            jitter: 0,
            last_sender_report: 0,
            delay_since: 0,
        };
        let packet = written(|writer| writer.receiver_report(Ssrc(1), &[report]).unwrap());
        let Block::ReceiverReport(read) = only(&packet) else { panic!() };
        assert_eq!(read.reports().next().map(|report| report.cumulative_lost), Some(expected));
    }
}

prop_compose! {
    fn report()(
        (ssrc, fraction_lost, cumulative_lost) in (any::<u32>(), any::<u8>(), 0..0x80_0000_i32),
        (highest_sequence, jitter, last_sender_report, delay_since) in any::<(u32, u32, u32, u32)>(),
    ) -> ReportBlock {
        ReportBlock {
            ssrc: Ssrc(ssrc),
            fraction_lost,
            cumulative_lost,
            highest_sequence,
            jitter,
            last_sender_report,
            delay_since,
        }
    }
}

prop_compose! {
    fn info()((ntp, rtp_timestamp, packets, octets) in any::<(u64, u32, u32, u32)>()) -> SenderInfo {
        SenderInfo { ntp, rtp_timestamp, packets, octets }
    }
}

fn as_theirs(report: &ReportBlock) -> ReceptionReport {
    ReceptionReport {
        ssrc: report.ssrc.0,
        fraction_lost: report.fraction_lost,
        total_lost: report.cumulative_lost.cast_unsigned(),
        last_sequence_number: report.highest_sequence,
        jitter: report.jitter,
        last_sender_report: report.last_sender_report,
        delay: report.delay_since,
    }
}

/// Ascending sequence numbers from anywhere, over the wrap too.
fn lost_packets() -> impl Strategy<Value = Vec<Seq16>> {
    (any::<u16>(), vec(1..40_u16, 1..60)).prop_map(|(start, gaps)| {
        let ascend = |at: &mut u16, gap: &u16| {
            *at = at.wrapping_add(*gap);
            Some(Seq16(*at))
        };
        gaps.iter().scan(start, ascend).collect()
    })
}

/// The statuses of a feedback as the rtcp crate has them: what a chunk says, and its delta in ticks.
fn their_statuses(feedback: &TransportLayerCc) -> Vec<Option<i16>> {
    let mut deltas = feedback.recv_deltas.iter();
    let symbols = feedback.packet_chunks.iter().flat_map(|chunk| match chunk {
        PacketStatusChunk::RunLengthChunk(run) => vec![run.packet_status_symbol; usize::from(run.run_length)],
        PacketStatusChunk::StatusVectorChunk(vector) => vector.symbol_list.clone(),
    });
    symbols
        .take(usize::from(feedback.packet_status_count))
        .map(|symbol| match symbol {
            SymbolTypeTcc::PacketReceivedSmallDelta | SymbolTypeTcc::PacketReceivedLargeDelta => {
                let micros = deltas.next().unwrap().delta;
                Some(i16::try_from(micros / 250).unwrap())
            }
            SymbolTypeTcc::PacketNotReceived | SymbolTypeTcc::PacketReceivedWithoutDelta => None,
        })
        .collect()
}

proptest! {
    #[test]
    fn sender_reports_are_the_rtcp_crates(ssrc: u32, info in info(), reports in vec(report(), 0..=31)) {
        let packet = written(|writer| writer.sender_report(Ssrc(ssrc), &info, &reports).unwrap());
        let expected = oracle_sr::SenderReport {
            ssrc,
            ntp_time: info.ntp,
            rtp_time: info.rtp_timestamp,
            packet_count: info.packets,
            octet_count: info.octets,
            reports: reports.iter().map(as_theirs).collect(),
            ..oracle_sr::SenderReport::default()
        };
        prop_assert_eq!(theirs::<oracle_sr::SenderReport>(&packet), expected.clone());
        let packet = by_them(expected);
        let Block::SenderReport(read) = only(&packet) else { panic!() };
        prop_assert_eq!((read.ssrc, read.info), (Ssrc(ssrc), info));
        prop_assert_eq!(read.reports().collect::<Vec<_>>(), reports);
    }

    #[test]
    fn receiver_reports_are_the_rtcp_crates(ssrc: u32, reports in vec(report(), 0..=31)) {
        let packet = written(|writer| writer.receiver_report(Ssrc(ssrc), &reports).unwrap());
        let expected = oracle_rr::ReceiverReport {
            ssrc,
            reports: reports.iter().map(as_theirs).collect(),
            ..oracle_rr::ReceiverReport::default()
        };
        prop_assert_eq!(theirs::<oracle_rr::ReceiverReport>(&packet), expected.clone());
        let packet = by_them(expected);
        let Block::ReceiverReport(read) = only(&packet) else { panic!() };
        prop_assert_eq!(read.ssrc, Ssrc(ssrc));
        prop_assert_eq!(read.reports().collect::<Vec<_>>(), reports);
    }

    #[test]
    fn names_and_farewells_are_the_rtcp_crates(ssrcs in vec(any::<u32>(), 1..=31), cname in "[a-zA-Z0-9/+]{1,40}") {
        let packet = written(|writer| writer.sdes(Ssrc(ssrcs[0]), &cname).unwrap());
        let description = theirs::<SourceDescription>(&packet);
        prop_assert_eq!(description.chunks.len(), 1);
        prop_assert_eq!(description.chunks[0].source, ssrcs[0]);
        prop_assert_eq!(description.chunks[0].items.len(), 1);
        prop_assert_eq!(description.chunks[0].items[0].sdes_type, SdesType::SdesCname);
        prop_assert_eq!(&description.chunks[0].items[0].text[..], cname.as_bytes());
        let packet = by_them(description);
        prop_assert_eq!(only(&packet), Block::Sdes);

        let sources: Vec<Ssrc> = ssrcs.iter().map(|ssrc| Ssrc(*ssrc)).collect();
        let packet = written(|writer| writer.bye(&sources).unwrap());
        prop_assert_eq!(&theirs::<Goodbye>(&packet).sources, &ssrcs);
        let packet = by_them(Goodbye { sources: ssrcs, reason: Bytes::from(cname) });
        let Block::Bye(bye) = only(&packet) else { panic!() };
        prop_assert_eq!(bye.ssrcs().collect::<Vec<_>>(), sources);
    }

    #[test]
    fn keyframe_requests_are_the_rtcp_crates(sender: u32, media: u32, fir in vec(any::<(u32, u8)>(), 1..40)) {
        let packet = written(|writer| writer.pli(Ssrc(sender), Ssrc(media)).unwrap());
        let expected = PictureLossIndication { sender_ssrc: sender, media_ssrc: media };
        prop_assert_eq!(theirs::<PictureLossIndication>(&packet), expected.clone());
        prop_assert_eq!(&by_them(expected)[..], &packet[..]);
        prop_assert_eq!(only(&packet), Block::Pli(Pli { sender: Ssrc(sender), media: Ssrc(media) }));

        let entries: Vec<FirEntry> = fir.iter().map(|&(ssrc, sequence)| FirEntry { ssrc: Ssrc(ssrc), sequence }).collect();
        let packet = written(|writer| writer.fir(Ssrc(sender), &entries).unwrap());
        let expected = oracle_fir::FullIntraRequest {
            sender_ssrc: sender,
            media_ssrc: 0,
            fir: fir.iter().map(|&(ssrc, sequence_number)| oracle_fir::FirEntry { ssrc, sequence_number }).collect(),
        };
        prop_assert_eq!(theirs::<oracle_fir::FullIntraRequest>(&packet), expected.clone());
        let packet = by_them(expected);
        let Block::Fir(read) = only(&packet) else { panic!() };
        prop_assert_eq!(read.sender, Ssrc(sender));
        prop_assert_eq!(read.entries().collect::<Vec<_>>(), entries);
    }

    #[test]
    fn nacks_are_the_rtcp_crates(sender: u32, media: u32, lost in lost_packets()) {
        let numbers: Vec<u16> = lost.iter().map(|seq| seq.0).collect();
        let packet = written(|writer| writer.nack(Ssrc(sender), Ssrc(media), &lost).unwrap());
        let read = theirs::<TransportLayerNack>(&packet);
        prop_assert_eq!((read.sender_ssrc, read.media_ssrc), (sender, media));
        prop_assert_eq!(read.nacks.iter().flat_map(NackPair::packet_list).collect::<Vec<_>>(), numbers.clone());

        // Their grouping knows no wrap, so it may differ from ours; what it says may not.
        let nacks = nack_pairs_from_sequence_numbers(&numbers);
        let packet = by_them(TransportLayerNack { sender_ssrc: sender, media_ssrc: media, nacks });
        let Block::Nack(read) = only(&packet) else { panic!() };
        prop_assert_eq!((read.sender, read.media), (Ssrc(sender), Ssrc(media)));
        prop_assert_eq!(read.lost().collect::<Vec<_>>(), lost);
    }

    #[test]
    fn bitrates_are_the_rtcp_crates(sender: u32, mantissa in 0..1_u32 << 18, exponent in 0..40_u32, ssrcs in vec(any::<u32>(), 0..20)) {
        let bitrate = u64::from(mantissa) << exponent;
        #[expect(clippy::cast_precision_loss, reason = "18 bits of mantissa fit")]
        let packet = by_them(ReceiverEstimatedMaximumBitrate { sender_ssrc: sender, bitrate: bitrate as f32, ssrcs: ssrcs.clone() });
        let Block::Remb(read) = only(&packet) else { panic!() };
        prop_assert_eq!((read.sender, read.bitrate), (Ssrc(sender), bitrate));
        prop_assert_eq!(read.ssrcs().map(|ssrc| ssrc.0).collect::<Vec<_>>(), ssrcs);
    }

    #[test]
    fn transport_feedback_is_the_rtcp_crates(
        base: u16,
        feedback_count: u8,
        start in 0..1_u64 << 31,
        steps in vec(prop_oneof![4 => (0..300_u64).prop_map(Some), 1 => (0..32_768_u64).prop_map(Some), 2 => Just(None)], 1..200),
    ) {
        let mut at = start;
        let arrivals: Vec<Option<u64>> = steps.iter().map(|step| step.map(|step| { at += step; at })).collect();
        prop_assume!(arrivals.iter().any(Option::is_some));
        let packet = written(|writer| {
            assert_eq!(writer.transport_cc(Ssrc(1), Ssrc(2), Seq16(base), feedback_count, &arrivals), arrivals.len());
        });
        let Block::TransportCc(ours) = only(&packet) else { panic!() };
        let theirs = theirs::<TransportLayerCc>(&packet);
        prop_assert_eq!((theirs.sender_ssrc, theirs.media_ssrc), (1, 2));
        prop_assert_eq!((theirs.base_sequence_number, theirs.fb_pkt_count), (base, feedback_count));
        prop_assert_eq!((theirs.packet_status_count, theirs.reference_time), (ours.count, ours.reference_time));
        let statuses: Vec<Option<i16>> = ours.statuses().map(|(_, delta)| delta).collect();
        prop_assert_eq!(&their_statuses(&theirs), &statuses);

        // And back: what they write of it is what we read of it.
        let again = by_them(theirs);
        let Block::TransportCc(read) = only(&again) else { panic!() };
        prop_assert_eq!(read.statuses().map(|(_, delta)| delta).collect::<Vec<_>>(), statuses);
    }
}
