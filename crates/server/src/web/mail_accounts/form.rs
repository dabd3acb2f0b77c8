//! The form of an account: what a browser sends, in the domain's names.

use std::net::SocketAddr;

use acuse_domain::email_address::EmailAddress;
use acuse_domain::input::mail_account::{self as rules, AccountInput, Field, ValidAccount};
use acuse_domain::mail_account::{CredentialScope, MailAccount, MailAccountSettings, MailModule, Security};
use acuse_domain::message::messages;
use acuse_mail::guard::Network;
use secrecy::SecretString;
use serde::Deserialize;

use super::origins::Origins;
use crate::web::conflict::{self, Editing, ShownField, Slot};
use crate::web::form_errors::FormErrors;
use crate::web::slips::Slips;

/// A password that was typed beside a port that is none has not been given for any yet.
pub const NO_PORT: u16 = 0;

/// As it comes from the browser. Has no `Debug`, since it holds a password.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct AccountForm {
    pub modulo: String,
    pub nombre: String,
    pub remitente: String,
    pub servidor: String,
    pub puerto: String,
    pub tls: String,
    pub usuario: String,
    pub clave: String,
    /// A provider's app password, pasted beside the advice that asks for it.
    pub clave_app: String,
    pub clave_sellada: String,
    /// The same password, for the correction that Probar suggested.
    pub clave_corregida: String,
    pub probada: String,
    pub responder: String,
    pub oculta: String,
    pub hacia: String,
    pub accion: String,
    /// Addresses that look like slips and are right.
    pub asi_es: String,
    /// Of the account that it was made from; empty while it is new.
    pub version: String,
    /// What stood in it then.
    pub antes: String,
    /// What was proposed for which field, and by whom.
    pub origen: Origins,
    pub corregir_servidor: String,
    pub corregir_puerto: String,
    pub corregir_tls: String,
    pub corregir_usuario: String,
    /// `si` where the correction is of the password, which travels sealed.
    pub corregir_clave: String,
}

impl Editing for AccountForm {
    fn slots(&mut self) -> Vec<(&'static str, Slot<'_>)> {
        vec![
            ("modulo", Slot::Text(&mut self.modulo)),
            ("nombre", Slot::Text(&mut self.nombre)),
            ("remitente", Slot::Text(&mut self.remitente)),
            ("servidor", Slot::Text(&mut self.servidor)),
            ("puerto", Slot::Text(&mut self.puerto)),
            ("tls", Slot::Text(&mut self.tls)),
            ("usuario", Slot::Text(&mut self.usuario)),
            ("responder", Slot::Text(&mut self.responder)),
            ("oculta", Slot::Text(&mut self.oculta)),
        ]
    }
}

impl AccountForm {
    /// Filled in from the address alone; what nobody proposes stays empty.
    #[must_use]
    pub fn proposed(module: MailModule, address: &EmailAddress, company_name: &str, origen: Origins) -> Self {
        Self {
            modulo: module_word(module).to_owned(),
            nombre: company_name.to_owned(),
            remitente: address.to_string(),
            servidor: origen.given("servidor").unwrap_or_default().to_owned(),
            puerto: origen.given("puerto").unwrap_or_default().to_owned(),
            tls: origen.given("tls").unwrap_or(Security::StartTls.as_str()).to_owned(),
            usuario: origen.given("usuario").unwrap_or_default().to_owned(),
            origen,
            ..Self::default()
        }
    }

    #[must_use]
    pub fn from_account(account: &MailAccount) -> Self {
        let settings = &account.settings;
        let text = |address: &Option<EmailAddress>| address.as_ref().map(ToString::to_string).unwrap_or_default();
        // What merely stands in the place of something unreadable is not offered for keeping.
        let unless = |field, text: String| if account.unreadable.contains(&field) { String::new() } else { text };
        let mut form = Self {
            modulo: unless("module", module_word(settings.module).to_owned()),
            nombre: settings.from_name.clone(),
            remitente: settings.from_address.to_string(),
            servidor: settings.server.clone(),
            puerto: unless("port", settings.port.to_string()),
            tls: unless("security", settings.security.as_str().to_owned()),
            usuario: settings.username.clone(),
            responder: text(&settings.reply_to),
            oculta: text(&settings.bcc),
            version: account.version.to_string(),
            origen: Origins::on_record(settings),
            ..Self::default()
        };
        form.antes = conflict::snapshot(&mut form);
        form
    }

    /// Presses «Corregir» or «Así es», where one of them was pressed. Gives what is known of the form's addresses then.
    pub fn answer(&mut self, saved: Option<&MailAccount>) -> Slips {
        let settings = saved.map(|saved| &saved.settings);
        let own = settings.map(|settings| [Some(&settings.from_address), settings.reply_to.as_ref(), settings.bcc.as_ref()]);
        let mut slips = Slips::of(&self.asi_es, own.into_iter().flatten().flatten().cloned().collect());
        let mut fields = [
            ("remitente", &mut self.remitente),
            ("responder", &mut self.responder),
            ("oculta", &mut self.oculta),
            ("hacia", &mut self.hacia),
        ];
        slips.press(&mut self.accion, &mut fields);
        self.asi_es = slips.confirmed();
        slips
    }

    /// Notes the addresses that look like slips; the answers go on with the button that was pressed.
    pub fn doubts(&self, slips: &Slips, errors: &mut FormErrors) {
        for (field, typed) in
            [("remitente", &self.remitente), ("responder", &self.responder), ("oculta", &self.oculta), ("hacia", &self.hacia)]
        {
            slips.ask(field, typed, &self.accion, errors);
        }
    }

    /// Puts the suggested server, port, TLS and user in place of what was typed.
    pub fn correct(&mut self) {
        for (field, typed, better) in [
            ("servidor", &mut self.servidor, &mut self.corregir_servidor),
            ("puerto", &mut self.puerto, &mut self.corregir_puerto),
            ("tls", &mut self.tls, &mut self.corregir_tls),
            ("usuario", &mut self.usuario, &mut self.corregir_usuario),
        ] {
            if !better.is_empty() && better != typed {
                *typed = std::mem::take(better);
                self.origen.propose(field, typed, "corregido al probar");
            }
        }
    }

    /// Whether the correction that was asked for is of the password too.
    #[must_use]
    pub fn corrects_password(&self) -> bool {
        self.accion == "corregir" && self.corregir_clave == "si"
    }

    /// The demo's own server, which asks for no login.
    pub fn use_demo_server(&mut self, address: SocketAddr) {
        self.servidor = address.ip().to_string();
        self.puerto = address.port().to_string();
        self.tls = Security::None.as_str().to_owned();
        self.usuario = String::new();
        self.clave = String::new();
        for (field, value) in
            [("servidor", &self.servidor), ("puerto", &self.puerto), ("tls", &self.tls), ("usuario", &self.usuario)]
        {
            self.origen.propose(field, value, "del buzón de prueba");
        }
    }

    #[must_use]
    pub fn has_rare(&self) -> bool {
        !self.responder.is_empty() || !self.oculta.is_empty()
    }

    #[must_use]
    pub fn domain(&self) -> Option<String> {
        self.remitente.trim().parse::<EmailAddress>().ok().map(|address| address.domain().to_owned())
    }

    pub fn forget_password(&mut self) {
        for kept in [&mut self.clave, &mut self.clave_app, &mut self.clave_sellada, &mut self.clave_corregida] {
            kept.clear();
        }
    }

    /// Where and as whom it would log in, with [`NO_PORT`] for a port that is none; nothing where another part is not well
    /// written.
    pub fn credential_scope(&self) -> Option<CredentialScope> {
        Some(CredentialScope {
            server: rules::server(&self.servidor).ok()?,
            port: rules::port(&self.puerto).unwrap_or(NO_PORT),
            security: Security::parse(&self.tls)?,
            username: rules::username(&self.usuario).ok()?,
        })
    }

    /// As it is read beside another one.
    #[must_use]
    pub fn shown(settings: &MailAccountSettings) -> Vec<ShownField> {
        let text = |address: &Option<EmailAddress>| address.as_ref().map(ToString::to_string).unwrap_or_default();
        let fields = [
            ("modulo", "Módulo", settings.module.name().to_owned()),
            ("nombre", "Nombre del remitente", settings.from_name.clone()),
            ("remitente", "Correo del remitente", settings.from_address.to_string()),
            ("servidor", "Servidor SMTP", settings.server.clone()),
            ("puerto", "Puerto SMTP", settings.port.to_string()),
            ("tls", "TLS", settings.security.name().to_owned()),
            ("usuario", "Usuario", settings.username.clone()),
            ("responder", "Responder a", text(&settings.reply_to)),
            ("oculta", "Copia oculta", text(&settings.bcc)),
        ];
        fields.into_iter().map(|(field, label, value)| ShownField { field, label, value }).collect()
    }

    /// Exactly as it was typed, spaces and all.
    #[must_use]
    pub fn typed_password(&self) -> Option<SecretString> {
        let typed = [&self.clave_app, &self.clave].into_iter().find(|typed| !typed.is_empty());
        typed.map(|typed| SecretString::from(typed.as_str()))
    }

    /// The account that `saved` becomes, or a new one, with the password that was typed now or before Probar.
    pub fn read(
        &self,
        saved: Option<&MailAccount>,
        password: Option<SecretString>,
        company_name: &str,
        network: &Network,
    ) -> Result<ValidAccount, FormErrors> {
        let may_use_port = |server: &str, port| network.may_use_mail_port(server, port);
        let read = match saved {
            Some(saved) => self.input(password).apply_to(saved, may_use_port),
            None => self.input(password).read(company_name, may_use_port),
        };
        read.map_err(|errors| {
            let mut said = FormErrors::default();
            for (field, message) in errors {
                let was_typed = message == messages::password_missing() && !self.clave_sellada.is_empty();
                said.say(id_of(field), if was_typed { messages::password_not_kept() } else { message });
            }
            said
        })
    }

    fn input(&self, password: Option<SecretString>) -> AccountInput {
        AccountInput {
            module: Some(module_of(&self.modulo).map_or("", MailModule::as_str).to_owned()),
            server: Some(self.servidor.clone()),
            port: Some(self.puerto.clone()),
            security: Some(self.tls.clone()),
            username: Some(self.usuario.clone()),
            password,
            from_name: Some(self.nombre.clone()),
            from_address: Some(self.remitente.clone()),
            reply_to: Some(self.responder.clone()),
            bcc: Some(self.oculta.clone()),
        }
    }
}

const fn id_of(field: Field) -> &'static str {
    match field {
        Field::Module => "modulo",
        Field::Server => "servidor",
        Field::Port => "puerto",
        Field::Security => "tls",
        Field::Username => "usuario",
        Field::Password => "clave",
        Field::FromName => "nombre",
        Field::FromAddress => "remitente",
        Field::ReplyTo => "responder",
        Field::Bcc => "oculta",
    }
}

/// A module as the pages' addresses and forms name it.
#[must_use]
pub const fn module_word(module: MailModule) -> &'static str {
    match module {
        MailModule::ReceivedPayments => "cobros",
        MailModule::InvoicesAndMadePayments => "facturacion",
    }
}

#[must_use]
pub fn module_of(word: &str) -> Option<MailModule> {
    MailModule::ALL.into_iter().find(|module| module_word(*module) == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled() -> AccountForm {
        AccountForm {
            modulo: "cobros".to_owned(),
            nombre: "Distribuidora Cotopaxi".to_owned(),
            remitente: "cobros@distcotopaxi.ec".to_owned(),
            servidor: "mail.distcotopaxi.ec".to_owned(),
            puerto: "465".to_owned(),
            tls: "tls".to_owned(),
            ..AccountForm::default()
        }
    }

    fn read(form: &AccountForm) -> Result<ValidAccount, FormErrors> {
        let password = form.typed_password().or_else(|| Some("clave".into()));
        form.read(None, password, "Empresa", &Network::new(&[], None).unwrap())
    }

    fn error(field: &str, form: &AccountForm) {
        let errors = read(form).expect_err(field);
        assert!(errors.of(field).is_some(), "no error on {field}: {errors:?}");
    }

    #[test]
    fn no_field_carries_a_line_break_into_a_mail() {
        let evil = "a\r\nBcc: todos@otra.ec".to_owned();
        error("remitente", &AccountForm { remitente: evil.clone(), ..filled() });
        let form = AccountForm { nombre: evil.clone(), usuario: evil.clone(), ..filled() };
        let settings = read(&form).unwrap().settings;
        assert_eq!([settings.from_name.as_str(), &settings.username], ["a Bcc: todos@otra.ec"; 2]);
        error("clave", &AccountForm { clave: evil.clone(), ..filled() });
        error("clave", &AccountForm { clave_app: evil.clone(), ..filled() });
        error("responder", &AccountForm { responder: evil.clone(), ..filled() });
        error("oculta", &AccountForm { oculta: evil, ..filled() });
    }

    #[test]
    fn each_field_has_its_own_error() {
        let form = AccountForm { modulo: "otro".to_owned(), tls: "ssl".to_owned(), puerto: "x".to_owned(), ..filled() };
        for field in ["modulo", "tls", "puerto"] {
            error(field, &form);
        }
    }

    #[test]
    fn a_correction_changes_what_it_names_and_says_where_that_came_from() {
        let mut form = AccountForm {
            corregir_servidor: "mail.distcotopaxi.ec".to_owned(),
            corregir_puerto: "587".to_owned(),
            corregir_usuario: "cobros@distcotopaxi.ec".to_owned(),
            ..filled()
        };
        form.correct();
        assert_eq!((form.puerto.as_str(), form.tls.as_str()), ("587", "tls"));
        assert_eq!(form.usuario, "cobros@distcotopaxi.ec");
        assert_eq!(form.origen.hint("puerto", "587").as_deref(), Some("corregido al probar"));
        assert_eq!(form.origen.hint("servidor", &form.servidor), None, "it was so already");
    }
}
