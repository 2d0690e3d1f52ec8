//! Whether packets are lost because there are too many.
//!
//! A narrow place with a short queue drops the end of each burst and spares what comes alone. A bad radio link does
//! not look at what came before. So packets are counted in two columns: those that left *first*, with none shortly
//! before them, and those that left *behind* others. If those behind are lost much more often, there are too many.
//!
//! Where the columns do not tell (a policer with a deep bucket), a heavy loss is taken for congestion once, and the
//! trial tells: if we send much less and lose as much, the path is *lossy*, and what it loses is not held against us.

use std::time::Duration;

use crate::base::{Bitrate, Instant};

/// A packet with none in this time before it left first. Longer would put sound behind each frame into the same
/// column, shorter would call packets first that a turn of the loop parted.
pub(super) const BEHIND: Duration = Duration::from_millis(5);

/// Counts are kept in steps, and the last of them are the window: two seconds. Longer would be slower to believe a
/// new loss; shorter would hold too few packets (a lone sound stream sends 50 a second) to tell loss from bad luck.
const STEP_MILLIS: u64 = 250;
const STEPS: usize = 8;

/// Packets in a column before it says anything. More would be slower where frames are of two packets (30 a second are
/// behind another); with fewer, a deviation is no measure.
const COLUMN_MIN: u32 = 25;
/// The excess of the second column that counts, in standard deviations and as a share. Four would be bad luck once in
/// an hour or two, as each feedback is a new draw; less than a tenth does not hurt enough to send less.
const DEVIATIONS: f64 = 5.0;
const EXCESS_MIN: f64 = 0.10;
/// Steps that must each show it. One could be a keyframe that did not fit into the queue, and that is no rate; more
/// would be slower.
const EXCESS_STEPS: usize = 3;

/// The last second, and what must have been sent in it to tell anything. With more, a path that turned bad would leave pictures that
/// stand for longer; with fewer, of a path that loses a tenth a fifth would be believed every few minutes.
const LATELY_STEPS: u64 = 4;
const LATELY_MIN: u32 = 100;

/// A loss beyond what the path is known to lose that is taken for congestion, once. Lower would cost a layer on Wi-Fi
/// that loses a fifth; higher would leave more of what is sent to a policer that cannot be seen otherwise.
const HEAVY: f64 = 0.35;
/// Of at least so many packets: of half as many, a path that loses a fifth loses a third now and then.
const HEAVY_MIN: u32 = 100;
/// Steps that must each have lost half of that: a second and a half. A receiver that is gone for a moment loses
/// everything then, and that is no rate.
const HEAVY_STEPS: usize = 6;
/// The trial: sending at most this share (in hundredths) and losing at least that share of before means a lossy path.
const TRIAL_RATE: u64 = 75;
const TRIAL_LOSS: f64 = 0.7;
/// For how long a path is taken for lossy. Longer would let a policer that came later do harm for longer, shorter
/// would repeat the trial, which costs a layer, more often.
const LOSSY_FOR: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, Debug, Default)]
struct Column {
    sent: u32,
    lost: u32,
}

impl Column {
    fn add(self, other: Column) -> Column {
        Column { sent: self.sent + other.sent, lost: self.lost + other.lost }
    }

    fn share(self) -> f64 {
        f64::from(self.lost) / f64::from(self.sent.max(1))
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Step {
    first: Column,
    behind: Column,
}

/// A heavy loss that was taken for congestion.
#[derive(Clone, Copy, Debug)]
struct Trial {
    rate: Bitrate,
    share: f64,
}

/// What was lost of what was sent lately.
#[derive(Clone, Debug)]
pub(super) struct Loss {
    steps: [Step; STEPS],
    /// The newest step.
    at: u64,
    /// Only what left since counts: what was sent before has been acted on.
    since: Instant,
    /// Of what left within the window, whatever has been acted on.
    all: [Column; STEPS],
    trial: Option<Trial>,
    /// What this path loses of anything, and until when we believe it.
    lossy: Option<(f64, Instant)>,
}

/// How a packet left.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Order {
    First,
    Behind,
}

impl Loss {
    pub(super) fn new(now: Instant) -> Loss {
        Loss {
            steps: [Step::default(); STEPS],
            at: step(now),
            since: now,
            all: [Column::default(); STEPS],
            trial: None,
            lossy: None,
        }
    }

    /// A packet's fate is known. Packets come in the order of sending.
    pub(super) fn take(&mut self, sent: Instant, order: Order, lost: bool) {
        let step = step(sent);
        for passed in (self.at + 1..=step).rev().take(STEPS) {
            self.steps[place(passed)] = Step::default();
            self.all[place(passed)] = Column::default();
        }
        self.at = self.at.max(step);
        let one = Column { sent: 1, lost: u32::from(lost) };
        let all = &mut self.all[place(step)];
        *all = all.add(one);
        if sent >= self.since {
            let counts = &mut self.steps[place(step)];
            match order {
                Order::First => counts.first = counts.first.add(one),
                Order::Behind => counts.behind = counts.behind.add(one),
            }
        }
    }

    /// Whether too much is sent, by what is lost of it. `sent` is the rate at which we send.
    pub(super) fn congested(&mut self, now: Instant, sent: Bitrate) -> bool {
        let (mut first, mut behind) = (Column::default(), Column::default());
        for step in &self.steps {
            (first, behind) = (first.add(step.first), behind.add(step.behind));
        }
        let all = first.add(behind);
        if let Some(trial) = self.trial
            && sent <= trial.rate.percent(TRIAL_RATE)
            && all.sent >= HEAVY_MIN / 2
        {
            self.trial = None;
            if all.share() >= TRIAL_LOSS * trial.share {
                self.lossy = Some((all.share(), now + LOSSY_FOR));
            }
        }
        let steps = self.steps.iter().filter(|step| step.behind.share() >= step.first.share() + EXCESS_MIN).count();
        if steps >= EXCESS_STEPS && excess(first, behind) {
            return true;
        }
        let bar = HEAVY + self.lossy(now);
        let steps = self.steps.iter().filter(|step| step.first.add(step.behind).share() >= bar / 2.0).count();
        let heavy = all.sent >= HEAVY_MIN && all.share() >= bar && steps >= HEAVY_STEPS;
        if heavy && self.trial.is_none_or(|trial| sent >= trial.rate) {
            self.trial = Some(Trial { rate: sent, share: all.share() });
        }
        heavy
    }

    /// What has been counted so far has been acted on.
    pub(super) fn acted(&mut self, now: Instant) {
        self.steps = [Step::default(); STEPS];
        self.since = now;
    }

    /// Of so many packets that left in the last two seconds, this many were lost.
    pub(super) fn share_of(&self, packets: u16) -> u64 {
        let all = self.all.iter().copied().fold(Column::default(), Column::add);
        u64::from(all.lost) * u64::from(packets) / u64::from(all.sent.max(1))
    }

    /// The same, or that of the last second if it was worse: a path that turns bad is to be known as one soon.
    pub(super) fn worst_of(&self, packets: u16) -> u64 {
        let steps = (0..LATELY_STEPS).filter_map(|passed| self.at.checked_sub(passed));
        let lately = steps.map(|step| self.all[place(step)]).fold(Column::default(), Column::add);
        let share = self.share_of(packets);
        if lately.sent < LATELY_MIN {
            return share;
        }
        share.max(u64::from(lately.lost) * u64::from(packets) / u64::from(lately.sent))
    }

    fn lossy(&self, now: Instant) -> f64 {
        self.lossy.filter(|(_, until)| now < *until).map_or(0.0, |(share, _)| share)
    }
}

/// Whether packets behind others are lost so much more often than the first that it cannot be bad luck.
fn excess(first: Column, behind: Column) -> bool {
    if first.sent < COLUMN_MIN || behind.sent < COLUMN_MIN {
        return false;
    }
    let excess = behind.share() - first.share();
    let all = first.add(behind).share();
    let variance = all * (1.0 - all) * (1.0 / f64::from(first.sent) + 1.0 / f64::from(behind.sent));
    excess >= EXCESS_MIN && excess >= DEVIATIONS * variance.sqrt()
}

fn step(at: Instant) -> u64 {
    const NANOS: u64 = STEP_MILLIS * 1_000_000;
    at.as_nanos() / NANOS
}

fn place(step: u64) -> usize {
    const MASK: u64 = STEPS as u64 - 1;
    (step & MASK) as usize
}

const _: () = assert!(STEPS.is_power_of_two());

#[cfg(test)]
mod tests {
    use super::*;

    const SENT: Bitrate = Bitrate::from_kbps(1_500);

    /// Sends a frame of six packets each 33 ms and a sound packet between two; `lost` says of the packets with which
    /// running number and place in their frame they are lost. Answers whether that was ever called congestion.
    fn feed(loss: &mut Loss, now: &mut Instant, frames: u64, sent: Bitrate, lost: impl Fn(u64, u64) -> bool) -> bool {
        let mut congested = false;
        for frame in 0..frames {
            for place in 0..7 {
                // The last is sound, half a frame later.
                let order = if place % 6 == 0 { Order::First } else { Order::Behind };
                loss.take(*now + Duration::from_millis(if place == 6 { 16 } else { 0 }), order, lost(frame * 7 + place, place));
            }
            *now += Duration::from_millis(33);
            congested |= frame % 3 == 0 && loss.congested(*now, sent);
        }
        congested
    }

    #[test]
    fn what_hits_all_alike_is_no_congestion_and_what_hits_the_ends_of_bursts_is() {
        for (lost, expected) in [
            ((|_, _| false) as fn(u64, u64) -> bool, false),
            (|number, _| number % 5 == 0, false),
            (|number, _| number % 11 < 3, false),
            (|_, place| (3..6).contains(&place), true),
            (|_, place| place == 5, true),
            // One keyframe that did not fit.
            (|number, place| (70..140).contains(&number) && (1..6).contains(&place), false),
            // A moment without a receiver.
            (|number, _| (70..200).contains(&number), false),
        ] {
            let (mut loss, mut now) = (Loss::new(Instant::ZERO), Instant::ZERO);
            assert_eq!(feed(&mut loss, &mut now, 200, SENT, lost), expected);
        }
    }

    #[test]
    fn a_heavy_loss_is_congestion_until_a_trial_shows_that_it_stays() {
        let half = |number: u64, _| number.is_multiple_of(2);
        let (mut loss, mut now) = (Loss::new(Instant::ZERO), Instant::ZERO);
        assert!(feed(&mut loss, &mut now, 80, SENT, half));
        loss.acted(now);
        assert!(!feed(&mut loss, &mut now, 20, SENT.percent(50), half), "the trial");
        assert!(!feed(&mut loss, &mut now, 200, SENT, half), "a lossy path");
        now += LOSSY_FOR;
        assert!(feed(&mut loss, &mut now, 200, SENT, half), "believed for a while");
    }

    #[test]
    fn what_has_been_acted_on_counts_no_more_but_is_told() {
        let (mut loss, mut now) = (Loss::new(Instant::ZERO), Instant::ZERO);
        assert!(feed(&mut loss, &mut now, 60, SENT, |_, place| place > 2));
        loss.acted(now);
        assert!(!loss.congested(now, SENT));
        assert_eq!(loss.share_of(700), 400);
        feed(&mut loss, &mut now, 80, SENT, |_, _| false);
        assert_eq!(loss.share_of(700), 0, "two seconds later");
    }

    #[test]
    fn a_path_that_turns_bad_is_known_within_a_second_unless_little_was_sent() {
        for (frames, known) in [(30, true), (12, false)] {
            let (mut loss, mut now) = (Loss::new(Instant::ZERO), Instant::ZERO);
            feed(&mut loss, &mut now, 90, SENT, |_, _| false);
            if !known {
                now += Duration::from_secs(2);
            }
            feed(&mut loss, &mut now, frames, SENT, |number, _| number % 5 == 0);
            let all = loss.share_of(1_000);
            assert_eq!(loss.worst_of(1_000) > all.max(150), known, "{} {all}", loss.worst_of(1_000));
        }
    }
}
