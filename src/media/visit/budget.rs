//! What of each picture a receiver's path has room for: a pure function.
//!
//! A picture can be had in steps, each with its rate: a simulcast layer, with all of its frames or with half of them.
//! Sound is not in here: its rate is taken off before, and never given up. Then, while there is room:
//!
//! 1. a pinned interpreter up to the middle layer: to someone who is Deaf that picture is the sound;
//! 2. everybody the least there is of them, the dearest first;
//! 3. the dearest up to what their tile can show: the interpreter, what is pinned and the screen, who speaks;
//! 4. the others evenly, a step each in turn.

use super::watch::Layer;
use crate::base::limits::LAYERS;

/// Pictures that one receiver may see: three cameras and a screen.
pub const PICTURES: usize = 4;

/// Temporal layers that are told apart: each halves the frames. RFC 7741 has four; the fourth counts as the third.
pub const TEMPORAL_LAYERS: usize = 3;

const _: () = assert!(Step::TOP as usize == LAYERS - 1 && Step::WHOLE as usize == TEMPORAL_LAYERS - 1);

/// A quality of one picture: up to a temporal layer of one simulcast layer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Step {
    pub layer: Layer,
    pub temporal: u8,
}

impl Step {
    /// The largest layer.
    pub const TOP: Layer = 2;
    /// With this temporal layer a layer is whole.
    const WHOLE: u8 = 2;

    /// All there is of this layer.
    pub const fn whole(layer: Layer) -> Step {
        Step { layer, temporal: Step::WHOLE }
    }
}

/// How dear a picture is to its receiver.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Worth {
    Plain,
    Speaker,
    /// Pinned, or a screen.
    Pinned,
    Interpreter,
}

/// One picture that is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Wish {
    pub worth: Worth,
    /// The largest layer of which the tile shows anything.
    pub most: Layer,
    /// Bits per second of each layer, by temporal layer; all zero where there is no such layer.
    pub rates: [[u64; TEMPORAL_LAYERS]; LAYERS],
}

impl Wish {
    /// The steps that it can be had in, smallest first.
    fn steps(&self) -> impl Iterator<Item = (Step, u64)> + Clone {
        let lowest = self.rates.iter().position(|rates| rates.iter().any(|rate| *rate > 0)).unwrap_or(0);
        let layers = (0u8..).zip(self.rates).filter(|(_, rates)| rates.iter().any(|rate| *rate > 0));
        let most = self.most;
        // If the tile is so small that even the lowest layer is more than it shows, that one it is.
        let layers = layers.filter(move |(layer, _)| *layer <= most || usize::from(*layer) == lowest);
        layers.flat_map(move |(layer, rates)| {
            let whole = Step::whole(layer).temporal;
            (0..=whole).filter_map(move |temporal| {
                let above: u64 = rates[usize::from(temporal) + 1..].iter().sum();
                // A step without anything above it is the whole; and a quarter of the frames of a larger picture are worth less
                // than all frames of a smaller one.
                let exists = temporal == whole || above > 0;
                let is_quarter = temporal == 0 && rates[usize::from(whole)] > 0;
                let worth_it = !is_quarter || usize::from(layer) == lowest;
                let rate = rates[..=usize::from(temporal)].iter().sum();
                (exists && worth_it).then_some((Step { layer, temporal }, rate))
            })
        })
    }

    /// The last of them, and its bits per second: the most that its tile can show.
    fn top(&self) -> Option<(Step, u64)> {
        let whole = |place: usize| self.rates.get(place).map_or(0, |rates| rates.iter().sum::<u64>());
        let most = usize::from(self.most.min(Step::TOP));
        let place =
            (0..=most).rev().find(|place| whole(*place) > 0).or_else(|| (most..LAYERS).find(|place| whole(*place) > 0))?;
        let [.., layer] = place.to_be_bytes();
        Some((Step::whole(layer), whole(place)))
    }

    /// The most that its tile can show.
    pub(super) fn most_step(&self) -> Option<Step> {
        self.top().map(|(step, _)| step)
    }

    /// Bits per second of the most that its tile can show.
    pub(super) fn most_rate(&self) -> u64 {
        self.top().map_or(0, |(_, rate)| rate)
    }

    /// Bits per second of this step.
    pub(super) fn rate(&self, step: Option<Step>) -> u64 {
        let Some(step) = step else { return 0 };
        self.rates.get(usize::from(step.layer)).map_or(0, |rates| rates.iter().take(usize::from(step.temporal) + 1).sum())
    }
}

/// What fits into `room` bits per second: a step for each wish, or none. What a picture would get beyond its `held` step
/// fits only with a fifth of it to spare (media.md).
pub fn share(room: u64, wishes: &[Option<Wish>; PICTURES], held: &[Option<Step>; PICTURES]) -> [Option<Step>; PICTURES] {
    // Where all of it fits, and it does mostly, nobody's share is less for another's.
    let most: u64 = wishes.iter().flatten().map(Wish::most_rate).sum();
    if most.saturating_add(most / 5) <= room {
        return wishes.map(|wish| wish?.most_step());
    }
    let mut sharing = Sharing { room, wishes, held, chosen: [None; PICTURES] };
    let by_worth = |worth: Worth| (0..PICTURES).filter(move |&place| wishes[place].is_some_and(|wish| wish.worth == worth));

    for place in by_worth(Worth::Interpreter) {
        sharing.raise(place, Some(1));
    }
    for worth in [Worth::Interpreter, Worth::Pinned, Worth::Speaker, Worth::Plain] {
        for place in by_worth(worth).filter(|&place| sharing.chosen[place].is_none()).collect::<Places>().into_iter() {
            sharing.step(place, None);
        }
    }
    for worth in [Worth::Interpreter, Worth::Pinned, Worth::Speaker] {
        for place in by_worth(worth) {
            sharing.raise(place, None);
        }
    }
    loop {
        let raised = by_worth(Worth::Plain).filter(|&place| sharing.step(place, None)).count();
        if raised == 0 {
            return sharing.chosen;
        }
    }
}

/// A few places, without the heap.
#[derive(Clone, Copy, Default)]
struct Places {
    places: [usize; PICTURES],
    count: usize,
}

impl FromIterator<usize> for Places {
    fn from_iter<I: IntoIterator<Item = usize>>(places: I) -> Places {
        let mut few = Places::default();
        for place in places.into_iter().take(PICTURES) {
            few.places[few.count] = place;
            few.count += 1;
        }
        few
    }
}

impl IntoIterator for Places {
    type Item = usize;
    type IntoIter = std::iter::Take<std::array::IntoIter<usize, PICTURES>>;

    fn into_iter(self) -> Self::IntoIter {
        self.places.into_iter().take(self.count)
    }
}

struct Sharing<'a> {
    room: u64,
    wishes: &'a [Option<Wish>; PICTURES],
    held: &'a [Option<Step>; PICTURES],
    chosen: [Option<Step>; PICTURES],
}

impl Sharing<'_> {
    /// Raises one picture as far as there is room, not beyond layer `until`.
    fn raise(&mut self, place: usize, until: Option<Layer>) {
        while self.step(place, until) {}
    }

    /// Raises one picture by a step, if there is one and it fits.
    fn step(&mut self, place: usize, until: Option<Layer>) -> bool {
        let Some(wish) = &self.wishes[place] else { return false };
        let now = self.chosen[place];
        let next = wish.steps().find(|(step, _)| now.is_none_or(|now| *step > now));
        let Some((step, rate)) = next.filter(|(step, _)| until.is_none_or(|until| step.layer <= until)) else { return false };
        let more = rate.saturating_sub(wish.rate(now));
        let spare = if Some(step) > self.held[place] { more / 5 } else { 0 };
        if more.saturating_add(spare) > self.room {
            return false;
        }
        self.room -= more;
        self.chosen[place] = Some(step);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HELD: [Option<Step>; PICTURES] = [Some(Step::whole(2)); PICTURES];

    /// Three layers of a third, a third and a third in time.
    fn camera(worth: Worth) -> Option<Wish> {
        Some(Wish { worth, most: 2, rates: [[50, 50, 50], [200, 150, 150], [500, 500, 500]] })
    }

    fn plain(rates: [u64; 3]) -> Option<Wish> {
        Some(Wish { worth: Worth::Plain, most: 2, rates: rates.map(|rate| [rate, 0, 0]) })
    }

    fn shown(room: u64, wishes: [Option<Wish>; PICTURES]) -> String {
        let step = |step: &Option<Step>| {
            step.map_or("-".to_owned(), |step| format!("{}{}", ["q", "h", "f"][usize::from(step.layer)], step.temporal))
        };
        share(room, &wishes, &HELD).iter().map(step).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_top_is_the_last_of_the_steps() {
        for most in 0..=3 {
            for bits in 0..512_u64 {
                let rates = [0, 3, 6].map(|layer| [0, 1, 2].map(|temporal| (bits >> (layer + temporal) & 1) * 100));
                let wish = Wish { worth: Worth::Plain, most, rates };
                assert_eq!(wish.top(), wish.steps().last(), "{wish:?}");
            }
        }
    }

    #[test]
    fn one_picture_gets_the_best_that_fits() {
        for (room, expected) in [
            (0, "-"),
            (49, "-"),
            (50, "q0"),
            (100, "q1"),
            (150, "q2"),
            (349, "q2"),
            (350, "h1"),
            (500, "h2"),
            (999, "h2"),
            (1_000, "f1"),
            (1_500, "f2"),
            (u64::MAX, "f2"),
        ] {
            assert_eq!(shown(room, [camera(Worth::Plain), None, None, None]), format!("{expected} - - -"), "{room}");
        }
    }

    #[test]
    fn of_two_temporal_layers_the_lower_one_is_half_of_the_frames_and_worth_it() {
        let two = Some(Wish { worth: Worth::Plain, most: 2, rates: [[90, 60, 0], [300, 200, 0], [900, 600, 0]] });
        for (room, expected) in
            [(89, "-"), (90, "q0"), (150, "q2"), (299, "q2"), (300, "h0"), (500, "h2"), (899, "h2"), (900, "f0"), (1_500, "f2")]
        {
            assert_eq!(shown(room, [two, None, None, None]), format!("{expected} - - -"), "{room}");
        }
    }

    #[test]
    fn a_layer_without_temporal_layers_is_taken_whole_or_not() {
        for (room, expected) in [(149, "-"), (150, "q2"), (499, "q2"), (500, "h2"), (1_500, "f2")] {
            assert_eq!(shown(room, [plain([150, 500, 1_500]), None, None, None]), format!("{expected} - - -"), "{room}");
        }
    }

    #[test]
    fn a_layer_that_does_not_arrive_is_skipped() {
        assert_eq!(shown(1_499, [plain([150, 0, 1_500]), None, None, None]), "q2 - - -");
        assert_eq!(shown(9_999, [plain([0, 500, 0]), None, None, None]), "h2 - - -");
        assert_eq!(shown(9_999, [plain([0, 0, 0]), None, None, None]), "- - - -");
    }

    #[test]
    fn a_small_tile_gets_no_more_than_it_shows() {
        let small = Some(Wish { most: 0, ..camera(Worth::Plain).unwrap() });
        assert_eq!(shown(u64::MAX, [small, None, None, None]), "q2 - - -");
        let only_large = Some(Wish { most: 0, ..plain([0, 0, 1_500]).unwrap() });
        assert_eq!(shown(u64::MAX, [only_large, None, None, None]), "f2 - - -", "there is nothing smaller");
    }

    #[test]
    fn what_lies_beyond_the_step_held_needs_a_fifth_of_it_to_spare() {
        let (q, h) = (Some(Step::whole(0)), Some(Step::whole(1)));
        for (room, held, expected) in [(500, h, h), (500, q, q), (569, q, q), (570, q, h), (150, None, None), (180, None, q)] {
            let wishes = [plain([150, 500, 1_500]), None, None, None];
            assert_eq!(share(room, &wishes, &[held; PICTURES])[0], expected, "{room} {held:?}");
        }
    }

    #[test]
    fn plain_ones_grow_evenly() {
        let three = [camera(Worth::Plain), camera(Worth::Plain), camera(Worth::Plain), None];
        for (room, expected) in [
            (100, "q0 q0 - -"),
            (150, "q0 q0 q0 -"),
            (450, "q2 q2 q2 -"),
            (700, "h1 q2 q2 -"),
            (1_050, "h1 h1 h1 -"),
            (1_500, "h2 h2 h2 -"),
        ] {
            assert_eq!(shown(room, three), expected, "{room}");
        }
    }

    #[test]
    fn the_dearest_come_first_and_everybody_before_anyone_s_best() {
        let four = [camera(Worth::Plain), camera(Worth::Speaker), camera(Worth::Interpreter), plain([0, 400, 0])];
        let screen = |wish: Option<Wish>| wish.map(|wish| Wish { worth: Worth::Pinned, ..wish });
        let wishes = [four[0], four[1], four[2], screen(four[3])];
        for (room, expected) in [
            (50, "- - q0 -"),
            (500, "- - h2 -"),
            (600, "q0 q0 h2 -"),
            (900, "- - h2 h2"),
            (1_000, "q0 q0 h2 h2"),
            (2_000, "q0 q0 f2 h2"),
            (3_450, "q0 f2 f2 h2"),
            (4_900, "f2 f2 f2 h2"),
        ] {
            assert_eq!(shown(room, wishes), expected, "{room}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_chosen_fits_and_more_room_never_shows_fewer(
            room in 0u64..8_000,
            rates in proptest::collection::vec(proptest::collection::vec(0u64..900, 9), 4),
            worths in proptest::collection::vec(0usize..4, 4),
        ) {
            let worth = [Worth::Plain, Worth::Speaker, Worth::Pinned, Worth::Interpreter];
            let wish = |place: usize| {
                let rates: &Vec<u64> = &rates[place];
                let rates = [[rates[0], rates[1], rates[2]], [rates[3], rates[4], rates[5]], [rates[6], rates[7], rates[8]]];
                Some(Wish { worth: worth[worths[place]], most: 2, rates })
            };
            let wishes = [wish(0), wish(1), wish(2), wish(3)];
            let chosen = share(room, &wishes, &HELD);
            let spent: u64 = chosen.iter().zip(&wishes).map(|(step, wish)| wish.unwrap().rate(*step)).sum();
            proptest::prop_assert!(spent <= room);
            let count = |chosen: [Option<Step>; PICTURES]| chosen.iter().flatten().count();
            let plenty = share(u64::MAX / 2, &wishes, &HELD);
            proptest::prop_assert!(count(plenty) >= count(chosen));
        }
    }
}
