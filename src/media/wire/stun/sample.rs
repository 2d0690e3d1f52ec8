//! Binding requests as peers send them, and as they should not.

use crate::media::crypto::HmacSha1;

/// RFC 5769 §2.1, for user `evtj:h6vY` with the password below. It claims to be the controlled side.
pub(crate) const RFC_5769_REQUEST: &[u8] = &[
    0x00, 0x01, 0x00, 0x58, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae, 0x80,
    0x22, 0x00, 0x10, 0x53, 0x54, 0x55, 0x4e, 0x20, 0x74, 0x65, 0x73, 0x74, 0x20, 0x63, 0x6c, 0x69, 0x65, 0x6e, 0x74, 0x00, 0x24,
    0x00, 0x04, 0x6e, 0x00, 0x01, 0xff, 0x80, 0x29, 0x00, 0x08, 0x93, 0x2f, 0xf9, 0xb1, 0x51, 0x26, 0x3b, 0x36, 0x00, 0x06, 0x00,
    0x09, 0x65, 0x76, 0x74, 0x6a, 0x3a, 0x68, 0x36, 0x76, 0x59, 0x20, 0x20, 0x20, 0x00, 0x08, 0x00, 0x14, 0x9a, 0xea, 0xa7, 0x0c,
    0xbf, 0xd8, 0xcb, 0x56, 0x78, 0x1e, 0xf2, 0xb5, 0xb2, 0xd3, 0xf2, 0x49, 0xc1, 0xb5, 0x71, 0xa2, 0x80, 0x28, 0x00, 0x04, 0xe5,
    0x7a, 0x3b, 0xcf,
];
pub(crate) const RFC_5769_PASSWORD: &str = "VOkJxbRl1RmTxUk/WvJxBt";
pub(crate) const RFC_5769_TRANSACTION: [u8; 12] = [0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae];

/// A message under way. Its header's length is right after every step.
pub(crate) struct Sample(Vec<u8>);

impl Sample {
    /// A binding request with no attributes.
    pub(crate) fn request() -> Sample {
        Sample::message(0x0001)
    }

    pub(crate) fn message(kind: u16) -> Sample {
        let mut bytes = kind.to_be_bytes().to_vec();
        bytes.extend([0, 0, 0x21, 0x12, 0xa4, 0x42]);
        bytes.extend(RFC_5769_TRANSACTION);
        Sample(bytes)
    }

    /// What a browser sends, but for the ends: a username, a priority, the controlling role, two attributes of
    /// libwebrtc's that nobody else knows.
    pub(crate) fn check(username: &str) -> Sample {
        Sample::request()
            .with(0x0006, username.as_bytes())
            .with(0xC057, &[0, 0, 0, 10])
            .with(0xC070, b"a handshake inside")
            .with(0x802A, &[7; 8])
            .with(0x0024, &[0x6e, 0, 1, 0xff])
    }

    pub(crate) fn with(mut self, kind: u16, value: &[u8]) -> Sample {
        self.0.extend(kind.to_be_bytes());
        self.0.extend(u16::try_from(value.len()).unwrap().to_be_bytes());
        self.0.extend(value);
        self.0.resize(self.0.len().next_multiple_of(4), 0);
        self.counted(0)
    }

    /// USE-CANDIDATE.
    pub(crate) fn nominating(self) -> Sample {
        self.with(0x0025, &[])
    }

    /// MESSAGE-INTEGRITY under this password.
    pub(crate) fn signed(self, password: &str) -> Sample {
        let covered = self.counted(24);
        let tag = HmacSha1::new(password.as_bytes()).tag(&[&covered.0]);
        covered.with(0x0008, &tag)
    }

    /// FINGERPRINT.
    pub(crate) fn marked(self) -> Sample {
        let covered = self.counted(8);
        let crc = crc32fast::hash(&covered.0) ^ 0x5354_554e;
        covered.with(0x8028, &crc.to_be_bytes())
    }

    /// Both ends that a check must have.
    pub(crate) fn ended(self, password: &str) -> Vec<u8> {
        self.signed(password).marked().bytes()
    }

    pub(crate) fn bytes(self) -> Vec<u8> {
        self.0
    }

    /// Counts the attributes there are, and so many bytes to come.
    fn counted(mut self, to_come: usize) -> Sample {
        let len = u16::try_from(self.0.len() - 20 + to_come).unwrap();
        self.0[2..4].copy_from_slice(&len.to_be_bytes());
        self
    }
}
