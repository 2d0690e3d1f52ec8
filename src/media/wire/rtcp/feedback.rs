//! Short messages about streams: lost packets, lost pictures, farewells.

use crate::base::Seq16;
use crate::link::terms::Ssrc;
use crate::media::wire::cursor::{Reader, Writer};

/// These sources have left (RFC 3550 §6.6). Their reason is not read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bye<'a> {
    ssrcs: &'a [[u8; 4]],
}

impl<'a> Bye<'a> {
    pub(super) fn parse(count: u8, body: &'a [u8]) -> Option<Bye<'a>> {
        let (ssrcs, _) = body.get(..4 * usize::from(count))?.as_chunks();
        Some(Bye { ssrcs })
    }

    pub fn ssrcs(&self) -> impl ExactSizeIterator<Item = Ssrc> + 'a {
        self.ssrcs.iter().map(|ssrc| Ssrc(u32::from_be_bytes(*ssrc)))
    }
}

/// Picture loss indication (RFC 4585 §6.3.1): a keyframe of `media`, please.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pli {
    pub sender: Ssrc,
    pub media: Ssrc,
}

impl Pli {
    pub(super) fn parse(body: &[u8]) -> Option<Pli> {
        let mut reader = Reader::new(body);
        Some(Pli { sender: Ssrc(reader.u32()?), media: Ssrc(reader.u32()?) })
    }
}

/// Full intra request (RFC 5104 §4.3.1): a keyframe of each stream named.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fir<'a> {
    pub sender: Ssrc,
    entries: &'a [[u8; 8]],
}

/// One stream of which a keyframe is asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FirEntry {
    pub ssrc: Ssrc,
    /// Goes up by one with each new request; the same number again is the same request.
    pub sequence: u8,
}

impl<'a> Fir<'a> {
    pub(super) fn parse(body: &'a [u8]) -> Option<Fir<'a>> {
        let mut reader = Reader::new(body);
        let sender = Ssrc(reader.u32()?);
        // RFC 5104 §4.3.1.2: the media source is not used; the entries name the streams.
        reader.u32()?;
        Some(Fir { sender, entries: entries(reader)? })
    }

    pub fn entries(&self) -> impl ExactSizeIterator<Item = FirEntry> + 'a {
        self.entries
            .iter()
            .map(|&[s0, s1, s2, s3, sequence, _, _, _]| FirEntry { ssrc: Ssrc(u32::from_be_bytes([s0, s1, s2, s3])), sequence })
    }
}

impl FirEntry {
    pub(super) fn write(&self, writer: &mut Writer<'_>) -> Option<()> {
        writer.u32(self.ssrc.0)?;
        writer.bytes(&[self.sequence, 0, 0, 0])
    }
}

/// Generic NACK (RFC 4585 §6.2.1): packets of `media` that did not arrive.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Nack<'a> {
    pub sender: Ssrc,
    pub media: Ssrc,
    entries: &'a [[u8; 4]],
}

impl<'a> Nack<'a> {
    pub(super) fn parse(body: &'a [u8]) -> Option<Nack<'a>> {
        let mut reader = Reader::new(body);
        Some(Nack { sender: Ssrc(reader.u32()?), media: Ssrc(reader.u32()?), entries: entries(reader)? })
    }

    /// The sequence numbers, entry by entry.
    pub fn lost(&self) -> impl Iterator<Item = Seq16> + 'a {
        self.entries.iter().flat_map(|&[p0, p1, m0, m1]| {
            let first = u16::from_be_bytes([p0, p1]);
            let following = u16::from_be_bytes([m0, m1]);
            let lost = u32::from(following) << 1 | 1;
            (0..=16_u16).filter(move |offset| lost >> offset & 1 == 1).map(move |offset| Seq16(first.wrapping_add(offset)))
        })
    }
}

/// Writes the entries that name `lost`, numbers in ascending order (wrapping).
///
/// ```text
///  | packet id (16) | mask (16): bit i says that packet id + i + 1 is lost too |
/// ```
pub(super) fn write_nack_entries(writer: &mut Writer<'_>, lost: &[Seq16]) -> Option<()> {
    let mut rest = lost.iter();
    while let Some(first) = rest.next() {
        let mut mask = 0_u16;
        while let Some(next) = rest.as_slice().first() {
            match next.0.wrapping_sub(first.0) {
                0 => {}
                offset @ 1..=16 => mask |= 1 << (offset - 1),
                _ => break,
            }
            rest.next();
        }
        writer.u16(first.0)?;
        writer.u16(mask)?;
    }
    Some(())
}

/// The entries to the end of the block: whole ones, and at least one (RFC 4585 §6.2.1, RFC 5104 §4.3.1.1).
fn entries<const N: usize>(reader: Reader<'_>) -> Option<&[[u8; N]]> {
    match reader.rest().as_chunks() {
        ([], _) => None,
        (entries, []) => Some(entries),
        (_, [_, ..]) => None,
    }
}
