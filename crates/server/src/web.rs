//! The pages, for a person with a browser. Forms come in, pages go out; what they do is the store's acts.

pub mod account;
pub mod address_change;
pub mod audit;
pub mod calendar;
pub mod carried;
pub mod companies;
pub mod company;
pub mod conflict;
pub mod contacts;
pub mod counted;
pub mod date_range;
pub mod deliveries;
pub mod documents;
pub mod door;
pub mod filters;
pub mod first_start;
pub mod form_errors;
pub mod frame;
pub mod home;
pub mod invitation;
pub mod login;
pub mod mail_accounts;
pub mod mailbox;
pub mod once;
pub mod page;
pub mod pager;
pub mod password_reset;
pub mod path_id;
pub mod payments;
pub mod slips;
pub mod sort;
pub mod state_mark;
pub mod tokens;
pub mod trail;
pub mod trouble;
pub mod users;

use axum::Router;

use crate::app::App;
use crate::route::Access::{Everybody, LoggedIn};
use crate::route::{Route, get, post};
use acuse_domain::access::Permission::{
    CloseCompany, ConfigureCompany, KeepContacts, KeepDocuments, ManageTokens, ManageUsers, RecordPayments, SendReceipts,
    ViewAudit, ViewRecords, VoidOwnPayments,
};
use company::{LARGEST_LOGO_FORM, closing};
use mail_accounts::connect;

/// An address, a password, a path to go back to, and the form that waits for the login (bytes).
const LARGEST_FORM_OF_STRANGERS: usize = 16 * 1024 + carried::LARGEST_ENCODED;

pub fn router(app: &App) -> Router<App> {
    let add = |all: Router<App>, route: Route| all.route(&route.path.clone(), route.guarded(app));
    pages().into_iter().fold(Router::new(), add)
}

/// Every page and every form, and who may ask for it.
#[must_use]
pub fn pages() -> Vec<Route> {
    let mut all = vec![
        get("/", ViewRecords, home::show),
        get("/personas", ViewRecords, contacts::list::list),
        get("/personas/buscar", ViewRecords, contacts::search::suggest),
        get("/personas/nueva", KeepContacts, contacts::save::ask_new),
        post("/personas/nueva", KeepContacts, contacts::save::create),
        get("/personas/{id}", ViewRecords, contacts::show::show),
        get("/personas/{id}/modificar", KeepContacts, contacts::save::ask_change),
        post("/personas/{id}/modificar", KeepContacts, contacts::save::change),
        get("/documentos", ViewRecords, documents::list::list),
        get("/documentos/nuevo", KeepDocuments, documents::new::ask),
        post("/documentos/nuevo", KeepDocuments, documents::new::create),
        get("/documentos/{id}", ViewRecords, documents::show::show),
        get("/envios", ViewRecords, deliveries::list),
        post("/envios", SendReceipts, deliveries::act),
        get("/demo/buzon", ViewRecords, mailbox::list),
        post("/demo/buzon", SendReceipts, mailbox::empty),
        get("/demo/buzon/{id}", ViewRecords, mailbox::open),
        get("/demo/buzon/{id}/html", ViewRecords, mailbox::html),
        get("/demo/buzon/{id}/adjuntos/{place}", ViewRecords, mailbox::attachment),
        get("/demo/buzon/{id}/original", ViewRecords, mailbox::original),
        get("/mi-compania/datos", ViewRecords, company::profile),
        post("/mi-compania/datos", ConfigureCompany, company::change),
        get("/mi-compania/logo", ViewRecords, company::logo),
        post("/mi-compania/logo", ConfigureCompany, company::upload_logo).up_to(LARGEST_LOGO_FORM),
        post("/mi-compania/logo/quitar", ConfigureCompany, company::remove_logo),
        get("/mi-compania/historial", ViewAudit, audit::list),
        get("/mi-compania/historial.csv", ViewAudit, audit::export::download),
    ];
    all.extend(for_everybody());
    all.extend(user_pages());
    all.extend(by_a_link());
    all.extend(of_whoever_is_logged_in());
    all.extend(closing_a_company());
    all.extend(mail_account_pages());
    all.extend(account_pages());
    all.extend(token_pages());
    all.extend(["/cobros", "/pagos"].into_iter().flat_map(payments_at));
    all
}

/// What needs no login, and takes no more than it needs; and what only leads to a page that asks.
fn for_everybody() -> [Route; 12] {
    [
        get("/entrar", Everybody, login::ask),
        post("/entrar", Everybody, login::log_in).up_to(LARGEST_FORM_OF_STRANGERS),
        post("/salir", Everybody, login::log_out).up_to(LARGEST_FORM_OF_STRANGERS),
        post("/tema", Everybody, login::choose_theme).up_to(LARGEST_FORM_OF_STRANGERS),
        get("/entrar/segundo-paso", Everybody, login::second_step::ask),
        post("/entrar/segundo-paso", Everybody, login::second_step::answer).up_to(LARGEST_FORM_OF_STRANGERS),
        get("/entrar/otra-vez", Everybody, login::again::ask),
        post("/entrar/otra-vez", Everybody, login::again::confirm).up_to(LARGEST_FORM_OF_STRANGERS),
        post("/entrar/llave", Everybody, login::key::log_in).up_to(LARGEST_FORM_OF_STRANGERS),
        post("/entrar/llave/reto", Everybody, login::key::challenge).up_to(LARGEST_FORM_OF_STRANGERS),
        get("/mi-compania", Everybody, mail_accounts::start),
        get("/mi-compania/correos/si-falla", Everybody, mail_accounts::start),
    ]
}

/// Who comes in, and as what.
fn user_pages() -> [Route; 12] {
    [
        get("/mi-compania/usuarios", ManageUsers, users::list),
        get("/mi-compania/usuarios/invitar", ManageUsers, users::invite::ask),
        post("/mi-compania/usuarios/invitar", ManageUsers, users::invite::send).after_recent_login(),
        post("/mi-compania/usuarios/invitaciones/{id}/reenviar", ManageUsers, users::invite::resend).after_recent_login(),
        post("/mi-compania/usuarios/invitaciones/{id}/retirar", ManageUsers, users::invite::withdraw),
        get("/mi-compania/usuarios/{id}", ManageUsers, users::member::show),
        post("/mi-compania/usuarios/{id}", ManageUsers, users::member::change).after_recent_login(),
        get("/mi-compania/usuarios/{id}/quitar", ManageUsers, users::member::ask_remove),
        post("/mi-compania/usuarios/{id}/quitar", ManageUsers, users::member::remove).after_recent_login(),
        post("/mi-compania/usuarios/{id}/clave", ManageUsers, users::member::reset).after_recent_login(),
        get("/mi-cuenta/correo", ViewRecords, address_change::ask),
        post("/mi-cuenta/correo", ViewRecords, address_change::send).after_recent_login(),
    ]
}

/// What a link opens that somebody was given, and what asks for one.
fn by_a_link() -> [Route; 13] {
    [
        get("/invitacion/{token}", Everybody, invitation::show),
        post("/invitacion/{token}", Everybody, invitation::accept).up_to(LARGEST_FORM_OF_STRANGERS),
        get("/invitacion/{token}/rechazar", Everybody, invitation::ask_decline),
        post("/invitacion/{token}/rechazar", Everybody, invitation::decline).up_to(LARGEST_FORM_OF_STRANGERS),
        get("/clave-olvidada", Everybody, password_reset::ask),
        post("/clave-olvidada", Everybody, password_reset::send).up_to(LARGEST_FORM_OF_STRANGERS),
        get("/clave/{token}", Everybody, password_reset::choose),
        post("/clave/{token}", Everybody, password_reset::change).up_to(LARGEST_FORM_OF_STRANGERS),
        get("/correo/{token}", Everybody, address_change::confirm),
        post("/correo/{token}", Everybody, address_change::act).up_to(LARGEST_FORM_OF_STRANGERS),
        get("/primer-inicio", Everybody, first_start::wait),
        get("/primer-inicio/{token}", Everybody, first_start::ask),
        post("/primer-inicio/{token}", Everybody, first_start::found).up_to(LARGEST_FORM_OF_STRANGERS),
    ]
}

/// What is a person's own, in whichever of their companies they are.
fn of_whoever_is_logged_in() -> [Route; 4] {
    [
        get("/companias", LoggedIn, companies::list::show),
        get("/companias/nueva", LoggedIn, companies::new::ask),
        post("/companias/nueva", LoggedIn, companies::new::create),
        post("/companias/{id}/entrar", LoggedIn, companies::enter).up_to(LARGEST_FORM_OF_STRANGERS),
    ]
}

/// These outlast the archiving.
fn closing_a_company() -> [Route; 6] {
    [
        post("/mi-compania/exportar", CloseCompany, closing::export).after_recent_login(),
        post("/mi-compania/archivar", CloseCompany, closing::archive),
        post("/mi-compania/reabrir", CloseCompany, closing::reopen),
        post("/mi-compania/eliminar", CloseCompany, closing::ask_deletion).after_recent_login(),
        post("/mi-compania/eliminar/cancelar", CloseCompany, closing::cancel_deletion),
        post("/mi-compania/eliminar/confirmar", CloseCompany, closing::confirm_deletion).after_recent_login(),
    ]
}

/// What is everybody's own. What opens the account is changed after a recent login alone.
fn account_pages() -> [Route; 14] {
    [
        get("/mi-cuenta", ViewRecords, account::show),
        post("/mi-cuenta", ViewRecords, account::change),
        post("/mi-cuenta/clave", ViewRecords, account::change_password),
        get("/mi-cuenta/segundo-paso", ViewRecords, account::second_factor::ask).after_recent_login(),
        post("/mi-cuenta/segundo-paso", ViewRecords, account::second_factor::activate).after_recent_login(),
        post("/mi-cuenta/segundo-paso/quitar", ViewRecords, account::second_factor::turn_off).after_recent_login(),
        post("/mi-cuenta/codigos", ViewRecords, account::second_factor::renew_codes).after_recent_login(),
        get("/mi-cuenta/llaves/nueva", ViewRecords, account::keys::ask).after_recent_login(),
        post("/mi-cuenta/llaves/nueva", ViewRecords, account::keys::add).after_recent_login(),
        post("/mi-cuenta/llaves/reto", ViewRecords, account::keys::challenge).after_recent_login(),
        post("/mi-cuenta/llaves/{id}/quitar", ViewRecords, account::keys::remove).after_recent_login(),
        post("/mi-cuenta/sesiones/{id}/cerrar", ViewRecords, account::end_session),
        post("/mi-cuenta/sesiones/cerrar-las-demas", ViewRecords, account::end_other_sessions),
        post("/mi-compania/segundo-paso", ManageUsers, account::second_factor::require).after_recent_login(),
    ]
}

fn mail_account_pages() -> [Route; 20] {
    [
        get("/mi-compania/correos", ViewRecords, mail_accounts::list),
        post("/mi-compania/correos", ConfigureCompany, mail_accounts::create).after_recent_login(),
        get("/mi-compania/correos/nueva", ConfigureCompany, mail_accounts::new).after_recent_login(),
        post("/mi-compania/correos/conectar/{provider}", ConfigureCompany, connect::start).after_recent_login(),
        get("/mi-compania/correos/oauth/{provider}", ConfigureCompany, connect::back),
        post("/mi-compania/correos/oauth/{provider}/confirmar", ConfigureCompany, connect::confirm),
        post("/mi-compania/correos/si-falla", ConfigureCompany, mail_accounts::policy::change),
        get("/mi-compania/correos/{id}", ConfigureCompany, mail_accounts::edit).after_recent_login(),
        post("/mi-compania/correos/{id}", ConfigureCompany, mail_accounts::change).after_recent_login(),
        post("/mi-compania/correos/{id}/conectar", ConfigureCompany, connect::again).after_recent_login(),
        get("/mi-compania/correos/{id}/probar", Everybody, mail_accounts::back_to_form),
        post("/mi-compania/correos/{id}/probar", ConfigureCompany, mail_accounts::try_saved),
        post("/mi-compania/correos/{id}/predeterminado", ConfigureCompany, mail_accounts::policy::send_waiting),
        post("/mi-compania/correos/{id}/desactivar", ConfigureCompany, mail_accounts::disable),
        post("/mi-compania/correos/{id}/activar", ConfigureCompany, mail_accounts::enable),
        get("/mi-compania/correos/{id}/eliminar", ConfigureCompany, mail_accounts::ask_delete),
        post("/mi-compania/correos/{id}/eliminar", ConfigureCompany, mail_accounts::delete),
        get("/mi-compania/correos/{id}/dominio", ViewRecords, mail_accounts::domain::show),
        post("/mi-compania/correos/{id}/dominio", ConfigureCompany, mail_accounts::domain::act),
        get("/mi-compania/correos/{id}/dominio/resumen", ViewRecords, mail_accounts::domain::summary),
    ]
}

fn token_pages() -> [Route; 5] {
    [
        get("/mi-compania/integraciones", ManageTokens, tokens::list),
        get("/mi-compania/integraciones/nuevo", ManageTokens, tokens::new::ask),
        post("/mi-compania/integraciones/nuevo", ManageTokens, tokens::new::create).after_recent_login(),
        get("/mi-compania/integraciones/{id}/revocar", ManageTokens, tokens::ask_revoke),
        post("/mi-compania/integraciones/{id}/revocar", ManageTokens, tokens::revoke),
    ]
}

/// The two books have the same pages.
fn payments_at(book: &str) -> [Route; 14] {
    let at = |path: &str| format!("{book}{path}");
    [
        get(book, ViewRecords, payments::list::list),
        get(at("/nuevo"), RecordPayments, payments::new::ask),
        post(at("/nuevo"), RecordPayments, payments::new::submit),
        get(at("/{id}"), ViewRecords, payments::show::show),
        get(at("/{id}/recibo.pdf"), ViewRecords, payments::pdf::receipt),
        get(at("/{id}/reenviar"), SendReceipts, payments::show::ask_resend),
        post(at("/{id}/reenviar"), SendReceipts, payments::act::resend),
        get(at("/{id}/anular"), VoidOwnPayments, payments::show::ask_void),
        post(at("/{id}/anular"), VoidOwnPayments, payments::act::void),
        get(at("/{id}/envios"), ViewRecords, payments::show::sends),
        post(at("/{id}/envios/{envio}/corregir"), SendReceipts, payments::act::correct),
        post(at("/{id}/envios/{envio}/reintentar"), SendReceipts, payments::act::retry),
        post(at("/{id}/envios/{envio}/anular"), SendReceipts, payments::act::cancel),
        post(at("/{id}/envios/{envio}/resolver"), SendReceipts, payments::act::resolve),
    ]
}
