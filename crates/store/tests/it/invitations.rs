//! An invitation lets in once, whoever has its link, and only while it is open.

use acuse_domain::access::Role;
use acuse_domain::id::InvitationId;
use acuse_store::access::{self, AccessError};
use acuse_store::events::{self, EventKind};
use acuse_store::invitations::{self, AcceptError, InviteError, Invited, LASTS, Mailed, NewInvitation, Newcomer, Standing};
use acuse_store::own_mails::Told;
use acuse_store::sessions::Device;
use acuse_store::user_mails::{self, Content, Post, UserMail};
use acuse_store::users::{self, CreateError};
use acuse_store::{Actor, Db, Identity};
use acuse_testkit::builders::{TestCompany, company};
use acuse_testkit::outside;
use acuse_testkit::world::{self, World, noon, noon_and};
use chrono::TimeDelta;
use secrecy::{ExposeSecret, SecretString};

const PASSWORD: &str = "una clave larga";
const HOUR: i64 = 3_600;

on_both_engines!(
    whoever_has_the_link_comes_in_once,
    of_two_who_accept_at_once_one_comes_in,
    after_72_hours_it_lets_nobody_in,
    what_was_taken_back_or_sent_again_lets_nobody_in,
    who_comes_in_already_logs_in_and_accepts_without_a_new_password,
    an_address_has_one_open_invitation_and_a_member_none,
    who_loses_the_company_leaves_no_way_back_in,
    ownership_is_handed_over_and_the_last_owner_stays,
    a_refused_password_leaves_the_invitation_open,
    the_mail_has_the_link_until_it_has_left,
    an_invitation_that_does_not_arrive_says_why,
    a_mail_of_an_invitation_that_is_over_does_not_leave,
);

fn new(email: &str, role: Role) -> NewInvitation {
    NewInvitation { email: email.parse().unwrap(), name: "Verónica".into(), role }
}

async fn owned(world: &World) -> (TestCompany, Actor) {
    let made = world.with(company()).await;
    let id = user(world, &made, "ana@x.ec", Role::Owner).await;
    let actor = Actor { identity: Identity::User { user: id, session: None }, ..Actor::named(made.id, "Ana") };
    (made, actor)
}

async fn user(world: &World, made: &TestCompany, email: &str, role: Role) -> acuse_domain::id::UserId {
    let password = SecretString::from(PASSWORD);
    users::create(&world.db, made.id, "Ana", &email.parse().unwrap(), &password, role, noon()).await.unwrap()
}

async fn invite(world: &World, by: &Actor, email: &str) -> Invited {
    invitations::invite(&world.db, by, &new(email, Role::Clerk), None, Post::ByHand, noon()).await.unwrap()
}

async fn accept_with(db: &Db, token: &str, password: &str, at: i64) -> Result<SecretString, AcceptError> {
    let password = SecretString::from(password);
    let newcomer = Newcomer { name: "Verónica Chiluisa", password: &password, device: Device::default(), earlier_session: None };
    invitations::accept_as_new_any_company(db, token, newcomer, noon_and(at)).await
}

async fn accept(world: &World, invited: &Invited, at: i64) -> Result<SecretString, AcceptError> {
    accept_with(&world.db, invited.token.expose_secret(), PASSWORD, at).await
}

fn why(answer: Result<SecretString, AcceptError>) -> Option<Standing> {
    match answer {
        Err(AcceptError::Gone(standing)) => standing,
        Ok(_) => panic!("let in"),
        Err(other) => panic!("{other:?}"),
    }
}

async fn whoever_has_the_link_comes_in_once(world: World) {
    let (made, ana) = owned(&world).await;
    let invited = invite(&world, &ana, "Caja@X.ec").await;
    let found = invitations::find_any_company(&world.db, invited.token.expose_secret(), noon_and(60)).await.unwrap().unwrap();
    assert_eq!((found.email.as_str(), found.role, found.inviter.as_str()), ("caja@x.ec", Role::Clerk, "Ana"));
    assert!(!found.has_user);
    let session = accept(&world, &invited, 60).await.unwrap();
    let session = users::session(&world.db, session.expose_secret(), noon_and(61)).await.unwrap().expect("they are in");
    assert_eq!((session.company, session.role, session.name.as_str()), (made.id, Role::Clerk, "Verónica Chiluisa"));
    assert_eq!(why(accept(&world, &invited, 70).await), Some(Standing::Accepted));
    assert!(world::log_in(&world.db, "caja@x.ec", PASSWORD, noon_and(80)).await.is_some());
    assert!(invitations::open(&world.db, made.id).await.unwrap().is_empty());
    let told = events::list(&world.db, made.id, session.user.0).await.unwrap();
    assert!(told.iter().any(|event| event.kind == EventKind::InvitationAccepted), "{told:?}");
    let mails = outside::numbers(&world.url, "SELECT COUNT(*) AS n FROM user_mail").await;
    assert_eq!(mails, [0], "a link that is handed over is nowhere but in hands");
}

async fn of_two_who_accept_at_once_one_comes_in(world: World) {
    let (_, ana) = owned(&world).await;
    let invited = invite(&world, &ana, "caja@x.ec").await;
    let other = world.opened_again().await;
    let token = invited.token.expose_secret();
    let (one, two) = tokio::join!(accept_with(&world.db, token, PASSWORD, 1), accept_with(&other, token, PASSWORD, 1));
    assert!(one.is_ok() != two.is_ok(), "{:?} {:?}", one.is_ok(), two.is_ok());
    let lost = if one.is_err() { one } else { two };
    assert_eq!(why(lost), Some(Standing::Accepted));
}

async fn after_72_hours_it_lets_nobody_in(world: World) {
    let (made, ana) = owned(&world).await;
    let invited = invite(&world, &ana, "caja@x.ec").await;
    assert_eq!(why(accept(&world, &invited, 72 * HOUR).await), Some(Standing::Expired));
    let listed = invitations::open(&world.db, made.id).await.unwrap();
    assert!(listed[0].has_ended(noon() + LASTS) && !listed[0].has_ended(noon_and(72 * HOUR - 1)));
    let later = noon_and(73 * HOUR);
    invitations::invite(&world.db, &ana, &new("caja@x.ec", Role::Viewer), None, Post::ByHand, later).await.unwrap();
    assert_eq!(why(accept(&world, &invited, 73 * HOUR).await), Some(Standing::Replaced));
    let fresh = invite(&world, &ana, "b@x.ec").await;
    assert!(accept(&world, &fresh, 72 * HOUR - 1).await.is_ok());
}

async fn what_was_taken_back_or_sent_again_lets_nobody_in(world: World) {
    let (_, ana) = owned(&world).await;
    let first = invite(&world, &ana, "caja@x.ec").await;
    let second = invitations::resend(&world.db, &ana, first.id, Post::ByHand, noon_and(10)).await.unwrap();
    assert_eq!(why(accept(&world, &first, 20).await), Some(Standing::Replaced));
    assert!(invitations::withdraw(&world.db, &ana, second.id, noon_and(30)).await.unwrap());
    assert!(!invitations::withdraw(&world.db, &ana, second.id, noon_and(30)).await.unwrap(), "once");
    assert_eq!(why(accept(&world, &second, 40).await), Some(Standing::Withdrawn));
    let again = invitations::resend(&world.db, &ana, second.id, Post::ByHand, noon_and(50)).await;
    assert!(matches!(again, Err(InviteError::NotFound)));
    let third = invite(&world, &ana, "caja@x.ec").await;
    assert!(invitations::decline_any_company(&world.db, third.token.expose_secret(), None, noon_and(60)).await.unwrap());
    assert_eq!(why(accept(&world, &third, 70).await), Some(Standing::Declined));
    assert_eq!(why(accept_with(&world.db, "inventado", PASSWORD, 70).await), None);
    let stranger = Actor::named(acuse_domain::id::CompanyId(uuid::Uuid::nil()), "Otro");
    let fourth = invite(&world, &ana, "caja@x.ec").await;
    assert!(!invitations::withdraw(&world.db, &stranger, fourth.id, noon()).await.unwrap(), "another company's");
}

async fn who_comes_in_already_logs_in_and_accepts_without_a_new_password(world: World) {
    let (_, ana) = owned(&world).await;
    let other = world.with(company()).await;
    user(&world, &other, "mbv@contadores.ec", Role::Owner).await;
    let invited = invite(&world, &ana, "mbv@contadores.ec").await;
    let token = invited.token.expose_secret();
    assert!(invitations::find_any_company(&world.db, token, noon()).await.unwrap().unwrap().has_user);
    assert!(matches!(accept(&world, &invited, 5).await, Err(AcceptError::HasUser)));
    let cookie = world::log_in(&world.db, "mbv@contadores.ec", PASSWORD, noon_and(10)).await.unwrap();
    let session = users::session(&world.db, cookie.expose_secret(), noon_and(11)).await.unwrap().unwrap();
    let accepted =
        invitations::accept_any_company(&world.db, token, &session, cookie.expose_secret(), None, noon_and(12)).await.unwrap();
    assert!(users::session(&world.db, cookie.expose_secret(), noon_and(13)).await.unwrap().is_none(), "a new token");
    let after = users::session(&world.db, accepted.expose_secret(), noon_and(13)).await.unwrap().unwrap();
    assert_eq!((after.company, after.role, after.id), (ana.company, Role::Clerk, session.id));
    // Already there: said, and the link is not used up by it.
    let again = invite(&world, &ana, "otro@contadores.ec").await;
    let token = again.token.expose_secret();
    let answer = invitations::accept_any_company(&world.db, token, &after, accepted.expose_secret(), None, noon_and(14)).await;
    assert!(matches!(answer, Err(AcceptError::AlreadyMember)), "{:?}", answer.is_ok());
    assert!(accept(&world, &again, 15).await.is_ok());
}

async fn an_address_has_one_open_invitation_and_a_member_none(world: World) {
    let (_, ana) = owned(&world).await;
    let first = invite(&world, &ana, "caja@x.ec").await;
    let invite_again = |email: &'static str, instead| {
        let (db, ana) = (&world.db, &ana);
        async move { invitations::invite(db, ana, &new(email, Role::Viewer), instead, Post::ByHand, noon_and(1)).await }
    };
    assert!(matches!(invite_again("CAJA@x.ec", None).await, Err(InviteError::AlreadyInvited)));
    assert!(matches!(invite_again("ana@x.ec", None).await, Err(InviteError::AlreadyMember)));
    assert!(invite_again("caja2@x.ec", Some(first.id)).await.is_ok(), "a correction takes its place");
    assert_eq!(why(accept(&world, &first, 2).await), Some(Standing::Replaced));
    let unknown = InvitationId(uuid::Uuid::nil());
    assert!(matches!(invitations::resend(&world.db, &ana, unknown, Post::ByHand, noon()).await, Err(InviteError::NotFound)));
}

async fn who_loses_the_company_leaves_no_way_back_in(world: World) {
    let (made, ana) = owned(&world).await;
    let eva = user(&world, &made, "eva@x.ec", Role::Owner).await;
    let eva = Actor { identity: Identity::User { user: eva, session: None }, ..Actor::named(made.id, "Eva") };
    let by_eva = invite(&world, &eva, "amiga@x.ec").await;
    let by_ana = invite(&world, &ana, "caja@x.ec").await;
    access::change_role(&world.db, &ana, &"eva@x.ec".parse().unwrap(), Role::Viewer, noon_and(1)).await.unwrap();
    assert_eq!(why(accept(&world, &by_eva, 2).await), Some(Standing::Withdrawn));
    access::remove(&world.db, &ana, &"eva@x.ec".parse().unwrap(), noon_and(3)).await.unwrap();
    assert!(accept(&world, &by_ana, 4).await.is_ok(), "others' stay");
}

async fn ownership_is_handed_over_and_the_last_owner_stays(world: World) {
    let (made, ana) = owned(&world).await;
    user(&world, &made, "luis@x.ec", Role::Accountant).await;
    let luis = "luis@x.ec".parse().unwrap();
    let own = access::hand_over(&world.db, &ana, &"ana@x.ec".parse().unwrap(), noon()).await;
    assert!(matches!(own, Err(AccessError::LastOwner)));
    access::hand_over(&world.db, &ana, &luis, noon()).await.unwrap();
    let roles: Vec<_> = access::members(&world.db, made.id).await.unwrap().into_iter().map(|one| (one.email, one.role)).collect();
    assert!(roles.contains(&("luis@x.ec".into(), Role::Owner)) && roles.contains(&("ana@x.ec".into(), Role::Accountant)));
    assert!(matches!(access::hand_over(&world.db, &ana, &luis, noon()).await, Err(AccessError::NotAMember)), "no owner any more");
    assert!(matches!(access::remove(&world.db, &ana, &luis, noon()).await, Err(AccessError::LastOwner)));
}

async fn a_refused_password_leaves_the_invitation_open(world: World) {
    let (_, ana) = owned(&world).await;
    let invited = invite(&world, &ana, "caja@x.ec").await;
    let short = accept_with(&world.db, invited.token.expose_secret(), "corta", 1).await;
    assert!(matches!(short, Err(AcceptError::NotCreated(CreateError::Password(_)))));
    assert!(accept(&world, &invited, 2).await.is_ok());
}

async fn due(world: &World, at: i64) -> Vec<UserMail> {
    let lease = TimeDelta::seconds(60);
    user_mails::claim_due_any_company(&world.db, &world.keys(), 9, lease, noon_and(at)).await.unwrap()
}

async fn mailed(world: &World, by: &Actor) -> Invited {
    let (keys, invitation) = (world.keys(), new("caja@x.ec", Role::Clerk));
    invitations::invite(&world.db, by, &invitation, None, Post::Mail(&keys), noon()).await.unwrap()
}

async fn the_mail_has_the_link_until_it_has_left(world: World) {
    let (made, ana) = owned(&world).await;
    let invited = mailed(&world, &ana).await;
    let sealed = outside::numbers(&world.url, "SELECT COUNT(*) AS n FROM user_mail WHERE sealed_token IS NOT NULL").await;
    assert_eq!(sealed, [1]);
    let [mail] = due(&world, 1).await.try_into().expect("one");
    let Content::Invitation { company, inviter, role, token } = &mail.content else { panic!("{mail:?}") };
    assert_eq!((company.known_as.as_str(), inviter.as_str(), *role), ("DistriPichincha", "Ana", Role::Clerk));
    assert_eq!(token.expose_secret(), invited.token.expose_secret());
    assert!(due(&world, 2).await.is_empty(), "in one worker's hands");
    assert!(user_mails::hand_over(&world.db, mail.claim, noon_and(3)).await.unwrap());
    assert!(user_mails::record(&world.db, mail.claim, &Told::Accepted, None, "250", noon_and(4)).await.unwrap());
    let sealed = outside::numbers(&world.url, "SELECT COUNT(*) AS n FROM user_mail WHERE sealed_token IS NOT NULL").await;
    assert_eq!(sealed, [0], "forgotten");
    assert_eq!(invitations::open(&world.db, made.id).await.unwrap()[0].mailed, Mailed::Sent);
}

async fn an_invitation_that_does_not_arrive_says_why(world: World) {
    let (made, ana) = owned(&world).await;
    mailed(&world, &ana).await;
    assert_eq!(invitations::open(&world.db, made.id).await.unwrap()[0].mailed, Mailed::Waiting);
    let [mail] = due(&world, 1).await.try_into().expect("one");
    let reply = "550 5.1.1 no such user";
    user_mails::record(&world.db, mail.claim, &Told::Failed, Some("unknown_recipient"), reply, noon_and(2)).await.unwrap();
    let failed = Mailed::Failed { problem_code: Some("unknown_recipient".into()), reply: reply.into() };
    assert_eq!(invitations::open(&world.db, made.id).await.unwrap()[0].mailed, failed);
}

async fn a_mail_of_an_invitation_that_is_over_does_not_leave(world: World) {
    let (_, ana) = owned(&world).await;
    let invited = mailed(&world, &ana).await;
    invitations::withdraw(&world.db, &ana, invited.id, noon_and(1)).await.unwrap();
    assert!(due(&world, 2).await.is_empty());
    mailed(&world, &ana).await;
    assert!(due(&world, 72 * HOUR + 1).await.is_empty(), "nobody needs it any more");
}
