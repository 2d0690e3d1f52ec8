//! The figures, for people and for programs.

use serde_json::{Value, json};

use crate::parts::Part;
use crate::profile::{Profile, verdict};
use crate::spread::Spread;
use crate::visit::Cost;

pub(crate) struct Report {
    pub(crate) visits: Vec<Visit>,
    pub(crate) parts: Vec<Part>,
}

/// The whole visit, with one profile.
pub(crate) struct Visit {
    pub(crate) profile: &'static Profile,
    pub(crate) cost: Cost,
    /// Per packet out, or why they are not counted.
    pub(crate) instructions: Result<f64, String>,
}

impl Report {
    /// Whether all is as it must be of what a busy machine does not blur.
    pub(crate) fn holds(&self) -> bool {
        self.visits.iter().all(Visit::holds)
    }
}

impl Visit {
    fn holds(&self) -> bool {
        let most = self.profile.budget.instructions_out;
        self.cost.allocations == 0 && self.instructions.as_ref().ok().is_none_or(|count| *count <= most)
    }
}

pub(crate) fn print(report: &Report) {
    println!("One packet in, three out: four people in one shard ({})\n", machine());
    for Visit { profile: Profile { name, budget, .. }, cost, instructions } in &report.visits {
        println!("{name}");
        println!("  per packet in     {}", beside(cost.ns_in, budget.ns_in));
        println!("  per packet out    {}", beside(cost.ns_out, budget.ns_out));
        let must = if cost.allocations == 0 { "as it must be" } else { "IT MUST BE NONE" };
        let (packets_in, packets_out) = (cost.packets_in, cost.packets_out);
        println!("  allocations       {} over {packets_in} packets in and {packets_out} out: {must}", cost.allocations);
        match instructions {
            Ok(count) => println!(
                "  instructions      {count:.0} per packet out, {} its budget of {} (callgrind, two runs' difference)\n",
                verdict(*count, budget.instructions_out),
                budget.instructions_out
            ),
            Err(why) => println!("  instructions      not counted here: {why}\n"),
        }
    }
    println!("Parts, ns: median (quartiles)");
    for Part { name, budget_ns, spread } in &report.parts {
        println!("  {name:60}{}", beside(*spread, *budget_ns));
    }
}

pub(crate) fn print_json(report: &Report) {
    let visit = |Visit { profile: Profile { name, budget, .. }, cost, instructions }: &Visit| {
        json!({
            "profile": name,
            "ns_per_packet_in": quartiles(cost.ns_in, budget.ns_in),
            "ns_per_packet_out": quartiles(cost.ns_out, budget.ns_out),
            "packets_in": cost.packets_in,
            "packets_out": cost.packets_out,
            "allocations": cost.allocations,
            "instructions_per_packet_out": instructions.as_ref().ok(),
            "instructions_per_packet_out_budget": budget.instructions_out,
            "instructions_not_counted": instructions.as_ref().err(),
        })
    };
    let part = |Part { name, budget_ns, spread }: &Part| (name.clone(), quartiles(*spread, *budget_ns));
    let parts: serde_json::Map<_, _> = report.parts.iter().map(part).collect();
    println!(
        "{}",
        json!({ "machine": machine(), "visits": report.visits.iter().map(visit).collect::<Vec<_>>(), "parts_ns": parts })
    );
}

fn beside(spread: Spread, budget_ns: f64) -> String {
    let figure = format!("{:.0} ({:.0} to {:.0}) ns", spread.median, spread.lower, spread.upper);
    format!("{figure:26} {} its budget of {budget_ns}", verdict(spread.median, budget_ns))
}

fn quartiles(spread: Spread, budget_ns: f64) -> Value {
    json!({ "lower": spread.lower, "median": spread.median, "upper": spread.upper, "budget_ns": budget_ns })
}

/// The processor's name and how many of it there are.
fn machine() -> String {
    let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{}, {cores} cores", model.map_or("unknown processor", |(_, model)| model))
}
