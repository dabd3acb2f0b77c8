//! The organizational domain (RFC 7489 3.2): the part of a name that somebody registered.
//!
//! The public suffix list has ten thousand entries; a company here needs those of Ecuador, and the two-letter countries
//! that register below `com`, `net`, `org` and their like. A name that is cut wrongly costs one more question to the DNS.

/// Below which NIC.EC registers, beside `.ec` itself.
const OF_ECUADOR: [&str; 50] = [
    "abg", "adm", "agron", "arqt", "art", "bar", "chef", "com", "cont", "cpa", "cue", "dent", "dgn", "disco", "doc", "edu",
    "eng", "esm", "fin", "fot", "gal", "gob", "gov", "gye", "ibr", "info", "k12", "lat", "loj", "med", "mil", "mktg", "mon",
    "net", "ntr", "odont", "org", "pro", "prof", "psic", "psiq", "pub", "rio", "rrpp", "sal", "tech", "tul", "tur", "uio", "vet",
];

/// Below which other countries register.
const OF_COUNTRIES: [&str; 16] =
    ["ac", "co", "com", "edu", "gob", "gov", "gouv", "ind", "info", "mil", "ne", "net", "nom", "or", "org", "web"];

/// `cobros.empresa.com.ec` → `empresa.com.ec`. A public suffix stays as it is.
pub(super) fn organizational(domain: &str) -> String {
    let labels: Vec<&str> = domain.split('.').collect();
    let suffix = match labels.as_slice() {
        [.., second, "ec"] if OF_ECUADOR.contains(second) => 2,
        [.., second, top] if top.len() == 2 && *top != "ec" && OF_COUNTRIES.contains(second) => 2,
        _ => 1,
    };
    labels[labels.len().saturating_sub(suffix + 1)..].join(".")
}

#[cfg(test)]
mod tests {
    use super::organizational;

    #[test]
    fn a_company_is_what_stands_below_the_public_suffix() {
        for (domain, organization) in [
            ("empresa.ec", "empresa.ec"),
            ("cobros.empresa.ec", "empresa.ec"),
            ("empresa.com.ec", "empresa.com.ec"),
            ("correo.cobros.empresa.com.ec", "empresa.com.ec"),
            ("municipio.gob.ec", "municipio.gob.ec"),
            ("mail.municipio.gob.ec", "municipio.gob.ec"),
            ("colegio.k12.ec", "colegio.k12.ec"),
            ("envios.empresa.com", "empresa.com"),
            ("envios.empresa.co.uk", "empresa.co.uk"),
            ("com.ec", "com.ec"),
            ("ec", "ec"),
        ] {
            assert_eq!(organizational(domain), organization, "{domain}");
        }
    }
}
