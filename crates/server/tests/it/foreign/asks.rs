//! Every request that takes an id, with the record's kind where the id stands: `/cobros/{Received}/anular`.

use acuse_domain::day_in_ecuador;
use acuse_server::{api, web};
use acuse_store::now;
use axum::http::Method;
use uuid::Uuid;

use super::owned::{Ids, Noun};

/// Whose id stands at a parameter of a path: the path's beginning, the parameter, and each kind that is tried.
const PARAMETERS: [(&str, &str, &[Noun]); 18] = [
    ("/personas/", "id", &[Noun::Customer, Noun::Supplier]),
    ("/documentos/", "id", &[Noun::Invoice, Noun::Bill]),
    ("/cobros/", "id", &[Noun::Received]),
    ("/cobros/", "envio", &[Noun::Queued, Noun::Failed]),
    ("/pagos/", "id", &[Noun::Made]),
    ("/pagos/", "envio", &[Noun::SentToSupplier]),
    ("/mi-compania/correos/", "id", &[Noun::MailAccount]),
    ("/mi-compania/usuarios/invitaciones/", "id", &[Noun::Invitation]),
    ("/mi-compania/usuarios/", "id", &[Noun::User]),
    ("/mi-compania/integraciones/", "id", &[Noun::Token]),
    ("/companias/", "id", &[Noun::Company]),
    ("/mi-cuenta/sesiones/", "id", &[Noun::Session]),
    ("/mi-cuenta/llaves/", "id", &[Noun::Passkey]),
    ("/api/v1/contacts/", "id", &[Noun::Customer, Noun::Supplier]),
    ("/api/v1/documents/", "id", &[Noun::Invoice, Noun::Bill]),
    ("/api/v1/payments/", "id", &[Noun::Received, Noun::Made]),
    ("/api/v1/deliveries/", "id", &[Noun::Queued, Noun::Failed, Noun::SentToSupplier]),
    ("/api/v1/mail-accounts/", "id", &[Noun::MailAccount]),
];
/// Parameters that name no record of a company: what is asked with instead, and why.
const NO_RECORDS: [(&str, &str, &str, &str); 7] = [
    ("/mi-compania/correos/", "provider", "google", "a provider; what comes back from it is bound to the session"),
    ("/demo/buzon/", "id", "1", "a mail that the demo caught, by its place in the mailbox; web/mailbox.rs"),
    ("/demo/buzon/", "place", "0", "an attachment of such a mail"),
    ("/invitacion/", "token", "nada", "a secret of whoever was invited"),
    ("/clave/", "token", "nada", "a secret of a person"),
    ("/correo/", "token", "nada", "a secret of a person"),
    ("/primer-inicio/", "token", "nada", "a secret of the operator"),
];
/// Ids in the query of a page or call.
const QUERIES: [&str; 26] = [
    "/personas?tras={Customer}",
    "/documentos?tras={Invoice}",
    "/documentos?lado=pagar&tras={Bill}",
    "/cobros?tras={Received}",
    "/pagos?tras={Made}",
    "/envios?estado=todos&tras={Queued}",
    "/documentos/nuevo?persona={Customer}",
    "/documentos/nuevo?lado=pagar&persona={Supplier}",
    "/cobros/nuevo?persona={Customer}",
    "/cobros/nuevo?copiar={Received}",
    "/pagos/nuevo?persona={Supplier}",
    "/pagos/nuevo?copiar={Made}",
    "/mi-compania/historial?quien={User}",
    "/mi-compania/historial?quien={Token}",
    "/mi-compania/historial.csv?quien={User}",
    "/mi-compania/integraciones/nuevo?como={Token}",
    "/api/v1/contacts?after={Customer}",
    "/api/v1/documents?after={Invoice}",
    "/api/v1/documents?contact_id={Customer}",
    "/api/v1/documents?contact_id={Supplier}",
    "/api/v1/payments?after={Received}",
    "/api/v1/payments?contact_id={Customer}",
    "/api/v1/payments?contact_id={Supplier}",
    "/api/v1/deliveries?after={Queued}",
    "/api/v1/deliveries?after={Failed}",
    "/api/v1/deliveries?after={SentToSupplier}",
];
/// Forms without an id in their path that carry ids: path and fields. `{key}` is the form's own, `{n}` a number, `{today}` today.
const FORMS: [(&str, &str); 15] = [
    (
        "/documentos/nuevo",
        "lado=cobrar&persona_id={Customer}&tipo=invoice&numero=5-5-{n}&emision={today}&vence={today}&total=10,00&clave={key}&accion=guardar",
    ),
    (
        "/documentos/nuevo",
        "lado=cobrar&persona_elegida={Customer}&tipo=invoice&numero=5-6-{n}&emision={today}&vence={today}&total=10,00&clave={key}&accion=guardar",
    ),
    (
        "/documentos/nuevo",
        "lado=cobrar&tambien={Supplier}&tipo=invoice&numero=5-7-{n}&emision={today}&vence={today}&total=10,00&clave={key}&accion=",
    ),
    ("/personas/nueva", "compania={Company}&tipo=cedula&nombre=&accion=guardar"),
    ("/envios", "envio={Queued}&accion=anular&clave={key}"),
    ("/envios", "envio={Failed}&accion=reintentar&clave={key}"),
    ("/envios", "uno={Failed}&accion=resolver&motivo=x&clave={key}"),
    (
        "/cobros/nuevo",
        "persona_id={Customer}&persona_antes={Customer}&fecha={today}&forma=transfer&cuenta=&numero={n}&fecha_forma=&valor=5,00&anticipo=&clave={key}&respondida=todo&accion=guardar",
    ),
    (
        "/cobros/nuevo",
        "elegida={Customer}&fecha={today}&forma=cash&cuenta=&numero=&fecha_forma=&valor=5,00&anticipo=&clave={key}&accion=forma",
    ),
    (
        "/cobros/nuevo",
        "persona_id={Customer}&persona_antes={Customer}&fecha={today}&forma=transfer&cuenta=&numero={n}&fecha_forma=&valor=5,00&anticipo=&documento={Invoice}&doc={Invoice}&abono=5,00&clave={key}&accion=guardar",
    ),
    (
        "/cobros/nuevo",
        "persona_id={Customer}&persona_antes={Customer}&fecha={today}&documento={Invoice}&marcados={Invoice}&doc={Invoice}&abono=5,00&clave={key}&accion=dejar",
    ),
    (
        "/cobros/nuevo",
        "persona_id={Customer}&persona_antes={Customer}&fecha={today}&forma=advance&cuenta=&numero=&fecha_forma=&valor=5,00&anticipo={Received}&documento={Invoice}&doc={Invoice}&abono=5,00&clave={key}&accion=guardar",
    ),
    ("/cobros/nuevo", "tambien={Supplier}&fecha={today}&clave={key}&accion="),
    (
        "/pagos/nuevo",
        "persona_id={Supplier}&persona_antes={Supplier}&fecha={today}&forma=transfer&cuenta=&numero={n}&fecha_forma=&valor=5,00&anticipo=&documento={Bill}&doc={Bill}&abono=5,00&clave={key}&accion=guardar",
    ),
    (
        "/pagos/nuevo",
        "persona_id={Supplier}&persona_antes={Supplier}&fecha={today}&forma=advance&cuenta=&numero=&fecha_forma=&valor=5,00&anticipo={Made}&clave={key}&accion=guardar",
    ),
];
/// Forms that carry none.
const FORMS_WITHOUT: [&str; 34] = [
    "/entrar",
    "/salir",
    "/tema",
    "/personas/nueva",
    "/demo/buzon",
    "/mi-compania/datos",
    "/mi-compania/logo",
    "/mi-compania/logo/quitar",
    "/mi-compania/correos",
    "/mi-compania/correos/si-falla",
    "/clave-olvidada",
    "/companias/nueva",
    "/entrar/llave",
    "/entrar/llave/reto",
    "/entrar/otra-vez",
    "/entrar/segundo-paso",
    "/mi-compania/archivar",
    "/mi-compania/eliminar",
    "/mi-compania/eliminar/cancelar",
    "/mi-compania/eliminar/confirmar",
    "/mi-compania/exportar",
    "/mi-compania/integraciones/nuevo",
    "/mi-compania/reabrir",
    "/mi-compania/segundo-paso",
    "/mi-compania/usuarios/invitar",
    "/mi-cuenta",
    "/mi-cuenta/clave",
    "/mi-cuenta/codigos",
    "/mi-cuenta/correo",
    "/mi-cuenta/llaves/nueva",
    "/mi-cuenta/llaves/reto",
    "/mi-cuenta/segundo-paso",
    "/mi-cuenta/segundo-paso/quitar",
    "/mi-cuenta/sesiones/cerrar-las-demas",
];
/// What is sent beside an id in the path, where the form asks for more than a button.
const FORMS_AT: [(&str, &str); 9] = [
    ("/personas/{id}/modificar", "tipo=cedula&numero=1710034065&nombre=Otra&cliente=1&accion=guardar"),
    ("/{id}/reenviar", "pide=recibo&para=nuevo@correo.ec&clave={key}"),
    ("/{id}/anular", "motivo=Duplicado&clave={key}"),
    ("/{envio}/corregir", "correo=nuevo@correo.ec"),
    ("/{envio}/resolver", "motivo=x&clave={key}"),
    ("/correos/{id}", "nombre=X&remitente=x@correo.ec&servidor=127.0.0.1&puerto=9&tls=none&usuario=&clave=&accion=guardar"),
    ("/usuarios/{id}", "rol=accountant"),
    ("/eliminar", "accion=eliminar"),
    ("/dominio", "accion=crear"),
];
/// Bodies of calls: method and path, and the body, in JSON.
const BODIES: [(&str, &str); 12] = [
    (
        "POST /api/v1/documents",
        r#"{"kind":"invoice","side":"receivable","contact_id":"{Customer}","number":"6-6-{n}","issue_date":"{day}","due_date":"{day}","total":"10.00"}"#,
    ),
    (
        "POST /api/v1/documents",
        r#"{"kind":"invoice","side":"payable","contact_id":"{Supplier}","number":"6-7-{n}","issue_date":"{day}","due_date":"{day}","total":"10.00"}"#,
    ),
    (
        "POST /api/v1/payments",
        r#"{"direction":"received","contact_id":"{Customer}","date":"{day}","lines":[{"method":"transfer","amount":"5.00","reference":"{n}"}],"allocations":[{"document_id":"{Invoice}","amount":"5.00"}],"notify":false}"#,
    ),
    (
        "POST /api/v1/payments",
        r#"{"direction":"received","contact_id":"{Customer}","date":"{day}","lines":[{"method":"advance","amount":"5.00","payment_id":"{Received}"}],"allocations":[{"document_id":"{Invoice}","amount":"5.00"}],"notify":false}"#,
    ),
    (
        "POST /api/v1/payments",
        r#"{"direction":"made","contact_id":"{Supplier}","date":"{day}","lines":[{"method":"transfer","amount":"5.00","reference":"{n}"}],"allocations":[{"document_id":"{Bill}","amount":"5.00"}],"notify":false}"#,
    ),
    ("POST /api/v1/payments/{id}/void", r#"{"reason":"Duplicado"}"#),
    ("POST /api/v1/payments/{id}/deliveries", r#"{"recipients":["nuevo@correo.ec"]}"#),
    ("POST /api/v1/deliveries/{id}/resolve", r#"{"reason":"x"}"#),
    ("PATCH /api/v1/contacts/{id}", r#"{"phone":"02"}"#),
    ("PATCH /api/v1/mail-accounts/{id}", r#"{"from_name":"X"}"#),
    ("POST /api/v1/mail-accounts/{id}/check", "{}"),
    ("POST /api/v1/mail-accounts/{id}/dkim", "{}"),
];
/// Calls with a body and without any id.
const BODIES_WITHOUT: [&str; 6] = [
    "POST /api/v1/contacts",
    "POST /api/v1/mail-accounts",
    "POST /api/v1/mail-accounts/check",
    "POST /api/v1/mail-accounts/discover",
    "PATCH /api/v1/company",
    "PATCH /api/v1/mail-routes",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Nothing,
    Form,
    Json,
}

/// A request, to be filled with ids.
#[derive(Debug, Clone)]
pub struct Ask {
    pub method: Method,
    pub path: String,
    pub kind: Kind,
    pub body: String,
}

impl Ask {
    fn get(path: &str) -> Self {
        Self { method: Method::GET, path: path.to_owned(), kind: Kind::Nothing, body: String::new() }
    }

    fn has(&self, noun: Noun) -> bool {
        let place = format!("{{{noun:?}}}");
        self.path.contains(&place) || self.body.contains(&place)
    }

    /// Which of its ids are another company's: each by itself, and all of them.
    pub fn foreign(&self) -> Vec<Vec<Noun>> {
        let own: Vec<Noun> = Noun::ALL.into_iter().filter(|noun| self.has(*noun)).collect();
        let mut sets: Vec<Vec<Noun>> = own.iter().map(|noun| vec![*noun]).collect();
        if own.len() > 1 {
            sets.push(own);
        }
        sets
    }

    /// Path and body; `key` is that of a form, and makes the numbers in it its own.
    pub fn filled(&self, ids: &Ids, key: Uuid) -> (String, String) {
        let today = day_in_ecuador(now());
        let number = key.as_u128() % 900_000_000 + 1;
        let fill = |text: &str| {
            let mut text = text.replace("{key}", &key.to_string()).replace("{n}", &number.to_string());
            text = text.replace("{today}", &today.format("%d/%m/%Y").to_string()).replace("{day}", &today.to_string());
            for noun in Noun::ALL {
                text = text.replace(&format!("{{{noun:?}}}"), &ids.of(noun).to_string());
            }
            text
        };
        (fill(&self.path), fill(&self.body))
    }
}

pub fn asks_of_pages() -> Vec<Ask> {
    let mut asks: Vec<Ask> = QUERIES.iter().filter(|path| !path.starts_with("/api/")).map(|path| Ask::get(path)).collect();
    for (path, body) in FORMS {
        asks.push(Ask { method: Method::POST, path: path.to_owned(), kind: Kind::Form, body: body.to_owned() });
    }
    for route in web::pages() {
        let kind = if route.method == Method::GET { Kind::Nothing } else { Kind::Form };
        let body = FORMS_AT.iter().find(|(end, _)| kind == Kind::Form && route.path.ends_with(end));
        let body = body.map_or_else(String::new, |(_, body)| (*body).to_owned());
        let ask = |path| Ask { method: route.method.clone(), path, kind, body: body.clone() };
        asks.extend(with_nouns(&route.path).into_iter().filter(|_| route.path.contains('{')).map(ask));
    }
    asks
}

pub fn asks_of_calls() -> Vec<Ask> {
    let mut asks: Vec<Ask> = QUERIES.iter().filter(|path| path.starts_with("/api/")).map(|path| Ask::get(path)).collect();
    for (path, call, _) in api::access() {
        let methods = [
            (Method::GET, call.get),
            (Method::POST, call.post),
            (Method::PATCH, call.patch),
            (Method::PUT, call.put),
            (Method::DELETE, call.delete),
        ];
        for (method, _) in methods.into_iter().filter(|(_, call)| call.is_some()) {
            let name = format!("{method} {path}");
            let mut bodies: Vec<&str> = BODIES.iter().filter(|(own, _)| *own == name).map(|(_, body)| *body).collect();
            if bodies.is_empty() {
                bodies.push("");
            }
            for body in bodies {
                let kind = if body.is_empty() { Kind::Nothing } else { Kind::Json };
                let ask = |path| Ask { method: method.clone(), path, kind, body: body.to_owned() };
                asks.extend(with_nouns(&path).into_iter().map(ask));
            }
        }
    }
    asks
}

/// The path with the kinds of records that its parameters name, in every combination.
fn with_nouns(path: &str) -> Vec<String> {
    let names = path.split('{').skip(1).filter_map(|rest| rest.split('}').next());
    let Some(parameter) = names.into_iter().find(|name| name.starts_with(char::is_lowercase)) else {
        return vec![path.to_owned()];
    };
    let place = format!("{{{parameter}}}");
    let is_it = |start: &str, name: &str| path.starts_with(start) && name == parameter;
    if let Some((_, _, value, _)) = NO_RECORDS.iter().find(|(start, name, _, _)| is_it(start, name)) {
        return with_nouns(&path.replace(&place, value));
    }
    let known = PARAMETERS.iter().find(|(start, name, _)| is_it(start, name));
    let (_, _, nouns) = known.unwrap_or_else(|| panic!("whose id is {place} of {path}? Say so in PARAMETERS of asks.rs"));
    nouns.iter().flat_map(|noun| with_nouns(&path.replace(&place, &format!("{{{noun:?}}}")))).collect()
}

pub fn is_known_form(path: &str) -> bool {
    FORMS.iter().any(|(own, _)| *own == path) || FORMS_WITHOUT.contains(&path)
}

pub fn is_known_call(name: &str) -> bool {
    BODIES.iter().any(|(own, _)| *own == name) || BODIES_WITHOUT.contains(&name)
}
