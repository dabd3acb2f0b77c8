//! What the mails about how somebody comes in show: one layout, and sentences for each occasion.

use acuse_domain::Instant;
use acuse_domain::news::{AccountChange, CompanyNews};
use acuse_domain::text;

use super::view::{CompanyView, moment};
use super::{UserMail, UserNews};

pub struct UserView {
    pub subject: String,
    pub preheader: String,
    pub company: CompanyView,
    pub title: String,
    pub paragraphs: Vec<String>,
    pub link: Option<LinkView>,
    pub foot: String,
}

pub struct LinkView {
    pub word: &'static str,
    pub url: String,
    /// What happens without it.
    pub after: String,
}

const NOT_ME: &str =
    "Si no fue usted, pulse «La olvidé» al entrar para elegir otra contraseña, y avise al administrador de su compañía.";

/// What is said of a change of how somebody enters.
const fn of_change(change: AccountChange) -> (&'static str, &'static str) {
    match change {
        AccountChange::AuthenticatorOn => {
            ("Se activó el segundo paso", "Desde ahora, al entrar a Acuse se le pide también un código de su aplicación.")
        }
        AccountChange::AuthenticatorOff => {
            ("Se quitó la aplicación de códigos", "Al entrar a Acuse ya no se le pide el código de esa aplicación.")
        }
        AccountChange::PasskeyAdded => ("Se agregó una llave a su cuenta", "Con ella se entra a Acuse sin contraseña."),
        AccountChange::PasskeyRemoved => ("Se quitó una llave de su cuenta", "Con ella ya no se entra a Acuse."),
        AccountChange::RecoveryCodesRenewed => {
            ("Hay códigos de recuperación nuevos", "Se sacaron diez códigos de recuperación. Los de antes ya no sirven.")
        }
        AccountChange::RecoveryCodeUsed => {
            ("Se usó un código de recuperación", "Alguien confirmó con uno de sus códigos de recuperación. Ese ya no sirve.")
        }
    }
}

/// What is said to owners of what becomes of their company.
fn of_company_news(news: CompanyNews, company: &str, who: &str, due_at: Option<Instant>) -> (String, String) {
    let due = due_at.map(moment).unwrap_or_default();
    match news {
        CompanyNews::Archived => (
            format!("{company} se archivó"),
            format!("{who} la archivó: se puede leer, y nadie registra ni envía. Se puede reabrir."),
        ),
        CompanyNews::Reopened => (format!("{company} se reabrió"), format!("{who} la reabrió: se registra y se envía de nuevo.")),
        CompanyNews::Exported => {
            (format!("Alguien se llevó los datos de {company}"), format!("{who} preparó el ZIP con todo lo de la compañía."))
        }
        CompanyNews::DeletionAsked => (
            format!("Se pidió eliminar {company}"),
            format!(
                "{who} pidió eliminarla. Otra persona puede confirmarlo desde el {due}; hasta entonces se cancela en Mi compañía."
            ),
        ),
        CompanyNews::DeletionCancelled => {
            (format!("{company} no se elimina"), format!("{who} canceló la eliminación que se había pedido."))
        }
        CompanyNews::Deleted => (
            format!("{company} se eliminó"),
            format!("{who} confirmó la eliminación que se había pedido: de ella no queda nada."),
        ),
    }
}

impl UserView {
    pub fn of(mail: &UserMail<'_>) -> Self {
        let ends = moment(mail.ends_at);
        let link = |word, after: String| Some(LinkView { word, url: mail.url.to_owned(), after });
        let view = match &mail.news {
            UserNews::Invitation { company_name, company_legal_name, inviter, role } => Self::saying(
                format!("{inviter} le invita a {company_name}"),
                vec![format!("Como {}: {}.", role.name(), role.in_short())],
                link("Aceptar la invitación", format!("Sirve una vez y vence el {ends}. Si no la esperaba, no haga nada.")),
            )
            .of_company(company_name, company_legal_name),
            UserNews::Reset => Self::saying(
                "Elija una contraseña nueva".to_owned(),
                vec!["Alguien, quizá usted, pidió cambiar la contraseña con la que entra a Acuse.".to_owned()],
                link(
                    "Elegir la contraseña",
                    format!("Sirve una vez y vence el {ends}. Si no la pidió usted, no haga nada: su contraseña no cambió."),
                ),
            ),
            UserNews::ConfirmAddress => Self::saying(
                "Confirme su correo nuevo".to_owned(),
                vec!["Desde que lo confirme entrará a Acuse con este correo. Hasta entonces no cambia nada.".to_owned()],
                link("Confirmar este correo", format!("Sirve una vez y vence el {ends}. Si no lo pidió usted, no haga nada.")),
            ),
            UserNews::AddressChanged { new } => Self::saying(
                "El correo con el que entra cambió".to_owned(),
                vec![format!("Ahora entra a Acuse con {new}. Si fue usted, no tiene que hacer nada.")],
                link(
                    "No fui yo: deshacerlo",
                    format!("Vuelve a este correo y cierra todas las sesiones. Sirve hasta el {ends}."),
                ),
            ),
            UserNews::PasswordChanged => Self::saying(
                "Su contraseña cambió".to_owned(),
                vec![
                    "La contraseña con la que entra a Acuse cambió, y sus sesiones se cerraron.".to_owned(),
                    "Si no fue usted, pulse «La olvidé» al entrar para elegir otra, y avise al administrador de su compañía."
                        .to_owned(),
                ],
                None,
            ),
            UserNews::AccountChanged(change) => {
                let (title, words) = of_change(*change);
                Self::saying(title.to_owned(), vec![words.to_owned(), NOT_ME.to_owned()], None)
            }
            UserNews::Company { company_name, company_legal_name, news, who, due_at } => {
                let (title, words) = of_company_news(*news, company_name, who, *due_at);
                Self::saying(title, vec![words], None).of_company(company_name, company_legal_name)
            }
            UserNews::Removed { company_name, company_legal_name } => Self::saying(
                format!("Ya no entra a {company_name}"),
                vec!["Un administrador quitó su acceso. En otras compañías no cambia nada.".to_owned()],
                None,
            )
            .of_company(company_name, company_legal_name),
        };
        Self { subject: text::one_line(&view.title), ..view }
    }

    fn saying(title: String, paragraphs: Vec<String>, link: Option<LinkView>) -> Self {
        Self {
            subject: String::new(),
            preheader: paragraphs.first().cloned().unwrap_or_default(),
            company: CompanyView::named("Acuse", "Acuse"),
            title,
            paragraphs,
            link,
            foot: "Aviso de Acuse sobre cómo entra usted. Nadie le pedirá este mensaje ni su enlace: no lo reenvíe.".to_owned(),
        }
    }

    fn of_company(self, name: &str, legal_name: &str) -> Self {
        Self { company: CompanyView::named(name, legal_name), ..self }
    }
}
