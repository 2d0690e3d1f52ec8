//! RTCP: compound packets read block by block, and written into a fixed buffer (RFC 3550 §6, RFC 4585,
//! RFC 5104, RFC 5506, draft-holmer-rmcat-transport-wide-cc-extensions-01).
