//! What people are mailed about how they come in leaves once, through the default account, and says when it cannot arrive.

use acuse_domain::access::Role;
use acuse_store::invitations::{self, Mailed, NewInvitation};
use acuse_store::now;
use acuse_store::user_mails::Post;
use acuse_testkit::world::World;
use secrecy::ExposeSecret;

use crate::office::{DEFAULT_SENDER, Office, until};
use crate::smtp::{Server, Way};

on_both_engines!(an_invitation_arrives_once_with_its_link, an_invitation_to_nobody_is_shown_with_its_cause,);

const CAJA: &str = "caja@andina.ec";

async fn invite(office: &Office) -> String {
    let new = NewInvitation { email: CAJA.parse().unwrap(), name: String::new(), role: Role::Clerk };
    let keys = office.world.keys();
    let invited = invitations::invite(office.db(), &office.company.actor, &new, None, Post::Mail(&keys), now()).await.unwrap();
    invited.token.expose_secret().to_owned()
}

async fn mailed(office: &Office) -> Mailed {
    invitations::open(office.db(), office.company.id).await.unwrap().remove(0).mailed
}

async fn an_invitation_arrives_once_with_its_link(world: World) {
    let default = Server::which(Way::Accepts).await;
    let office = Office::with_default_at(world, default.port).await;
    let token = invite(&office).await;
    let nodes = [office.start(), office.start_as_another_process().await];
    until("it is sent", async || mailed(&office).await == Mailed::Sent).await;
    for node in nodes {
        node.stop().await;
    }
    assert_eq!(default.subjects_for(CAJA), ["Ana Paredes le invita a DistriPichincha"]);
    let mail = default.heard()[0].read();
    assert_eq!(mail.from[0].address, DEFAULT_SENDER);
    let text = mail.text.unwrap();
    assert!(text.contains(&format!("https://acuse.test/invitacion/{token}")), "{text}");
    assert!(text.contains("Digitación") && text.contains("vence el"), "{text}");
}

async fn an_invitation_to_nobody_is_shown_with_its_cause(world: World) {
    let default =
        Server::which(Way::SaysOfRecipient("550 5.1.1 <caja@andina.ec>: Recipient address rejected: User unknown")).await;
    let office = Office::with_default_at(world, default.port).await;
    invite(&office).await;
    let node = office.start();
    until("it failed", async || matches!(mailed(&office).await, Mailed::Failed { .. })).await;
    node.stop().await;
    let Mailed::Failed { problem_code, reply } = mailed(&office).await else { panic!("it failed") };
    assert!(problem_code.is_some() && reply.contains("User unknown"), "{problem_code:?} {reply}");
}
