//! Into a company that one is not in, and the end of one by a single person.

use acuse_store::{Db, companies};
use acuse_testkit::outside;
use chrono::TimeDelta;

use crate::attack::Attack;
use crate::browser::Browser;
use crate::installation::{EMAIL, Installation, PASSWORD, Server};
use crate::scene::{NOBODYS, Scene};

const RUC: &str = "1790012344001";
const THEIR_RUC: &str = "0190402118001";
const MARK: &str = "Reservada";
const PROFILE: &str = "/mi-compania/datos";
const OTHER_OWNER: &str = "socia@cotopaxi.ec";
const ACCOUNTANT: &str = "conta@cotopaxi.ec";

pub async fn attacks(_: &Scene) -> Vec<Attack> {
    let installation = Installation::new();
    installation.succeed(&["company", "create", "--ruc", THEIR_RUC, "--name", &format!("{MARK} S.A.")], "");
    installation.succeed(&["user", "create", "--email", "dueno@reservada.ec", "--company", THEIR_RUC], PASSWORD);
    for (email, role) in [(OTHER_OWNER, "owner"), (ACCOUNTANT, "accountant")] {
        installation.succeed(&["user", "create", "--email", email, "--company", RUC, "--role", role], PASSWORD);
    }
    let url = format!("sqlite://{}", installation.database().display());
    let db = Db::open(&url).await.expect("the installation's database");
    let theirs = companies::find_by_ruc_any_company(&db, &THEIR_RUC.parse().expect("a RUC")).await.expect("an answer");
    let theirs = theirs.expect("it was made").id.to_string();
    drop(db);
    let server = installation.serve().await;
    let mut rows = vec![entered(&server, &theirs).await, named(&server, &theirs).await];
    rows.push(ended_by_one(&server, &url).await);
    rows
}

async fn entered(server: &Server, theirs: &str) -> Attack {
    let mut row = Attack::new("a switch to a company one is not in", "404; still in one's own");
    for email in [EMAIL, OTHER_OWNER, ACCOUNTANT] {
        let mut browser = Browser::of(server, email).await;
        for id in [theirs, NOBODYS, "1", "'"] {
            let page = browser.post(&format!("/companias/{id}/entrar"), &[]).await;
            let own = browser.get(PROFILE).await;
            let is_own = own.text.contains(RUC) && !own.text.contains(MARK);
            row.tried((page.is(404) || page.is(400)) && is_own, || format!("{email} {id}: {}", page.status));
        }
        let list = browser.get("/companias?q=reservada").await;
        row.tried(list.is(200) && !list.text.contains(MARK), || format!("{email} finds it: {}", list.status));
    }
    let page = Browser::new(server).post(&format!("/companias/{theirs}/entrar"), &[]).await;
    row.tried(page.is(401) || page.leads_to("/entrar"), || format!("nobody: {}", page.status));
    row
}

/// A form that says that it was made for another company.
async fn named(server: &Server, theirs: &str) -> Attack {
    let mut row = Attack::new("export, archive or deletion with another's id", "409; nothing of theirs, nothing done");
    let mut owner = Browser::of(server, EMAIL).await;
    for act in ["exportar", "archivar", "reabrir", "eliminar", "eliminar/cancelar", "eliminar/confirmar"] {
        for id in [theirs, NOBODYS] {
            let fields = [("ruc", THEIR_RUC), ("compania", id)];
            let page = owner.post(&format!("/mi-compania/{act}"), &fields).await;
            row.tried(page.is(409) && !page.text.contains(MARK), || format!("{act} {id}: {}", page.status));
        }
    }
    let mut dueno = Browser::of(server, "dueno@reservada.ec").await;
    let page = dueno.get(PROFILE).await;
    row.tried(page.text.contains(MARK) && page.text.contains("/mi-compania/archivar"), || "theirs is archived".to_owned());
    row
}

async fn ended_by_one(server: &Server, url: &str) -> Attack {
    let mut row = Attack::new("a company's end by one person, or too early", "403, 409 or 422; it is there");
    let (mut owner, mut accountant) = (Browser::of(server, EMAIL).await, Browser::of(server, ACCOUNTANT).await);
    let acts = ["exportar", "archivar", "eliminar", "eliminar/confirmar"];
    for act in acts {
        let page = accountant.post(&format!("/mi-compania/{act}"), &[("ruc", RUC)]).await;
        row.tried(page.is(403), || format!("the accountant, {act}: {}", page.status));
    }
    let mut end = async |act: &str, ruc: &str| owner.post(&format!("/mi-compania/{act}"), &[("ruc", ruc)]).await;
    for (act, expected) in [("eliminar", 409), ("eliminar/confirmar", 409)] {
        let page = end(act, RUC).await;
        row.tried(page.is(expected), || format!("open, {act}: {}", page.status));
    }
    end("archivar", RUC).await;
    let page = end("eliminar", RUC).await;
    row.tried(page.is(409), || format!("without an export: {}", page.status));
    end("exportar", RUC).await;
    for wrong in ["", THEIR_RUC] {
        let page = end("eliminar", wrong).await;
        row.tried(page.is(422), || format!("another RUC: {}", page.status));
    }
    let asked = end("eliminar", RUC).await;
    row.tried(asked.is(303), || format!("asked for as it should be: {}", asked.status));
    let mut socia = Browser::of(server, OTHER_OWNER).await;
    let early = socia.post("/mi-compania/eliminar/confirmar", &[("ruc", RUC)]).await;
    row.tried(early.is(409), || format!("before its time: {}", early.status));
    let past = acuse_store::now() - TimeDelta::seconds(1);
    outside::run(url, "UPDATE company_deletion SET due_at = $1", vec![past.into()]).await;
    let own = end("eliminar/confirmar", RUC).await;
    row.tried(own.is(409), || format!("who asked says yes: {}", own.status));
    let accountants = accountant.post("/mi-compania/eliminar/confirmar", &[("ruc", RUC)]).await;
    row.tried(accountants.is(403), || format!("the accountant says yes: {}", accountants.status));
    let page = socia.get(PROFILE).await;
    row.tried(page.is(200) && page.text.contains(RUC), || format!("it is gone: {}", page.status));
    row
}
