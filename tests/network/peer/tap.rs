//! What the server sends to one peer, opened and judged as it leaves: the wire has lost nothing of it yet, so what is
//! missing here the server never sent.

use std::collections::{BTreeMap, HashMap};

use quartet::base::{Seat, Seq64};
use quartet::link::terms::{SourceKind, Ssrc};
use quartet::media::wire::demux::{Protocol, classify};
use quartet::media::wire::ext::Extensions;
use quartet::media::wire::payload::red::Red;
use quartet::media::wire::payload::vp8::{Descriptor, PictureId};

use super::OUTBOUND_RED;
use super::mark::{HEAD, Mark};
use crate::support::browser::{self, Browser, rtx_of};

/// Numbers of a line that are remembered: more than the server's own history.
const REMEMBERED: usize = 1_024;

/// One datagram of the server, in the clear.
#[derive(Clone)]
pub(crate) enum Said {
    /// The answer to a check.
    Check,
    Handshake,
    Media(Media),
    Reports(Vec<u8>),
}

/// One packet of media.
#[derive(Clone)]
pub(crate) struct Media {
    pub(super) kind: SourceKind,
    /// Which line of its kind.
    pub(super) line: u8,
    /// Its number on the line, also where it came as a repair.
    pub(super) index: Seq64,
    pub(super) repair: bool,
    pub(super) timestamp: u32,
    pub(super) marker: bool,
    /// Its transport-wide number.
    pub(super) number: Option<u16>,
    pub(super) content: Content,
}

#[derive(Clone)]
pub(super) enum Content {
    Padding,
    /// Its own sound first, then copies of earlier ones.
    Sound(Vec<Mark>),
    Picture(Descriptor, Mark),
}

/// Everything about a packet that must be so again when it is repaired.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Record {
    timestamp: u32,
    marker: bool,
    picture: Option<Descriptor>,
    mark: Mark,
}

/// The server's side of the way to one peer.
pub(super) struct Tap {
    visit: u8,
    seat: Seat,
    /// By line.
    sent: HashMap<Ssrc, BTreeMap<u64, Record>>,
    /// Of each line: its first and its newest number, and how many there were.
    spans: HashMap<Ssrc, (u64, u64, u64)>,
    /// The newest number of each repair stream.
    repairs: HashMap<Ssrc, u64>,
    /// Packets of media, and repairs among them.
    pub(super) media: u64,
    pub(super) repaired: u64,
    pub(super) padding: u64,
}

impl Tap {
    pub(super) fn new(visit: u8, seat: Seat) -> Tap {
        Tap {
            visit,
            seat,
            sent: HashMap::new(),
            spans: HashMap::new(),
            repairs: HashMap::new(),
            media: 0,
            repaired: 0,
            padding: 0,
        }
    }

    /// Opens what leaves for `browser`. Panics over what should never have left.
    pub(super) fn open(&mut self, browser: &mut Browser, datagram: &mut [u8]) -> Said {
        match classify(datagram).expect("the server speaks four protocols") {
            Protocol::Stun => Said::Check,
            Protocol::Dtls => Said::Handshake,
            Protocol::Rtcp => {
                let len = browser.open_reports(datagram);
                Said::Reports(datagram[..len].to_vec())
            }
            Protocol::Rtp => Said::Media(self.media(browser, datagram)),
        }
    }

    fn media(&mut self, browser: &mut Browser, datagram: &mut [u8]) -> Media {
        let (header, opened) = browser.open_media(datagram);
        let packet = &datagram[..opened.len];
        let number = Extensions::parse(packet, &header, &browser::extensions(self.seat)).transport_cc;
        let (kind, line, repair) = self.line(header.ssrc);
        let payload = header.payload(packet).expect("padding is well-formed");
        let mut media = Media {
            kind,
            line,
            index: opened.index,
            repair,
            timestamp: header.timestamp,
            marker: header.marker,
            number,
            content: Content::Padding,
        };
        self.media += 1;
        if repair {
            let newest = self.repairs.insert(header.ssrc, opened.index.0);
            assert!(newest.is_none_or(|newest| newest < opened.index.0), "a repair stream goes on: {newest:?} {opened:?}");
        }
        if payload.is_empty() {
            self.padding += 1;
            return media;
        }
        media.content = if kind == SourceKind::Microphone {
            Content::Sound(sounds(header.payload_type, payload))
        } else if repair {
            picture(&payload[2..])
        } else {
            picture(payload)
        };
        let main = browser::line(self.seat, kind, line);
        let sent = self.sent.entry(main).or_default();
        let record = record(&media);
        let Mark { visit, seat, .. } = record.mark;
        assert_eq!(visit, self.visit, "a packet of another visit: {record:?}");
        let bound = self.seat.on_line(usize::from(line)).map(u8::from);
        assert!(kind == SourceKind::Screen || bound == Some(seat), "a packet of another line: {record:?}");
        if repair {
            self.repaired += 1;
            let newest = sent.last_key_value().map_or(0, |(&newest, _)| newest);
            let number = u16::from_be_bytes([payload[0], payload[1]]);
            media.index = Seq64(newest).nearest(quartet::base::Seq16(number));
            let first = sent.first_key_value().map_or(0, |(&first, _)| first);
            assert!(
                media.index.0 < first || sent.get(&media.index.0) == Some(&record),
                "a repair is what it repairs: {record:?} {:?}",
                sent.get(&media.index.0)
            );
            return media;
        }
        let index = media.index.0;
        if let Some(before) = index.checked_sub(1).and_then(|before| sent.get(&before)) {
            judge(before, &record);
        }
        if let Some(after) = sent.get(&(index + 1)) {
            judge(&record, after);
        }
        assert_eq!(sent.insert(index, record), None, "no number is given twice");
        let (first, newest, count) = self.spans.entry(main).or_insert((index, index, 0));
        (*first, *newest, *count) = (index.min(*first), index.max(*newest), *count + 1);
        if sent.len() > REMEMBERED {
            sent.pop_first();
        }
        media
    }

    /// Numbers that were never given: of packets that never came to the server, and of none else.
    pub(super) fn left_out(&self) -> u64 {
        Seat::ALL.into_iter().flat_map(|seat| self.seat.line_of(seat)).map(|line| self.left_out_of(line as u8)).sum()
    }

    fn left_out_of(&self, line: u8) -> u64 {
        let kinds = [SourceKind::Microphone, SourceKind::Camera];
        let spans = kinds.iter().filter_map(|&kind| self.spans.get(&browser::line(self.seat, kind, line)));
        spans.map(|(first, newest, count)| newest - first + 1 - count).sum()
    }

    /// What this stream carries, and whether it carries repairs of that.
    fn line(&self, ssrc: Ssrc) -> (SourceKind, u8, bool) {
        let lines = (0..3).flat_map(|line| [(SourceKind::Microphone, line), (SourceKind::Camera, line)]);
        for (kind, line) in lines.chain([(SourceKind::Screen, 0)]) {
            let main = browser::line(self.seat, kind, line);
            if ssrc == main || ssrc == rtx_of(main) {
                return (kind, line, ssrc != main);
            }
        }
        panic!("a stream that was never agreed on: {ssrc:?}");
    }
}

fn sounds(payload_type: u8, payload: &[u8]) -> Vec<Mark> {
    if payload_type != OUTBOUND_RED {
        return vec![Mark::read(payload)];
    }
    let red = Red::parse(payload).expect("the server writes RED right");
    [red.own].into_iter().chain(red.copies()).map(|block| Mark::read(block.sound)).collect()
}

fn picture(payload: &[u8]) -> Content {
    let descriptor = Descriptor::parse(payload).expect("pictures are VP8");
    Content::Picture(descriptor, Mark::read(&payload[descriptor.len + HEAD..]))
}

fn record(media: &Media) -> Record {
    let (picture, mark) = match &media.content {
        Content::Padding => unreachable!("padding has no mark"),
        Content::Sound(marks) => (None, marks[0]),
        Content::Picture(descriptor, mark) => (Some(*descriptor), *mark),
    };
    Record { timestamp: media.timestamp, marker: media.marker, picture, mark }
}

pub(super) fn picture_id(descriptor: &Descriptor) -> u16 {
    match descriptor.picture_id {
        Some(PictureId::Fifteen(id)) => id,
        other => panic!("no 15-bit picture id: {other:?}"),
    }
}

/// Whether two packets may follow each other on a line, by one number.
fn judge(before: &Record, after: &Record) {
    let step = after.timestamp.wrapping_sub(before.timestamp);
    let (Some(old), Some(new)) = (before.picture, after.picture) else {
        assert!((1..=48_000 * 60).contains(&step), "{step} ticks: {before:?} {after:?}");
        return;
    };
    if before.mark.frame() == after.mark.frame() {
        assert!(!before.marker && !new.starts_frame && step == 0, "one frame: {before:?} {after:?}");
        assert_eq!(picture_id(&old), picture_id(&new), "one frame: {before:?} {after:?}");
        return;
    }
    let (from, to) = ((before.mark.seat, before.mark.layer), (after.mark.seat, after.mark.layer));
    assert!(new.starts_frame, "frames are not mixed: {before:?} {after:?}");
    assert!(from == to || new.keyframe, "another layer begins with a keyframe: {before:?} {after:?}");
    // What was missing of the last frame before a switch is missing for good: the keyframe makes up for it.
    assert!(before.marker || new.keyframe, "the frame before is whole: {before:?} {after:?}");
    assert!((1..=90_000 * 60).contains(&step), "{step} ticks: {before:?} {after:?}");
    assert_eq!(picture_id(&new), (picture_id(&old) + 1) & 0x7fff, "{before:?} {after:?}");
}
