//! What a run came to: a table for people, an object for programs.

use serde_json::{Value, json};

use crate::machine::process::Usage;
use crate::media::tally::{Faults, Tally, micros};
use crate::options::Load;
use crate::run::Second;

/// All that was measured of one server.
pub struct Report {
    pub visits: usize,
    /// Whether everyone had what the reference visit promises when the measuring began.
    pub settled: bool,
    pub seconds: Vec<Second>,
    /// What the bots' own process used.
    pub bots: Usage,
}

/// Sums over seconds.
struct Sum {
    seconds: usize,
    length: f64,
    tally: Tally,
    used: Option<Usage>,
}

impl Report {
    fn sum(&self, of: impl Fn(&Second) -> bool) -> Sum {
        let mut sum = Sum { seconds: 0, length: 0.0, tally: Tally::default(), used: None };
        for second in self.seconds.iter().filter(|second| of(second)) {
            sum.seconds += 1;
            sum.length += second.length.as_secs_f64();
            sum.tally.add(&second.tally);
            if let Some(used) = &second.used {
                let so_far = sum.used.get_or_insert_default();
                so_far.running += used.running;
                so_far.user += used.user;
                so_far.system += used.system;
            }
        }
        sum
    }

    /// Server's time per packet that it forwarded, in microseconds, as bots counted the packets.
    pub fn cpu_per_packet(&self) -> Option<f64> {
        self.sum(|_| true).cpu_per_packet()
    }

    pub fn loss(&self) -> f64 {
        self.sum(|_| true).tally.loss()
    }

    pub fn latency(&self, quantile: f64) -> Option<f64> {
        micros(&self.sum(|_| true).tally.latency, quantile)
    }

    /// The object of `--json`; the bench adds what only it knows.
    pub fn json(&self, load: &Load) -> Value {
        let (all, clean) = (self.sum(|_| true), self.sum(Second::is_clean));
        let latency = |tally: &Tally| {
            json!({
                "p50": micros(&tally.latency, 0.5), "p99": micros(&tally.latency, 0.99), "p999": micros(&tally.latency, 0.999),
            })
        };
        json!({
            "visits": self.visits,
            "seconds": all.seconds,
            "clean_seconds": clean.seconds,
            "settled": self.settled,
            "srtp_profile": load.profile.name(),
            "gro": load.gro,
            "packets_in_per_s": all.tally.sent as f64 / all.length,
            "packets_out_per_s": all.tally.received as f64 / all.length,
            "loss": all.tally.loss(),
            "top_layer_share": all.tally.top_share(),
            "wrong": all.tally.faults.sum(),
            "faults": faults(&all.tally.faults),
            "opened": all.tally.opened,
            "repairs_and_padding_per_s": all.tally.repairs as f64 / all.length,
            "latency_us": latency(&all.tally),
            "latency_us_clean": latency(&clean.tally),
            "cpu_us_per_forwarded_packet": all.cpu_per_packet(),
            "cpu_us_per_forwarded_packet_clean": clean.cpu_per_packet(),
            "user_us_per_forwarded_packet": all.user_per_packet(),
            "server_busy": all.used.map(|used| used.running.as_secs_f64() / all.length),
            "bot_cpu_us_per_packet": self.bots.running.as_secs_f64() * 1e6 / (all.tally.received + all.tally.sent) as f64,
            "bot_late_us": {
                "p50": micros(&all.tally.lateness, 0.5), "p99": micros(&all.tally.lateness, 0.99),
            },
            "bots_busy": self.bots.running.as_secs_f64() / all.length,
        })
    }
}

/// What should not have happened, by kind.
pub fn faults(Faults { unknown, unopened, foreign, disordered, refused }: &Faults) -> Value {
    json!({ "unknown": unknown, "unopened": unopened, "foreign": foreign, "disordered": disordered, "refused": refused })
}

impl Sum {
    fn cpu_per_packet(&self) -> Option<f64> {
        let used = self.used.filter(|_| self.tally.received > 0)?;
        Some(used.running.as_secs_f64() * 1e6 / self.tally.received as f64)
    }

    /// The user's share, by ticks, of the time that the scheduler counted.
    fn user_per_packet(&self) -> Option<f64> {
        let used = self.used?;
        let share = used.user.as_secs_f64() / (used.user + used.system).as_secs_f64().max(f64::MIN_POSITIVE);
        Some(self.cpu_per_packet()? * share)
    }
}

/// The table: a line for each figure, what it is first.
pub fn print(figures: &Value) {
    let Some(figures) = figures.as_object() else { return };
    let width = figures.keys().map(String::len).max().unwrap_or(0);
    for (name, figure) in figures {
        println!("{name:width$}  {}", said(figure));
    }
}

fn said(figure: &Value) -> String {
    match figure {
        Value::Null => "not measured".to_owned(),
        Value::Number(number) if number.is_f64() => {
            let number = number.as_f64().unwrap_or(0.0);
            if number.abs() >= 1_000.0 { format!("{number:.0}") } else { format!("{number:.4}") }
        }
        Value::Object(parts) => parts.iter().map(|(name, part)| format!("{name} {}", said(part))).collect::<Vec<_>>().join(", "),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) => figure.to_string(),
    }
}
