use acuse_store::dkim::{self, DkimError, KeyState, NewPair};
use acuse_store::secrets::{Keyring, SealError};
use acuse_testkit::builders::company;
use acuse_testkit::world::{World, noon, noon_and};
use secrecy::{ExposeSecret, SecretString};

const DOMAIN: &str = "distripichincha.ec";
const PRIVATE: &str = "-----BEGIN PRIVATE KEY-----\nNADIE-DEBE-VER-ESTO\n-----END PRIVATE KEY-----\n";

on_both_engines!(
    a_key_signs_only_once_its_record_was_seen,
    the_old_key_signs_until_the_new_one_is_seen,
    a_domain_has_one_key_that_waits,
    signing_is_turned_off_and_on_again,
    a_private_key_opens_only_with_its_master_key_and_row,
    after_a_rotation_every_private_key_is_sealed_again,
    two_companies_never_share_a_name_in_the_dns,
    another_companys_keys_are_unknown,
);

fn pair(public: &str) -> NewPair {
    NewPair { public_key: public.to_owned(), private_key: SecretString::from(PRIVATE) }
}

async fn a_key_signs_only_once_its_record_was_seen(world: World) {
    let (made, keys) = (world.with(company()).await, world.keys());
    let id = dkim::make(&world.db, &keys, &made.actor, DOMAIN, &pair("AAAA"), noon()).await.unwrap();
    let [kept] = dkim::of_domain(&world.db, made.id, DOMAIN).await.unwrap().try_into().unwrap();
    assert_eq!((kept.id, kept.selector.as_str(), kept.public_key.as_str()), (id, "acuse202611", "AAAA"));
    assert_eq!((kept.state, kept.made_at, kept.seen_at), (KeyState::Made, noon(), None));
    assert!(dkim::signing_key(&world.db, &keys, made.id, DOMAIN).await.unwrap().is_none());
    dkim::turn_on(&world.db, &made.actor, id, noon_and(60)).await.unwrap();
    let signs = dkim::signing_key(&world.db, &keys, made.id, DOMAIN).await.unwrap().unwrap();
    assert_eq!((signs.selector.as_str(), signs.private_key.expose_secret()), ("acuse202611", PRIVATE));
    let [kept] = dkim::of_domain(&world.db, made.id, DOMAIN).await.unwrap().try_into().unwrap();
    assert_eq!((kept.state, kept.seen_at), (KeyState::Used, Some(noon_and(60))));
    assert!(dkim::signing_key(&world.db, &keys, made.id, "otro.ec").await.unwrap().is_none());
}

async fn the_old_key_signs_until_the_new_one_is_seen(world: World) {
    let (made, keys) = (world.with(company()).await, world.keys());
    let (db, by) = (&world.db, &made.actor);
    let old = dkim::make(db, &keys, by, DOMAIN, &pair("AAAA"), noon()).await.unwrap();
    dkim::turn_on(db, by, old, noon()).await.unwrap();
    let new = dkim::make(db, &keys, by, DOMAIN, &pair("BBBB"), noon()).await.unwrap();
    let names = async || -> Vec<String> {
        dkim::of_domain(db, made.id, DOMAIN).await.unwrap().into_iter().map(|key| key.selector).collect()
    };
    assert_eq!(names().await, ["acuse202611", "acuse202611-2"]);
    assert_eq!(dkim::signing_key(db, &keys, made.id, DOMAIN).await.unwrap().unwrap().selector, "acuse202611");
    dkim::turn_on(db, by, new, noon_and(60)).await.unwrap();
    assert_eq!(names().await, ["acuse202611-2"]);
    assert_eq!(dkim::signing_key(db, &keys, made.id, DOMAIN).await.unwrap().unwrap().selector, "acuse202611-2");
    // The record of the first may still stand in the DNS.
    dkim::make(db, &keys, by, DOMAIN, &pair("CCCC"), noon()).await.unwrap();
    assert_eq!(names().await, ["acuse202611-2", "acuse202611-3"]);
}

async fn a_domain_has_one_key_that_waits(world: World) {
    let (made, keys) = (world.with(company()).await, world.keys());
    let (db, by) = (&world.db, &made.actor);
    let first = dkim::make(db, &keys, by, DOMAIN, &pair("AAAA"), noon()).await.unwrap();
    let again = dkim::make(db, &keys, by, DOMAIN, &pair("BBBB"), noon()).await;
    assert!(matches!(again, Err(DkimError::Waiting)), "{again:?}");
    dkim::make(db, &keys, by, "otro.ec", &pair("CCCC"), noon()).await.unwrap();
    dkim::delete(db, by, first).await.unwrap();
    assert!(matches!(dkim::delete(db, by, first).await, Err(DkimError::NotFound)));
    for _ in 0..48 {
        let id = dkim::make(db, &keys, by, DOMAIN, &pair("DDDD"), noon()).await.unwrap();
        dkim::delete(db, by, id).await.unwrap();
    }
    dkim::make(db, &keys, by, DOMAIN, &pair("DDDD"), noon()).await.unwrap();
    dkim::delete_all(db, by, DOMAIN).await.unwrap();
    assert!(dkim::of_domain(db, made.id, DOMAIN).await.unwrap().is_empty());
    assert_eq!(dkim::of_domain(db, made.id, "otro.ec").await.unwrap().len(), 1);
    assert!(matches!(dkim::delete_all(db, by, DOMAIN).await, Err(DkimError::NotFound)));
    let fifty_first = dkim::make(db, &keys, by, DOMAIN, &pair("EEEE"), noon()).await;
    assert!(matches!(fifty_first, Err(DkimError::NoName)), "{fifty_first:?}");
}

async fn signing_is_turned_off_and_on_again(world: World) {
    let (made, keys) = (world.with(company()).await, world.keys());
    let (db, by) = (&world.db, &made.actor);
    let id = dkim::make(db, &keys, by, DOMAIN, &pair("AAAA"), noon()).await.unwrap();
    assert!(matches!(dkim::turn_off(db, by, id).await, Err(DkimError::NotFound)), "it was never on");
    dkim::turn_on(db, by, id, noon()).await.unwrap();
    dkim::turn_off(db, by, id).await.unwrap();
    assert!(dkim::signing_key(db, &keys, made.id, DOMAIN).await.unwrap().is_none());
    assert_eq!(dkim::of_domain(db, made.id, DOMAIN).await.unwrap()[0].state, KeyState::Published);
    dkim::turn_on(db, by, id, noon()).await.unwrap();
    assert!(dkim::signing_key(db, &keys, made.id, DOMAIN).await.unwrap().is_some());
}

async fn a_private_key_opens_only_with_its_master_key_and_row(world: World) {
    let (made, keys) = (world.with(company()).await, world.keys());
    let (db, by) = (&world.db, &made.actor);
    let one = dkim::make(db, &keys, by, DOMAIN, &pair("AAAA"), noon()).await.unwrap();
    let other = dkim::make(db, &keys, by, "otro.ec", &pair("BBBB"), noon()).await.unwrap();
    for id in [one, other] {
        dkim::turn_on(db, by, id, noon()).await.unwrap();
    }
    let strangers = Keyring::load_or_create(&world.folder().join("other.key")).unwrap();
    let opened = dkim::signing_key(db, &strangers, made.id, DOMAIN).await;
    assert!(matches!(opened.err(), Some(DkimError::Seal(SealError::DoesNotOpen))));
    let swap = format!(
        "UPDATE dkim_key SET sealed_private_key = (SELECT sealed_private_key FROM dkim_key WHERE id = {}) WHERE id = {}",
        crate::record::literal(&world, one.0),
        crate::record::literal(&world, other.0)
    );
    crate::record::run(&world, &swap).await;
    let moved = dkim::signing_key(db, &keys, made.id, "otro.ec").await;
    assert!(matches!(moved.err(), Some(DkimError::Seal(SealError::DoesNotOpen))));
}

async fn after_a_rotation_every_private_key_is_sealed_again(world: World) {
    let (made, keys) = (world.with(company()).await, world.keys());
    let (db, by) = (&world.db, &made.actor);
    let id = dkim::make(db, &keys, by, DOMAIN, &pair("AAAA"), noon()).await.unwrap();
    dkim::turn_on(db, by, id, noon()).await.unwrap();
    let path = world.folder().join("secret.key");
    Keyring::rotate(&path).unwrap();
    let both = world.keys();
    assert_eq!(dkim::reseal_any_company(db, &both).await.unwrap(), 1);
    assert_eq!(dkim::reseal_any_company(db, &both).await.unwrap(), 0);
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.lines().last().unwrap()).unwrap();
    let opened = dkim::signing_key(db, &world.keys(), made.id, DOMAIN).await.unwrap().unwrap();
    assert_eq!(opened.private_key.expose_secret(), PRIVATE);
}

async fn two_companies_never_share_a_name_in_the_dns(world: World) {
    let (ours, theirs, keys) = (world.with(company()).await, world.with(company()).await, world.keys());
    dkim::make(&world.db, &keys, &ours.actor, DOMAIN, &pair("AAAA"), noon()).await.unwrap();
    dkim::make(&world.db, &keys, &theirs.actor, DOMAIN, &pair("BBBB"), noon()).await.unwrap();
    let names = async |company| dkim::of_domain(&world.db, company, DOMAIN).await.unwrap().remove(0).selector;
    assert_eq!((names(ours.id).await.as_str(), names(theirs.id).await.as_str()), ("acuse202611", "acuse202611-2"));
}

async fn another_companys_keys_are_unknown(world: World) {
    let (ours, theirs, keys) = (world.with(company()).await, world.with(company()).await, world.keys());
    let (db, stranger) = (&world.db, &theirs.actor);
    let id = dkim::make(db, &keys, &ours.actor, DOMAIN, &pair("AAAA"), noon()).await.unwrap();
    assert!(matches!(dkim::turn_on(db, stranger, id, noon()).await, Err(DkimError::NotFound)));
    assert!(matches!(dkim::turn_off(db, stranger, id).await, Err(DkimError::NotFound)));
    assert!(matches!(dkim::delete(db, stranger, id).await, Err(DkimError::NotFound)));
    assert!(dkim::of_domain(db, theirs.id, DOMAIN).await.unwrap().is_empty());
    dkim::turn_on(db, &ours.actor, id, noon()).await.unwrap();
    assert!(dkim::signing_key(db, &keys, theirs.id, DOMAIN).await.unwrap().is_none());
}

#[tokio::test]
async fn no_byte_on_the_disk_shows_a_private_key() {
    let world = World::on_sqlite().await;
    let (made, keys) = (world.with(company()).await, world.keys());
    dkim::make(&world.db, &keys, &made.actor, DOMAIN, &pair("AAAA"), noon()).await.unwrap();
    let everything: Vec<u8> =
        std::fs::read_dir(world.folder()).unwrap().flat_map(|entry| std::fs::read(entry.unwrap().path()).unwrap()).collect();
    let holds = |word: &[u8]| everything.windows(word.len()).any(|window| window == word);
    assert!(holds(DOMAIN.as_bytes()) && !holds(b"NADIE-DEBE-VER-ESTO"));
}
