//! Random numbers that a seed decides, so that a simulation can be run again.
//!
//! They choose where sequence numbers, timestamps and picture ids begin: values that RFC 3550 §5.1 wants hard
//! to guess from outside, and that no security rests on, because everything that is sent is sealed.

/// xoshiro256** (Blackman and Vigna, 2018).
pub struct Random {
    state: [u64; 4],
}

impl Random {
    pub fn new(seed: [u8; 32]) -> Random {
        let mut state = [0u64; 4];
        for (word, bytes) in state.iter_mut().zip(seed.chunks_exact(8)) {
            *word = bytes.iter().fold(0, |word, &byte| word << 8 | u64::from(byte));
        }
        if state == [0; 4] {
            // The one state that the generator never leaves.
            state[0] = 1;
        }
        Random { state }
    }

    /// 64 fresh bits.
    pub fn bits(&mut self) -> u64 {
        let [a, b, c, d] = &mut self.state;
        let fresh = b.wrapping_mul(5).rotate_left(7).wrapping_mul(9);
        let shifted = *b << 17;
        *c ^= *a;
        *d ^= *b;
        *b ^= *c;
        *a ^= *d;
        *c ^= shifted;
        *d = d.rotate_left(45);
        fresh
    }

    /// 32 fresh bits: the upper ones, which are the better ones.
    pub fn word(&mut self) -> u32 {
        (self.bits() >> 32) as u32
    }

    /// 15 fresh bits.
    pub fn fifteen(&mut self) -> u16 {
        (self.bits() >> 49) as u16
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_numbers_and_another_seed_others() {
        let draw = |seed: u8| {
            let mut random = Random::new([seed; 32]);
            std::array::from_fn::<u64, 8, _>(|_| random.bits())
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
        assert_ne!(draw(0)[7], 0, "a seed of zeros does not stick at zero");
    }

    #[test]
    fn fifteen_bits_are_fifteen() {
        let mut random = Random::new([3; 32]);
        let seen = (0..1_000).map(|_| random.fifteen()).fold(0, |seen, value| seen | value);
        assert_eq!(seen, 0x7fff);
    }
}
