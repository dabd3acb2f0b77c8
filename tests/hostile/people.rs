//! Links that let somebody in, in the hands of somebody else, or used once more; and who is left when the last owner goes.

use std::time::{Duration, Instant};

use acuse_store::{Db, access};
use acuse_testkit::outside;
use chrono::TimeDelta;

use crate::attack::Attack;
use crate::browser::{Browser, Page};
use crate::installation::{EMAIL, Installation, PASSWORD, Server};
use crate::postbox::Postbox;
use crate::scene::Scene;

const RUC: &str = "1790012344001";
const USERS: &str = "/mi-compania/usuarios";
const COLLEAGUE: &str = "colega@cotopaxi.ec";
const NEW_PASSWORD: &str = "otra clave larga";
/// An answer to whoever exists may take so many times what another takes, by chance.
const ALIKE: u32 = 3;

pub async fn attacks(_: &Scene) -> Vec<Attack> {
    let installation = Installation::new();
    for (email, role) in [(COLLEAGUE, "accountant"), ("lee@cotopaxi.ec", "viewer")] {
        installation.succeed(&["user", "create", "--email", email, "--company", RUC, "--role", role], PASSWORD);
    }
    let server = installation.serve().await;
    let place = Place { url: format!("sqlite://{}", installation.database().display()), server: &server };
    let mut rows = vec![place.invitations().await, place.invited_by_who_may_not().await, place.resets().await];
    rows.push(place.last_owner().await);
    drop(server);
    rows.extend(by_mail(&installation).await);
    rows.push(first_start().await);
    rows
}

struct Place<'a> {
    url: String,
    server: &'a Server,
}

impl Place<'_> {
    /// Without a default account the page shows the link.
    async fn shown_link(&self, owner: &mut Browser<'_>, path: &str, fields: &[(&str, &str)]) -> String {
        let shown = owner.post(path, fields).await;
        let link = shown.between("id=\"enlace\" value=\"", "\"");
        link.strip_prefix(self.server.url.as_str()).unwrap_or_else(|| panic!("no link in {}", shown.text)).to_owned()
    }

    async fn invite(&self, owner: &mut Browser<'_>, email: &str) -> String {
        self.shown_link(owner, &format!("{USERS}/invitar"), &[("correo", email), ("rol", "viewer")]).await
    }

    /// As somebody who has only the link.
    async fn accept(&self, link: &str) -> Page {
        Browser::new(self.server).post(link, &[("nombre", "Vero"), ("clave", NEW_PASSWORD)]).await
    }

    async fn ended(&self, table: &str) {
        let past = acuse_store::now() - TimeDelta::seconds(1);
        outside::run(&self.url, &format!("UPDATE {table} SET ends_at = $1"), vec![past.into()]).await;
    }

    async fn invitations(&self) -> Attack {
        let mut row = Attack::new("invitation used twice, late, bent, by others", "410 or 422; nobody comes in");
        let mut owner = Browser::of(self.server, EMAIL).await;
        let used = self.invite(&mut owner, "a@cotopaxi.ec").await;
        row.tried(self.accept(&used).await.is(303), || "a good one opens nothing".to_owned());
        let again = self.accept(&used).await;
        row.tried(again.is(410), || format!("twice: {}", again.status));
        let at_once = self.invite(&mut owner, "b@cotopaxi.ec").await;
        let both: Vec<u16> = futures_util::future::join_all((0..6).map(|_| self.accept(&at_once)))
            .await
            .iter()
            .map(|page| page.status.as_u16())
            .collect();
        row.tried(both.iter().filter(|status| **status == 303).count() == 1, || format!("six at once: {both:?}"));
        let late = self.invite(&mut owner, "c@cotopaxi.ec").await;
        self.ended("invitation").await;
        let after = self.accept(&late).await;
        row.tried(after.is(410), || format!("after 72 hours: {}", after.status));
        let newer = self.invite(&mut owner, "c@cotopaxi.ec").await;
        let older = self.accept(&late).await;
        row.tried(older.is(410), || format!("replaced: {}", older.status));
        let declined = Browser::new(self.server).post(&format!("{newer}/rechazar"), &[]).await;
        let after = self.accept(&newer).await;
        row.tried(declined.is(200) && after.is(410), || format!("declined: {}", after.status));
        let good = self.invite(&mut owner, "d@cotopaxi.ec").await;
        for bent in [format!("{good}A"), good[..good.len() - 1].to_owned(), good.to_uppercase(), "/invitacion/%00".to_owned()] {
            let page = self.accept(&bent).await;
            row.tried(!page.status.is_redirection() && !page.status.is_server_error(), || format!("{bent}: {}", page.status));
        }
        row
    }

    /// For somebody who has a user, or is there already; and by people who let nobody in.
    async fn invited_by_who_may_not(&self) -> Attack {
        let mut row = Attack::new("invitation past a password, a role or a member", "422 or 403; the password stays");
        let path = format!("{USERS}/invitar");
        let mut owner = Browser::of(self.server, EMAIL).await;
        for email in [EMAIL, COLLEAGUE, "COLEGA@cotopaxi.ec"] {
            let page = owner.post(&path, &[("correo", email), ("rol", "viewer")]).await;
            row.tried(page.is(422), || format!("{email} is there: {}", page.status));
        }
        for role in ["operator", "", "owner,viewer", "OWNER"] {
            let page = owner.post(&path, &[("correo", "x@cotopaxi.ec"), ("rol", role)]).await;
            row.tried(page.is(422), || format!("role «{role}»: {}", page.status));
        }
        for email in [COLLEAGUE, "lee@cotopaxi.ec"] {
            let mut other = Browser::of(self.server, email).await;
            for act in ["/invitar", "/invitaciones/01890a5d-ac96-774b-bcce-b302099a8057/reenviar"] {
                let page = other.post(&format!("{USERS}{act}"), &[("correo", "amigo@malo.ec"), ("rol", "owner")]).await;
                row.tried(page.is(403), || format!("{email} {act}: {}", page.status));
            }
        }
        // Somebody comes in with this address, in another company: the link makes no new password.
        let sql =
            "INSERT INTO person (id, email, name, password_hash, created_at) SELECT $1, 'fuera@x.ec', 'Fuera', password_hash,
            created_at FROM person WHERE email = $2";
        outside::run(&self.url, sql, vec![uuid::Uuid::now_v7().into(), EMAIL.into()]).await;
        let link = self.invite(&mut owner, "fuera@x.ec").await;
        let sql = "INSERT INTO membership (company_id, person_id, role) SELECT c.id, p.id, 'viewer' FROM company c, person p
            WHERE p.email = 'fuera@x.ec'";
        outside::run(&self.url, sql, vec![]).await;
        let page = self.accept(&link).await;
        let old = Browser::new(self.server).log_in("fuera@x.ec", PASSWORD).await;
        row.tried(page.is(422) && old.is(303), || format!("who has a user: {}, then {}", page.status, old.status));
        row
    }

    /// Where the page of a member is.
    async fn member(&self, email: &str) -> String {
        let db = Db::open(&self.url).await.expect("the installation's database");
        let all = access::members_any_company(&db).await.expect("an answer");
        let found = all.iter().find(|member| member.email == email).expect("a member");
        format!("{USERS}/{}", found.user)
    }

    async fn choose(&self, link: &str) -> Page {
        Browser::new(self.server).post(link, &[("clave", NEW_PASSWORD)]).await
    }

    async fn resets(&self) -> Attack {
        let mut row = Attack::new("link to a new password twice, older, late, bent", "410; the password stays");
        let mut owner = Browser::of(self.server, EMAIL).await;
        let path = self.member(COLLEAGUE).await + "/clave";
        let (older, newer) = (self.shown_link(&mut owner, &path, &[]).await, self.shown_link(&mut owner, &path, &[]).await);
        let page = self.choose(&older).await;
        row.tried(page.is(410), || format!("older: {}", page.status));
        for bent in [format!("{newer}A"), newer.to_uppercase(), "/clave/null".to_owned()] {
            let page = self.choose(&bent).await;
            row.tried(page.is(410) || page.is(404), || format!("bent: {}", page.status));
        }
        self.ended("person_link").await;
        let page = self.choose(&newer).await;
        row.tried(page.is(410), || format!("after an hour: {}", page.status));
        let mut inside = Browser::of(self.server, COLLEAGUE).await;
        row.tried(inside.is_in().await, || "the password changed by a link that is over".to_owned());
        let good = self.shown_link(&mut owner, &path, &[]).await;
        let (once, twice) = (self.choose(&good).await, self.choose(&good).await);
        row.tried(once.is(200) && twice.is(410), || format!("twice: {}, {}", once.status, twice.status));
        row.tried(!inside.is_in().await, || "a session outlives the password".to_owned());
        row
    }

    async fn last_owner(&self) -> Attack {
        let mut row = Attack::new("the last owner removed, or made less", "refused; still owner");
        let mut owner = Browser::of(self.server, EMAIL).await;
        let own = self.member(EMAIL).await;
        for (act, fields) in [("/quitar", [("x", "y")]), ("", [("rol", "viewer")]), ("", [("entregar", "1")])] {
            let page = owner.post(&format!("{own}{act}"), &fields).await;
            let is_owner = owner.get(USERS).await.is(200);
            row.tried(is_owner, || format!("{act} {fields:?}: {} and no owner any more", page.status));
        }
        row
    }
}

/// With a mailbox: «La olvidé», and another address.
async fn by_mail(installation: &Installation) -> Vec<Attack> {
    let postbox = Postbox::open();
    let mut command = installation.command(&["serve"]);
    command
        .env("ACUSE_DEFAULT_MAIL_URL", format!("smtp://127.0.0.1:{}?security=none", postbox.port))
        .env("ACUSE_DEFAULT_MAIL_FROM", "avisos@servidor.ec")
        .env("ACUSE_TRUSTED_PROXIES", "127.0.0.1")
        .env("ACUSE_ALLOWED_PRIVATE_HOSTS", "127.0.0.1");
    let server = installation.start(command).await;
    vec![who_exists(&server).await, another_address(&server).await]
}

async fn ask_for_link(server: &Server, email: &str, source: &str) -> (Page, Duration) {
    let begun = Instant::now();
    let request = server.form("", "/clave-olvidada", &[("correo", email)]).header("x-forwarded-for", source);
    let answer = request.send().await.expect("an answer");
    let status = answer.status();
    let text = answer.text().await.unwrap_or_default().replace(email, "X");
    (Page { status, location: String::new(), text }, begun.elapsed())
}

async fn who_exists(server: &Server) -> Attack {
    let mut row = Attack::new("who exists, by «La olvidé»", "the same, in like time; then 429 for both");
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    for n in 0..6 {
        let (one, one_took) = ask_for_link(server, EMAIL, &format!("198.51.100.{n}")).await;
        let (other, other_took) = ask_for_link(server, "nadie@cotopaxi.ec", &format!("198.51.101.{n}")).await;
        let is_same = one.status == other.status && one.text == other.text;
        row.tried(is_same && one.is(if n < 3 { 200 } else { 429 }), || format!("{n}: {} and {}", one.status, other.status));
        known.push(one_took);
        unknown.push(other_took);
    }
    known.sort();
    unknown.sort();
    let (one, other) = (known[3], unknown[3]);
    row.tried(one < other * ALIKE && other < one * ALIKE, || format!("{one:?} and {other:?}"));
    row
}

async fn another_address(server: &Server) -> Attack {
    let mut row = Attack::new("another address without password or its word", "422; the old one enters");
    let mut owner = Browser::of(server, EMAIL).await;
    let new = "nueva@malo.ec";
    for password in ["", "no es esta", PASSWORD] {
        let asked = owner.post("/mi-cuenta/correo", &[("correo", new), ("clave", password), ("asi_es", new)]).await;
        let is_right = if password == PASSWORD { asked.is(200) } else { asked.is(422) };
        row.tried(is_right, || format!("«{password}»: {}", asked.status));
    }
    for guess in ["", "1", "null", "adivinado"] {
        let page = Browser::new(server).post(&format!("/correo/{guess}"), &[]).await;
        row.tried(page.is(410) || page.is(404), || format!("a guessed link: {}", page.status));
    }
    let entered = Browser::new(server).log_in(new, PASSWORD).await;
    row.tried(entered.is(422), || format!("with the address that nobody confirmed: {}", entered.status));
    let old = Browser::new(server).log_in(EMAIL, PASSWORD).await;
    row.tried(old.is(303), || format!("with the old one: {}", old.status));
    row
}

async fn first_start() -> Attack {
    let mut row = Attack::new("the first start's page, after the first person", "the login; nobody is made");
    let installation = Installation::empty();
    let said = installation.beside("said");
    let server = installation.start(installation.sh("exec \"$0\" serve >said")).await;
    let printed = std::fs::read_to_string(&said).expect("it was printed");
    let path = printed.trim().rsplit_once(&server.url).expect("a link").1.to_owned();
    let form = |email| [("ruc", RUC), ("razon", "Andina"), ("nombre", "Ana"), ("correo", email), ("clave", PASSWORD)];
    let guessed = Browser::new(&server).post("/primer-inicio/adivinado", &form("ladron@malo.ec")).await;
    let is_ahead = Browser::new(&server).get("/entrar").await.leads_to("/primer-inicio");
    row.tried(is_ahead, || format!("a guess made somebody: {}", guessed.status));
    let first = Browser::new(&server).post(&path, &form("ana@cotopaxi.ec")).await;
    row.tried(first.is(303), || format!("the first: {}", first.status));
    for path in [path.as_str(), "/primer-inicio/adivinado"] {
        Browser::new(&server).post(path, &form("ladron@malo.ec")).await;
        let entered = Browser::new(&server).log_in("ladron@malo.ec", PASSWORD).await;
        row.tried(entered.is(422), || format!("{path} made somebody: {}", entered.status));
        let page = Browser::new(&server).get(path).await;
        row.tried(page.leads_to("/entrar"), || format!("{path}: {} {}", page.status, page.location));
    }
    row
}
