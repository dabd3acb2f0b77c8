//! Nuevo token, and the one page that shows it.

use acuse_domain::Date;
use acuse_domain::access::Scope;
use acuse_domain::api_token::{Lifetime, NewToken, ends_soon};
use acuse_domain::id::TokenId;
use acuse_domain::input::api_token::{Field, TokenInput};
use acuse_domain::message::Message;
use acuse_store::idempotency::ClaimError;
use acuse_store::tokens::{self, Issued};
use askama::Template;
use axum::extract::Query;
use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::Form;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::{HERE, in_words};
use crate::web::carried::SHOW;
use crate::web::form_errors::FormErrors;
use crate::web::frame::Frame;
use crate::web::once::{new_key, once};
use crate::web::page::{Page, Section, refused, shown};
use crate::web::trouble::{self, Trouble};
use crate::web::{calendar, filters};

/// Each scope with its word and what it lets a program do.
const SCOPES: [(Scope, &str, &str); 4] = [
    (Scope::Read, "Leer", "personas, documentos, cobros, pagos, envíos"),
    (Scope::Record, "Registrar", "crear y anular; no envía correos"),
    (Scope::Send, "Enviar", "recibos y reenvíos, por las cuentas de la compañía"),
    (Scope::Configure, "Configurar", "datos y correos de la compañía; nunca lee contraseñas"),
];
/// What a program mostly needs.
const USUAL: [Scope; 3] = [Scope::Read, Scope::Record, Scope::Send];

#[derive(Template)]
#[template(path = "tokens/new.html")]
struct NewPage {
    page: Page,
    form: TokenForm,
    errors: FormErrors,
}

#[derive(Template)]
#[template(path = "tokens/made.html")]
struct MadePage {
    page: Page,
    new: NewToken,
    token: SecretString,
    public_url: String,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct TokenForm {
    clave: String,
    accion: String,
    nombre: String,
    puede: Vec<String>,
    /// `90d`, `1y`, or the day of `hasta`.
    vence: String,
    hasta: String,
    desde: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Wish {
    /// A token that this one takes the place of.
    como: String,
}

pub async fn ask(frame: Frame, Query(wish): Query<Wish>) -> Result<Response, Trouble> {
    let mut form = TokenForm { clave: new_key(), vence: "1y".to_owned(), ..TokenForm::default() };
    form.puede = USUAL.map(|scope| scope.as_str().to_owned()).into();
    if let Ok(id) = wish.como.parse::<TokenId>() {
        let like = tokens::find(&frame.app.db, frame.company(), id).await?.ok_or(Trouble::NotFound)?;
        form.puede = like.scopes.iter().map(|scope| scope.as_str().to_owned()).collect();
        (form.nombre, form.desde) = (like.name, like.networks.to_string());
    }
    Ok(shown(&NewPage::of(&frame, form, FormErrors::default()).await?))
}

pub async fn create(frame: Frame, Form(form): Form<TokenForm>) -> Result<Response, Trouble> {
    if form.accion == SHOW {
        return Ok(shown(&NewPage::of(&frame, form, FormErrors::default()).await?.typed()));
    }
    let now = acuse_store::now();
    let new = match form.read(calendar::today(now)) {
        Ok(new) => new,
        Err(errors) => return Ok(refused(&NewPage::of(&frame, form, errors).await?.typed())),
    };
    let once = once(&form.clave, format!("token {new:?}"));
    match tokens::issue(&frame.app.db, &frame.actor, &new, once.as_ref(), now).await {
        Ok(Issued::Now { token, .. }) => {
            let page = frame.page(Section::MiCompania).await?;
            Ok(shown(&MadePage { page, new, token, public_url: frame.app.public_url.clone() }))
        }
        Ok(Issued::Before(_)) => Ok(Redirect::to(&format!("{HERE}?hecho=antes")).into_response()),
        Err(ClaimError::KeyReused(_)) => Ok(trouble::not_understood()),
        Err(ClaimError::Store(error)) => Err(error.into()),
    }
}

impl TokenForm {
    fn read(&self, today: Date) -> Result<NewToken, FormErrors> {
        let input = TokenInput {
            name: self.nombre.clone(),
            scopes: self.puede.clone(),
            expires_on: self.last_day(today).map(Some),
            networks: self.desde.clone(),
        };
        input.read(today).map_err(|errors| FormErrors::of_input(errors, |field| self.id_of(field)))
    }

    fn last_day(&self, today: Date) -> Result<Date, Message> {
        // A day that was typed is meant, whatever the list beside it still says.
        let chosen = if self.hasta.trim().is_empty() { self.vence.as_str() } else { "" };
        match chosen {
            "90d" => Ok(Lifetime::NinetyDays.ends_on(today)),
            "1y" => Ok(Lifetime::Year.ends_on(today)),
            _ => calendar::parse_day(&self.hasta).map_err(Message::from),
        }
    }

    fn id_of(&self, field: Field) -> &'static str {
        match field {
            Field::Name => "nombre",
            Field::Scopes => "puede",
            Field::ExpiresOn => "hasta",
            Field::Networks => "desde",
        }
    }

    fn may(&self, scope: Scope) -> bool {
        self.puede.iter().any(|code| code == scope.as_str())
    }
}

impl NewPage {
    async fn of(frame: &Frame, form: TokenForm, errors: FormErrors) -> Result<Self, Trouble> {
        Ok(Self { page: frame.page(Section::MiCompania).await?.typing(), form, errors })
    }

    /// Given back as it was typed.
    fn typed(self) -> Self {
        Self { page: self.page.typed(), ..self }
    }

    fn scopes() -> [(Scope, &'static str, &'static str); 4] {
        SCOPES
    }

    /// What the list of lives offers, beside a day of one's own.
    fn lives(&self) -> [(&'static str, String); 2] {
        let ends = |life: Lifetime| calendar::day(life.ends_on(self.page.today()));
        [
            ("90d", format!("en 90 días, el {}", ends(Lifetime::NinetyDays))),
            ("1y", format!("en un año, el {}", ends(Lifetime::Year))),
        ]
    }
}

impl MadePage {
    fn token(&self) -> &str {
        self.token.expose_secret()
    }

    fn may(&self) -> String {
        in_words(&self.new.scopes)
    }

    fn end(&self) -> String {
        self.new.expires_on.map(calendar::day).unwrap_or_default()
    }

    fn ends_soon(&self) -> bool {
        self.new.expires_on.is_some_and(|day| ends_soon(day, self.page.now))
    }
}
