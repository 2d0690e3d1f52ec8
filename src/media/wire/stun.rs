//! STUN binding requests and their answers (RFC 8489), as far as an ICE-lite server meets them.
