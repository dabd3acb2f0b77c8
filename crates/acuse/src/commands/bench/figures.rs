//! Rates, medians, ratios, and the table that shows them.

use std::fs;
use std::time::Duration;

/// How many in a second.
pub fn rate(count: usize, took: Duration) -> u64 {
    let micros = took.as_micros().max(1);
    u64::try_from(count as u128 * 1_000_000 / micros).unwrap_or(u64::MAX)
}

/// The middle one; of an even number the lower middle. Zero of none.
pub fn median(values: &[u64]) -> u64 {
    percentile(values, 50)
}

/// The value that so many per cent do not exceed. Zero of none.
pub fn percentile(values: &[u64], per_cent: usize) -> u64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let place = (sorted.len() * per_cent).div_ceil(100).saturating_sub(1);
    sorted.get(place).copied().unwrap_or_default()
}

/// Something measured, and what it is read against.
pub struct Line {
    pub what: String,
    pub ours: u64,
    pub against: Option<(String, u64)>,
    /// More to know about it, such as its slowest answers.
    pub note: String,
}

/// Prints a table and the machine that it was measured on.
pub fn show(title: &str, lines: &[Line]) {
    println!();
    println!("{title}");
    println!();
    let heads = ["", "por segundo", "contra", "por segundo", "razón", ""].map(str::to_string);
    let rows: Vec<[String; 6]> = std::iter::once(heads).chain(lines.iter().map(cells)).collect();
    let widths: Vec<usize> = (0..6).map(|c| rows.iter().map(|row| row[c].chars().count()).max().unwrap_or(0)).collect();
    for row in &rows {
        let [what, ours, against, theirs, ratio, note] = row;
        let (w0, w1, w2, w3, w4) = (widths[0], widths[1], widths[2], widths[3], widths[4]);
        let line = format!("  {what:<w0$}  {ours:>w1$}  {against:<w2$}  {theirs:>w3$}  {ratio:>w4$}  {note}");
        println!("{}", line.trim_end());
    }
    println!();
    println!("{}", machine());
}

fn cells(line: &Line) -> [String; 6] {
    let (against, theirs, ratio) = match &line.against {
        Some((name, rate)) => (name.clone(), grouped(*rate), ratio(line.ours, *rate)),
        None => (String::new(), String::new(), String::new()),
    };
    [line.what.clone(), grouped(line.ours), against, theirs, ratio, line.note.clone()]
}

/// Two decimals below ten, one above.
fn ratio(ours: u64, theirs: u64) -> String {
    let hundredths = ours.saturating_mul(100) / theirs.max(1);
    match hundredths < 1_000 {
        true => format!("{},{:02}", hundredths / 100, hundredths % 100),
        false => format!("{},{}", hundredths / 100, hundredths % 100 / 10),
    }
}

/// `4.812`, as numbers are written in Ecuador.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push('.');
        }
        out.push(digit);
    }
    out
}

/// `2 núcleos, AMD EPYC 9354`.
fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")).and_then(|rest| rest.split_once(':'));
    let model = model.map_or("procesador desconocido", |(_, name)| name.trim());
    let plural = if cores == 1 { "núcleo" } else { "núcleos" };
    format!("{cores} {plural}, {model}; acuse {}", env!("CARGO_PKG_VERSION"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_counts() {
        assert_eq!(median(&[9, 1, 5]), 5);
        assert_eq!(median(&[]), 0);
        assert_eq!(percentile(&(1..=200).collect::<Vec<_>>(), 99), 198);
    }

    #[test]
    fn ratios_and_rates_are_written_as_people_read_them() {
        assert_eq!(ratio(2_205, 4_410), "0,50");
        assert_eq!(ratio(690, 63), "10,9");
        assert_eq!(grouped(1_234_567), "1.234.567");
        assert_eq!(rate(5_000, Duration::from_millis(2_500)), 2_000);
    }
}
