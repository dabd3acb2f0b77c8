use acuse_domain::company::CompanyProfile;
use acuse_domain::identification::Ruc;
use acuse_store::companies::{self, CreateError};
use acuse_store::versions::Expected;
use acuse_testkit::builders::{company, to};
use acuse_testkit::world::{World, noon};

on_both_engines!(a_company_is_kept_as_it_was_given, a_ruc_belongs_to_one_company, a_logo_comes_and_goes);

async fn a_company_is_kept_as_it_was_given(world: World) {
    let made = world.with(company()).await;
    let kept = companies::find(&world.db, made.id).await.unwrap().unwrap();
    assert_eq!(kept.profile.legal_name, "Distribuidora Pichincha Compañía Limitada");
    assert_eq!(companies::find_by_ruc_any_company(&world.db, &kept.ruc).await.unwrap().unwrap(), kept);
    let bare = CompanyProfile {
        legal_name: "Ñandú S.A. 'o \"uno\" — 日本".to_string(),
        trade_name: None,
        address: None,
        city: None,
        phone: None,
        email: None,
        undecoded: Vec::new(),
    };
    companies::change(&world.db, &made.actor, &Expected::Any, to(bare.clone())).await.unwrap();
    assert_eq!(companies::find(&world.db, made.id).await.unwrap().unwrap().profile, bare);
}

async fn a_ruc_belongs_to_one_company(world: World) {
    let made = world.with(company()).await;
    let kept = companies::find(&world.db, made.id).await.unwrap().unwrap();
    let again = companies::create(&world.db, &kept.ruc, &kept.profile, noon()).await;
    assert!(matches!(again, Err(CreateError::RucTaken)), "{again:?}");
    let other: Ruc = "1760001550001".parse().unwrap();
    companies::create(&world.db, &other, &kept.profile, noon()).await.unwrap();
}

async fn a_logo_comes_and_goes(world: World) {
    let made = world.with(company()).await;
    assert_eq!(companies::logo(&world.db, made.id).await.unwrap(), None);
    companies::change_logo(&world.db, &made.actor, Some(vec![0, 137, 255])).await.unwrap();
    assert_eq!(companies::logo(&world.db, made.id).await.unwrap(), Some(vec![0, 137, 255]));
    companies::change_logo(&world.db, &made.actor, None).await.unwrap();
    assert_eq!(companies::logo(&world.db, made.id).await.unwrap(), None);
}
