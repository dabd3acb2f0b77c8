//! What this process counts, as Prometheus reads it (text format 0.0.4).
//!
//! Names and labels come from the table below and from short lists in the code, never from what somebody typed; all numbers
//! are whole, durations in microseconds until they are written.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Whatever goes wrong with labels, memory and answers stay small.
const MOST_SERIES: usize = 2_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Counter,
    Gauge,
    /// Bounds in milliseconds, and as they are written in seconds.
    Histogram(&'static [(u64, &'static str)]),
}

/// Pages take milliseconds, a check of an account up to twenty seconds.
const REQUEST: &[(u64, &str)] = &[
    (5, "0.005"),
    (10, "0.01"),
    (25, "0.025"),
    (50, "0.05"),
    (100, "0.1"),
    (250, "0.25"),
    (500, "0.5"),
    (1_000, "1"),
    (2_500, "2.5"),
    (10_000, "10"),
    (30_000, "30"),
];
/// A receipt is accepted within a second, or after a provider's bad day.
const DELIVERY: &[(u64, &str)] = &[
    (250, "0.25"),
    (500, "0.5"),
    (1_000, "1"),
    (2_000, "2"),
    (5_000, "5"),
    (15_000, "15"),
    (60_000, "60"),
    (300_000, "300"),
    (1_800_000, "1800"),
    (7_200_000, "7200"),
    (28_800_000, "28800"),
    (172_800_000, "172800"),
];

/// Every metric there is: name, kind, and what it says.
const TABLE: [(&str, Kind, &str); 19] = [
    ("acuse_build_info", Kind::Gauge, "Which version runs"),
    ("acuse_connections", Kind::Gauge, "Connections of browsers and programs that are open"),
    ("acuse_connections_closed_total", Kind::Counter, "Connections that were closed: they kept us waiting, or made room"),
    ("acuse_database_connections", Kind::Gauge, "Connections to the database by pool and state"),
    ("acuse_database_connections_max", Kind::Gauge, "The most that a pool opens"),
    (
        "acuse_database_errors_total",
        Kind::Counter,
        "Statements that failed: busy, unavailable, refused, or their answer unreadable",
    ),
    ("acuse_database_up", Kind::Gauge, "Whether the database answered just now"),
    ("acuse_deliveries", Kind::Gauge, "Deliveries without an end yet, by state"),
    ("acuse_delivery_attempts_total", Kind::Counter, "Attempts by the phase they ended in and the state that followed"),
    ("acuse_history_faults", Kind::Gauge, "Companies whose history is not what was sealed, by the last check"),
    ("acuse_http_request_duration_seconds", Kind::Histogram(REQUEST), "From a request's head to its answer's"),
    ("acuse_http_requests_total", Kind::Counter, "Requests by route, method and status"),
    ("acuse_login_attempts_total", Kind::Counter, "Logins: entered, wrong, or told to wait"),
    ("acuse_oldest_delivery_age_seconds", Kind::Gauge, "Since the oldest of a state was queued"),
    ("acuse_overloaded_total", Kind::Counter, "Requests refused because too much was under way"),
    ("acuse_process_open_fds", Kind::Gauge, "Open file descriptors"),
    ("acuse_process_resident_memory_bytes", Kind::Gauge, "Resident memory"),
    ("acuse_process_uptime_seconds", Kind::Gauge, "Since this process began"),
    ("acuse_record_to_accepted_seconds", Kind::Histogram(DELIVERY), "From being queued to a server's acceptance"),
];

/// `{route="/entrar",method="GET"}`, or empty.
type Labels = String;

#[derive(Default)]
struct Value {
    /// Of counters and gauges; of histograms how many were observed.
    number: u64,
    /// Microseconds.
    sum: u64,
    /// How many fell into each bucket, and not into a smaller one.
    buckets: Vec<u64>,
}

static SERIES: Mutex<BTreeMap<(&'static str, Labels), Value>> = Mutex::new(BTreeMap::new());

/// Adds one to a counter.
pub fn count(name: &'static str, labels: &[(&str, &str)]) {
    change(name, labels, |value| value.number += 1);
}

/// What something is at this moment.
pub fn gauge(name: &'static str, labels: &[(&str, &str)], now: u64) {
    change(name, labels, |value| value.number = now);
}

/// Adds a duration to a histogram.
pub fn observe(name: &'static str, labels: &[(&str, &str)], took: Duration) {
    let Some((_, Kind::Histogram(bounds), _)) = TABLE.iter().find(|(own, ..)| *own == name) else { return };
    let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    change(name, labels, |value| {
        value.number += 1;
        value.sum = value.sum.saturating_add(micros);
        value.buckets.resize(bounds.len(), 0);
        if let Some(bucket) = bounds.iter().position(|(millis, _)| micros <= millis * 1_000) {
            value.buckets[bucket] += 1;
        }
    });
}

/// Everything, in the order of its names.
#[must_use]
pub fn rendered() -> String {
    let series = series();
    let mut text = String::new();
    for (name, kind, help) in TABLE {
        let of_this: Vec<_> = series.range((name, String::new())..).take_while(|((own, _), _)| *own == name).collect();
        if of_this.is_empty() {
            continue;
        }
        let word = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram(_) => "histogram",
        };
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {word}");
        for ((_, labels), value) in of_this {
            match kind {
                Kind::Histogram(bounds) => write_histogram(&mut text, name, labels, value, bounds),
                _ => drop(writeln!(text, "{name}{labels} {}", value.number)),
            }
        }
    }
    text
}

fn write_histogram(text: &mut String, name: &str, labels: &str, value: &Value, bounds: &[(u64, &str)]) {
    let inside = labels.trim_start_matches('{').trim_end_matches('}');
    let comma = if inside.is_empty() { "" } else { "," };
    let mut so_far = 0;
    for ((_, bound), fell) in bounds.iter().zip(&value.buckets) {
        so_far += fell;
        let _ = writeln!(text, "{name}_bucket{{{inside}{comma}le=\"{bound}\"}} {so_far}");
    }
    let _ = writeln!(text, "{name}_bucket{{{inside}{comma}le=\"+Inf\"}} {}", value.number);
    let _ = writeln!(text, "{name}_sum{labels} {}.{:06}", value.sum / 1_000_000, value.sum % 1_000_000);
    let _ = writeln!(text, "{name}_count{labels} {}", value.number);
}

fn change(name: &'static str, labels: &[(&str, &str)], change: impl FnOnce(&mut Value)) {
    debug_assert!(TABLE.iter().any(|(own, ..)| *own == name), "{name} stands in no table");
    let mut series = series();
    let key = (name, written(labels));
    if series.len() < MOST_SERIES || series.contains_key(&key) {
        change(series.entry(key).or_default());
    }
}

fn written(labels: &[(&str, &str)]) -> Labels {
    if labels.is_empty() {
        return Labels::new();
    }
    let escaped = |value: &str| value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    let all: Vec<String> = labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
    format!("{{{}}}", all.join(","))
}

fn series() -> MutexGuard<'static, BTreeMap<(&'static str, Labels), Value>> {
    SERIES.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_is_cumulative_and_its_sum_is_in_seconds() {
        for millis in [3, 5, 700, 99_000] {
            observe("acuse_http_request_duration_seconds", &[("route", "/a\"b")], Duration::from_millis(millis));
        }
        let text = rendered();
        for line in [
            r#"acuse_http_request_duration_seconds_bucket{route="/a\"b",le="0.005"} 2"#,
            r#"acuse_http_request_duration_seconds_bucket{route="/a\"b",le="1"} 3"#,
            r#"acuse_http_request_duration_seconds_bucket{route="/a\"b",le="30"} 3"#,
            r#"acuse_http_request_duration_seconds_bucket{route="/a\"b",le="+Inf"} 4"#,
            r#"acuse_http_request_duration_seconds_sum{route="/a\"b"} 99.708000"#,
            r#"acuse_http_request_duration_seconds_count{route="/a\"b"} 4"#,
            "# TYPE acuse_http_request_duration_seconds histogram",
        ] {
            assert!(text.lines().any(|own| own == line), "{line} is not in\n{text}");
        }
    }

    #[test]
    fn however_many_labels_there_are_memory_has_an_end() {
        for n in 0..MOST_SERIES * 2 {
            count("acuse_http_requests_total", &[("route", &n.to_string())]);
        }
        assert!(series().len() <= MOST_SERIES);
    }
}
