//! An offer, or a fragment that restarts ICE, is refused, or has an answer that our parser reads back as its terms say.

pub(crate) fn run(input: &[u8]) {
    quartet::control::negotiate::sdp(input);
}
