//! The only door to the crypto library: SRTP's ciphers in place, HMAC-SHA1 for STUN, constant-time compare.
#![forbid(unsafe_code)]
