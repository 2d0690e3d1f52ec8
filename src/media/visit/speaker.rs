//! Who speaks, from the levels that senders put beside their sound (RFC 6464).

use std::time::Duration;

use crate::base::{Instant, Seat};
use crate::media::wire::ext::AudioLevel;

/// How long someone must have been the loudest to become the speaker (media.md). Longer would show a question after its
/// answer; shorter would turn to every cough.
const HYSTERESIS: Duration = Duration::from_millis(300);

/// Levels are −dBov: 0 is the loudest, 127 silence. Quieter than this is a room, not a voice.
const VOICE: i32 = 50;

/// How much louder than the speaker another must be, in dB: two who talk across a table are heard by both microphones.
const AHEAD: i32 = 6;

/// Each packet moves the average by an eighth of the way: some 160 ms of packets.
const SMOOTHING: i32 = 8;

/// Nothing heard for this long is silence, whatever was heard before: a muted microphone sends nothing.
const STALE: Duration = Duration::from_millis(500);

/// Averages are kept in 256ths of a dB, so that small differences are not lost in rounding.
const FINE: i32 = 256;
const SILENCE: i32 = 127 * FINE;

/// The visit's speaker.
#[derive(Clone, Copy, Debug)]
pub(super) struct Speaker {
    heard: [Heard; Seat::COUNT],
    now: Option<Seat>,
    /// Who has been louder than the speaker, and since when.
    rising: Option<(Seat, Instant)>,
}

#[derive(Clone, Copy, Debug)]
struct Heard {
    level: i32,
    at: Instant,
}

impl Default for Speaker {
    fn default() -> Speaker {
        Speaker { heard: [Heard { level: SILENCE, at: Instant::ZERO }; Seat::COUNT], now: None, rising: None }
    }
}

impl Speaker {
    /// Who spoke last.
    pub(super) fn seat(&self) -> Option<Seat> {
        self.now
    }

    /// A packet of sound came. Whether somebody else speaks now.
    pub(super) fn hear(&mut self, now: Instant, seat: Seat, level: AudioLevel) -> bool {
        let heard = &mut self.heard[seat.index()];
        let before = if now.since(heard.at) > STALE { SILENCE } else { heard.level };
        *heard = Heard { level: before + (i32::from(level.level) * FINE - before) / SMOOTHING, at: now };
        let mine = heard.level;
        let theirs = self.now.filter(|speaker| *speaker != seat).map_or(SILENCE, |speaker| self.level(now, speaker));
        let leads = mine <= VOICE * FINE && self.now != Some(seat) && mine + AHEAD * FINE <= theirs;
        match self.rising {
            Some((rising, since)) if rising == seat && leads => {
                if now.since(since) < HYSTERESIS {
                    return false;
                }
                (self.now, self.rising) = (Some(seat), None);
                true
            }
            Some((rising, _)) if rising == seat => {
                self.rising = None;
                false
            }
            // Another is on the way: whoever is louder of the two.
            Some((rising, _)) if leads && self.level(now, rising) <= mine => false,
            _ if leads => {
                self.rising = Some((seat, now));
                false
            }
            _ => false,
        }
    }

    /// Nobody is heard from this seat any more.
    pub(super) fn leave(&mut self, seat: Seat) {
        self.heard[seat.index()].level = SILENCE;
        self.now = self.now.filter(|speaker| *speaker != seat);
        self.rising = self.rising.filter(|(rising, _)| *rising != seat);
    }

    fn level(&self, now: Instant, seat: Seat) -> i32 {
        let heard = self.heard[seat.index()];
        if now.since(heard.at) > STALE { SILENCE } else { heard.level }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Everyone's level each 20 ms for so long; who became the speaker when.
    fn listen(speaker: &mut Speaker, from: u64, millis: u64, levels: [u8; 4]) -> Vec<(u64, u8)> {
        let mut turns = Vec::new();
        for at in (from..from + millis).step_by(20) {
            for seat in Seat::ALL {
                let level = levels[seat.index()];
                if level < 128
                    && speaker.hear(Instant::ZERO + Duration::from_millis(1_000 + at), seat, AudioLevel { voice: true, level })
                {
                    turns.push((at, u8::from(seat)));
                }
            }
        }
        turns
    }

    #[test]
    fn whoever_talks_becomes_the_speaker_after_300_ms_and_stays_it_in_silence() {
        let mut speaker = Speaker::default();
        assert_eq!(listen(&mut speaker, 0, 1_000, [80, 90, 127, 128]), [], "a quiet room has no speaker");
        let turns = listen(&mut speaker, 1_000, 1_000, [80, 25, 90, 128]);
        assert!(matches!(turns[..], [(1_300..=1_600, 1)]), "{turns:?}");
        assert_eq!(listen(&mut speaker, 2_000, 2_000, [80, 90, 90, 128]), []);
        assert_eq!(speaker.seat(), Seat::new(1));
        let turns = listen(&mut speaker, 4_000, 1_000, [20, 90, 90, 128]);
        assert!(matches!(turns[..], [(4_300..=4_600, 0)]), "{turns:?}");
    }

    #[test]
    fn a_cough_does_not_turn_heads_and_neither_does_an_echo() {
        let mut speaker = Speaker::default();
        listen(&mut speaker, 0, 1_000, [25, 127, 127, 127]);
        assert_eq!(listen(&mut speaker, 1_000, 200, [127, 10, 127, 127]), []);
        assert_eq!(listen(&mut speaker, 1_200, 1_000, [25, 127, 127, 127]), []);
        assert_eq!(listen(&mut speaker, 2_200, 5_000, [25, 22, 127, 127]), [], "3 dB louder is the same voice");
        assert_eq!(speaker.seat(), Seat::new(0));
    }

    #[test]
    fn who_is_muted_or_gone_does_not_stay_in_the_way() {
        let mut speaker = Speaker::default();
        listen(&mut speaker, 0, 1_000, [5, 127, 127, 127]);
        let turns = listen(&mut speaker, 1_000, 2_000, [128, 40, 127, 127]);
        assert!(matches!(turns[..], [(_, 1)]), "{turns:?}");
        speaker.leave(Seat::ALL[1]);
        assert_eq!(speaker.seat(), None);
    }
}
