//! Every form says for which company it was made: a page that stays open in another tab does not act in the company that its
//! person has entered since. It is written into the forms of every page here, and read here; no template knows of it
//! (docs/decisions/0028).

use acuse_domain::id::CompanyId;
use acuse_store::{companies, memberships};
use askama::Template;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::Response;
use http_body::Body as _;
use percent_encoding::percent_decode_str;

use crate::access::Caller;
use crate::app::App;
use crate::cookies;
use crate::web::carried::{self, Carried};
use crate::web::filters;
use crate::web::page::{Theme, with_status};
use crate::web::trouble;

/// The hidden field, and the parameter of a form's address where the form is a file.
pub const FIELD: &str = "compania";
/// As much as a page takes (bytes).
const LARGEST: usize = 1024 * 1024;
/// Tells a script that swaps parts of a page that this is no such part.
const OF_ANOTHER: HeaderName = HeaderName::from_static("acuse-otra-compania");
const FORM: &str = "application/x-www-form-urlencoded";

/// The company that a form was made for, and the form.
pub struct MadeFor {
    pub company: CompanyId,
    /// Where it was sent and what was typed, where that is not too much to travel along.
    carried: Option<Carried>,
}

/// For which company a form was made. None where it does not say: no page of ours sends such a one.
pub async fn of(request: Request) -> Result<(Request, Option<MadeFor>), Response> {
    if request.method() != Method::POST {
        return Ok((request, None));
    }
    if let Some(company) = request.uri().query().and_then(|query| field_in(query.as_bytes())) {
        return Ok((request, Some(MadeFor { company, carried: None })));
    }
    let kind = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !kind.starts_with(FORM) {
        return Ok((request, None));
    }
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, LARGEST).await else {
        return Err(trouble::refused_with(StatusCode::PAYLOAD_TOO_LARGE));
    };
    let to = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let made_for = field_in(&body).map(|company| {
        let carried = (body.len() <= carried::LARGEST).then(|| Carried::of(to, &body));
        MadeFor { company, carried }
    });
    Ok((Request::from_parts(parts, Body::from(body)), made_for))
}

/// The field's value in `name=value&…`.
fn field_in(encoded: &[u8]) -> Option<CompanyId> {
    let encoded = std::str::from_utf8(encoded).ok()?;
    let own = |pair: &str| pair.strip_prefix(FIELD)?.strip_prefix('=').map(ToOwned::to_owned);
    let value = encoded.split('&').find_map(own)?;
    percent_decode_str(&value).decode_utf8().ok()?.parse().ok()
}

#[derive(Template)]
#[template(path = "companies/other_company.html")]
struct OtherCompany {
    theme: Theme,
    /// In which they are.
    here: String,
    /// For which the form was made, if they may still enter it.
    there: Option<(CompanyId, String)>,
    carried: Option<Carried>,
}

/// Nothing was done: they are in another company now. Whoever still belongs to the form's is led there, and finds it as it was
/// typed.
pub async fn refuse(app: &App, caller: &Caller, headers: &HeaderMap, made_for: MadeFor) -> Response {
    let Some(session) = &caller.session else { return trouble::not_found() };
    let found = async {
        let here = companies::find(&app.db, caller.actor.company).await?;
        let theirs = memberships::list_any_company(&app.db, session.user).await?;
        Ok::<_, acuse_store::StoreError>((here, theirs))
    };
    let (here, theirs) = match found.await {
        Ok(found) => found,
        Err(error) => return trouble::store_failed(&error),
    };
    let there = theirs.into_iter().find(|one| one.company == made_for.company);
    let page = OtherCompany {
        theme: Theme::from_cookie(cookies::find(headers, Theme::COOKIE).as_deref()),
        here: here.map(|here| here.known_as().to_owned()).unwrap_or_default(),
        carried: made_for.carried.filter(|_| there.is_some()),
        there: there.map(|there| (there.company, there.known_as().to_owned())),
    };
    let mut answer = with_status(StatusCode::CONFLICT, &page);
    answer.headers_mut().insert(OF_ANOTHER, HeaderValue::from_static("si"));
    answer
}

/// A page with the company in each of its forms. Other answers are left as they are.
pub async fn written_into(answer: Response, company: CompanyId) -> Response {
    let is_page = answer.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    let Some(length) = answer.body().size_hint().exact().filter(|_| is_page) else { return answer };
    let (mut parts, body) = answer.into_parts();
    let Ok(bytes) = to_bytes(body, usize::try_from(length).unwrap_or(usize::MAX)).await else {
        return trouble::refused_with(StatusCode::INTERNAL_SERVER_ERROR);
    };
    let body = match std::str::from_utf8(&bytes) {
        Ok(html) if html.contains("<form") => Body::from(with_field(html, company)),
        _ => Body::from(bytes),
    };
    parts.headers.remove(CONTENT_LENGTH);
    Response::from_parts(parts, body)
}

fn with_field(html: &str, company: CompanyId) -> String {
    let mut written = String::with_capacity(html.len() + 2048);
    let (begins, in_an_address) = (format!(r#"<input type="hidden" name="{FIELD}""#), format!("{FIELD}="));
    let mut rest = html;
    while let Some(at) = rest.find("<form") {
        let (before, form) = rest.split_at(at);
        let (tag, after) = form.split_at(form.find('>').map_or(form.len(), |end| end + 1));
        written.push_str(before);
        // A page that was drawn after its person went to another company says that one already.
        if !tag.contains("method=\"post\"") || tag.contains(&in_an_address) || after.starts_with(&begins) {
            written.push_str(tag);
        } else if tag.contains("multipart/form-data") {
            written.push_str(&in_address(tag, company));
        } else {
            written.push_str(tag);
            written.push_str(&format!(r#"<input type="hidden" name="{FIELD}" value="{company}">"#));
        }
        rest = after;
    }
    written.push_str(rest);
    written
}

/// A file is not looked through for a field: its form says it in its address.
fn in_address(tag: &str, company: CompanyId) -> String {
    let Some((before, after)) = tag.split_once("action=\"") else { return tag.to_owned() };
    let Some((address, after)) = after.split_once('"') else { return tag.to_owned() };
    let sign = if address.contains('?') { "&#38;" } else { "?" };
    format!("{before}action=\"{address}{sign}{FIELD}={company}\"{after}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_that_act_say_their_company_and_others_are_left_alone() {
        let company = CompanyId(uuid::Uuid::from_u128(7));
        let html = r#"<form action="/a" method="get"></form><form action="/b" method="post"><p>x</p></form>
            <form action="/c" method="post" enctype="multipart/form-data"></form>"#;
        let written = with_field(html, company);
        let field = format!(r#"<input type="hidden" name="compania" value="{company}">"#);
        assert_eq!(written.matches("compania").count(), 2);
        assert!(written.contains(&format!(r#"<form action="/b" method="post">{field}<p>x</p>"#)), "{written}");
        assert!(written.contains(&format!(r#"action="/c?compania={company}""#)), "{written}");
        assert_eq!(with_field("<form", company), "<form");
        assert_eq!(with_field(&written, CompanyId(uuid::Uuid::nil())), written, "what is said is not said again");
    }

    #[test]
    fn the_company_is_read_wherever_it_stands() {
        let company = CompanyId(uuid::Uuid::from_u128(7));
        for form in [format!("compania={company}&a=b"), format!("a=b&compania={company}"), format!("compania={company}")] {
            assert_eq!(field_in(form.as_bytes()), Some(company), "{form}");
        }
        for none in ["", "companias=x", "compania=", "compania=%FF", "xcompania=00000000-0000-0000-0000-000000000007"] {
            assert_eq!(field_in(none.as_bytes()), None, "{none}");
        }
    }
}
