//! What bots write into payloads, so that whoever opens one knows what it should be and when it was sent.

/// Whose packet it is, and the how manieth of its stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stamp {
    pub visit: u32,
    pub seat: u8,
    /// 0 is sound, then the layers from the smallest.
    pub stream: u8,
    pub number: u32,
    /// Nanoseconds of the system's clock.
    pub sent: u64,
}

const MAGIC: [u8; 4] = *b"QLD1";

/// Bytes of VP8's descriptor (RFC 7741 §4.2) as bots write it: a 15-bit picture id, TL0PICIDX, TID and KEYIDX.
pub const DESCRIPTOR_BYTES: usize = 6;
/// Bytes of VP8's own header in a frame's first packet (RFC 6386 §9.1), as of a keyframe.
pub const FRAME_HEADER_BYTES: usize = 10;

impl Stamp {
    pub const BYTES: usize = 4 + 4 + 1 + 1 + 4 + 8;

    /// Fills a payload: the stamp, and then bytes that follow from it.
    pub fn write(&self, into: &mut [u8]) {
        let (stamp, filler) = into.split_at_mut(Stamp::BYTES);
        stamp[..4].copy_from_slice(&MAGIC);
        stamp[4..8].copy_from_slice(&self.visit.to_be_bytes());
        stamp[8] = self.seat;
        stamp[9] = self.stream;
        stamp[10..14].copy_from_slice(&self.number.to_be_bytes());
        stamp[14..].copy_from_slice(&self.sent.to_be_bytes());
        filler.fill(self.filler());
    }

    /// Reads a payload back; none if a byte of it is not what was written.
    pub fn read(payload: &[u8]) -> Option<Stamp> {
        let (stamp, filler) = payload.split_at_checked(Stamp::BYTES)?;
        let stamp = Stamp {
            visit: u32::from_be_bytes(stamp[4..8].try_into().ok()?),
            seat: stamp[8],
            stream: stamp[9],
            number: u32::from_be_bytes(stamp[10..14].try_into().ok()?),
            sent: u64::from_be_bytes(stamp[14..].try_into().ok()?),
        };
        let whole = payload.starts_with(&MAGIC) && filler.iter().all(|&byte| byte == stamp.filler());
        whole.then_some(stamp)
    }

    fn filler(&self) -> u8 {
        let [.., low] = self.number.to_be_bytes();
        low ^ self.stream ^ 0x5a
    }
}

/// Where in the payload of a picture's packet the stamp begins.
pub fn offset_of(payload: &[u8]) -> Option<usize> {
    // RFC 7741 §4.2: S marks a partition's first packet; ours have one partition.
    let starts = payload.first()? & 0x10 != 0;
    Some(DESCRIPTOR_BYTES + if starts { FRAME_HEADER_BYTES } else { 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_reads_back_and_no_byte_of_it_may_change() {
        let stamp = Stamp { visit: 7, seat: 2, stream: 3, number: 70_000, sent: 1 << 60 };
        let mut payload = [0; 60];
        stamp.write(&mut payload);
        assert_eq!(Stamp::read(&payload), Some(stamp));
        for at in (0..4).chain(Stamp::BYTES..payload.len()) {
            payload[at] ^= 1;
            assert_eq!(Stamp::read(&payload), None, "byte {at}");
            payload[at] ^= 1;
        }
        assert_eq!(Stamp::read(&payload[..10]), None);
    }
}
