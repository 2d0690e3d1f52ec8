//! A release server and what it is compared with, one after the other, under the same load.

use serde_json::{Value, json};

use crate::bare::Floor;
use crate::bot::Problem;
use crate::bot::http::client;
use crate::machine::process::{Machine, Server, Usage};
use crate::media::engine::Engine;
use crate::options::Load;
use crate::peer::quartet::Quartet;
use crate::peer::{Bots, Peer, Profile, Rival};
use crate::run::crowd::PATIENT;
use crate::run::measured::Measured;
use crate::run::report::Report;
use crate::run::{self, Progress};
use crate::server::allocations;
use crate::server::own::{Admission, OwnServer};

/// How long allocations are counted.
const COUNTING_SECONDS: u32 = 5;

const CPU: &str = "cpu_us_per_forwarded_packet";

/// What is asked, and where the server may run.
pub struct Trial<'a> {
    pub load: &'a Load,
    pub processors: &'a [usize],
    pub progress: Progress,
}

impl Trial<'_> {
    /// All figures; those of the bare loop too where they are wanted and it can do the profile.
    pub async fn run(&self, with_floor: bool, repeats: u32) -> Result<Value, Problem> {
        self.turns(with_floor, repeats, None, async || Ok(Value::Null)).await
    }

    /// The same in turn with a server of others.
    pub async fn compare<R: Rival>(&self, with_floor: bool, repeats: u32) -> Result<Value, Problem> {
        self.turns(with_floor, repeats, Some(R::NAME), async || self.rival::<R>().await).await
    }

    /// The loop, the server and the other, one after the other, `repeats` times: a machine whose speed changes with its neighbours
    /// changes it for all. Figures are those of the turn in the middle; ratios are of what ran in the same turn.
    async fn turns(
        &self,
        with_floor: bool,
        repeats: u32,
        name: Option<&'static str>,
        other: impl AsyncFn() -> Result<Value, Problem>,
    ) -> Result<Value, Problem> {
        let with_floor = with_floor && self.load.profile == Profile::Gcm;
        let mut turns = Vec::new();
        for turn in 1..=repeats {
            if repeats > 1 {
                self.progress.say(&format!("turn {turn} of {repeats}"));
            }
            let floor = if with_floor { Some(self.floor().await?.json(self.load)) } else { None };
            // It takes as long as all else, and comes out the same each time.
            let counts = turn == repeats;
            let own = self.server(counts).await?;
            let other = if name.is_some() { Some(other().await?) } else { None };
            turns.push(Turn { own, floor, other });
        }
        let all = |of: &dyn Fn(&Turn) -> Option<Value>| turns.iter().filter_map(of).collect::<Vec<_>>();
        let mut figures = middle(all(&|turn| Some(turn.own.clone())));
        figures["allocations_per_packet"] = turns.last().map_or(Value::Null, |turn| turn.own["allocations_per_packet"].clone());
        let floor = middle(all(&|turn| turn.floor.clone()));
        figures["floor_us_per_packet"] = floor[CPU].clone();
        figures["floor"] = floor;
        let to_floor = Spread::of(turns.iter().filter_map(Turn::to_floor));
        figures["ratio_to_floor"] = to_floor.median().into();
        if let Some(name) = name {
            figures[name] = middle(all(&|turn| turn.other.clone()));
            figures["ratio"] = Spread::of(turns.iter().filter_map(Turn::to_own)).json();
        }
        if repeats > 1 {
            figures["ratio_to_floor_spread"] = to_floor.json();
            let said = turns.iter().map(|turn| {
                let mut said = json!({
                    "quartet": turn.own[CPU], "floor": turn.floor.as_ref().map(|floor| &floor[CPU]), "ratio_to_floor": turn.to_floor(),
                });
                if let (Some(name), Some(other)) = (name, &turn.other) {
                    said[name] = other[CPU].clone();
                    said["ratio"] = turn.to_own().into();
                }
                said
            });
            figures["turns"] = said.collect();
        }
        figures["machine"] = Machine.name().into();
        Ok(figures)
    }

    async fn floor(&self) -> Result<Report, Problem> {
        self.progress.say("the bare loop");
        let engine = Engine::start(self.load.gro)?;
        let (floor, legs) = Floor::start(self.load.visits, self.processors)?;
        engine.add(legs)?;
        let visits = self.load.visits as usize;
        let settled = run::settle(&engine, visits, &self.progress).await?;
        self.measured(&engine, &Server::of(floor.pid())?, visits, settled).await
    }

    /// The server; its allocations are counted when all else is measured, if they are at all.
    async fn server(&self, counts: bool) -> Result<Value, Problem> {
        self.progress.say("starting the server");
        let own = OwnServer::start(1, self.processors, Admission::AsShipped).await?;
        let server = Server::of(own.pid())?;
        let empty = server.usage()?;
        let engine = Engine::start(self.load.gro)?;
        let quartet = Quartet::new(client(), &own.base, &own.token, Bots::new(self.load.profile)?);
        let (visits, settled) = self.filled(&quartet, &engine).await?;
        let before = quartet.counters().await?;
        let report = self.measured(&engine, &server, visits, settled).await?;
        let counted = quartet.counters().await?.since(&before);

        let mut figures = report.json(self.load);
        figures["rss_bytes_per_visit"] = self.held(&server, &empty)?;
        figures["send_syscalls_per_packet"] = counted.per_packet(counted.send_calls).into();
        figures["receive_syscalls_per_packet"] = counted.per_packet(counted.receive_calls).into();
        figures["allocations_per_packet"] = if counts { self.allocations(&server, &quartet).await } else { Value::Null };
        Ok(figures)
    }

    async fn rival<R: Rival>(&self) -> Result<Value, Problem> {
        self.progress.say(&format!("starting {}", R::NAME));
        let rival = R::start(self.processors, Bots::new(self.load.profile)?).await?;
        let server = Server::of(rival.pid())?;
        let empty = server.usage()?;
        let engine = Engine::start(self.load.gro)?;
        let (visits, settled) = self.filled(&rival, &engine).await?;
        let report = self.measured(&engine, &server, visits, settled).await?;

        let mut figures = report.json(self.load);
        figures["rss_bytes_per_visit"] = self.held(&server, &empty)?;
        figures["threads"] = server.usage()?.tasks.into();
        figures["about"] = rival.about().await?;
        let expected = R::EXPECTED_US;
        let as_expected = report.cpu_per_packet().map(|used| expected.contains(&used));
        figures["expected_us"] = json!([expected.start(), expected.end()]);
        figures["as_expected"] = as_expected.into();
        if as_expected != Some(true) {
            let (name, used) = (R::NAME, report.cpu_per_packet().unwrap_or(f64::NAN));
            let (least, most) = (expected.start(), expected.end());
            let more = format!("{name} used {used:.1} µs a packet, not the {least} to {most} that are known of it:");
            self.progress.say(&format!("{more} see how busy it was, its loss, and what it says of its libraries"));
        }
        Ok(figures)
    }

    async fn filled<P: Peer>(&self, peer: &P, engine: &Engine) -> Result<(usize, bool), Problem> {
        let crowd = run::fill(peer, engine, 0..self.load.visits, PATIENT, &self.progress).await;
        if let Some(problem) = crowd.refusals.first() {
            return Err(format!("{} visits did not come about: {problem}", crowd.refusals.len()).into());
        }
        Ok((crowd.visits.len(), run::settle(engine, crowd.visits.len(), &self.progress).await?))
    }

    /// Bytes for each visit.
    fn held(&self, server: &Server, empty: &Usage) -> Result<Value, Problem> {
        let grown = server.usage()?.resident_bytes.saturating_sub(empty.resident_bytes);
        Ok((grown / u64::from(self.load.visits.max(1))).into())
    }

    async fn allocations(&self, server: &Server, quartet: &Quartet) -> Value {
        self.progress.say("counting allocations");
        let counted = async {
            let before = quartet.counters().await?;
            let allocations = allocations::count(server, COUNTING_SECONDS).await?;
            Ok::<_, Problem>(quartet.counters().await?.since(&before).per_packet(allocations))
        };
        counted.await.map(Value::from).unwrap_or_else(|problem| {
            self.progress.say(&format!("allocations were not counted: {problem}"));
            Value::Null
        })
    }

    async fn measured(&self, engine: &Engine, server: &Server, visits: usize, settled: bool) -> Result<Report, Problem> {
        let Measured { seconds, bots, .. } = Measured::of(engine, self.load.seconds, Some(server), &self.progress).await?;
        Ok(Report { visits, settled, seconds, bots })
    }
}

/// What was measured one after the other.
struct Turn {
    own: Value,
    floor: Option<Value>,
    other: Option<Value>,
}

impl Turn {
    /// The server's time per packet as a multiple of the bare loop's.
    fn to_floor(&self) -> Option<f64> {
        Some(self.own[CPU].as_f64()? / self.floor.as_ref()?[CPU].as_f64()?)
    }

    /// The other server's as a multiple of this one's.
    fn to_own(&self) -> Option<f64> {
        Some(self.other.as_ref()?[CPU].as_f64()? / self.own[CPU].as_f64()?)
    }
}

/// Of several turns, the one whose time per packet is the middle one.
fn middle(mut turns: Vec<Value>) -> Value {
    turns.sort_by(|a, b| a[CPU].as_f64().unwrap_or(f64::MAX).total_cmp(&b[CPU].as_f64().unwrap_or(f64::MAX)));
    if turns.is_empty() { Value::Null } else { turns.swap_remove((turns.len() - 1) / 2) }
}

/// Numbers in order.
struct Spread(Vec<f64>);

impl Spread {
    fn of(numbers: impl Iterator<Item = f64>) -> Spread {
        let mut sorted: Vec<f64> = numbers.collect();
        sorted.sort_by(f64::total_cmp);
        Spread(sorted)
    }

    fn median(&self) -> Option<f64> {
        let (low, high) = (self.0.get(self.0.len().checked_sub(1)? / 2)?, self.0.get(self.0.len() / 2)?);
        Some(f64::midpoint(*low, *high))
    }

    fn json(&self) -> Value {
        json!({ "median": self.median(), "min": self.0.first(), "max": self.0.last() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_lies_between_the_middle_two() {
        for (numbers, expected) in [(&[][..], None), (&[2.0], Some(2.0)), (&[2.0, 1.0], Some(1.5)), (&[9.0, 1.0, 2.0], Some(2.0))]
        {
            assert_eq!(Spread::of(numbers.iter().copied()).median(), expected);
        }
    }

    #[test]
    fn the_middle_turn_is_that_of_the_middle_time() {
        let turns = [7.0, 1.0, 3.0].map(|used| json!({ (CPU): used }));
        assert_eq!(middle(turns.to_vec())[CPU], 3.0);
    }
}
