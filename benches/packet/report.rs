//! The figures, for people and for programs.

use serde_json::{Value, json};

use crate::spread::Spread;
use crate::visit::Cost;

pub(crate) struct Report {
    /// Of each profile: its name, what a packet costs, and instructions per packet out or why they are not counted.
    pub(crate) visits: [(&'static str, Cost, Result<f64, String>); 2],
    pub(crate) parts: Vec<(String, Spread)>,
}

pub(crate) fn print(report: &Report) {
    println!("One packet in, three out: four people in one shard ({})\n", machine());
    for (name, cost, instructions) in &report.visits {
        println!("{name}");
        println!("  per packet in     {} ns", with_quartiles(cost.ns_in));
        println!("  per packet out    {} ns", with_quartiles(cost.ns_out));
        let verdict = if cost.allocations == 0 { "as it must be" } else { "IT MUST BE NONE" };
        let (packets_in, packets_out) = (cost.packets_in, cost.packets_out);
        println!("  allocations       {} over {packets_in} packets in and {packets_out} out: {verdict}", cost.allocations);
        match instructions {
            Ok(count) => println!("  instructions      {count:.0} per packet out (callgrind, two runs' difference)\n"),
            Err(why) => println!("  instructions      not counted here: {why}\n"),
        }
    }
    println!("Parts, ns: median (quartiles)");
    for (name, spread) in &report.parts {
        println!("  {name:60}{}", with_quartiles(*spread));
    }
}

pub(crate) fn print_json(report: &Report) {
    let visit = |(name, cost, instructions): &(&str, Cost, Result<f64, String>)| {
        json!({
            "profile": name,
            "ns_per_packet_in": quartiles(cost.ns_in),
            "ns_per_packet_out": quartiles(cost.ns_out),
            "packets_in": cost.packets_in,
            "packets_out": cost.packets_out,
            "allocations": cost.allocations,
            "instructions_per_packet_out": instructions.as_ref().ok(),
            "instructions_not_counted": instructions.as_ref().err(),
        })
    };
    let parts: serde_json::Map<_, _> = report.parts.iter().map(|(name, spread)| (name.clone(), quartiles(*spread))).collect();
    println!(
        "{}",
        json!({ "machine": machine(), "visits": report.visits.iter().map(visit).collect::<Vec<_>>(), "parts_ns": parts })
    );
}

fn with_quartiles(spread: Spread) -> String {
    format!("{:7.0} ({:.0} to {:.0})", spread.median, spread.lower, spread.upper)
}

fn quartiles(spread: Spread) -> Value {
    json!({ "lower": spread.lower, "median": spread.median, "upper": spread.upper })
}

/// The processor's name and how many of it there are.
fn machine() -> String {
    let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{}, {cores} cores", model.map_or("unknown processor", |(_, model)| model))
}
