//! Both profiles that packets are sealed with, and what a packet may cost with each.

use quartet::link::event::SrtpProfile;

pub(crate) struct Profile {
    /// As RFC 7714 and RFC 5764 name it.
    pub(crate) name: &'static str,
    pub(crate) srtp: SrtpProfile,
    pub(crate) budget: Budget,
}

/// Budgets say when to look for what has become slower. Those of time, here and of the parts, are about twice what was
/// measured, so that a slower machine still meets them, and nothing fails by them: larger ones would be met whatever
/// happens, smaller ones would only tell machines apart. Those of instructions (callgrind's, of x86-64) are a tenth to a
/// seventh above the count, which no machine blurs, and the bench fails by them: larger ones would let a copy of every
/// packet slip in, smaller ones would fail by another compiler.
pub(crate) struct Budget {
    pub(crate) ns_in: f64,
    pub(crate) ns_out: f64,
    pub(crate) instructions_out: f64,
    /// Of 1,150 bytes.
    pub(crate) ns_open: f64,
    pub(crate) ns_seal: f64,
}

pub(crate) const PROFILES: [Profile; 2] = [
    Profile {
        name: "AEAD_AES_128_GCM",
        srtp: SrtpProfile::AeadAes128Gcm,
        budget: Budget { ns_in: 2_200.0, ns_out: 1_100.0, instructions_out: 8_900.0, ns_open: 600.0, ns_seal: 550.0 },
    },
    Profile {
        name: "AES128_CM_HMAC_SHA1_80",
        srtp: SrtpProfile::Aes128CmSha1_80,
        budget: Budget { ns_in: 6_500.0, ns_out: 3_200.0, instructions_out: 28_000.0, ns_open: 2_400.0, ns_seal: 2_600.0 },
    },
];

/// How a figure stands to its budget.
pub(crate) fn verdict(figure: f64, budget: f64) -> &'static str {
    if figure <= budget { "within" } else { "ABOVE" }
}
