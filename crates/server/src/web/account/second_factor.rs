//! Activar el segundo paso, and the codes for a lost telephone; and whom a company asks for it.

use acuse_domain::access::SecondFactorRule;
use acuse_domain::message::messages;
use acuse_store::now;
use acuse_store::second_factor::{self, Changed, Proposal, SecondFactorError, recovery};
use askama::Template;
use axum::Form;
use axum::response::{IntoResponse, Redirect, Response};
use qrcodegen::{QrCode, QrCodeEcc};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::{AccountPage, Dialog};
use crate::web::filters;
use crate::web::frame::Frame;
use crate::web::login::second_step::WRONG_CODE;
use crate::web::page::{Page, Section, refused, shown};
use crate::web::trouble::Trouble;

const REQUIRED: &str = "Una de sus compañías pide el segundo paso: antes de quitarlo, agregue otro.";

/// A secret to be scanned or typed.
pub struct Proposed {
    pub sealed: String,
    pub key: String,
    pub picture: Picture,
    /// There is one already; it holds until the new one does.
    pub is_change: bool,
    /// The company that asks for it.
    pub asked: String,
}

/// The dark squares of a QR code as one path of an SVG.
pub struct Picture {
    pub size: i32,
    pub path: String,
}

impl Picture {
    fn of(text: &str) -> Option<Self> {
        let code = QrCode::encode_text(text, QrCodeEcc::Medium).ok()?;
        let mut path = String::new();
        for y in 0..code.size() {
            let mut x = 0;
            while x < code.size() {
                let from = x;
                while x < code.size() && code.get_module(x, y) {
                    x += 1;
                }
                match x - from {
                    0 => x += 1,
                    width => path.push_str(&format!("M{from} {y}h{width}v1h-{width}z")),
                }
            }
        }
        Some(Self { size: code.size(), path })
    }
}

impl Proposed {
    fn of(proposal: Proposal, page: &AccountPage) -> Option<Self> {
        Some(Self {
            picture: Picture::of(proposal.url.expose_secret())?,
            sealed: proposal.sealed,
            key: proposal.key.expose_secret().to_owned(),
            is_change: page.standing.authenticator_since.is_some(),
            asked: if page.standing.is_on() { String::new() } else { page.asking() },
        })
    }
}

async fn proposed(frame: &Frame, proposal: Proposal) -> Result<AccountPage, Trouble> {
    let page = AccountPage::load(frame).await?;
    let proposed = Proposed::of(proposal, &page).ok_or(Trouble::NotFound)?;
    Ok(page.over(Dialog::Authenticator(proposed)))
}

pub async fn ask(frame: Frame) -> Result<Response, Trouble> {
    let proposal = second_factor::propose(&frame.app.keys, &frame.actor, frame.email(), now()).map_err(trouble)?;
    Ok(shown(&proposed(&frame, proposal).await?))
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct CodeForm {
    propuesta: String,
    codigo: String,
}

pub async fn activate(frame: Frame, Form(form): Form<CodeForm>) -> Result<Response, Trouble> {
    let (app, by, token) = (&frame.app, &frame.actor, frame.session_token());
    if form.codigo.trim().is_empty() {
        return wrong_code(&frame, &form, String::from(messages::step_code_missing())).await;
    }
    let typed = (form.propuesta.as_str(), form.codigo.as_str());
    match second_factor::activate(&app.db, by, &app.keys, typed, &token, app.post(), now()).await {
        Ok(changed) => codes_or(&frame, changed, "segundo-paso").await,
        Err(SecondFactorError::WrongCode) => wrong_code(&frame, &form, WRONG_CODE.to_owned()).await,
        // The page lay open for too long: another secret.
        Err(SecondFactorError::Stale) => Ok(Redirect::to("/mi-cuenta/segundo-paso").into_response()),
        Err(error) => Err(trouble(error)),
    }
}

/// The same secret again.
async fn wrong_code(frame: &Frame, form: &CodeForm, words: String) -> Result<Response, Trouble> {
    let again = second_factor::propose_again(&frame.app.keys, &frame.actor, frame.email(), &form.propuesta, now());
    match again {
        Ok(again) => Ok(refused(&proposed(frame, again).await?.refusing_secret("codigo", words))),
        // The page lay open for too long: another secret.
        Err(SecondFactorError::Stale) => Ok(Redirect::to("/mi-cuenta/segundo-paso").into_response()),
        Err(error) => Err(trouble(error)),
    }
}

/// The codes for a lost telephone, where there are new ones; else back to the page.
pub(super) async fn codes_or(frame: &Frame, changed: Changed, done: &str) -> Result<Response, Trouble> {
    let session = changed.session.as_ref();
    if changed.codes.is_empty() {
        return Ok(frame.renewed(session, Redirect::to(&format!("/mi-cuenta?hecho={done}"))));
    }
    let page = CodesPage::of(frame, &changed.codes, Codes::First, super::done(done)).await?;
    Ok(frame.renewed(session, shown(&page)))
}

#[derive(Template)]
#[template(path = "account/codes.html")]
struct CodesPage {
    page: Page,
    codes: Vec<String>,
    which: Codes,
    email: String,
    done: &'static str,
}

/// Whether there were codes before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Codes {
    First,
    InsteadOfOthers,
}

impl CodesPage {
    async fn of(frame: &Frame, codes: &[SecretString], which: Codes, done: &'static str) -> Result<Self, Trouble> {
        let codes = codes.iter().map(|code| code.expose_secret().to_owned()).collect();
        Ok(Self { page: frame.page(Section::MiCuenta).await?, codes, which, email: frame.email().to_owned(), done })
    }
}

pub async fn renew_codes(frame: Frame) -> Result<Response, Trouble> {
    let codes = recovery::renew(&frame.app.db, &frame.actor, frame.app.post(), now()).await.map_err(trouble)?;
    Ok(shown(&CodesPage::of(&frame, &codes, Codes::InsteadOfOthers, "").await?))
}

pub async fn turn_off(frame: Frame) -> Result<Response, Trouble> {
    let (app, token) = (&frame.app, frame.session_token());
    match second_factor::turn_off(&app.db, &frame.actor, &token, app.post(), now()).await {
        Ok(changed) => Ok(frame.renewed(changed.session.as_ref(), Redirect::to("/mi-cuenta?hecho=sin-segundo-paso"))),
        Err(error) => refuse(&frame, error).await,
    }
}

pub(super) async fn refuse(frame: &Frame, error: SecondFactorError) -> Result<Response, Trouble> {
    match error {
        SecondFactorError::Required => Ok(refused(&AccountPage::load(frame).await?.refusing("", REQUIRED))),
        // It is off already, pressed twice.
        SecondFactorError::Off => Ok(Redirect::to(super::HERE).into_response()),
        error => Err(trouble(error)),
    }
}

pub(super) fn trouble(error: SecondFactorError) -> Trouble {
    match error {
        SecondFactorError::Store(error) => Trouble::Store(error),
        SecondFactorError::Seal(error) => Trouble::Store(error.into()),
        SecondFactorError::SessionOver => Trouble::SessionOver,
        _ => Trouble::NotFound,
    }
}

/// Whom the company asks for a second step, as a part of the page of its users.
#[derive(Template)]
#[template(path = "company/_second_factor.html")]
pub struct Requirement {
    pub rule: SecondFactorRule,
}

impl askama::filters::HtmlSafe for Requirement {}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct RuleForm {
    exigir: String,
}

/// Where it was asked from: the page of the company's users.
const USERS: &str = "/mi-compania/usuarios";

pub async fn require(frame: Frame, Form(form): Form<RuleForm>) -> Result<Response, Trouble> {
    let Some(rule) = SecondFactorRule::parse(&form.exigir) else { return Err(Trouble::NotFound) };
    second_factor::require(&frame.app.db, &frame.actor, rule, now()).await?;
    Ok(Redirect::to(USERS).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_the_code_square_by_square() {
        let picture = Picture::of("otpauth://totp/Acuse:ana@andina.ec?secret=JBSWY3DPEHPK3PXP").expect("a code");
        let code =
            QrCode::encode_text("otpauth://totp/Acuse:ana@andina.ec?secret=JBSWY3DPEHPK3PXP", QrCodeEcc::Medium).expect("a code");
        let dark =
            (0..code.size()).flat_map(|y| (0..code.size()).map(move |x| (x, y))).filter(|(x, y)| code.get_module(*x, *y)).count();
        let drawn: usize = picture
            .path
            .split('M')
            .skip(1)
            .map(|run| run.split(['h', 'v']).nth(1).expect("a width").parse::<usize>().expect("a number"))
            .sum();
        assert_eq!((picture.size, drawn), (code.size(), dark));
    }

    #[test]
    fn the_form_shows_what_holds() {
        let html = Requirement { rule: SecondFactorRule::Owners }.render().expect("it renders");
        assert!(html.contains(r#"value="owners" checked"#) && !html.contains(r#"value="nobody" checked"#), "{html}");
    }
}
