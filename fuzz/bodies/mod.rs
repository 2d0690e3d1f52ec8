//! What each fuzz target does with its input. The fuzzer calls these bodies with what it invents, and
//! `cargo test` with every committed seed.

/// Declares the bodies: each is a module with a `run(input: &[u8])` that panics when a claim does not hold.
macro_rules! targets {
    ($($name:ident,)*) => {
        $(mod $name;)*

        /// Every target's name and body.
        pub(crate) const TARGETS: &[(&str, fn(&[u8]))] = &[$((stringify!($name), $name::run),)*];
    };
}

targets! {
    demux,
    rtp,
    rtcp,
    stun,
    srtp,
    sdp,
    config,
    shard,
}

/// Runs one target's body.
pub(crate) fn run(target: &str, input: &[u8]) {
    let (_, body) = TARGETS.iter().find(|(name, _)| *name == target).expect("a target of the table");
    body(input);
}
