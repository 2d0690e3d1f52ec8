//! Both profiles that packets are sealed with, and what a packet may cost with each.

use quartet::link::event::SrtpProfile;

pub(crate) struct Profile {
    /// As RFC 7714 and RFC 5764 name it.
    pub(crate) name: &'static str,
    pub(crate) srtp: SrtpProfile,
    pub(crate) budget: Budget,
}

/// Budgets say when to look for what has become slower. Those of time, here and of the parts, are some twice what a quiet
/// machine took, so that a slower one still meets them, and nothing fails by them: larger ones would be met whatever happens,
/// smaller ones would only tell machines apart. Those of instructions are a tenth above the count, and the bench fails by
/// them: it takes more than another compiler to get there.
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
        budget: Budget { ns_in: 0.0, ns_out: 0.0, instructions_out: 0.0, ns_open: 0.0, ns_seal: 0.0 },
    },
    Profile {
        name: "AES128_CM_HMAC_SHA1_80",
        srtp: SrtpProfile::Aes128CmSha1_80,
        budget: Budget { ns_in: 0.0, ns_out: 0.0, instructions_out: 0.0, ns_open: 0.0, ns_seal: 0.0 },
    },
];

/// How a figure stands to its budget.
pub(crate) fn verdict(figure: f64, budget: f64) -> &'static str {
    if figure <= budget { "within" } else { "ABOVE" }
}
