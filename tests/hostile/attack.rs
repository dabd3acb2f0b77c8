//! One row of the table for each attack.

use std::fmt;

/// What got through is told in full up to here.
const TOLD: usize = 5;
const LONGEST_DETAIL: usize = 300;
/// Letters of the columns.
const NAME: usize = 47;
const EXPECTED: usize = 47;

/// One kind of attack, and what came of each try.
pub struct Attack {
    name: &'static str,
    expected: &'static str,
    tries: usize,
    got_through: Vec<String>,
}

impl Attack {
    pub fn new(name: &'static str, expected: &'static str) -> Self {
        Self { name, expected, tries: 0, got_through: Vec::new() }
    }

    /// One more try; `what` tells of it where it was not refused as it should be.
    pub fn tried(&mut self, is_refused: bool, what: impl FnOnce() -> String) {
        self.tries += 1;
        if !is_refused {
            self.got_through.push(what().chars().take(LONGEST_DETAIL).collect());
        }
    }
}

/// Shows each row as soon as it is there.
pub struct Table(Vec<Attack>);

impl Table {
    pub fn begin() -> Self {
        println!("\n{:NAME$} {:>5}  {:EXPECTED$} result", "attack", "tries", "expected");
        Self(Vec::new())
    }

    pub fn add(&mut self, attacks: Vec<Attack>) {
        for attack in &attacks {
            print!("{attack}");
        }
        self.0.extend(attacks);
    }

    /// Whether everything was tried, and nothing got through.
    pub fn end(&self) -> bool {
        let tries: usize = self.0.iter().map(|attack| attack.tries).sum();
        println!("{} attacks, {tries} tries", self.0.len());
        self.0.iter().all(|attack| attack.tries > 0 && attack.got_through.is_empty())
    }
}

impl fmt::Display for Attack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let result = match (self.tries, self.got_through.len()) {
            (0, _) => "NOT TRIED".to_owned(),
            (_, 0) => "as expected".to_owned(),
            (_, got) => format!("{got} GOT THROUGH"),
        };
        writeln!(f, "{:NAME$} {:>5}  {:EXPECTED$} {result}", self.name, self.tries, self.expected)?;
        for detail in self.got_through.iter().take(TOLD) {
            writeln!(f, "    {detail}")?;
        }
        Ok(())
    }
}
