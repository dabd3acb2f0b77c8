//! What a token opens, until when, from where, and what is left of it.

use std::net::IpAddr;

use acuse_domain::access::{Permission, Scope, Scopes};
use acuse_domain::api_token::{Networks, NewToken};
use acuse_store::events::{self, EventKind};
use acuse_store::idempotency::{ClaimError, Once};
use acuse_store::tokens::{self, HolderError, Issued};
use acuse_store::{Actor, Db};
use acuse_testkit::builders::{company, received};
use acuse_testkit::world::{World, noon, noon_and};
use secrecy::{ExposeSecret, SecretString};

const DAY: i64 = 24 * 3_600;

on_both_engines!(
    a_token_holds_what_it_was_made_for_and_no_more,
    a_token_opens_until_its_last_day_is_over,
    a_token_opens_from_its_networks_only,
    the_same_request_makes_one_token_and_shows_it_once,
    a_list_tells_tokens_apart_without_their_secret,
    what_a_token_did_is_counted_and_how_it_ended_is_told,
    a_token_whose_limits_cannot_be_read_opens_nothing,
);

fn erp() -> NewToken {
    NewToken { scopes: Scopes::new([Scope::Read, Scope::Record]), ..NewToken::for_everything("ERP de bodega") }
}

async fn issued(db: &Db, by: &Actor, new: &NewToken) -> (acuse_domain::id::TokenId, SecretString) {
    match tokens::issue(db, by, new, None, noon()).await.unwrap() {
        Issued::Now { id, token } => (id, token),
        Issued::Before(id) => panic!("{id} was made before"),
    }
}

fn address(text: &str) -> Option<IpAddr> {
    Some(text.parse().unwrap())
}

async fn a_token_holds_what_it_was_made_for_and_no_more(world: World) {
    let made = world.with(company()).await;
    let (_, token) = issued(&world.db, &made.actor, &erp()).await;
    let held = tokens::holder(&world.db, token.expose_secret(), None, noon()).await.unwrap();
    assert!(held.scopes.holds(Permission::ViewRecords) && held.scopes.holds(Permission::RecordPayments));
    assert!(!held.scopes.holds(Permission::SendReceipts) && !held.scopes.holds(Permission::ConfigureCompany));
    assert!(!held.scopes.holds(Permission::ManageTokens), "a token makes no tokens");
    assert_eq!((held.actor.company, held.actor.name.as_str()), (made.id, "API: ERP de bodega"));
}

async fn a_token_opens_until_its_last_day_is_over(world: World) {
    let made = world.with(company()).await;
    let last_day = acuse_domain::day_in_ecuador(noon_and(10 * DAY));
    let (_, token) = issued(&world.db, &made.actor, &NewToken { expires_on: Some(last_day), ..erp() }).await;
    let at = async |seconds| tokens::holder(&world.db, token.expose_secret(), None, noon_and(seconds)).await;
    assert_eq!(at(10 * DAY).await.unwrap().expires_on, Some(last_day));
    let over = at(11 * DAY).await;
    assert!(matches!(over, Err(HolderError::Expired { last_day: told }) if told == last_day), "{over:?}");
    assert!(!tokens::list(&world.db, made.id).await.unwrap()[0].opens(noon_and(11 * DAY)));
}

async fn a_token_opens_from_its_networks_only(world: World) {
    let made = world.with(company()).await;
    let networks = Networks::parse("190.152.4.0/24, 2001:db8::/32").unwrap();
    let (_, token) = issued(&world.db, &made.actor, &NewToken { networks, ..erp() }).await;
    for from in ["190.152.4.9", "::ffff:190.152.4.9", "2001:db8::7"] {
        let held = tokens::holder(&world.db, token.expose_secret(), address(from), noon()).await.unwrap();
        assert_eq!(held.actor.source, address(from));
    }
    for from in [address("190.152.5.9"), None] {
        let refused = tokens::holder(&world.db, token.expose_secret(), from, noon()).await;
        assert!(matches!(refused, Err(HolderError::NotFromHere)), "{from:?} {refused:?}");
    }
}

async fn the_same_request_makes_one_token_and_shows_it_once(world: World) {
    let made = world.with(company()).await;
    let once = Once { key: "formulario 1".to_owned(), request_hash: [1; 32] };
    let first = tokens::issue(&world.db, &made.actor, &erp(), Some(&once), noon()).await.unwrap();
    let Issued::Now { id, .. } = first else { panic!("it is new") };
    let again = tokens::issue(&world.db, &made.actor, &erp(), Some(&once), noon()).await.unwrap();
    assert!(matches!(again, Issued::Before(earlier) if earlier == id));
    assert_eq!(tokens::list(&world.db, made.id).await.unwrap().len(), 1);
    let other = Once { request_hash: [2; 32], ..once };
    let reused = tokens::issue(&world.db, &made.actor, &erp(), Some(&other), noon()).await;
    assert!(matches!(reused, Err(ClaimError::KeyReused(_))));
}

async fn a_list_tells_tokens_apart_without_their_secret(world: World) {
    let (ours, theirs) = (world.with(company()).await, world.with(company()).await);
    let (first, secret) = issued(&world.db, &ours.actor, &erp()).await;
    let (second, _) = issued(&world.db, &ours.actor, &NewToken::for_everything("Tienda")).await;
    tokens::revoke(&world.db, &ours.actor, second, "", noon()).await.unwrap();
    let listed = tokens::list(&world.db, ours.id).await.unwrap();
    assert_eq!(listed.iter().map(|one| one.id).collect::<Vec<_>>(), [first, second], "the revoked one last");
    let (token, info) = (secret.expose_secret(), &listed[0]);
    assert_eq!(info.hint.as_deref(), Some(format!("{}…{}", &token[..8], &token[token.len() - 3..]).as_str()));
    assert!(!format!("{listed:?}").contains(&token[4..20]));
    assert_eq!((info.scopes.to_string().as_str(), info.created_by.as_deref()), ("read record", Some(ours.actor.name.as_str())));
    assert_eq!(tokens::find(&world.db, ours.id, first).await.unwrap().as_ref(), Some(info));
    assert_eq!(tokens::find(&world.db, theirs.id, first).await.unwrap(), None);
    assert!(tokens::list(&world.db, theirs.id).await.unwrap().is_empty());
    tokens::holder(&world.db, token, address("34.95.120.7"), noon()).await.unwrap();
    for _ in 0..100 {
        if tokens::find(&world.db, ours.id, first).await.unwrap().is_some_and(|one| one.last_used_from.is_some()) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let used = tokens::find(&world.db, ours.id, first).await.unwrap().unwrap();
    assert_eq!(used.last_used_from.as_deref(), Some("34.95.120.7"));
    assert!(used.last_used_at.is_some());
}

async fn what_a_token_did_is_counted_and_how_it_ended_is_told(world: World) {
    let made = world.with(company().with_customer("Andina")).await;
    let networks = Networks::parse("10.0.0.1").unwrap();
    let (id, token) = issued(&world.db, &made.actor, &NewToken { networks, ..erp() }).await;
    let holder = tokens::holder(&world.db, token.expose_secret(), address("10.0.0.1"), noon()).await.unwrap();
    received(made.contacts[0], "10.00").record(&world.db, &holder.actor).await.unwrap();
    assert_eq!(tokens::payments_recorded(&world.db, made.id, id).await.unwrap(), 1);
    assert!(tokens::revoke(&world.db, &made.actor, id, "Se cambió el equipo", noon()).await.unwrap());
    assert!(!tokens::revoke(&world.db, &made.actor, id, "otra vez", noon()).await.unwrap());
    let history = events::list(&world.db, made.id, id.0).await.unwrap();
    let told: Vec<_> = history.iter().map(|event| (event.kind, event.who.as_str(), event.detail.as_str())).collect();
    let who = made.actor.name.as_str();
    assert_eq!(
        told,
        [
            (EventKind::TokenRevoked, who, "Se cambió el equipo"),
            (EventKind::TokenCreated, who, "ERP de bodega (read record) 10.0.0.1")
        ]
    );
    assert_eq!(tokens::payments_recorded(&world.db, made.id, id).await.unwrap(), 1, "what it recorded stays");
}

async fn a_token_whose_limits_cannot_be_read_opens_nothing(world: World) {
    let made = world.with(company()).await;
    let (_, token) = tokens::create(&world.db, made.id, "tienda", noon()).await.unwrap();
    acuse_testkit::outside::run(&world.url, "UPDATE api_token SET networks = 'casa'", Vec::new()).await;
    let held = tokens::holder(&world.db, token.expose_secret(), address("10.0.0.1"), noon()).await;
    assert!(matches!(held, Err(HolderError::NotFromHere)), "{held:?}");
}
