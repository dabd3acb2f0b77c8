//! Slips in addresses that everybody makes: gmial.com for gmail.com. A doubt, never a refusal: the domain may exist.

/// Where most private addresses of Ecuador live.
const KNOWN_DOMAINS: [&str; 10] = [
    "gmail.com",
    "hotmail.com",
    "outlook.com",
    "yahoo.com",
    "icloud.com",
    "live.com",
    "hotmail.es",
    "yahoo.es",
    "outlook.es",
    "protonmail.com",
];

/// Domains one letter away from a known one that are real all the same.
const REAL_NEIGHBOURS: [&str; 3] = ["ymail.com", "mail.com", "email.com"];

/// Every address of the line put right, where at least one looks like a slip.
#[must_use]
pub fn put_right(line: &str) -> Option<String> {
    let parts: Vec<String> =
        line.split_inclusive([';', ',', '\n']).map(|part| meant(part).unwrap_or_else(|| part.to_owned())).collect();
    let mended = parts.concat();
    (mended != line).then_some(mended)
}

/// The first doubtful address of the line, as it was probably meant.
#[must_use]
pub fn doubt(line: &str) -> Option<String> {
    line.split([';', ',', '\n']).find_map(|part| meant(part.trim()))
}

/// The part with its domain put right; its spaces and its separator stay.
fn meant(part: &str) -> Option<String> {
    let (local, rest) = part.rsplit_once('@')?;
    let domain = rest.trim_end_matches([';', ',', '\n', '\r', ' ']);
    let tail = &rest[domain.len()..];
    let typed = domain.to_lowercase();
    if KNOWN_DOMAINS.contains(&typed.as_str()) || REAL_NEIGHBOURS.contains(&typed.as_str()) {
        return None;
    }
    let known = KNOWN_DOMAINS.iter().find(|known| is_one_slip_away(&typed, known))?;
    Some(format!("{local}@{known}{tail}"))
}

/// One letter too many, missing or wrong, or two neighbours swapped (Damerau and Levenshtein's distance of one).
fn is_one_slip_away(typed: &str, known: &str) -> bool {
    let (typed, known): (Vec<char>, Vec<char>) = (typed.chars().collect(), known.chars().collect());
    let same = typed.iter().zip(&known).take_while(|(a, b)| a == b).count();
    let (a, b) = (&typed[same..], &known[same..]);
    match (a, b) {
        ([_, a @ ..], [_, b @ ..]) if a == b => true,
        ([first, second, a @ ..], [other, another, b @ ..]) if first == another && second == other && a == b => true,
        _ => (!a.is_empty() && a[1..] == *b) || (!b.is_empty() && b[1..] == *a),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_seen_and_put_right() {
        for (typed, meant) in [
            ("a@gmial.com", "a@gmail.com"),
            ("a@gmail.con", "a@gmail.com"),
            ("a@gmai.com", "a@gmail.com"),
            ("a@gmail.comm", "a@gmail.com"),
            ("a@hotmial.com", "a@hotmail.com"),
            ("x@y.ec; a@gnail.com , b@z.ec", "x@y.ec; a@gmail.com , b@z.ec"),
        ] {
            assert_eq!(put_right(typed).as_deref(), Some(meant), "{typed}");
        }
        assert_eq!(doubt("x@y.ec; a@gmial.com").as_deref(), Some("a@gmail.com"));
    }

    #[test]
    fn what_may_well_be_right_is_left_alone() {
        for typed in
            ["", "a@gmail.com", "a@empresa.ec", "a@mail.com", "a@ymail.com", "a@gmail.com.ec", "gmial.com", "a@GMAIL.com"]
        {
            assert_eq!(doubt(typed), None, "{typed}");
            assert_eq!(put_right(typed), None, "{typed}");
        }
    }
}
