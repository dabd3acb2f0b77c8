//! What a form that waited would do, in words: whoever comes back is asked for that act and no other.

use acuse_domain::id::{CompanyId, DeliveryId, PaymentId};
use acuse_domain::payment::Direction;
use acuse_store::{Db, StoreError, deliveries, mail_accounts, payments};

use super::Carried;
use crate::web::login::local_path;
use crate::web::payments::Book;

/// The question over a form that waited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// «Anular el cobro RC-000004»
    pub title: String,
    /// What was typed for it, by its name: («Motivo», «se repitió»).
    pub details: Vec<(&'static str, String)>,
    /// «Anular el cobro»
    pub button: String,
    /// «Volver al cobro», and where that is.
    pub back: (&'static str, String),
}

impl Act {
    /// `company` is whose it would be now: what is another one's is not named.
    pub async fn of(db: &Db, company: CompanyId, carried: &Carried) -> Result<Self, StoreError> {
        let path = carried.to().split('?').next().unwrap_or_default();
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        Ok(match parts[..] {
            ["cobros", id, ref act @ ..] => of_payment(db, company, Direction::Received, id, act, carried).await?,
            ["pagos", id, ref act @ ..] => of_payment(db, company, Direction::Made, id, act, carried).await?,
            ["envios"] => of_deliveries(carried),
            ["mi-compania", "correos", ref act @ ..] => of_accounts(db, company, act, carried).await?,
            ["mi-compania", "logo", "quitar"] => Self::new("Quitar el logo", ("Volver a los datos", "/mi-compania/datos")),
            ["mi-compania", "segundo-paso"] => {
                Self::new("Guardar a quién se pide el segundo paso", ("Volver a los usuarios", "/mi-compania/usuarios"))
            }
            ["mi-cuenta", ref act @ ..] => of_own_account(act),
            ["mi-compania", "integraciones", ref act @ ..] => of_tokens(act, carried),
            ["mi-compania", "usuarios", ref act @ ..] => of_users(act, carried),
            ["mi-compania", act] => of_closing(act),
            ["mi-compania", "eliminar", act] => of_closing(act),
            ["companias", "nueva"] => Self::new("Crear la compañía", COMPANIES).with("Nombre", carried.typed("razon")),
            ["companias", ..] => Self::new("Entrar a la compañía", COMPANIES),
            ["demo", "buzon"] => Self::new("Vaciar el buzón", ("Volver al buzón", "/demo/buzon")),
            _ => Self::new("Enviar el formulario", ("Volver al inicio", "/")),
        })
    }

    /// The button says the same as the question.
    fn new(title: impl Into<String>, (back, to): (&'static str, &str)) -> Self {
        let title = title.into();
        Self { button: title.clone(), title, details: Vec::new(), back: (back, to.to_owned()) }
    }

    /// Names what it is done to: the button stays short.
    fn to(mut self, what: &str) -> Self {
        if !what.is_empty() {
            self.title = format!("{} {what}", self.title);
        }
        self
    }

    /// Leaves out what was not typed.
    fn with(mut self, name: &'static str, value: String) -> Self {
        if !value.trim().is_empty() {
            self.details.push((name, value));
        }
        self
    }
}

async fn of_payment(
    db: &Db,
    company: CompanyId,
    direction: Direction,
    id: &str,
    act: &[&str],
    carried: &Carried,
) -> Result<Act, StoreError> {
    let book = Book { direction };
    let found = match id.parse::<PaymentId>() {
        Ok(id) => payments::find(db, company, id).await?,
        Err(_) => None,
    };
    let page = found.as_ref().map_or(book.path().to_owned(), |found| book.page_of(found.summary.id));
    let number = found.map(|found| found.summary.number.to_string()).unwrap_or_default();
    let back = (book.either("Volver al cobro", "Volver al pago"), page.as_str());
    let noun = book.noun();
    let recipient = match act {
        ["envios", envio, _] => recipient(db, company, envio).await?,
        _ => String::new(),
    };
    let of_recipient = |button: String| Act::new(button, back).to(&join(&[" a ", &recipient, " de ", &number]));
    Ok(match act {
        ["anular"] => Act::new(format!("Anular el {noun}"), back).to(&number).with("Motivo", carried.typed("motivo")),
        ["reenviar"] => {
            let button = if carried.typed("pide") == "aviso" { "Enviar el aviso de anulación" } else { "Reenviar el recibo" };
            Act::new(button, back).to(&number).with("Para", join_all(&[carried.typed("para"), carried.typed("otra")]))
        }
        ["envios", _, "corregir"] => {
            of_recipient("Corregir y reenviar el recibo".to_owned()).with("Correo corregido", carried.typed("correo"))
        }
        ["envios", _, "reintentar"] => of_recipient("Reintentar el envío".to_owned()),
        ["envios", _, "anular"] => of_recipient("Anular el envío".to_owned()),
        ["envios", _, "resolver"] => of_recipient("Dar por resuelto el envío".to_owned()).with("Motivo", carried.typed("motivo")),
        _ => Act::new(format!("Guardar el {noun}"), back).to(&number),
    })
}

async fn recipient(db: &Db, company: CompanyId, envio: &str) -> Result<String, StoreError> {
    let Ok(id) = envio.parse::<DeliveryId>() else { return Ok(String::new()) };
    Ok(deliveries::find(db, company, id).await?.map(|found| found.recipient).unwrap_or_default())
}

/// « a pagos@andina.ec de RC-000004», leaving out what is not known.
fn join(pairs: &[&str]) -> String {
    let known = pairs.chunks(2).filter(|pair| !pair[1].is_empty());
    known.map(<[&str]>::concat).collect::<String>().trim().to_owned()
}

fn join_all(texts: &[String]) -> String {
    texts.iter().filter(|text| !text.is_empty()).cloned().collect::<Vec<_>>().join(", ")
}

const COMPANIES: (&str, &str) = ("Volver a las compañías", "/companias");

/// What ends a company, or lets it go on.
fn of_closing(act: &str) -> Act {
    let title = match act {
        "exportar" => "Exportar todo lo de la compañía",
        "archivar" => "Archivar la compañía",
        "reabrir" => "Reabrir la compañía",
        "cancelar" => "No eliminar la compañía",
        "confirmar" => "Confirmar que se elimine la compañía",
        _ => "Eliminar la compañía",
    };
    Act::new(title, ("Volver a los datos", "/mi-compania/datos"))
}

fn of_tokens(act: &[&str], carried: &Carried) -> Act {
    let back = ("Volver a Integraciones", "/mi-compania/integraciones");
    match act {
        [_, "revocar"] => Act::new("Revocar el token", back).with("Motivo", carried.typed("motivo")),
        _ => Act::new("Crear el token", back).to(&carried.typed("nombre")),
    }
}

/// The buttons over the ticked rows of Envíos.
fn of_deliveries(carried: &Carried) -> Act {
    let count = carried.fields().iter().filter(|(name, _)| name == "envio").count();
    let act = match carried.typed("accion").as_str() {
        "anular" => "Anular",
        "resolver" => "Dar por resueltos",
        _ => "Reintentar",
    };
    let title = match (count, act) {
        (1, "Dar por resueltos") => "Dar por resuelto 1 envío".to_owned(),
        (1, _) => format!("{act} 1 envío"),
        (_, _) => format!("{act} {count} envíos"),
    };
    let list = carried.typed("volver");
    let list = if local_path(&list).starts_with("/envios") { list } else { "/envios".to_owned() };
    Act::new(title, ("Volver a los envíos", &list)).with("Motivo", carried.typed("motivo"))
}

fn of_own_account(act: &[&str]) -> Act {
    let title = match act {
        ["clave"] => "Cambiar la contraseña",
        ["segundo-paso"] => "Activar el segundo paso",
        ["segundo-paso", _] => "Quitar la aplicación de códigos",
        ["codigos"] => "Sacar 10 códigos de recuperación",
        ["llaves", _, "quitar"] => "Quitar la llave",
        ["llaves", ..] => "Agregar una llave",
        ["sesiones", _, "cerrar"] => "Cerrar la sesión",
        ["sesiones", ..] => "Cerrar las demás sesiones",
        _ => "Guardar sus datos",
    };
    Act::new(title, ("Volver a Mi cuenta", "/mi-cuenta"))
}

fn of_users(act: &[&str], carried: &Carried) -> Act {
    const LIST: (&str, &str) = ("Volver a los usuarios", "/mi-compania/usuarios");
    match act {
        ["invitar"] => Act::new("Invitar a una persona", LIST).with("Correo", carried.typed("correo")),
        ["invitaciones", _, "reenviar"] => Act::new("Reenviar la invitación", LIST),
        ["invitaciones", _, _] => Act::new("Retirar la invitación", LIST),
        [_, "quitar"] => Act::new("Quitar a esta persona", LIST),
        [_, "clave"] => Act::new("Crear un enlace para otra contraseña", LIST),
        _ if !carried.typed("entregar").is_empty() => Act::new("Entregar la administración", LIST),
        _ => Act::new("Cambiar el rol", LIST).with("Rol", carried.typed("rol")),
    }
}

async fn of_accounts(db: &Db, company: CompanyId, act: &[&str], carried: &Carried) -> Result<Act, StoreError> {
    const LIST: (&str, &str) = ("Volver a los correos", "/mi-compania/correos");
    let address = match act {
        [id, ..] => address(db, company, id).await?,
        [] => String::new(),
    };
    let on = |button: &str| Act::new(button, LIST).to(&address);
    Ok(match act {
        ["si-falla"] => Act::new("Guardar qué hacer si una cuenta deja de funcionar", LIST),
        ["conectar", ..] | ["oauth", ..] => Act::new("Conectar la cuenta", LIST).with("Correo", carried.typed("remitente")),
        [_, "conectar"] => on("Volver a conectar la cuenta"),
        [_, "probar"] => on("Probar la cuenta"),
        [_, "predeterminado"] => Act::new("Enviar lo que espera con el correo predeterminado", LIST),
        [_, "desactivar"] => on("Desactivar la cuenta"),
        [_, "activar"] => on("Activar la cuenta"),
        [_, "eliminar"] => on("Eliminar la cuenta"),
        [_, "dominio"] => on(match carried.typed("accion").as_str() {
            "comprobar" => "Comprobar la firma",
            "descartar" => "Borrar la clave de firma",
            "detener" => "Dejar de firmar",
            _ => "Crear la clave de firma",
        }),
        _ => on("Guardar la cuenta"),
    })
}

async fn address(db: &Db, company: CompanyId, id: &str) -> Result<String, StoreError> {
    let known = mail_accounts::list(db, company).await?.into_iter().find(|account| account.id.to_string() == id);
    Ok(known.map(|account| account.settings.from_address.to_string()).unwrap_or_default())
}
