//! The history of a company: who and from where, only added to, sealed, and whatever is done to it is found.

use std::net::IpAddr;

use acuse_domain::delivery::Next;
use acuse_domain::id::{CompanyId, SessionId, TokenId, UserId};
use acuse_domain::mail_account::MailModule;
use acuse_domain::payment::Notify;
use acuse_store::audit::{self, Chain, Entry, Filter, Finding, SaidOf, Who, Word};
use acuse_store::deliveries::{self, QueueKey, Recorded, Stamp};
use acuse_store::dkim::{self, NewPair};
use acuse_store::events::{self, EventKind, SubjectKind};
use acuse_store::pauses::{self, AccountKey};
use acuse_store::versions::Expected;
use acuse_store::{Actor, Db, Identity, Page, contacts, mail_accounts, payments};
use acuse_testkit::builders::{TestCompany, company, listed, mail_account, received};
use acuse_testkit::outside::{numbers, run};
use acuse_testkit::postgres::Postgres;
use acuse_testkit::world::{World, noon, noon_and};
use chrono::TimeDelta;
use sea_orm::{ConnectionTrait, Database, Value};
use secrecy::SecretString;
use uuid::Uuid;

on_both_engines!(
    an_entry_says_who_what_from_where_and_what_was_before,
    a_list_is_filtered_and_paged,
    the_history_is_only_added_to,
    a_chain_that_nobody_touched_is_whole_and_has_an_end_to_write_down,
    two_nodes_seal_one_chain,
    whatever_column_is_changed_is_found,
    what_is_gone_moved_or_added_by_hand_is_found,
    a_tail_that_was_cut_is_found,
    a_check_that_is_due_is_made_once_and_remembered,
    who_is_refused_again_and_again_fills_nothing,
    what_acuse_finds_out_and_what_signs_stands_there_too,
);

const EVERYTHING: Page = Page { after: None, limit: 1_000 };

async fn entries(db: &Db, company: CompanyId, filter: &Filter) -> Vec<Entry> {
    listed(audit::list(db, company, filter, EVERYTHING).await)
}

/// A company with some history, sealed: its creation, a person, and so many downloads of one PDF.
async fn with_history(world: &World, downloads: i64) -> TestCompany {
    let made = world.with(company().with_customer("Andina")).await;
    let id = received(made.contacts[0], "1.00").record(&world.db, &made.actor).await.unwrap();
    for second in 0..downloads {
        events::note_download(&world.db, &made.actor, id.0, noon_and(second)).await.unwrap();
    }
    audit::seal_any_company(&world.db).await.unwrap();
    made
}

async fn findings(world: &World, made: &TestCompany) -> Vec<Finding> {
    let Chain { findings, more, .. } = audit::verify(&world.db, made.id).await.unwrap();
    assert_eq!(more, 0);
    findings
}

/// Somebody with all rights over the database takes its guards away.
async fn without_guards(world: &World) {
    let statements: &[&str] = if world.db.is_sqlite() {
        &[
            "DROP TRIGGER event_is_never_changed",
            "DROP TRIGGER event_is_never_deleted",
            "DROP TRIGGER event_is_never_replaced",
            "DROP TRIGGER event_waits_for_its_seal",
            "DROP TRIGGER event_seal_is_never_changed",
            "DROP TRIGGER event_seal_is_never_deleted",
            "DROP TRIGGER event_seal_is_never_replaced",
        ]
    } else {
        &["ALTER TABLE event DISABLE TRIGGER USER", "ALTER TABLE event_seal DISABLE TRIGGER USER"]
    };
    for sql in statements {
        run(&world.url, sql, vec![]).await;
    }
}

async fn an_entry_says_who_what_from_where_and_what_was_before(world: World) {
    let made = world.with(company().with_customer("Andina")).await;
    let (user, session, token) = (UserId(Uuid::now_v7()), SessionId(Uuid::now_v7()), TokenId(Uuid::now_v7()));
    let source: Option<IpAddr> = Some("::ffff:186.4.210.17".parse().unwrap());
    let ana = Actor { identity: Identity::User { user, session: Some(session) }, source, ..made.actor.clone() };
    let shop = Actor { name: "API: tienda".to_owned(), identity: Identity::Token(token), ..ana.clone() };
    let change = |mut card: acuse_domain::contact::ContactDetails| {
        card.phone = Some("02 222 1111".to_owned());
        Ok::<_, std::convert::Infallible>(card)
    };
    contacts::change(&world.db, &ana, made.contacts[0], &Expected::Any, change).await.unwrap();
    let id = received(made.contacts[0], "1.00").record(&world.db, &ana).await.unwrap();
    payments::resend(&world.db, &shop, id, &Notify::Contact, None, noon_and(5)).await.unwrap();
    let found = entries(&world.db, made.id, &Filter::default()).await;
    let codes: Vec<&str> = found.iter().map(|one| one.code.as_str()).collect();
    assert_eq!(codes, ["receipt.resent", "payment.recorded", "contact.changed", "contact.created", "company.created"]);
    let [resent, recorded, changed, ..] = &found[..] else { panic!("{found:?}") };
    assert_eq!(
        (resent.who_kind.as_str(), resent.who.as_str(), resent.detail.as_str()),
        ("token", "API: tienda", "pagos@andina.ec")
    );
    assert_eq!((recorded.subject, recorded.subject_kind), (id.0, Some(SubjectKind::Payment)));
    assert_eq!((recorded.subject_name.as_str(), resent.subject_name.as_str()), ("RC-000001", "RC-000001"));
    assert_eq!((changed.who_kind.as_str(), changed.subject_name.as_str()), ("user", "Andina"));
    assert_eq!(changed.source.as_deref(), Some("186.4.210.17"));
    let changes: Vec<_> = changed.changes.iter().cloned().collect();
    let expected = events::Change { field: "Teléfono".to_owned(), before: None, after: Some("02 222 1111".to_owned()) };
    assert_eq!(changes, [expected]);
}

async fn a_list_is_filtered_and_paged(world: World) {
    let made = with_history(&world, 5).await;
    let stranger = world.with(company().with_customer("Ajena")).await;
    let all = entries(&world.db, made.id, &Filter::default()).await;
    assert_eq!(all.len(), 8);
    let first = listed(audit::list(&world.db, made.id, &Filter::default(), Page { after: None, limit: 3 }).await);
    let rest = Page { after: Some(first[2].id), limit: 100 };
    let rest = listed(audit::list(&world.db, made.id, &Filter::default(), rest).await);
    assert_eq!([first, rest].concat(), all);
    let some = |filter: Filter| {
        let (db, company) = (world.db.clone(), made.id);
        async move {
            let found = entries(&db, company, &filter).await;
            let all = found.len() as u64;
            assert_eq!(audit::count(&db, company, &filter).await.unwrap(), all);
            assert_eq!(audit::count_up_to(&db, company, &filter, 2).await.unwrap(), all.min(3), "one more stands for more");
            found.len()
        }
    };
    let word = |letters: &str, said_of| Word { letters: letters.to_owned(), said_of };
    let text = |text: &str| Filter { looked_for: vec![word(text, vec![])], ..Filter::default() };
    assert_eq!(some(text("rc-000001")).await, 6);
    assert_eq!(some(text("ÁNDINA")).await, 2, "the card, and the payment's person");
    assert_eq!(some(text("ajena")).await, 0, "another company's");
    assert_eq!(some(text("%")).await, 0);
    assert_eq!(some(text("identificación")).await, 1, "by the name of a field");
    let said = |said: SaidOf| Filter { looked_for: vec![word("registró", vec![said])], ..Filter::default() };
    let (downloaded, recorded) = (EventKind::ReceiptDownloaded, EventKind::PaymentRecorded);
    assert_eq!(some(said(SaidOf::Kind(downloaded))).await, 5, "by what the page says of its kind");
    assert_eq!((some(said(SaidOf::Named(recorded, "RC-%"))).await, some(said(SaidOf::Named(recorded, "RP-%"))).await), (1, 0));
    assert_eq!(
        (some(said(SaidOf::Noted(recorded, "0".to_owned()))).await, some(said(SaidOf::Noted(recorded, "2%".to_owned()))).await),
        (1, 0)
    );
    assert_eq!((some(said(SaidOf::By("operator"))).await, some(said(SaidOf::Refused)).await), (8, 0));
    let both = vec![word("registró", vec![SaidOf::Kind(downloaded), SaidOf::Kind(recorded)]), word("andina", vec![])];
    assert_eq!(some(Filter { looked_for: both, ..Filter::default() }).await, 1, "every word");
    assert_eq!(some(Filter { words: &["receipt"], ..Filter::default() }).await, 5);
    assert_eq!(some(Filter { words: &["contact", "document"], ..Filter::default() }).await, 1);
    assert_eq!(some(Filter { from: Some(noon_and(2)), until: Some(noon_and(4)), ..Filter::default() }).await, 2);
    assert_eq!(some(Filter { who: Some(Who::OfKind("operator")), ..Filter::default() }).await, 8);
    assert_eq!(some(Filter { who: Some(Who::Known(stranger.contacts[0].0)), ..Filter::default() }).await, 0);
}

/// Whether the database refuses a statement, whoever says it.
async fn is_refused(world: &World, sql: &str) -> bool {
    let mut is_refused = true;
    for url in [world.url.clone(), Postgres::as_superuser(&world.url)] {
        let connection = Database::connect(&url).await.unwrap();
        let answer = connection.execute_unprepared(sql).await;
        connection.close().await.unwrap();
        let text = answer.as_ref().map(|_| String::new()).unwrap_or_else(ToString::to_string);
        assert!(answer.is_ok() || text.contains("only added to") || text.contains("permission denied"), "{sql}: {text}");
        is_refused &= answer.is_err();
    }
    is_refused
}

async fn the_history_is_only_added_to(world: World) {
    let made = with_history(&world, 2).await;
    for sql in [
        "UPDATE event SET who = 'Otra'",
        "UPDATE event SET at = at",
        "DELETE FROM event",
        "DELETE FROM event WHERE kind = 'receipt.downloaded'",
        "UPDATE event_seal SET seq = seq + 100",
        "DELETE FROM event_seal",
    ] {
        assert!(is_refused(&world, sql).await, "{sql}");
    }
    let own: &[&str] = if world.db.is_sqlite() {
        &["INSERT OR REPLACE INTO event SELECT * FROM event", "INSERT OR REPLACE INTO event_seal SELECT * FROM event_seal"]
    } else {
        &["TRUNCATE event", "TRUNCATE event_seal CASCADE"]
    };
    for sql in own {
        assert!(is_refused(&world, sql).await, "{sql}");
    }
    assert_eq!(findings(&world, &made).await, []);
    let company = Value::from(made.id.0);
    run(&world.url, "UPDATE company SET history_released_at = created_at WHERE id = $1", vec![company.clone()]).await;
    for table in ["event_seal", "event"] {
        run(&world.url, &format!("DELETE FROM {table} WHERE company_id = $1"), vec![company.clone()]).await;
    }
    assert_eq!(entries(&world.db, made.id, &Filter::default()).await, [], "of a company that is being deleted");
}

async fn a_chain_that_nobody_touched_is_whole_and_has_an_end_to_write_down(world: World) {
    let made = with_history(&world, 450).await;
    let other = with_history(&world, 1).await;
    let chain = audit::verify(&world.db, made.id).await.unwrap();
    assert_eq!((chain.entries, chain.waiting, chain.findings.len()), (453, 0, 0), "{chain:?}");
    assert_eq!(audit::hash_at(&world.db, made.id, 453).await.unwrap(), Some(chain.head.clone()));
    assert_eq!(chain.head.len(), 64);
    events::note_download(&world.db, &made.actor, made.contacts[0].0, noon()).await.unwrap();
    let later = audit::verify(&world.db, made.id).await.unwrap();
    assert_eq!((later.entries, later.waiting, &later.head), (453, 1, &chain.head), "the last second is not sealed yet");
    assert_eq!(audit::seal_any_company(&world.db).await.unwrap(), 1);
    let later = audit::verify(&world.db, made.id).await.unwrap();
    assert_eq!((later.entries, later.waiting, later.findings.len()), (454, 0, 0));
    assert_eq!(audit::hash_at(&world.db, made.id, 453).await.unwrap(), Some(chain.head), "what was written down stays");
    assert_eq!(findings(&world, &other).await, []);
}

async fn two_nodes_seal_one_chain(world: World) {
    let made = world.with(company().with_customer("Andina")).await;
    let other = world.opened_again().await;
    for round in 0..5 {
        for second in 0..30 {
            events::note_download(&world.db, &made.actor, made.contacts[0].0, noon_and(round * 100 + second)).await.unwrap();
        }
        let (one, two) = tokio::join!(audit::seal_any_company(&world.db), audit::seal_any_company(&other));
        // Who comes second waits, and may find that the first has done it.
        assert!(one.is_ok() && two.is_ok(), "{one:?} {two:?}");
        audit::seal_any_company(&world.db).await.unwrap();
    }
    let chain = audit::verify(&world.db, made.id).await.unwrap();
    assert_eq!((chain.entries, chain.waiting, chain.findings.len()), (152, 0, 0), "{chain:?}");
}

/// The columns of `event`, with something else for each.
const SPOILT: [(&str, &str); 16] = [
    ("company_id", "(SELECT id FROM company WHERE id <> event.company_id)"),
    ("id", "subject_id"),
    ("subject_id", "company_id"),
    ("kind", "'payment.voided'"),
    ("who", "'Otra'"),
    ("at", "(SELECT MAX(recorded_at) FROM payment)"),
    ("detail", "'otra cosa'"),
    ("who_kind", "'token'"),
    ("who_id", "company_id"),
    ("session_id", "company_id"),
    ("source", "'203.0.113.9'"),
    ("subject_kind", "'person'"),
    ("subject_name", "'Otro'"),
    ("changes", "'[]'"),
    ("outcome", "'refused'"),
    ("search_text", "'nada'"),
];

async fn whatever_column_is_changed_is_found(world: World) {
    let made = with_history(&world, 20).await;
    with_history(&world, 1).await;
    without_guards(&world).await;
    run(&world.url, "CREATE TABLE spare AS SELECT * FROM event", vec![]).await;
    let (own, seal) = (made.id.0, "SELECT s.event_id FROM event_seal s WHERE s.company_id = $1 AND s.seq = 9");
    let columns = if world.db.is_sqlite() {
        "SELECT COUNT(*) AS n FROM pragma_table_info('event')"
    } else {
        "SELECT COUNT(*) AS n FROM information_schema.columns WHERE table_name = 'event'"
    };
    assert_eq!(numbers(&world.url, columns).await, [SPOILT.len() as i64], "a column that the test does not know");
    for (column, other) in SPOILT {
        let sql = format!("UPDATE event SET {column} = {other} WHERE company_id = $1 AND id = ({seal})");
        run(&world.url, &sql, vec![own.into()]).await;
        let found = findings(&world, &made).await;
        let names_it = match found[..] {
            [Finding::Changed { seq: 9, .. }] => !matches!(column, "company_id" | "id"),
            [Finding::Gone { seq: 9, .. }] => column == "company_id",
            [Finding::Gone { seq: 9, .. }, Finding::Unsealed { .. }] => column == "id",
            _ => false,
        };
        assert!(names_it, "{column}: {found:?}");
        run(&world.url, "DELETE FROM event", vec![]).await;
        run(&world.url, "INSERT INTO event SELECT * FROM spare", vec![]).await;
        assert_eq!(findings(&world, &made).await, [], "{column}");
    }
    if world.db.is_sqlite() {
        run(&world.url, &format!("UPDATE event SET at = 'ayer' WHERE id = ({seal})"), vec![own.into()]).await;
        assert!(matches!(findings(&world, &made).await[..], [Finding::Changed { seq: 9, .. }]), "nor what cannot be read");
    }
}

async fn what_is_gone_moved_or_added_by_hand_is_found(world: World) {
    let made = with_history(&world, 20).await;
    without_guards(&world).await;
    for table in ["event", "event_seal", "event_chain", "event_unsealed"] {
        run(&world.url, &format!("CREATE TABLE spare_{table} AS SELECT * FROM {table}"), vec![]).await;
    }
    let event = |seq: i64| format!("(SELECT event_id FROM spare_event_seal WHERE seq = {seq})");
    let gone = format!("DELETE FROM event WHERE id = {}", event(5));
    let both = [gone.clone(), "DELETE FROM event_seal WHERE seq = 5".to_owned()];
    let cases: [(Vec<String>, &str); 8] = [
        (vec![gone.clone()], "[Gone 5]"),
        (both.to_vec(), "[SealsGone 5-5]"),
        // The seals of two entries change places, with or without their hashes.
        (
            vec![
                "UPDATE event_seal SET seq = 900 WHERE seq = 7".to_owned(),
                "UPDATE event_seal SET seq = 7 WHERE seq = 8".to_owned(),
                "UPDATE event_seal SET seq = 8 WHERE seq = 900".to_owned(),
            ],
            "[Moved 7, Moved 8, Moved 9]",
        ),
        (
            vec![
                format!("UPDATE event_seal SET event_id = {} WHERE seq = 900", event(1)),
                "DELETE FROM event_seal WHERE seq IN (7, 8)".to_owned(),
                format!("INSERT INTO event_seal SELECT company_id, 7, {}, hash FROM spare_event_seal WHERE seq = 7", event(8)),
                format!("INSERT INTO event_seal SELECT company_id, 8, {}, hash FROM spare_event_seal WHERE seq = 8", event(7)),
            ],
            "[Moved 7, Moved 8]",
        ),
        (vec![format!("UPDATE event_seal SET hash = {} WHERE seq = 6", spoilt_hash(&world))], "[Changed 6, Changed 7]"),
        (
            vec!["DELETE FROM event_seal WHERE seq BETWEEN 10 AND 12".to_owned()],
            "[SealsGone 10-12, Unsealed, Unsealed, Unsealed]",
        ),
        (
            vec![format!(
                "INSERT INTO event (company_id, id, subject_id, kind, who, at, detail)
                SELECT company_id, company_id, subject_id, kind, who, at, detail FROM event WHERE id = {}",
                event(4)
            )],
            "[Unsealed]",
        ),
        (vec!["DELETE FROM event_chain".to_owned()], "[Cut 0-0]"),
    ];
    for (statements, expected) in cases {
        for sql in &statements {
            run(&world.url, sql, vec![]).await;
        }
        let found: Vec<String> = findings(&world, &made).await.iter().map(in_short).collect();
        assert_eq!(format!("[{}]", found.join(", ")), expected, "{statements:?}");
        for table in ["event_seal", "event_chain", "event_unsealed", "event"] {
            run(&world.url, &format!("DELETE FROM {table}"), vec![]).await;
            run(&world.url, &format!("INSERT INTO {table} SELECT * FROM spare_{table}"), vec![]).await;
        }
        assert_eq!(findings(&world, &made).await, []);
    }
}

fn spoilt_hash(world: &World) -> &'static str {
    if world.db.is_sqlite() { "zeroblob(32)" } else { r"decode(repeat('00', 32), 'hex')" }
}

fn in_short(finding: &Finding) -> String {
    match finding {
        Finding::Changed { seq, .. } => format!("Changed {seq}"),
        Finding::Gone { seq, .. } => format!("Gone {seq}"),
        Finding::Moved { seq, .. } => format!("Moved {seq}"),
        Finding::SealsGone { first, last } => format!("SealsGone {first}-{last}"),
        Finding::Cut { was, is } => format!("Cut {was}-{is}"),
        Finding::Unsealed { .. } => "Unsealed".to_owned(),
        Finding::WaitingGone { .. } => "WaitingGone".to_owned(),
    }
}

async fn a_tail_that_was_cut_is_found(world: World) {
    let made = with_history(&world, 20).await;
    let noted = audit::verify(&world.db, made.id).await.unwrap();
    without_guards(&world).await;
    run(&world.url, "DELETE FROM event WHERE id IN (SELECT event_id FROM event_seal WHERE seq > 20)", vec![]).await;
    let found: Vec<String> = findings(&world, &made).await.iter().map(in_short).collect();
    assert_eq!(found, ["Gone 21", "Gone 22", "Gone 23"]);
    run(&world.url, "DELETE FROM event_seal WHERE seq > 20", vec![]).await;
    assert_eq!(findings(&world, &made).await, [Finding::Cut { was: 23, is: 20 }]);
    let head = "UPDATE event_chain SET sealed = 20, head = (SELECT s.hash FROM event_seal s WHERE s.seq = 20)";
    run(&world.url, head, vec![]).await;
    assert_eq!(findings(&world, &made).await, [], "who rewrites the end of the chain too is not seen from within");
    assert_eq!(audit::hash_at(&world.db, made.id, 23).await.unwrap(), None, "but by the hash that was written down");
    assert_ne!(audit::verify(&world.db, made.id).await.unwrap().head, noted.head);
    run(&world.url, "UPDATE event_chain SET sealed = 15, head = (SELECT s.hash FROM event_seal s WHERE s.seq = 15)", vec![])
        .await;
    assert_eq!(findings(&world, &made).await, [Finding::Cut { was: 15, is: 15 }], "seals that lie beyond the end");
}

async fn a_check_that_is_due_is_made_once_and_remembered(world: World) {
    let (made, other) = (with_history(&world, 3).await, with_history(&world, 4).await);
    assert_eq!(audit::find_check(&world.db, made.id).await.unwrap(), None);
    let chains = audit::verify_due_any_company(&world.db, noon(), noon_and(60)).await.unwrap();
    assert_eq!(chains.len(), 2);
    assert_eq!(audit::verify_due_any_company(&world.db, noon(), noon_and(90)).await.unwrap(), []);
    let newer = with_history(&world, 1).await;
    let due = audit::verify_due_any_company(&world.db, noon(), noon_and(95)).await.unwrap();
    assert_eq!(due.iter().map(|chain| chain.company).collect::<Vec<_>>(), [newer.id], "a new company makes nobody else's due");
    let check = audit::find_check(&world.db, made.id).await.unwrap().unwrap();
    assert_eq!((check.at, check.entries, check.fault), (noon_and(60), 6, None));
    without_guards(&world).await;
    run(&world.url, "DELETE FROM event WHERE company_id = $1 AND kind = 'contact.created'", vec![made.id.0.into()]).await;
    audit::verify_due_any_company(&world.db, noon_and(3_600), noon_and(3_601)).await.unwrap();
    let check = audit::find_check(&world.db, made.id).await.unwrap().unwrap();
    assert!(
        check.fault.as_deref().is_some_and(|fault| fault.starts_with("la entrada 2 (") && fault.ends_with("falta")),
        "{check:?}"
    );
    assert_eq!(audit::find_check(&world.db, other.id).await.unwrap().unwrap().fault, None);
}

async fn who_is_refused_again_and_again_fills_nothing(world: World) {
    let made = world.with(company()).await;
    let refused = Filter { words: &["access"], ..Filter::default() };
    for second in 0..50 {
        audit::note_refusal(&world.db, &made.actor, &"/x".repeat(500), noon_and(second / 10)).await.unwrap();
    }
    let found = entries(&world.db, made.id, &refused).await;
    assert!(found.len() == 20 && found.iter().all(|one| one.was_refused && one.detail.len() <= 200), "{}", found.len());
    audit::note_refusal(&world.db, &made.actor, "POST /x", noon_and(90)).await.unwrap();
    assert_eq!(audit::count(&world.db, made.id, &refused).await.unwrap(), 21);
    assert_eq!(EventKind::parse(&found[0].code), Some(EventKind::AccessRefused));
}

async fn what_acuse_finds_out_and_what_signs_stands_there_too(world: World) {
    let made = world.with(company().with_customer("Andina")).await;
    let (db, by, keys) = (&world.db, &made.actor, world.keys());
    let pair = NewPair { public_key: "AAAA".to_owned(), private_key: SecretString::from("una clave privada") };
    let key = dkim::make(db, &keys, by, "empresa.ec", &pair, noon()).await.unwrap();
    dkim::turn_on(db, by, key, noon()).await.unwrap();
    dkim::turn_off(db, by, key).await.unwrap();
    dkim::delete(db, by, key).await.unwrap();
    let form = mail_account(MailModule::ReceivedPayments, "otra clave");
    let account = mail_accounts::create(db, &keys, by, &form, None, noon()).await.unwrap();
    pauses::begin(db, AccountKey::Own(account), "bad_credentials", "535", noon()).await.unwrap();
    pauses::begin(db, AccountKey::Own(account), "bad_credentials", "535", noon_and(1)).await.unwrap();
    pauses::end(db, AccountKey::Own(account), noon_and(2)).await.unwrap();
    received(made.contacts[0], "1.00").notifying().record(db, by).await.unwrap();
    let queue = QueueKey { company: made.id, module: MailModule::ReceivedPayments };
    let claimed = deliveries::claim_due(db, queue, 9, TimeDelta::seconds(60), noon()).await.unwrap().remove(0);
    let failed = Recorded {
        company: made.id,
        id: claimed.id,
        fence: claimed.fence,
        at: noon(),
        duration_ms: 5,
        phase: "recipient",
        reply: "550 5.1.1 no".to_owned(),
        problem_code: Some("mailbox_not_found".to_owned()),
        message_id: "x@acuse.example".to_owned(),
        stamp: Stamp { source: "company", server: "smtp.x.ec:587".to_owned(), from_address: "cobros@x.ec".to_owned() },
        next: Next::Failed,
    };
    deliveries::record_attempts(db, &[failed], noon()).await.unwrap();
    let found = entries(db, made.id, &Filter::default()).await;
    let told: Vec<(&str, &str, &str)> =
        found.iter().rev().skip(2).map(|one| (one.code.as_str(), one.subject_name.as_str(), one.who_kind.as_str())).collect();
    let sender = "cobros@distripichincha.ec";
    let expected = [
        ("dkim.made", "empresa.ec", "operator"),
        ("dkim.turned_on", "empresa.ec", "operator"),
        ("dkim.turned_off", "empresa.ec", "operator"),
        ("dkim.deleted", "empresa.ec", "operator"),
        ("mail_account.created", sender, "operator"),
        ("mail_account.paused", sender, "acuse"),
        ("mail_account.works", sender, "acuse"),
        ("payment.recorded", "RC-000001", "operator"),
        ("mail.failed", "RC-000001", "acuse"),
    ];
    assert_eq!(told, expected);
    assert_eq!((found[0].who.as_str(), found[0].detail.as_str()), ("Acuse", "pagos@andina.ec"));
    assert!(!format!("{found:?}").contains("clave privada") && !format!("{found:?}").contains("otra clave"));
}

/// The role that an operator gives to Acuse is no superuser: it has no right to change the history, whatever became of the
/// triggers.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_applications_role_of_postgresql_has_no_right_to_change_it() {
    let url = Postgres::shared().new_database();
    let role = format!("app_{}", Uuid::now_v7().simple());
    run(&url, &format!("CREATE ROLE {role} LOGIN PASSWORD 'x'"), vec![]).await;
    run(&url, &format!("GRANT ALL ON SCHEMA public TO {role}"), vec![]).await;
    let (_, place) = url.split_once('@').unwrap();
    let own = format!("postgres://{role}:x@{place}");
    let world = World::at(&own).await;
    let made = with_history(&world, 3).await;
    assert_eq!(findings(&world, &made).await, []);
    world.db.migrate().await.expect("the rules are laid down again");
    let asked = Database::connect(&own).await.unwrap();
    for sql in ["UPDATE event SET who = 'x'", "DELETE FROM event", "TRUNCATE event", "DELETE FROM event_seal"] {
        let error = asked.execute_unprepared(sql).await.unwrap_err().to_string();
        assert!(error.contains("permission denied"), "{sql}: {error}");
    }
    asked.close().await.unwrap();
}
