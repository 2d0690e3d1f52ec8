//! What is told about the server: its log, and its metrics. The only place that knows metrics' names.

use std::fmt::Write;

use tracing_subscriber::EnvFilter;

use crate::base::DropReason;
use crate::link::WorkerReport;

/// A filter that cannot be read, like `quartet=loud`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAFilter;

impl std::fmt::Display for NotAFilter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("must be a level (error, warn, info, debug, trace) or a filter like info,quartet::control=debug")
    }
}

impl std::error::Error for NotAFilter {}

/// Starts the log on standard error. A level alone is for our own code: libraries speak up from warn, as
/// their finer levels hold what no log of ours may (addresses, statements).
pub fn start_log(filter: &str) -> Result<(), NotAFilter> {
    let filter = parse_filter(filter)?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(false);
    // A second start, as in tests, keeps the first.
    let _ = log.try_init();
    Ok(())
}

fn parse_filter(filter: &str) -> Result<EnvFilter, NotAFilter> {
    let level = ["error", "warn", "info", "debug", "trace", "off"].contains(&filter);
    let directives = if level { format!("warn,quartet={filter}") } else { filter.to_owned() };
    EnvFilter::builder().parse(directives).map_err(|_| NotAFilter)
}

/// A counter of every worker.
type Counter = (&'static str, &'static str, fn(&WorkerReport) -> u64);

const COUNTERS: [Counter; 12] = [
    ("quartet_datagrams_received_total", "Datagrams received.", |report| report.datagrams_in),
    ("quartet_bytes_received_total", "Bytes received.", |report| report.bytes_in),
    ("quartet_datagrams_sent_total", "Datagrams sent.", |report| report.datagrams_out),
    ("quartet_bytes_sent_total", "Bytes sent.", |report| report.bytes_out),
    ("quartet_packets_forwarded_total", "RTP packets sealed and queued to receivers.", |report| report.forwarded),
    ("quartet_packets_repaired_total", "RTP packets sent again to receivers that had lost them.", |report| report.repaired),
    ("quartet_keyframe_requests_total", "Keyframe requests sent to senders.", |report| report.keyframe_requests),
    ("quartet_layer_switches_total", "Times a receiver's line changed its layer.", |report| report.layer_switches),
    ("quartet_visits_failed_total", "Visits that failed inside.", |report| report.visits_failed),
    ("quartet_send_calls_total", "System calls that sent.", |report| report.send_calls),
    ("quartet_receive_calls_total", "System calls that received.", |report| report.receive_calls),
    ("quartet_worked_microseconds_total", "Time that a worker worked rather than waited.", |report| report.worked_us),
];

const GAUGES: [Counter; 5] = [
    ("quartet_visits", "Visits that a worker carries.", |report| u64::from(report.visits)),
    ("quartet_legs", "Legs that a worker carries.", |report| u64::from(report.legs)),
    ("quartet_busy_permille", "How much of the last second a worker worked, in thousandths.", |report| {
        u64::from(report.load.busy_permille)
    }),
    ("quartet_long_turns_permille", "How much of the last second a worker worked in turns that people feel.", |report| {
        u64::from(report.load.long_turns_permille)
    }),
    ("quartet_longest_turn_microseconds", "The longest turn of a worker's loop within the last second.", |report| {
        u64::from(report.load.longest_turn_us)
    }),
];

/// What is told of the door.
pub struct DoorMetrics {
    /// What tries came to, and how often.
    pub outcomes: Vec<(&'static str, u64)>,
    /// Whether more wrong dates come than is usual.
    pub alarm: bool,
}

/// The metrics in Prometheus' text format. `refused`: for how many a worker was too busy, by what they wanted.
pub fn metrics(
    reports: &[WorkerReport],
    visits_in_memory: usize,
    poor_connections: usize,
    door: &DoorMetrics,
    refused: &[(&str, u64)],
) -> String {
    let mut out = String::new();
    family(
        &mut out,
        "quartet_door_alarm",
        "1 while more wrong birth dates come in a minute than limits.wrong_dates_per_minute.",
        "gauge",
    );
    line(&mut out, format_args!("quartet_door_alarm {}", u8::from(door.alarm)));
    family(&mut out, "quartet_verifications_total", "Tries at the door, by what they came to.", "counter");
    for (outcome, count) in &door.outcomes {
        line(&mut out, format_args!("quartet_verifications_total{{outcome=\"{outcome}\"}} {count}"));
    }
    family(&mut out, "quartet_refused_for_load_total", "People refused because every worker was too busy.", "counter");
    for (what, count) in refused {
        line(&mut out, format_args!("quartet_refused_for_load_total{{what=\"{what}\"}} {count}"));
    }
    family(&mut out, "quartet_visits_in_memory", "Visits that control knows.", "gauge");
    line(&mut out, format_args!("quartet_visits_in_memory {visits_in_memory}"));
    family(&mut out, "quartet_people_with_poor_connection", "People whose connection is poor now.", "gauge");
    line(&mut out, format_args!("quartet_people_with_poor_connection {poor_connections}"));
    for (counters, kind) in [(&COUNTERS[..], "counter"), (&GAUGES[..], "gauge")] {
        for (name, help, value) in counters {
            family(&mut out, name, help, kind);
            for report in reports {
                line(&mut out, format_args!("{name}{{worker=\"{}\"}} {}", report.worker, value(report)));
            }
        }
    }
    let name = "quartet_datagrams_dropped_total";
    family(&mut out, name, "Datagrams dropped, by reason.", "counter");
    for report in reports {
        for (reason, count) in DropReason::ALL.iter().zip(&report.drops) {
            line(&mut out, format_args!("{name}{{worker=\"{}\",reason=\"{}\"}} {count}", report.worker, reason.label()));
        }
    }
    out
}

fn family(out: &mut String, name: &str, help: &str, kind: &str) {
    line(out, format_args!("# HELP {name} {help}\n# TYPE {name} {kind}"));
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a String does not fail.
    let _ = writeln!(out, "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::Load;

    #[test]
    fn every_worker_and_reason_has_its_line() {
        let report = WorkerReport {
            worker: 3,
            datagrams_in: 7,
            drops: vec![5; DropReason::COUNT],
            load: Load { busy_permille: 750, ..Load::default() },
            ..WorkerReport::default()
        };
        let door = DoorMetrics { outcomes: vec![("wrong_date", 4)], alarm: true };
        let text = metrics(&[report], 2, 1, &door, &[("visit", 9), ("seat", 0)]);
        for expected in [
            "quartet_visits_in_memory 2\n",
            "quartet_people_with_poor_connection 1\n",
            "quartet_door_alarm 1\n",
            "# TYPE quartet_refused_for_load_total counter\nquartet_refused_for_load_total{what=\"visit\"} 9\n",
            "quartet_busy_permille{worker=\"3\"} 750\n",
            "quartet_verifications_total{outcome=\"wrong_date\"} 4\n",
            "# TYPE quartet_datagrams_received_total counter\nquartet_datagrams_received_total{worker=\"3\"} 7\n",
            "quartet_datagrams_dropped_total{worker=\"3\",reason=\"replayed\"} 5\n",
        ] {
            assert!(text.contains(expected), "{expected}");
        }
        assert!(text.lines().all(|line| line.starts_with('#') || line.rsplit_once(' ').is_some_and(|(_, value)| value.parse::<u64>().is_ok())));
    }

    #[test]
    fn a_bad_filter_is_named() {
        assert!(parse_filter("debug").is_ok());
        assert!(parse_filter("info,quartet::control=trace").is_ok());
        assert_eq!(parse_filter("quartet=loud").err(), Some(NotAFilter));
    }
}
