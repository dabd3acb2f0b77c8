//! Slips in addresses that everybody makes: gmial.com for gmail.com, .con for .com. A doubt, never a refusal: the domain may
//! exist.

use super::EmailAddress;

/// Where most private addresses of Ecuador live.
const KNOWN_DOMAINS: [&str; 12] = [
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
    "andinanet.net",
    "yahoo.com.mx",
];

/// Domains one letter away from a known one that are real all the same.
const REAL_NEIGHBOURS: [&str; 7] = ["ymail.com", "mail.com", "email.com", "love.com", "olive.com", "hotmail.se", "yahoo.se"];

/// Ends that no registry has (IANA's list of top-level domains), and what was meant.
const NO_SUCH_ENDS: [(&str, &str); 20] = [
    ("con", "com"),
    ("cmo", "com"),
    ("ocm", "com"),
    ("comm", "com"),
    ("ccom", "com"),
    ("coom", "com"),
    ("vom", "com"),
    ("xom", "com"),
    ("cpm", "com"),
    ("clm", "com"),
    ("cim", "com"),
    ("comn", "com"),
    ("coml", "com"),
    ("nte", "net"),
    ("ogr", "org"),
    ("orgg", "org"),
    ("ecc", "ec"),
    ("eec", "ec"),
    ("ecu", "ec"),
    ("rec", "ec"),
];

impl EmailAddress {
    /// The address that was probably meant, where this one looks like a slip.
    #[must_use]
    pub fn meant(&self) -> Option<Self> {
        let typed = self.domain().to_owned();
        let ended = with_a_real_end(&typed);
        let domain = nearest_known(&ended).map(str::to_owned).unwrap_or(ended);
        (domain != typed).then(|| Self(format!("{}@{domain}", self.local_part())))
    }
}

/// The first of them that looks like a slip and is none of `confirmed`, and what was probably meant.
#[must_use]
pub fn first_slip(addresses: &[EmailAddress], confirmed: &[EmailAddress]) -> Option<(EmailAddress, EmailAddress)> {
    let unconfirmed = addresses.iter().filter(|address| !confirmed.contains(address));
    unconfirmed.filter_map(|address| Some((address.clone(), address.meant()?))).next()
}

fn with_a_real_end(domain: &str) -> String {
    let meant = |end: &str| NO_SUCH_ENDS.iter().find(|(slip, _)| *slip == end).map(|(_, meant)| *meant);
    let Some((head, end)) = domain.rsplit_once('.') else { return domain.to_owned() };
    if let Some(end) = meant(end) {
        return with_a_real_end(&format!("{head}.{end}"));
    }
    // `andina.con.ec`
    match head.rsplit_once('.') {
        Some((name, middle)) if end == "ec" => {
            format!("{name}.{}.ec", meant(middle).filter(|meant| *meant != "ec").unwrap_or(middle))
        }
        _ => domain.to_owned(),
    }
}

fn nearest_known(domain: &str) -> Option<&'static str> {
    if KNOWN_DOMAINS.contains(&domain) || REAL_NEIGHBOURS.contains(&domain) {
        return None;
    }
    KNOWN_DOMAINS.into_iter().find(|known| is_one_slip_away(domain, known))
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

    fn meant(typed: &str) -> Option<String> {
        typed.parse::<EmailAddress>().expect(typed).meant().map(|meant| meant.to_string())
    }

    #[test]
    fn a_slip_is_seen_and_put_right() {
        for (typed, right) in [
            ("Pagos@gmial.com", "Pagos@gmail.com"),
            ("a@gmail.con", "a@gmail.com"),
            ("a@gmial.con", "a@gmail.com"),
            ("a@gmai.com", "a@gmail.com"),
            ("a@gmail.comm", "a@gmail.com"),
            ("a@gmail.co", "a@gmail.com"),
            ("a@gnail.com", "a@gmail.com"),
            ("a@hotmial.com", "a@hotmail.com"),
            ("a@hotmai.com", "a@hotmail.com"),
            ("a@outlok.com", "a@outlook.com"),
            ("a@yaho.com", "a@yahoo.com"),
            ("a@YAHOOO.ES", "a@yahoo.es"),
            ("a@andina.con", "a@andina.com"),
            ("a@andina.con.ec", "a@andina.com.ec"),
            ("a@andina.com.ecc", "a@andina.com.ec"),
        ] {
            assert_eq!(meant(typed).as_deref(), Some(right), "{typed}");
            assert_eq!(meant(right), None, "{right}");
        }
    }

    #[test]
    fn what_may_well_be_right_is_left_alone() {
        for typed in [
            "a@gmail.com",
            "a@GMAIL.com",
            "a@empresa.ec",
            "a@mail.com",
            "a@ymail.com",
            "a@gmail.com.ec",
            "a@rec.ec",
            "a@con.ec",
            "a@cotopaxi.fin.ec",
            "a@compañía.com.ec",
            "a@empresa.co",
        ] {
            assert_eq!(meant(typed), None, "{typed}");
        }
    }

    #[test]
    fn what_was_confirmed_is_not_asked_again() {
        let read = |typed: &str| typed.parse::<EmailAddress>().unwrap();
        let list = [read("a@x.ec"), read("a@gmial.com"), read("b@gmail.con")];
        assert_eq!(first_slip(&list, &[]), Some((list[1].clone(), read("a@gmail.com"))));
        assert_eq!(first_slip(&list, &[read("A@GMIAL.com")]), Some((list[2].clone(), read("b@gmail.com"))));
        assert_eq!(first_slip(&list, &list), None);
    }
}
