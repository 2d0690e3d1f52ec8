//! Reading and writing big-endian fields one after another, with every bound checked.

/// What is left to read. A read past the end is `None` and takes nothing.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader(bytes)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*array)
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    pub(super) fn u24(&mut self) -> Option<u32> {
        self.array::<3>().map(|[a, b, c]| u32::from_be_bytes([0, a, b, c]))
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    pub(super) fn slice(&mut self, len: usize) -> Option<&'a [u8]> {
        let (slice, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(slice)
    }

    pub(super) const fn rest(self) -> &'a [u8] {
        self.0
    }
}

/// A buffer filled from its start. A write past the end is `None` and writes nothing.
pub(super) struct Writer<'a> {
    buffer: &'a mut [u8],
    len: usize,
}

impl<'a> Writer<'a> {
    pub(super) const fn new(buffer: &'a mut [u8]) -> Writer<'a> {
        Writer { buffer, len: 0 }
    }

    /// Bytes written.
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// Bytes that still fit.
    pub(super) const fn room(&self) -> usize {
        self.buffer.len() - self.len
    }

    /// Forgets what was written after the first `len` bytes.
    pub(super) fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) -> Option<()> {
        self.buffer.get_mut(self.len..)?.get_mut(..bytes.len())?.copy_from_slice(bytes);
        self.len += bytes.len();
        Some(())
    }

    /// Writes over what stands at `at`; `None` if it is not all there.
    pub(super) fn overwrite(&mut self, at: usize, bytes: &[u8]) -> Option<()> {
        self.buffer.get_mut(..self.len)?.get_mut(at..)?.get_mut(..bytes.len())?.copy_from_slice(bytes);
        Some(())
    }

    pub(super) fn u8(&mut self, value: u8) -> Option<()> {
        self.bytes(&[value])
    }

    pub(super) fn u16(&mut self, value: u16) -> Option<()> {
        self.bytes(&value.to_be_bytes())
    }

    /// The low 24 bits.
    pub(super) fn u24(&mut self, value: u32) -> Option<()> {
        let [_, low @ ..] = value.to_be_bytes();
        self.bytes(&low)
    }

    pub(super) fn u32(&mut self, value: u32) -> Option<()> {
        self.bytes(&value.to_be_bytes())
    }

    pub(super) fn u64(&mut self, value: u64) -> Option<()> {
        self.bytes(&value.to_be_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read() {
        let mut buffer = [0; 18];
        let mut writer = Writer::new(&mut buffer);
        assert!(writer.u8(1).is_some() && writer.u16(0x0203).is_some() && writer.u24(0xff04_0506).is_some());
        assert!(writer.u32(0x0708_090a).is_some() && writer.u64(0x0b0c_0d0e_0f10_1112).is_some());
        assert_eq!((writer.len(), writer.room()), (18, 0));

        let mut reader = Reader::new(&buffer);
        assert_eq!((reader.u8(), reader.u16(), reader.u24()), (Some(1), Some(0x0203), Some(0x04_0506)));
        assert_eq!((reader.u32(), reader.u64(), reader.u8()), (Some(0x0708_090a), Some(0x0b0c_0d0e_0f10_1112), None));
    }

    #[test]
    fn a_read_or_write_past_the_end_changes_nothing() {
        let mut buffer = [0; 3];
        let mut writer = Writer::new(&mut buffer);
        assert_eq!(writer.u16(0x0102), Some(()));
        assert_eq!(writer.u16(0x0304), None);
        assert_eq!(writer.overwrite(1, &[9, 9]), None);
        assert_eq!(writer.overwrite(1, &[9]), Some(()));
        assert_eq!(writer.len(), 2);
        assert_eq!(buffer, [1, 9, 0]);

        let mut reader = Reader::new(&buffer);
        assert_eq!(reader.u32(), None);
        assert_eq!(reader.slice(4), None);
        assert_eq!(reader.rest(), [1, 9, 0]);
    }
}
