//! Why an account is not connected, and what to do: in words.

use acuse_domain::mail_problem::ProblemCode;
use acuse_domain::oauth::{Denied, Provider};
use acuse_mail::diagnosis::classify_text;
use acuse_mail::explanation::{Context, Language, explain};
use acuse_mail::oauth::NotConnected;

pub enum Why {
    /// Nobody left with this state, or not from this browser, or too long ago.
    Gone,
    /// The provider sent the browser back with an error.
    Said {
        error: String,
        description: String,
    },
    NotConnected(NotConnected),
    ModuleTaken,
}

impl From<NotConnected> for Why {
    fn from(why: NotConnected) -> Self {
        Self::NotConnected(why)
    }
}

impl From<Denied> for Why {
    fn from(denied: Denied) -> Self {
        Self::NotConnected(NotConnected::Denied(denied))
    }
}

/// What the page says.
#[derive(Debug, PartialEq, Eq)]
pub struct Said {
    pub title: String,
    pub advice: Vec<String>,
    /// The provider's own.
    pub words: Option<String>,
}

impl Said {
    fn new<const N: usize>(title: impl Into<String>, advice: [String; N]) -> Self {
        Self { title: title.into(), advice: advice.into(), words: None }
    }

    fn quoting(self, words: &str) -> Self {
        Self { words: Some(words.to_owned()).filter(|words| !words.trim().is_empty()), ..self }
    }
}

pub fn in_words(why: &Why, provider: Provider) -> Said {
    let name = provider.name();
    match why {
        Why::Gone => Said::new(
            "Este pedido de conexión ya no vale",
            ["Pasaron más de diez minutos, se abrió en otro navegador o ya se había usado. No se conectó nada: empiece de nuevo."
                .to_owned()],
        ),
        Why::ModuleTaken => Said::new(
            "Este módulo ya tiene una cuenta",
            ["Ábrala desde Correos y conéctela allí, o elimínela antes de crear otra.".to_owned()],
        ),
        Why::Said { error, description } => by_browser(error, description, name),
        Why::NotConnected(NotConnected::Denied(denied)) => denied_in_words(denied, name),
        Why::NotConnected(NotConnected::PermissionMissing) => Said::new(
            "Falta el permiso para enviar correo",
            [format!("En la página de {name} quedó sin marcar el permiso de correo. Conecte otra vez y deje marcadas todas las casillas.")],
        ),
        Why::NotConnected(NotConnected::NotLasting) => Said::new(
            format!("{name} no dio un permiso duradero"),
            [format!("Quite a Acuse de las aplicaciones con acceso en su cuenta de {name} y conecte otra vez.")],
        ),
        Why::NotConnected(NotConnected::NobodyKnown(what)) => Said::new(
            format!("{name} no dijo de quién es el correo"),
            ["Conecte otra vez; si se repite, avise a quien cuida el servidor.".to_owned()],
        )
        .quoting(what),
    }
}

/// What came back with the browser instead of a code (RFC 6749 4.1.2.1, OpenID Connect Core 3.1.2.6).
fn by_browser(error: &str, description: &str, name: &str) -> Said {
    let words = format!("{error}: {description}");
    let words = words.trim_end_matches([':', ' ']);
    match error {
        "access_denied" | "consent_required" | "interaction_required" | "login_required" | "account_selection_required" => {
            Said::new(
                "No se dio el permiso",
                [
                    format!("En la página de {name} se canceló, o su organización no deja usar esta aplicación."),
                    "Conecte otra vez y acepte el permiso. Si el correo es de una empresa y no aparece el botón para aceptar, pida a su administrador que apruebe la aplicación.".to_owned(),
                ],
            )
            .quoting(words)
        }
        "server_error" | "temporarily_unavailable" => silent(name).quoting(words),
        _ => denied_in_words(&Denied::ForGood { code: classify_text("oauth", words).code, words: words.to_owned() }, name),
    }
}

fn denied_in_words(denied: &Denied, name: &str) -> Said {
    match denied {
        Denied::ForNow { words } => silent(name).quoting(words),
        // A code that is traded too late or twice; the connection itself is not there yet.
        Denied::ForGood { code: ProblemCode::OauthExpired, words } => Said::new(
            format!("{name} no confirmó el permiso"),
            ["El permiso vale una sola vez y por poco tiempo: conecte otra vez.".to_owned()],
        )
        .quoting(words),
        Denied::ForGood { code, words } => {
            let said = explain(*code, &Context::default(), Language::Spanish);
            Said { title: said.title, advice: said.fix, words: None }.quoting(words)
        }
    }
}

fn silent(name: &str) -> Said {
    Said::new(
        format!("{name} no responde ahora"),
        ["No se conectó nada. Intente otra vez en unos minutos; si sigue así, avise a quien cuida el servidor.".to_owned()],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_says_what_to_do() {
        let google = |why: Why| in_words(&why, Provider::Google);
        let by_browser = |error: &str| google(Why::Said { error: error.to_owned(), description: String::new() });
        assert_eq!(by_browser("access_denied").title, "No se dio el permiso");
        assert_eq!(by_browser("access_denied").words.as_deref(), Some("access_denied"));
        assert_eq!(by_browser("server_error").title, "Google no responde ahora");
        assert_eq!(by_browser("invalid_scope").title, "La aplicación de acceso no está bien registrada");
        let expired = Denied::ForGood { code: ProblemCode::OauthExpired, words: "invalid_grant: used".to_owned() };
        assert_eq!(google(Why::from(expired)).title, "Google no confirmó el permiso");
        for why in [
            Why::Gone,
            Why::ModuleTaken,
            Why::from(NotConnected::PermissionMissing),
            Why::from(NotConnected::NotLasting),
            Why::from(NotConnected::NobodyKnown("the ID token names no address")),
            Why::from(Denied::ForNow { words: String::new() }),
        ] {
            let said = google(why);
            assert!(!said.advice.is_empty() && !said.title.is_empty());
            assert_ne!(said.words.as_deref(), Some(""));
        }
    }
}
