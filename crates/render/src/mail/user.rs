//! What the mails about how somebody comes in show: one layout, and sentences for each occasion.

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
