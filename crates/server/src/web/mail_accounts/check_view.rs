//! What a check found, in the page's words.

use acuse_domain::email_address::EmailAddress;
use acuse_domain::input::mail_account::password_remark;
use acuse_domain::mail_account::{MailAccountSettings, Security};
use acuse_domain::mail_problem::{AccountField, ProblemCode};
use acuse_mail::check::{CheckProblem, CheckReport, PhaseLine};
use acuse_mail::correction::Suggestion;
use acuse_mail::failure::Phase;
use acuse_mail::password::PasswordMend;
use askama::Template;
use askama::filters::HtmlSafe;

use crate::web::filters;
use crate::web::form_errors::FormErrors;

/// Providers whose help pages name both 587 with STARTTLS and 465 with TLS.
const HAVE_BOTH_PORTS: [&str; 3] = ["Gmail", "Zoho", "Hostinger"];
/// Beside «Configuración correcta», and on the account's card.
pub const PASSWORD_IN_CLEAR: &str =
    "La contraseña viaja sin cifrar: cualquiera en el camino puede leerla. Pida a su proveedor STARTTLS o SSL/TLS.";
pub const NOT_SENT: &str = "escriba a quién enviar un mensaje de prueba";

/// What the page shows beside the form.
#[derive(Debug, Clone)]
pub struct Diagnosis {
    pub ok: bool,
    /// It works, and something about it should not stay as it is.
    pub warning: Option<&'static str>,
    /// The check's own words: one of the two verdicts.
    pub verdict: &'static str,
    /// «Falló en la autenticación, a los 612 ms», or «en 1,1 s».
    pub summary: String,
    pub phases: Vec<Row>,
    pub problem: Option<CheckProblem>,
    /// What the server answered where it failed.
    pub words: Option<String>,
    pub correction: Option<Correction>,
    /// What a check that went well proves, and what it does not.
    pub note: Option<String>,
}

/// What the reader sees as one step of the check: the recipient and the message are one thing to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Dns,
    Connect,
    Greeting,
    Tls,
    Auth,
    Sender,
    Delivery,
}

impl Step {
    pub const ALL: [Step; 7] = [Self::Dns, Self::Connect, Self::Greeting, Self::Tls, Self::Auth, Self::Sender, Self::Delivery];

    #[must_use]
    pub const fn of(phase: Phase) -> Self {
        match phase {
            Phase::Dns => Self::Dns,
            Phase::Connect => Self::Connect,
            Phase::Greeting => Self::Greeting,
            Phase::Tls => Self::Tls,
            Phase::Auth => Self::Auth,
            Phase::Sender => Self::Sender,
            Phase::Recipient | Phase::Message => Self::Delivery,
        }
    }

    /// Its place in the page's list.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Connect => "connect",
            Self::Greeting => "greeting",
            Self::Tls => "tls",
            Self::Auth => "auth",
            Self::Sender => "sender",
            Self::Delivery => "delivery",
        }
    }

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dns => "DNS",
            Self::Connect => "Conexión",
            Self::Greeting => "Saludo",
            Self::Tls => "Cifrado",
            Self::Auth => "Autenticación",
            Self::Sender => "Remitente",
            Self::Delivery => "Entrega",
        }
    }

    const fn with_article(self) -> &'static str {
        match self {
            Self::Dns => "el DNS",
            Self::Connect => "la conexión",
            Self::Greeting => "el saludo",
            Self::Tls => "el cifrado",
            Self::Auth => "la autenticación",
            Self::Sender => "el remitente",
            Self::Delivery => "la entrega",
        }
    }
}

/// A line of the list: one step, or several that went the same way. Printed by `{{ row }}`.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(path = "mail_accounts/_phase.html")]
pub struct Row {
    /// Empty where it stands for several.
    pub key: &'static str,
    /// `ok`, `bad`, `now` or `wait`.
    pub state: &'static str,
    pub name: String,
    pub took: String,
    pub what: Option<String>,
}

impl HtmlSafe for Row {}

impl Row {
    pub fn of(state: &'static str, name: impl Into<String>, took: String) -> Self {
        Self { key: "", state, name: name.into(), took, what: None }
    }

    /// As the list stands before anything was tried.
    pub fn untried() -> [Self; 7] {
        Step::ALL.map(|step| Self { key: step.key(), ..Self::of("wait", step.name(), String::new()) })
    }

    fn icon(&self) -> &'static str {
        match self.state {
            "ok" => "circle-check",
            "bad" => "alert-octagon",
            "warn" => "alert-triangle",
            "now" => "loader-2",
            _ => "circle-dashed",
        }
    }
}

/// A change of the form that would help, offered as one button.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Correction {
    pub server: String,
    pub port: u16,
    pub security: Security,
    pub username: String,
    pub password: Option<PasswordMend>,
    pub label: String,
    pub hint: String,
}

pub fn in_words(report: CheckReport, settings: &MailAccountSettings, to: Option<&EmailAddress>) -> Diagnosis {
    let in_all = report.phases.iter().map(|line| line.ms).sum();
    let failed = report.phases.iter().find(|line| !line.ok);
    let summary = match failed {
        // What ended at once says nothing by its time.
        Some(line) if in_all == 0 => format!("Falló en {}", Step::of(line.phase).with_article()),
        Some(line) => format!("Falló en {}, a los {}", Step::of(line.phase).with_article(), duration(in_all)),
        None if in_all == 0 => String::new(),
        None => format!("en {}", duration(in_all)),
    };
    let code = report.problem.as_ref().map(|problem| problem.code);
    Diagnosis {
        ok: report.ok,
        warning: (report.ok && shows_password(settings)).then_some(PASSWORD_IN_CLEAR),
        verdict: report.verdict,
        summary,
        phases: if report.ok { passed(&report.phases, settings, to) } else { folded(&report.phases, to) },
        words: failed.map(|line| line.reply.clone().unwrap_or_else(|| silence(line, code, settings))),
        correction: report.suggestion.map(|better| correction(code, better, settings)),
        note: report.note,
        problem: report.problem,
    }
}

/// A password goes to the server in clear.
pub fn shows_password(settings: &MailAccountSettings) -> bool {
    settings.security == Security::None && !settings.username.is_empty()
}

/// Every phase with what was seen in it.
fn passed(lines: &[PhaseLine], settings: &MailAccountSettings, to: Option<&EmailAddress>) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for line in lines.iter().filter(|line| line.phase != Phase::Recipient) {
        let before: u64 = match line.phase {
            Phase::Message => lines.iter().filter(|line| line.phase == Phase::Recipient).map(|line| line.ms).sum(),
            _ => 0,
        };
        let step = Step::of(line.phase);
        let state = if step == Step::Auth && shows_password(settings) { "warn" } else { "ok" };
        rows.push(Row { key: step.key(), what: seen(line, settings), ..Row::of(state, step.name(), duration(before + line.ms)) });
    }
    if to.is_none() {
        let what = Some(NOT_SENT.to_owned());
        rows.push(Row { what, ..Row::of("wait", Step::Delivery.name(), "sin probar".to_owned()) });
    }
    rows
}

/// What went well in one line, what failed, and what was not reached in one line.
fn folded(lines: &[PhaseLine], to: Option<&EmailAddress>) -> Vec<Row> {
    let good: Vec<&PhaseLine> = lines.iter().filter(|line| line.ok).collect();
    let failed = lines.iter().find(|line| !line.ok);
    let at = failed.map(|line| Step::of(line.phase));
    let mut rows = Vec::new();
    if !good.is_empty() {
        let ms = good.iter().map(|line| line.ms).sum();
        rows.push(Row::of("ok", named_together(good.iter().map(|line| Step::of(line.phase)), at), duration(ms)));
    }
    if let Some(line) = failed {
        rows.push(Row::of("bad", Step::of(line.phase).name(), duration(line.ms)));
    }
    let wanted = |step: &Step| to.is_some() || *step != Step::Delivery;
    let reached = |step: &Step| lines.iter().any(|line| Step::of(line.phase) == *step);
    let rest = named_together(Step::ALL.into_iter().filter(|step| wanted(step) && !reached(step)), at);
    if !rest.is_empty() {
        rows.push(Row::of("wait", rest, "sin probar".to_owned()));
    }
    rows
}

/// «DNS, conexión, saludo», each once, and without the one that failed after a good beginning.
fn named_together(steps: impl Iterator<Item = Step>, failed: Option<Step>) -> String {
    let mut names: Vec<String> = Vec::new();
    for step in steps.filter(|step| Some(*step) != failed) {
        let name = if names.is_empty() { step.name().to_owned() } else { step.name().to_lowercase() };
        if !names.iter().any(|earlier| earlier.to_lowercase() == name.to_lowercase()) {
            names.push(name);
        }
    }
    names.join(", ")
}

/// What a phase that went well showed.
pub fn seen(line: &PhaseLine, settings: &MailAccountSettings) -> Option<String> {
    match Step::of(line.phase) {
        Step::Connect => Some(format!("puerto {} abierto", settings.port)),
        Step::Sender => Some(format!("puede enviar como {}", settings.from_address)),
        Step::Dns | Step::Tls => line.detail.clone(),
        Step::Greeting | Step::Auth | Step::Delivery => first_line(line).or_else(|| line.detail.clone()),
    }
}

/// Of the server's own words.
pub fn first_line(line: &PhaseLine) -> Option<String> {
    line.reply.as_ref().and_then(|reply| reply.lines().next()).map(str::to_owned)
}

/// Where the server said nothing, what happened stands in its place.
fn silence(line: &PhaseLine, code: Option<ProblemCode>, settings: &MailAccountSettings) -> String {
    let (host, port, took) = (&settings.server, settings.port, duration(line.ms));
    match (line.phase, code.and_then(|code| code.row().es.silence)) {
        (Phase::Dns, _) => format!("(no se encontró la dirección de {host})"),
        (Phase::Connect, _) => format!("(sin conexión con {host}:{port})"),
        (_, Some(happened)) => format!("(conectado a {host}:{port}; {happened})"),
        (Phase::Tls, _) => format!("(conectado a {host}:{port}; no se pudo cifrar la conexión)"),
        // What ended at once says nothing by its time.
        _ if line.ms == 0 => format!("(conectado a {host}:{port}; sin respuesta)"),
        _ => format!("(conectado a {host}:{port}; ninguna respuesta en {took})"),
    }
}

fn correction(code: Option<ProblemCode>, better: Suggestion, settings: &MailAccountSettings) -> Correction {
    let server = better.server.unwrap_or_else(|| settings.server.clone());
    let username = better.username.unwrap_or_else(|| settings.username.clone());
    let Suggestion { port, security, .. } = better;
    let mut values: Vec<String> = Vec::new();
    let mut fields: Vec<&str> = Vec::new();
    if server != settings.server {
        values.push(server.clone());
        fields.push("el servidor");
    }
    if port != settings.port {
        values.push(format!("el puerto {port}"));
        fields.push("el puerto");
    }
    if security != settings.security {
        values.push(security.name().to_owned());
        fields.push("el TLS");
    }
    if username != settings.username {
        values.push(format!("el usuario {username}"));
        fields.push("el usuario");
    }
    let password = better.password;
    if let Some(mend) = password {
        values.push(mend.in_words().to_owned());
        fields.push("la contraseña");
    }
    let only = if fields.len() == 1 { " solo" } else { "" };
    let mut hint = format!("Cambia{only} {}; lo demás queda como está.", and(&fields));
    if let Some(other) = other_way(code, port, settings) {
        hint.push_str(other);
    }
    let label = format!("Usar {} y probar de nuevo", with(&values));
    Correction { server, port, security, username, password, label, hint }
}

/// The provider's other port, where one that is known has both.
fn other_way(code: Option<ProblemCode>, port: u16, settings: &MailAccountSettings) -> Option<&'static str> {
    let has_both = acuse_mail::providers::of_host(&settings.server)
        .is_some_and(|provider| HAVE_BOTH_PORTS.contains(&provider.name.as_str()));
    match (code, port) {
        (Some(ProblemCode::PortWantsTls), 465) if has_both => Some(" Otra opción es el puerto 587 con STARTTLS."),
        (Some(ProblemCode::PortWantsStarttls), 587) if has_both => Some(" Otra opción es el puerto 465 con SSL/TLS."),
        _ => None,
    }
}

/// «el puerto 587 con STARTTLS»
fn with(values: &[String]) -> String {
    match values {
        [] => "lo mismo".to_owned(),
        [all @ .., last] if !all.is_empty() => format!("{} con {last}", all.join(", ")),
        all => all.concat(),
    }
}

/// «el servidor, el puerto y el TLS»
fn and(fields: &[&str]) -> String {
    match fields {
        [all @ .., last] if !all.is_empty() => format!("{} y {last}", all.join(", ")),
        all => all.concat(),
    }
}

/// Puts the cause under the field that it is about.
pub fn point_out(diagnosis: &Diagnosis, settings: &MailAccountSettings, errors: &mut FormErrors) {
    let Some(problem) = &diagnosis.problem else { return };
    let Some(field) = problem.code.row().field else { return };
    let better = diagnosis.correction.as_ref().filter(|better| better.port == settings.port);
    match (field, diagnosis.better_user(settings), better) {
        (AccountField::Password, Some(user), _) if user.contains('@') => errors.add("usuario", "Escríbalo con @ y dominio"),
        (AccountField::Password, Some(user), _) => errors.add("usuario", format!("Escriba «{user}»")),
        (AccountField::Security, _, Some(better)) if better.security != settings.security => {
            errors.add("tls", format!("El puerto {} usa {}", settings.port, better.security.name()));
        }
        _ => errors.add(name_in_form(field), problem.title.clone()),
    }
}

const fn name_in_form(field: AccountField) -> &'static str {
    match field {
        AccountField::Server => "servidor",
        AccountField::Port => "puerto",
        AccountField::Security => "tls",
        AccountField::Username => "usuario",
        AccountField::Password => "clave",
        AccountField::Sender => "remitente",
        AccountField::Recipient => "hacia",
    }
}

impl Diagnosis {
    fn better_user(&self, settings: &MailAccountSettings) -> Option<&str> {
        self.correction.as_ref().map(|better| better.username.as_str()).filter(|user| *user != settings.username)
    }
}

/// What of a password may surprise whoever typed it.
pub fn remark(password: &str) -> Option<String> {
    password_remark(password).map(|remark| remark.to_string())
}

/// `38 ms`, `2,8 s`; nothing of what was there at once.
pub fn duration(ms: u64) -> String {
    match ms {
        0 => String::new(),
        1..1_000 => format!("{ms} ms"),
        _ => seconds(ms),
    }
}

/// `0,6 s`
fn seconds(ms: u64) -> String {
    let tenths = (ms + 50) / 100;
    format!("{},{} s", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;
    use acuse_domain::mail_account::MailModule;

    fn settings(port: u16, security: Security) -> MailAccountSettings {
        MailAccountSettings {
            module: MailModule::ReceivedPayments,
            server: "smpt.gmail.com".to_owned(),
            port,
            security,
            username: "cobros".to_owned(),
            from_name: String::new(),
            from_address: "cobros@empresa.ec".parse().unwrap(),
            reply_to: None,
            bcc: None,
        }
    }

    fn line(phase: Phase, ok: bool, ms: u64) -> PhaseLine {
        PhaseLine { phase, ok, ms, detail: None, reply: None }
    }

    #[test]
    fn what_went_well_folds_into_one_line_when_something_failed() {
        let lines = [
            line(Phase::Dns, true, 4),
            line(Phase::Connect, true, 38),
            line(Phase::Greeting, true, 61),
            line(Phase::Tls, true, 92),
            line(Phase::Auth, false, 210),
        ];
        let shown =
            |rows: Vec<Row>| rows.iter().map(|row| format!("{} {} {}", row.state, row.name, row.took)).collect::<Vec<_>>();
        let to = "gabriela@empresa.ec".parse().unwrap();
        assert_eq!(
            shown(folded(&lines, Some(&to))),
            ["ok DNS, conexión, saludo, cifrado 195 ms", "bad Autenticación 210 ms", "wait Remitente, entrega sin probar"]
        );
        assert_eq!(shown(folded(&lines, None))[2], "wait Remitente sin probar");
        let at_the_recipient = [line(Phase::Dns, true, 4), line(Phase::Sender, true, 4), line(Phase::Recipient, false, 5_040)];
        assert_eq!(
            shown(folded(&at_the_recipient, Some(&to))),
            ["ok DNS, remitente 8 ms", "bad Entrega 5,0 s", "wait Conexión, saludo, cifrado, autenticación sin probar"]
        );
    }

    #[test]
    fn what_was_there_at_once_has_no_time() {
        assert_eq!(["", "1 ms", "999 ms", "1,0 s"].map(str::to_owned), [0, 1, 999, 1_000].map(duration));
        let phases = [Phase::Dns, Phase::Connect, Phase::Auth].map(|phase| line(phase, true, 0)).to_vec();
        let report =
            CheckReport { ok: true, verdict: "Configuración correcta", phases, problem: None, suggestion: None, note: None };
        let said = in_words(report, &settings(587, Security::StartTls), None);
        assert_eq!(said.summary, "");
        assert!(said.phases.iter().all(|row| !row.took.contains("0 ms")), "{:?}", said.phases);
    }

    #[test]
    fn a_correction_says_exactly_what_it_changes() {
        let better = |port, security| Suggestion { port, security, server: None, username: None, password: None };
        let said = |suggestion: Suggestion, settings: &MailAccountSettings| {
            let correction = correction(None, suggestion, settings);
            (correction.label, correction.hint)
        };
        let typed = settings(465, Security::StartTls);
        let (label, hint) = said(better(465, Security::Tls), &typed);
        assert_eq!(label, "Usar SSL/TLS y probar de nuevo");
        assert_eq!(hint, "Cambia solo el TLS; lo demás queda como está.");
        assert_eq!(said(better(587, Security::StartTls), &typed).0, "Usar el puerto 587 y probar de nuevo");
        let (label, hint) = said(better(587, Security::StartTls), &settings(25, Security::None));
        assert_eq!(label, "Usar el puerto 587 con STARTTLS y probar de nuevo");
        assert_eq!(hint, "Cambia el puerto y el TLS; lo demás queda como está.");
        let meant = Suggestion { server: Some("smtp.gmail.com".to_owned()), ..better(465, Security::StartTls) };
        assert_eq!(said(meant, &typed).0, "Usar smtp.gmail.com y probar de nuevo");
        let whole = Suggestion { username: Some("cobros@empresa.ec".to_owned()), ..better(465, Security::StartTls) };
        let (label, hint) = said(whole, &typed);
        assert_eq!(label, "Usar el usuario cobros@empresa.ec y probar de nuevo");
        assert_eq!(hint, "Cambia solo el usuario; lo demás queda como está.");
        let elsewhere = Suggestion { server: Some("smtp.zoho.com".to_owned()), ..better(587, Security::Tls) };
        assert_eq!(said(elsewhere, &typed).0, "Usar smtp.zoho.com, el puerto 587 con SSL/TLS y probar de nuevo");
    }

    #[test]
    fn the_other_way_is_named_where_it_is_known_to_work() {
        let of = |server: &str, code, port| {
            let settings = MailAccountSettings { server: server.to_owned(), ..settings(port, Security::StartTls) };
            other_way(Some(code), port, &settings).unwrap_or_default()
        };
        assert_eq!(of("smtp.gmail.com", ProblemCode::PortWantsTls, 465), " Otra opción es el puerto 587 con STARTTLS.");
        assert_eq!(of("smtp.gmail.com", ProblemCode::PortWantsStarttls, 587), " Otra opción es el puerto 465 con SSL/TLS.");
        assert_eq!(of("mail.empresa.ec", ProblemCode::PortWantsTls, 465), "");
        assert_eq!(of("smtp.office365.com", ProblemCode::PortWantsStarttls, 587), "");
    }
}
