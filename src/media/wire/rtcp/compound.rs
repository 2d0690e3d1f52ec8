//! A packet split into its blocks.

use super::{Bye, Fir, Nack, Pli, ReceiverReport, Remb, SenderReport, TransportCc, kind};

/// Blocks of one packet that are read. Browsers send up to about ten; more would let one packet cost as much
/// as hundreds.
pub const BLOCKS_MAX: usize = 32;

const HEAD_LEN: usize = 4;
const PADDING_BIT: u8 = 0b0010_0000;
const COUNT_BITS: u8 = 0b0001_1111;

/// A length or a count lies. What is wrong with the packet is nobody's business but its sender's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Malformed;

/// One block of a packet, read and bounded: its iterators cannot fail.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Block<'a> {
    SenderReport(SenderReport<'a>),
    ReceiverReport(ReceiverReport<'a>),
    /// Source descriptions, unread: a peer's name for itself decides nothing here.
    Sdes,
    Bye(Bye<'a>),
    Nack(Nack<'a>),
    TransportCc(TransportCc<'a>),
    Pli(Pli),
    Fir(Fir<'a>),
    Remb(Remb<'a>),
    /// A type or format that we do not know: extended reports, APP, and whatever comes next.
    Unknown(Unknown),
}

/// What an unknown block calls itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Unknown {
    pub packet_type: u8,
    /// RC or FMT, as the type has it.
    pub format: u8,
}

/// The blocks of a packet in the clear, compound or reduced-size (RFC 5506). After the first block that is
/// malformed, or the last that is allowed, nothing more comes: a packet that lies once is not believed further.
#[derive(Clone, Debug)]
pub struct Compound<'a> {
    rest: &'a [u8],
    blocks_left: usize,
}

impl<'a> Compound<'a> {
    pub const fn new(packet: &'a [u8]) -> Compound<'a> {
        Compound { rest: packet, blocks_left: BLOCKS_MAX }
    }

    /// Cuts the next block off.
    fn read(&mut self) -> Option<Block<'a>> {
        self.blocks_left = self.blocks_left.checked_sub(1)?;
        let &[flags, packet_type, w0, w1] = self.rest.first_chunk::<HEAD_LEN>()?;
        if flags >> 6 != 2 {
            return None;
        }
        let len = HEAD_LEN + 4 * usize::from(u16::from_be_bytes([w0, w1]));
        let (block, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        let body = block.get(HEAD_LEN..)?;
        let body = if flags & PADDING_BIT != 0 { unpadded(body)? } else { body };
        Block::parse(packet_type, flags & COUNT_BITS, body)
    }
}

/// RFC 3550 §6.4.1: the last octet counts the padding, including itself.
fn unpadded(body: &[u8]) -> Option<&[u8]> {
    match usize::from(*body.last()?) {
        0 => None,
        count => body.get(..body.len().checked_sub(count)?),
    }
}

impl<'a> Iterator for Compound<'a> {
    type Item = Result<Block<'a>, Malformed>;

    fn next(&mut self) -> Option<Result<Block<'a>, Malformed>> {
        if self.rest.is_empty() {
            return None;
        }
        let block = self.read();
        if block.is_none() {
            self.rest = &[];
        }
        Some(block.ok_or(Malformed))
    }
}

impl<'a> Block<'a> {
    /// Reads what stands behind the head, padding removed.
    fn parse(packet_type: u8, format: u8, body: &'a [u8]) -> Option<Block<'a>> {
        Some(match (packet_type, format) {
            (kind::SENDER_REPORT, count) => Block::SenderReport(SenderReport::parse(count, body)?),
            (kind::RECEIVER_REPORT, count) => Block::ReceiverReport(ReceiverReport::parse(count, body)?),
            (kind::SDES, _) => Block::Sdes,
            (kind::BYE, count) => Block::Bye(Bye::parse(count, body)?),
            (kind::TRANSPORT_FEEDBACK, kind::NACK) => Block::Nack(Nack::parse(body)?),
            (kind::TRANSPORT_FEEDBACK, kind::TRANSPORT_CC) => Block::TransportCc(TransportCc::parse(body)?),
            (kind::PAYLOAD_FEEDBACK, kind::PLI) => Block::Pli(Pli::parse(body)?),
            (kind::PAYLOAD_FEEDBACK, kind::FIR) => Block::Fir(Fir::parse(body)?),
            (kind::PAYLOAD_FEEDBACK, kind::APPLICATION) if Remb::is_named(body) => Block::Remb(Remb::parse(body)?),
            (packet_type, format) => Block::Unknown(Unknown { packet_type, format }),
        })
    }
}
