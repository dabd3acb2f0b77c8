//! The head of /openapi.json; its calls and shapes come from the handlers.

mod parameters;

use std::collections::BTreeMap;

use acuse_domain::access::Scope;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{ContentBuilder, PathItem, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{IntoResponses, Modify, OpenApi};

use crate::problem;
use crate::route::Access;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Acuse",
        version = "1",
        description = "Cobros y pagos, sus recibos por correo y lo que fue de cada envío.\n\n\
            Amounts are strings with two decimals, dates YYYY-MM-DD, instants RFC 3339 in UTC, ids UUIDv7. \
            Errors are RFC 9457 problems, in Spanish, or in English by Accept-Language. A POST that records something \
            takes an Idempotency-Key: the same request under the same key is carried out once in 24 hours. A GET of what can be \
            changed answers its ETag; a PATCH with that as If-Match is refused (412) once somebody else changed it. A call names \
            the scope that its token needs in `security`; one without takes any token. Answers to a token say how many calls are \
            left in `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers).",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    components(schemas(problem::Body)),
    security(("token" = [])),
    tags(
        (name = "company", description = "Mi compañía"),
        (name = "contacts", description = "Personas: clientes y proveedores"),
        (name = "documents", description = "Documentos por cobrar y por pagar"),
        (name = "payments", description = "Cobros y pagos"),
        (name = "deliveries", description = "Envíos"),
        (name = "mail", description = "Mi compañía › Correos"),
        (name = "token", description = "The token that a call is made with"),
        (name = "health", description = "For whoever runs it"),
    ),
    modifiers(&Token)
)]
struct Head;

pub(super) fn head() -> utoipa::openapi::OpenApi {
    Head::openapi()
}

struct Token;

impl Modify for Token {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let mut scheme = Http::new(HttpAuthScheme::Bearer);
        scheme.description = Some("`Authorization: Bearer acu_…`; a token belongs to one company.".to_owned());
        let components = document.components.get_or_insert_with(Default::default);
        components.add_security_scheme("token", SecurityScheme::Http(scheme));
    }
}

/// Says of each call what its handler does not: who may ask, and what its parameters take.
pub(super) fn complete(path: &mut PathItem, access: Access) {
    let security = scopes(access).map(|scopes| vec![SecurityRequirement::new("token", scopes)]);
    let PathItem { get, put, post, delete, options, head, patch, trace, .. } = path;
    for call in [get, put, post, delete, options, head, patch, trace].into_iter().flatten() {
        if security.is_some() {
            call.security.clone_from(&security);
        }
        call.parameters.iter_mut().flatten().for_each(parameters::describe);
    }
}

/// Those that a call's token needs, as OpenAPI 3.1 names roles of a scheme without scopes of its own; none where no token is
/// asked for.
fn scopes(access: Access) -> Option<Vec<&'static str>> {
    match access {
        // A page is no call.
        Access::Everybody | Access::LoggedIn => None,
        Access::AnyToken => Some(Vec::new()),
        Access::Holders(permission) => Some(Scope::of(permission).into_iter().map(Scope::as_str).collect()),
    }
}

/// What every call may answer instead of what was asked for.
pub struct Always;

impl IntoResponses for Always {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        refusals(&[
            ("401", "Token missing, unknown, revoked or expired"),
            ("403", "The token lacks the scope that `security` names (`scope_missing`), or is good only from other addresses"),
            ("409", "Not possible as things stand; `company_archived`: the company can only be read"),
            ("422", "A parameter or a path that has to be corrected, or a parameter that the call does not have"),
            ("429", "More calls than the token, or a network without one, may make; Retry-After says when to call again"),
            (
                "503",
                "The database does not answer, and Retry-After says when to try again; or it is damaged, and waiting does not help",
            ),
        ])
    }
}

/// Of a call that asks for nothing else.
pub struct BadAddress;

impl IntoResponses for BadAddress {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        refusals(&[("422", "An address that is too long, no UTF-8, or has a NUL")])
    }
}

/// Of a call that names something by its id.
pub struct NotFound;

impl IntoResponses for NotFound {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        refusals(&[("404", "There is no such thing in the company")])
    }
}

/// Of a call with a body.
pub struct BadInput;

impl IntoResponses for BadInput {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        refusals(&[
            ("400", "The body is not JSON, or If-Match is none"),
            ("413", "The body is larger than 1 MB"),
            ("415", "The body is of another type than JSON, compressed, or not in UTF-8"),
            ("422", "Fields or parameters that have to be corrected, or an Idempotency-Key used for another request"),
        ])
    }
}

/// Of a change that is not possible as things stand.
pub struct NotNow;

impl IntoResponses for NotNow {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        refusals(&[("409", "Not possible as things stand")])
    }
}

/// Of a change that is meant for one state of its record.
pub struct Stale;

impl IntoResponses for Stale {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        refusals(&[("412", "The record is no longer in the state that If-Match names: read it again")])
    }
}

/// Of a call that knocks at somebody's door.
pub struct Busy;

impl IntoResponses for Busy {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        refusals(&[(
            "429",
            "More calls than the token may make, or as many checks running as the company may have; Retry-After says when to try again",
        )])
    }
}

fn refusals(all: &[(&str, &str)]) -> BTreeMap<String, RefOr<Response>> {
    all.iter().map(|(status, when)| ((*status).to_owned(), RefOr::T(refusal(when)))).collect()
}

fn refusal(when: &str) -> Response {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    ResponseBuilder::new().description(when).content("application/problem+json", content).build()
}
