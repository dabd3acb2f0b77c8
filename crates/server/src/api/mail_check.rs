//! Probar: an account is tried phase by phase, saved or not.

use acuse_domain::email_address::EmailAddress;
use acuse_domain::id::{CompanyId, MailAccountId};
use acuse_domain::input::mail_account::{AccountInput, ValidAccount};
use acuse_domain::input::optional_address;
use acuse_domain::mail_account::{LastCheck, MailAccountSettings, MailModule};
use acuse_domain::mail_problem::ProblemCode;
use acuse_domain::message::Language;
use acuse_mail::check::{self, CheckReport, PhaseLine};
use acuse_mail::correction::Suggestion;
use acuse_mail::password::PasswordMend;
use acuse_store::companies;
use acuse_store::mail_accounts;
use axum::Json;
use axum::extract::State;
use secrecy::SecretString;
use serde::Serialize;
use utoipa::ToSchema;

use super::body::{JsonRequest, OptionalJsonRequest};
use super::codes;
use super::deliveries::ProblemOut;
use super::etag::IfMatch;
use super::ids::Id;
use super::language::Reads;
use super::mail_accounts::{CheckSaved, CheckUnsaved, password_warnings};
use super::openapi::{Always, BadInput, Busy, NotFound, Stale};
use super::warnings::Warning;
use crate::access::Caller;
use crate::app::App;
use crate::checks;
use crate::connected;
use crate::problem::Problem;

/// What the check found.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CheckReport, example = json!({
    "ok": false, "verdict": "Configuración errónea",
    "phases": [
        { "phase": "dns", "ok": true, "ms": 4, "detail": "142.250.0.108", "reply": null },
        { "phase": "auth", "ok": false, "ms": 210, "detail": null, "reply": "534-5.7.9 Application-specific password required" }
    ],
    "problem": { "code": ProblemCode::AuthAppPasswordRequired.as_str(), "title": "Gmail pide una contraseña de aplicación", "fix": ["…"] },
    "suggestion": null, "note": null, "warnings": []
}))]
pub struct ReportOut {
    ok: bool,
    /// «Configuración correcta» or «Configuración errónea»; in English, “The settings are right” or “The settings are wrong”.
    verdict: &'static str,
    /// In order; those that were not reached are missing.
    phases: Vec<PhaseOut>,
    problem: Option<ProblemOut>,
    suggestion: Option<SuggestionOut>,
    /// What a correct check proves, and what it does not.
    note: Option<String>,
    /// Of what was given, whatever the check found.
    warnings: Vec<Warning>,
}

/// One phase of the check.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CheckedPhase)]
pub struct PhaseOut {
    #[schema(schema_with = codes::schema::phases)]
    phase: &'static str,
    ok: bool,
    ms: u64,
    detail: Option<String>,
    /// The server's own words.
    reply: Option<String>,
}

/// Settings that would work; `server` and `username` only where they change.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CheckSuggestion)]
pub struct SuggestionOut {
    port: u16,
    #[schema(schema_with = codes::schema::securities)]
    security: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    server: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    /// What to change in the password, which is never told: `without_blanks` (an app password's blanks only group it),
    /// `hyphens_for_blanks`, `without_ends` (blanks or a line break around it), `plain_characters`.
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<&'static str>,
}

/// Tries values that are not saved. 200 whether correct or wrong; ends within 20 seconds.
#[utoipa::path(post, path = "/api/v1/mail-accounts/check", tag = "mail", request_body = CheckUnsaved,
    responses((status = 200, body = ReportOut), Always, BadInput, Busy))]
pub async fn unsaved(
    State(app): State<App>,
    caller: Caller,
    Reads(language): Reads,
    asked: JsonRequest<CheckUnsaved>,
) -> Result<Json<ReportOut>, Problem> {
    let company = companies::find(&app.db, caller.actor.company).await?.ok_or_else(Problem::internal)?;
    let mut sent = asked.body;
    let to = sent.to.take();
    sent.module.get_or_insert_with(|| MailModule::ReceivedPayments.as_str().to_owned());
    let may_use_port = |server: &str, port| app.network.may_use_mail_port(server, port);
    let account = AccountInput::from(sent).read(&company.profile.legal_name, may_use_port)?;
    let to = recipient(to)?;
    let warnings = warnings(&account, to.as_ref(), language);
    let report = run(&app, caller.actor.company, &account.settings, account.password, to, language).await?;
    Ok(Json(report.warning(warnings)))
}

/// Tries a saved account, or what it would be with some fields changed. What the saved one answers is kept with it.
#[utoipa::path(post, path = "/api/v1/mail-accounts/{id}/check", tag = "mail",
    params(("id" = Uuid, Path), ("If-Match" = Option<String>, Header, description = "Tries only the state with this ETag")),
    request_body = CheckSaved, responses((status = 200, body = ReportOut), Always, NotFound, BadInput, Stale, Busy))]
pub async fn saved(
    State(app): State<App>,
    caller: Caller,
    Reads(language): Reads,
    Id(id): Id<MailAccountId>,
    IfMatch(expected): IfMatch,
    OptionalJsonRequest(asked): OptionalJsonRequest<CheckSaved>,
) -> Result<Json<ReportOut>, Problem> {
    let usable = mail_accounts::usable_by_id(&app.db, &app.keys, caller.actor.company, id).await?;
    let usable = usable.ok_or_else(Problem::mail_account_not_found)?;
    if !expected.includes(usable.account.version) {
        return Err(Problem::precondition_failed());
    }
    let mut sent = asked.body;
    let to = sent.to.take();
    let input = AccountInput::from(sent);
    let untouched = input.untouched();
    let stays_unreadable = usable.account.unreadable.iter().any(|field| untouched.contains(field));
    let may_use_port = |server: &str, port| app.network.may_use_mail_port(server, port);
    let account = input.apply_to(&usable.account, may_use_port)?;
    let to = recipient(to)?;
    let warnings = warnings(&account, to.as_ref(), language);
    let ValidAccount { settings, password } = account;
    let as_saved = settings == usable.account.settings && password.is_none();
    let report = match &usable.account.connection {
        _ if stays_unreadable => {
            let subject = checks::subject(&settings, None, to, language);
            ReportOut::of(check::without_token(&subject, ProblemCode::AccountUnreadable, ""))
        }
        Some(_) if password.is_none() => {
            let _running = app.checks.begin(caller.actor.company).ok_or_else(Problem::too_many_checks)?;
            let subject = checks::subject(&settings, None, to, language);
            ReportOut::of(connected::check(&app, &usable.account, subject, |_| {}).await)
        }
        None if password.is_none() && settings.username == usable.account.settings.username && usable.lacks_secret() => {
            let subject = checks::subject(&settings, None, to, language);
            ReportOut::of(check::without_token(&subject, ProblemCode::SecretUnreadable, ""))
        }
        _ => {
            let kept = usable.password_for(&settings.credential_scope()).cloned();
            run(&app, caller.actor.company, &settings, password.or(kept), to, language).await?
        }
    };
    if as_saved {
        let check = LastCheck { at: acuse_store::now(), ok: report.ok };
        mail_accounts::note_check(&app.db, &caller.actor, id, usable.account.version, &check).await?;
    }
    Ok(Json(report.warning(warnings)))
}

async fn run(
    app: &App,
    company: CompanyId,
    settings: &MailAccountSettings,
    password: Option<SecretString>,
    to: Option<EmailAddress>,
    language: Language,
) -> Result<ReportOut, Problem> {
    let _running = app.checks.begin(company).ok_or_else(Problem::too_many_checks)?;
    let subject = checks::subject(settings, password, to, language);
    let mail = app.checks.mail_of(company);
    Ok(ReportOut::of(check::run_as(&app.network, &subject, mail, |_| {}).await))
}

fn warnings(account: &ValidAccount, to: Option<&EmailAddress>, language: Language) -> Vec<Warning> {
    let slips = Warning::slips_of_account(&account.settings, language);
    slips.chain(Warning::slip_in("to", to, language)).chain(password_warnings(account.password.as_ref(), language)).collect()
}

fn recipient(to: Option<String>) -> Result<Option<EmailAddress>, Problem> {
    optional_address(to.as_deref().unwrap_or_default()).map_err(|message| Problem::of_field("to", message))
}

impl ReportOut {
    fn of(report: CheckReport) -> Self {
        let problem = report.problem.map(|problem| ProblemOut::found(problem.code, problem.title, problem.fix));
        let suggestion = report.suggestion.map(SuggestionOut::of);
        let phases = report.phases.into_iter().map(PhaseOut::of).collect();
        Self { ok: report.ok, verdict: report.verdict, phases, problem, suggestion, note: report.note, warnings: Vec::new() }
    }

    fn warning(self, warnings: Vec<Warning>) -> Self {
        Self { warnings, ..self }
    }
}

impl SuggestionOut {
    fn of(better: Suggestion) -> Self {
        let Suggestion { port, security, server, username, password } = better;
        Self { port, security: security.as_str(), server, username, password: password.map(PasswordMend::as_str) }
    }
}

impl PhaseOut {
    fn of(line: PhaseLine) -> Self {
        let PhaseLine { phase, ok, ms, detail, reply } = line;
        Self { phase: phase.as_str(), ok, ms, detail, reply }
    }
}
