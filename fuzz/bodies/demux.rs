//! Any datagram has at most one protocol, and more bytes behind it do not change which.

use quartet::media::wire::demux::classify;

pub(crate) fn run(input: &[u8]) {
    if let Some(protocol) = classify(input) {
        let longer = [input, &[0xff]].concat();
        assert_eq!(classify(&longer), Some(protocol));
    }
}
