//! What the DNS says of a sender's domain: records in, findings out.

use acuse_domain::message::Language;
use acuse_mail::deliverability::{Answer, Facts, Finding, KeySeen, OwnKey, Question, Report, State, Subject, judge, see_key};

const KEY: &str = "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYtIxN2SnFCjxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4OuKhitdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB";

/// What the DNS holds: `("empresa.ec", "TXT", "v=spf1 mx -all")`. A value `!` means that it does not answer.
type Zone<'a> = &'a [(&'a str, &'a str, &'a str)];

fn answer(zone: Zone<'_>, question: &Question) -> Answer {
    let (name, kind) = match question {
        Question::Txt(name) => (name, "TXT"),
        Question::Mx(name) => (name, "MX"),
        Question::Addresses(name) => (name, "A"),
    };
    let values: Vec<&str> = zone.iter().filter(|row| row.0 == name && row.1 == kind).map(|row| row.2).collect();
    if values.contains(&"!") {
        return Answer::Failed;
    }
    if values.is_empty() {
        let exists = zone.iter().any(|(own, ..)| own == name || own.ends_with(&format!(".{name}")));
        return if exists { Answer::NoRecords } else { Answer::NoDomain };
    }
    let mx =
        |value: &str| value.split_once(' ').map(|(preference, name)| (preference.parse().unwrap(), name.to_owned())).unwrap();
    match question {
        Question::Txt(_) => Answer::Txt(values.iter().map(ToString::to_string).collect()),
        Question::Mx(_) => Answer::Mx(values.into_iter().map(mx).collect()),
        Question::Addresses(_) => Answer::Addresses(values.iter().map(|value| value.parse().unwrap()).collect()),
    }
}

fn subject(domain: &str, server: &str) -> Subject {
    Subject::new(domain, Some(server)).unwrap().reporting_to(&format!("cobros@{domain}"))
}

/// Asks the zone until nothing is wanted any more.
fn report_on(zone: Zone<'_>, subject: &Subject) -> Report {
    let mut facts = Facts::default();
    for _ in 0..60 {
        let report = judge(&mut facts, subject);
        let wanted = facts.wanted();
        if wanted.is_empty() {
            return report;
        }
        for question in wanted {
            let answer = answer(zone, &question);
            facts.learn(question, answer);
        }
    }
    panic!("it asks for ever: {} questions", facts.len());
}

fn of(zone: Zone<'_>, server: &str, topic: &str) -> Finding {
    let report = report_on(zone, &subject("empresa.ec", server));
    let found = report.findings.iter().find(|finding| finding.topic.as_str() == topic);
    found.unwrap_or_else(|| panic!("no {topic} in {report:?}")).clone()
}

/// SPF of empresa.ec for a server, with what it should say and the value it should propose.
#[track_caller]
fn check_spf(records: &[&str], more: Zone<'_>, server: &str, code: &str, proposed: Option<&str>) {
    let mut zone: Vec<(&str, &str, &str)> = records.iter().map(|record| ("empresa.ec", "TXT", *record)).collect();
    zone.push(("empresa.ec", "MX", "10 mail.empresa.ec"));
    zone.push(("mail.empresa.ec", "A", "190.15.1.1"));
    zone.extend_from_slice(more);
    let found = of(&zone, server, "spf");
    assert_eq!(
        (found.code, found.record.as_ref().map(|record| record.value.as_str())),
        (code, proposed),
        "{records:?} {found:?}"
    );
    if let Some(record) = found.record {
        assert_eq!((record.kind, record.name.as_str(), record.host("empresa.ec")), ("TXT", "empresa.ec", "@"));
    }
}

const GMAIL: &str = "smtp.gmail.com";
const OWN: &str = "mail.empresa.ec";
const GOOGLES: Zone<'_> = &[("_spf.google.com", "TXT", "v=spf1 ip4:35.190.247.0/24 ~all")];

#[test]
fn spf_is_read_for_the_providers_include() {
    check_spf(&["v=spf1 include:_spf.google.com ~all"], GOOGLES, GMAIL, "spf_ok", None);
    check_spf(&["v=spf1 mx include:_spf.google.com -all", "otro texto"], GOOGLES, GMAIL, "spf_ok", None);
    check_spf(&[], GOOGLES, GMAIL, "spf_missing", Some("v=spf1 include:_spf.google.com ~all"));
    check_spf(&["v=spf1 mx -all"], GOOGLES, GMAIL, "spf_not_listed", Some("v=spf1 mx include:_spf.google.com -all"));
    check_spf(
        &["v=spf1 -include:_spf.google.com ~all"],
        GOOGLES,
        GMAIL,
        "spf_not_listed",
        Some("v=spf1 -include:_spf.google.com include:_spf.google.com ~all"),
    );
    let nested = &[GOOGLES[0], ("_spf.empresa.ec", "TXT", "v=spf1 include:_spf.google.com ?all")];
    check_spf(&["v=spf1 include:_spf.empresa.ec -all"], nested, GMAIL, "spf_ok", None);
    check_spf(&["v=spf1 redirect=_spf.empresa.ec"], nested, GMAIL, "spf_ok", None);
    let outlook = &[("spf.protection.outlook.com", "TXT", "v=spf1 ip4:40.92.0.0/15 -all")];
    check_spf(&["v=spf1 include:spf.protection.outlook.com -all"], outlook, "smtp.office365.com", "spf_ok", None);
    check_spf(&[], &[], "smtp.zoho.eu", "spf_missing", Some("v=spf1 include:zoho.eu ~all"));
    check_spf(&[], &[], "smtp.hostinger.com", "spf_missing", Some("v=spf1 include:_spf.mail.hostinger.com ~all"));
}

#[test]
fn spf_is_read_for_the_servers_own_addresses() {
    for passes in [
        "v=spf1 mx -all",
        "v=spf1 a:mail.empresa.ec -all",
        "v=spf1 +a:mail.empresa.ec/24 -all",
        "v=spf1 ip4:190.15.1.1 ~all",
        "v=spf1 ip4:190.15.0.0/16 ~all",
        "v=spf1 ip4:0.0.0.0/0 ~all",
    ] {
        check_spf(&[passes], &[], OWN, "spf_ok", None);
    }
    check_spf(&[], &[], OWN, "spf_missing", Some("v=spf1 a:mail.empresa.ec ~all"));
    check_spf(&["v=spf1 a -all"], &[], OWN, "spf_not_listed", Some("v=spf1 a a:mail.empresa.ec -all"));
    check_spf(&["v=spf1 ip4:190.15.1.2 -all"], &[], OWN, "spf_not_listed", Some("v=spf1 ip4:190.15.1.2 a:mail.empresa.ec -all"));
    check_spf(&["v=spf1 ip6:2800:68::/32 -all"], &[("v6.empresa.ec", "A", "2800:68::25")], "v6.empresa.ec", "spf_ok", None);
    check_spf(&[], &[], "190.15.1.9", "spf_missing", Some("v=spf1 ip4:190.15.1.9 ~all"));
    check_spf(&["v=spf1 mx -all"], &[("dentro.empresa.ec", "A", "10.1.1.1")], "dentro.empresa.ec", "spf_inside", None);
    check_spf(&["v=spf1 mx -all"], &[("mudo.empresa.ec", "A", "!")], "mudo.empresa.ec", "spf_unknown", None);
}

#[test]
fn a_record_that_counts_for_nothing_is_said_and_mended() {
    check_spf(
        &["v=spf1 mx -all", "v=spf1 include:_spf.google.com ~all"],
        GOOGLES,
        GMAIL,
        "spf_several",
        Some("v=spf1 mx include:_spf.google.com ~all"),
    );
    check_spf(&["v=spf1 ipv4:190.15.1.1 -all"], &[], OWN, "spf_broken", Some("v=spf1 ip4:190.15.1.1 a:mail.empresa.ec -all"));
    check_spf(&["v=spf1 mx +all"], &[], OWN, "spf_open", Some("v=spf1 mx a:mail.empresa.ec ~all"));
    check_spf(&["v=spf1 include:_spf.google.com"], GOOGLES, GMAIL, "spf_ok_loose", Some("v=spf1 include:_spf.google.com ~all"));
    check_spf(&["v=spf1 mx include:no.hay.ec -all"], &[], OWN, "spf_include_gone", Some("v=spf1 mx a:mail.empresa.ec -all"));
    let far = &[("b.ec", "TXT", "v=spf1 include:no.hay.ec -all")];
    check_spf(&["v=spf1 include:b.ec -all"], far, OWN, "spf_include_gone", None);
    let twice = &[("b.ec", "TXT", "v=spf1 -all"), ("b.ec", "TXT", "v=spf1 mx -all")];
    check_spf(&["v=spf1 include:b.ec -all"], twice, OWN, "spf_include_broken", Some("v=spf1 a:mail.empresa.ec -all"));
    check_spf(&["v=spf1 exists:%{i}.x.ec -all"], &[], OWN, "spf_macros", None);
}

#[test]
fn a_service_with_its_own_envelope_needs_no_spf_of_ours() {
    let found = of(&[("empresa.ec", "MX", "1 smtp.google.com")], "email-smtp.us-east-1.amazonaws.com", "spf");
    assert_eq!((found.state, found.code), (State::Unknown, "spf_of_provider"));
    check_spf(
        &["v=spf1 include:amazonses.com ~all"],
        &[("amazonses.com", "TXT", "v=spf1 ip4:199.255.192.0/22 -all")],
        "email-smtp.us-east-1.amazonaws.com",
        "spf_ok",
        None,
    );
}

#[test]
fn lookups_are_counted_through_everything_that_is_included() {
    let mut zone: Vec<(String, &str, String)> = Vec::new();
    let includes: Vec<String> = (0..5).map(|n| format!("include:s{n}.ec")).collect();
    zone.push(("empresa.ec".into(), "TXT", format!("v=spf1 {} a:mail.empresa.ec -all", includes.join(" "))));
    zone.push(("empresa.ec".into(), "MX", "10 mail.empresa.ec".into()));
    zone.push(("mail.empresa.ec".into(), "A", "190.15.1.1".into()));
    for n in 0..5 {
        zone.push((format!("s{n}.ec"), "TXT", format!("v=spf1 include:t{n}.ec -all")));
        zone.push((format!("t{n}.ec"), "TXT", "v=spf1 ip4:190.16.0.1 -all".into()));
    }
    let code = |zone: &[(String, &'static str, String)], server| {
        let borrowed: Vec<(&str, &str, &str)> = zone.iter().map(|(a, b, c)| (a.as_str(), *b, c.as_str())).collect();
        of(&borrowed, server, "spf")
    };
    let found = code(&zone, OWN);
    assert_eq!(found.code, "spf_too_many");
    assert!(found.meaning(Language::Spanish).contains("11 consultas"), "{}", found.meaning(Language::Spanish));
    zone[0].2 = zone[0].2.replace(" a:mail.empresa.ec", "");
    assert_eq!(code(&zone, "otra.empresa.ec").code, "spf_unknown");
    zone.push(("otra.empresa.ec".into(), "A", "190.15.1.7".into()));
    assert_eq!(code(&zone, "otra.empresa.ec").code, "spf_no_room");
    zone[0].2 = zone[0].2.replace("include:s4.ec", "");
    assert_eq!(code(&zone, "otra.empresa.ec").code, "spf_not_listed");
}

#[test]
fn hostile_records_end_in_a_finding() {
    check_spf(&["v=spf1 include:empresa.ec -all"], &[], OWN, "spf_loop", Some("v=spf1 a:mail.empresa.ec -all"));
    check_spf(&["v=spf1 redirect=empresa.ec"], &[], OWN, "spf_loop", None);
    let ring = &[("a.ec", "TXT", "v=spf1 include:b.ec -all"), ("b.ec", "TXT", "v=spf1 redirect=a.ec")];
    check_spf(&["v=spf1 include:a.ec -all"], ring, OWN, "spf_loop", Some("v=spf1 a:mail.empresa.ec -all"));
    let wide = format!("v=spf1 {} -all", "a:x.ec mx:y.ec ".repeat(2_000));
    let found = of(&[("empresa.ec", "TXT", &wide), ("empresa.ec", "MX", "10 x.ec")], OWN, "spf");
    assert!(["spf_too_many", "spf_broken"].contains(&found.code), "{found:?}");
    // Every include includes two more: two to the power of fifty, if somebody followed.
    let mut tree: Vec<(String, String)> = vec![("empresa.ec".into(), "v=spf1 include:n1.ec -all".into())];
    tree.extend((1..50).map(|n| (format!("n{n}.ec"), format!("v=spf1 include:n{}.ec include:n{}.ec -all", n + 1, n + 2))));
    let mut zone: Vec<(&str, &str, &str)> = tree.iter().map(|(name, text)| (name.as_str(), "TXT", text.as_str())).collect();
    zone.push(("empresa.ec", "MX", "10 x.ec"));
    assert_eq!(of(&zone, "190.15.1.1", "spf").code, "spf_too_many");
}

#[test]
fn bytes_that_are_no_text_break_nothing() {
    let mut facts = Facts::default();
    let subject = subject("empresa.ec", OWN);
    let _ = judge(&mut facts, &subject);
    for question in facts.wanted() {
        let junk: [&[u8]; 4] = [b"\xff\xfe\0v=", b"v=spf1 \xff\xfe -all", &[b'x'; 65_000], b""];
        let read = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        facts.learn(question, Answer::Txt(junk.into_iter().cycle().take(200).map(read).collect()));
    }
    let report = judge(&mut facts, &subject);
    let spf = report.findings.iter().find(|finding| finding.code.starts_with("spf")).unwrap();
    assert_eq!(spf.code, "spf_several");
    for finding in &report.findings {
        assert!(finding.found.as_deref().is_none_or(|found| found.len() < 600_000 && !found.contains('\0')));
    }
}

#[test]
fn dkim_says_no_more_than_the_dns() {
    let base: Zone<'_> = &[("empresa.ec", "MX", "1 smtp.google.com")];
    let dkim = |rows: Zone<'_>, server: &str| of(&[base, rows].concat(), server, "dkim");
    let good = format!("v=DKIM1; k=rsa; p={KEY}");
    let other = [("otra._domainkey.empresa.ec", "TXT", good.as_str())];
    assert_eq!(dkim(&[("google._domainkey.empresa.ec", "TXT", &good)], GMAIL).code, "dkim_ok");
    assert_eq!(dkim(&[], GMAIL).code, "dkim_missing", "nothing at all stands below _domainkey");
    let unsure = dkim(&other, GMAIL);
    assert_eq!((unsure.state, unsure.code), (State::Unknown, "dkim_not_guessable"), "a key stands under another name");
    assert!(unsure.meaning(Language::Spanish).contains("google"), "{}", unsure.meaning(Language::Spanish));
    assert_eq!(dkim(&other, "smtp.office365.com").code, "dkim_missing", "Microsoft has two names, and no others");
    assert_eq!(dkim(&[("selector2._domainkey.empresa.ec", "TXT", &good)], "smtp.office365.com").code, "dkim_ok");
    assert_eq!(dkim(&[("default._domainkey.empresa.ec", "TXT", &good)], OWN).code, "dkim_ok");
    assert_eq!(dkim(&[], OWN).code, "dkim_none");
    let revoked = dkim(&[("google._domainkey.empresa.ec", "TXT", "v=DKIM1; p=")], GMAIL);
    assert_eq!((revoked.state, revoked.code), (State::Wrong, "dkim_revoked"));
    assert_eq!(dkim(&[("google._domainkey.empresa.ec", "TXT", "v=DKIM1; k=rsa; p=MIGfMA0")], GMAIL).code, "dkim_broken");
    assert_eq!(dkim(&[("google._domainkey.empresa.ec", "TXT", "!")], GMAIL).code, "dkim_unknown");
    let hostinger = dkim(&other, "smtp.hostinger.com").record.unwrap();
    assert_eq!(
        (hostinger.kind, hostinger.host("empresa.ec"), hostinger.value.as_str()),
        ("CNAME", "hostingermail-a._domainkey", "hostingermail-a.dkim.mail.hostinger.com")
    );
}

#[test]
fn a_key_of_ours_is_seen_only_where_it_stands_alone() {
    let key = OwnKey { selector: "acuse202611".to_owned(), public_key: KEY.to_owned(), signs: true };
    let seen = |values: &[&str]| {
        let name = "acuse202611._domainkey.empresa.ec";
        let zone: Vec<(&str, &str, &str)> = values.iter().map(|value| (name, "TXT", *value)).collect();
        let mut facts = Facts::default();
        let _ = see_key(&mut facts, "empresa.ec", &key);
        for question in facts.wanted() {
            let answer = answer(&zone, &question);
            facts.learn(question, answer);
        }
        see_key(&mut facts, "empresa.ec", &key)
    };
    let record = key.record("empresa.ec");
    assert_eq!((record.kind, record.host("empresa.ec")), ("TXT", "acuse202611._domainkey"));
    assert_eq!(seen(&[&record.value]), KeySeen::Seen);
    assert_eq!(seen(&[&record.value.replace("QAB", " Q AB")]), KeySeen::Seen, "panels put spaces into it");
    assert_eq!(seen(&[]), KeySeen::Missing);
    assert_eq!(seen(&[&record.value, "v=DKIM1; p="]), KeySeen::NotAlone);
    let other = "v=DKIM1; k=rsa; p=AAAA";
    assert_eq!(seen(&[other]), KeySeen::Other(other.to_owned()));
    assert_eq!(seen(&["!"]), KeySeen::Unanswered);

    let gone = subject("empresa.ec", OWN).with_keys(vec![key.clone()]);
    let report = report_on(&[("empresa.ec", "MX", "10 mail.empresa.ec")], &gone);
    let dkim = report.findings.iter().find(|finding| finding.topic.as_str() == "dkim").unwrap();
    assert_eq!((dkim.state, dkim.code, dkim.record.clone()), (State::Wrong, "dkim_own_gone", Some(record)));
}

#[test]
fn dmarc_is_looked_for_at_the_domain_and_then_at_the_organization() {
    let base: Zone<'_> = &[
        ("cobros.empresa.com.ec", "MX", "1 smtp.google.com"),
        ("cobros.empresa.com.ec", "TXT", "v=spf1 include:_spf.google.com -all"),
        GOOGLES[0],
    ];
    let dmarc = |rows: Zone<'_>| {
        let report = report_on(&[base, rows].concat(), &subject("cobros.empresa.com.ec", GMAIL));
        report.findings.into_iter().find(|finding| finding.topic.as_str() == "dmarc").unwrap()
    };
    let missing = dmarc(&[]);
    let record = missing.record.clone().unwrap();
    assert_eq!((missing.state, missing.code), (State::Missing, "dmarc_missing"));
    assert_eq!(
        (record.name.as_str(), record.value.as_str()),
        ("_dmarc.empresa.com.ec", "v=DMARC1; p=none; rua=mailto:cobros@cobros.empresa.com.ec")
    );
    let own = ("_dmarc.cobros.empresa.com.ec", "TXT", "v=DMARC1; p=none; rua=mailto:a@empresa.com.ec");
    assert_eq!(dmarc(&[own]).code, "dmarc_watching");
    assert_eq!(dmarc(&[("_dmarc.empresa.com.ec", "TXT", "v=DMARC1;p=reject")]).code, "dmarc_ok");
    assert_eq!(dmarc(&[("_dmarc.empresa.com.ec", "TXT", "v=DMARC1; p=reject; sp=none")]).code, "dmarc_watching");
    assert_eq!(dmarc(&[own, own]).code, "dmarc_several");
    let broken = dmarc(&[("_dmarc.empresa.com.ec", "TXT", "v=DMARC1; rua=mailto:a@empresa.com.ec")]);
    assert_eq!(broken.code, "dmarc_broken");
    assert_eq!(broken.record.unwrap().value, "v=DMARC1; p=none; rua=mailto:a@empresa.com.ec");
    assert_eq!(dmarc(&[("_dmarc.empresa.com.ec", "TXT", "!")]).code, "dmarc_unknown");
    assert_eq!(dmarc(&[("_dmarc.empresa.com.ec", "TXT", "V=dmarc1; p=none")]).code, "dmarc_missing");
}

#[test]
fn a_strict_policy_without_spf_and_dkim_is_turned_against_us() {
    let zone: Zone<'_> = &[
        ("empresa.ec", "MX", "10 mail.empresa.ec"),
        ("mail.empresa.ec", "A", "190.15.1.1"),
        ("empresa.ec", "TXT", "v=spf1 ip4:190.15.1.2 -all"),
        ("_dmarc.empresa.ec", "TXT", "v=DMARC1; p=quarantine"),
    ];
    let found = of(zone, OWN, "dmarc");
    assert_eq!((found.state, found.code), (State::Wrong, "dmarc_against_us"));
    assert!(found.meaning(Language::English).contains("“quarantine”"));

    let through_a_service: Zone<'_> = &[
        ("empresa.ec", "MX", "10 mail.empresa.ec"),
        ("empresa.ec", "TXT", "v=spf1 include:amazonses.com -all"),
        ("amazonses.com", "TXT", "v=spf1 ip4:199.255.192.0/22 -all"),
        ("_dmarc.empresa.ec", "TXT", "v=DMARC1; p=reject"),
    ];
    let ses = "email-smtp.us-east-1.amazonaws.com";
    assert_eq!(of(through_a_service, ses, "spf").code, "spf_ok");
    assert_eq!(of(through_a_service, ses, "dmarc").code, "dmarc_against_us", "its envelope is not in the domain's name");
}

#[test]
fn answers_have_somewhere_to_come_back_to() {
    assert_eq!(
        of(&[("empresa.ec", "MX", "10 b.ec"), ("empresa.ec", "MX", "5 a.ec")], OWN, "mx").found.unwrap(),
        "5 a.ec\n10 b.ec"
    );
    let missing = of(&[("www.empresa.ec", "A", "190.15.1.1")], GMAIL, "mx");
    assert_eq!((missing.state, missing.record.unwrap().value.as_str()), (State::Missing, "1 smtp.google.com"));
    assert_eq!(of(&[("empresa.ec", "MX", "0 ")], OWN, "mx").code, "mx_null");
    assert_eq!(of(&[("empresa.ec", "MX", "!")], OWN, "mx").code, "mx_unknown");
}

#[test]
fn a_domain_that_is_not_the_companys_has_nothing_to_add() {
    let only = |domain: &str, server: &str| {
        let report = report_on(&[], &subject(domain, server));
        assert_eq!(report.findings.len(), 1, "{report:?}");
        assert!(report.findings[0].record.is_none());
        report.findings[0].clone()
    };
    let gmail = only("gmail.com", GMAIL);
    assert_eq!((gmail.state, gmail.title(Language::Spanish).as_str()), (State::Ok, "Lo lleva Gmail"));
    let elsewhere = only("hotmail.com", "mail.empresa.ec");
    assert_eq!((elsewhere.state, elsewhere.code), (State::Wrong, "domain_elsewhere"));
    assert_eq!(only("empresa.example", OWN).code, "domain_reserved");
    assert_eq!(only("no-existe.ec", OWN).code, "domain_not_found");
}

#[test]
fn everything_that_is_found_can_be_said_in_both_languages() {
    let zone: Zone<'_> = &[("empresa.ec", "MX", "10 mail.empresa.ec")];
    for finding in report_on(zone, &Subject::new("empresa.ec", None).unwrap()).findings {
        for language in [Language::Spanish, Language::English] {
            let (title, meaning) = (finding.title(language), finding.meaning(language));
            assert!(title != finding.code && !meaning.is_empty() && !meaning.contains('{'), "{title}: {meaning}");
        }
    }
}

mod asked {
    use std::time::{Duration, Instant};

    use acuse_mail::deliverability::{Report, Subject, look_up};
    use acuse_mail::guard::Network;
    use acuse_testkit::dns::{DnsServer, Zone};

    async fn report(zone: Zone, server: &str) -> Report {
        let dns = DnsServer::start(zone).await;
        let network = Network::new(&[], None).unwrap().with_nameservers(&[dns.address()]);
        look_up(&network, &Subject::new("empresa.ec", Some(server)).unwrap()).await
    }

    fn codes(report: &Report) -> Vec<&'static str> {
        report.findings.iter().map(|finding| finding.code).collect()
    }

    #[tokio::test]
    async fn a_real_dns_is_asked_for_all_that_is_needed() {
        let zone = Zone::new()
            .mx("empresa.ec", 1, "smtp.google.com")
            .txt("empresa.ec", "google-site-verification=x")
            .txt("empresa.ec", "v=spf1 include:_spf.google.com ~all")
            .txt("_spf.google.com", "v=spf1 include:_netblocks.google.com ~all")
            .txt("_netblocks.google.com", "v=spf1 ip4:35.190.247.0/24 ~all")
            .txt("_dmarc.empresa.ec", "v=DMARC1; p=none")
            .txt("google._domainkey.empresa.ec", "v=DKIM1; p=");
        assert_eq!(codes(&report(zone, "smtp.gmail.com").await), ["mx_ok", "spf_ok", "dkim_revoked", "dmarc_watching"]);
        assert_eq!(codes(&report(Zone::new(), "smtp.gmail.com").await), ["domain_not_found"]);
    }

    #[tokio::test]
    async fn a_dns_that_is_silent_ends_in_five_seconds_and_says_so() {
        let zone = Zone::new()
            .mx("empresa.ec", 10, "mail.empresa.ec")
            .silent("_dmarc.empresa.ec")
            .txt("empresa.ec", "v=spf1 include:mudo.ec -all")
            .silent("mudo.ec")
            .address("mail.empresa.ec", "190.15.1.1");
        let begun = Instant::now();
        let report = report(zone, "mail.empresa.ec").await;
        assert!(begun.elapsed() < Duration::from_millis(5_500), "{:?}", begun.elapsed());
        assert_eq!(codes(&report), ["mx_ok", "spf_unknown", "dkim_none", "dmarc_unknown"]);
        assert!(report.is_partial());
    }

    #[tokio::test]
    async fn names_that_lead_round_in_circles_end() {
        let zone = Zone::new()
            .mx("empresa.ec", 10, "a.ec")
            .txt("empresa.ec", "v=spf1 mx include:a.ec -all")
            .alias("a.ec", "b.ec")
            .alias("b.ec", "a.ec")
            .alias("_dmarc.empresa.ec", "_dmarc.empresa.ec");
        let begun = Instant::now();
        let found = report(zone, "190.15.1.1").await;
        assert!(begun.elapsed() < Duration::from_millis(5_500), "{:?}", begun.elapsed());
        assert_eq!(found.findings.len(), 4, "{found:?}");
    }

    #[tokio::test]
    async fn an_answer_of_many_kilobytes_is_read_over_tcp() {
        let zone = (0..30).fold(Zone::new().mx("empresa.ec", 10, "mail.empresa.ec"), |zone, n| {
            zone.txt("empresa.ec", &format!("verificacion-{n}={}", "x".repeat(400)))
        });
        let found = report(zone.txt("empresa.ec", "v=spf1 ip4:190.15.1.1 -all"), "190.15.1.1").await;
        assert_eq!(codes(&found)[1], "spf_ok");
    }
}
