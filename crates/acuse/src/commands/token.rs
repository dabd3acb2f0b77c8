//! `acuse token …`: programs that use the API, and how that is taken back.

use acuse_domain::access::{Scope, token_name};
use acuse_domain::api_token::{Lifetime, ends_at};
use acuse_domain::input::Errors;
use acuse_domain::input::api_token::{Field, TokenInput};
use acuse_domain::message::Message;
use acuse_domain::{Date, day_in_ecuador, typed_date};
use acuse_store::tokens::{self, Issued, TokenInfo};
use acuse_store::{Actor, Db, now};
use secrecy::ExposeSecret;
use serde_json::json;
use uuid::Uuid;

use crate::commands::terminal::{moment, operator_in, print_list, timestamp};
use crate::config::Config;
use crate::database;
use crate::failure::Failure;

#[derive(clap::Subcommand)]
pub enum Token {
    /// Crea un token de la API y lo muestra, solo esta vez.
    Create {
        /// El RUC de la compañía.
        #[arg(long, value_name = "RUC")]
        company: String,
        /// Para qué es; se ve en el historial.
        #[arg(long)]
        name: String,
        /// Qué puede, separado por comas: read, record, send, configure.
        #[arg(long, value_delimiter = ',', default_value = "read,record,send,configure")]
        scopes: Vec<String>,
        /// Hasta cuándo sirve: 90d, 1y, un día (2027-11-24) o never.
        #[arg(long, value_name = "CUÁNDO", default_value = "1y")]
        expires: String,
        /// Desde qué direcciones o redes sirve, separadas por comas; sin esto, desde cualquiera.
        #[arg(long, value_name = "REDES", default_value = "", hide_default_value = true)]
        from: String,
    },
    /// Los tokens con su compañía y su último uso; nunca el secreto.
    List {
        /// Solo los de la compañía con este RUC.
        #[arg(long, value_name = "RUC")]
        company: Option<String>,
        /// También los revocados.
        #[arg(long)]
        all: bool,
        /// Una línea de JSON.
        #[arg(long)]
        json: bool,
    },
    /// Revoca en seguida un token: por su id, o por su compañía y nombre.
    Revoke {
        /// Como lo muestra «acuse token list».
        #[arg(value_name = "ID", required_unless_present = "name")]
        id: Option<Uuid>,
        /// El RUC de la compañía.
        #[arg(long, value_name = "RUC", requires = "name")]
        company: Option<String>,
        #[arg(long, requires = "company", conflicts_with = "id")]
        name: Option<String>,
    },
}

pub async fn run(what: Token, config: &Config) -> Result<(), Failure> {
    let db = database::up_to_date(config).await?;
    let done = match what {
        Token::Create { company, name, scopes, expires, from } => {
            let today = day_in_ecuador(now());
            let asked = TokenInput { name, scopes, expires_on: last_day(&expires, today), networks: from };
            create(&db, &company, asked, today).await
        }
        Token::List { company, all, json } => list(&db, company.as_deref(), all, json).await,
        Token::Revoke { id, company, name } => revoke(&db, id, company.zip(name)).await,
    };
    database::closed(db, done).await
}

async fn create(db: &Db, company: &str, asked: TokenInput, today: Date) -> Result<(), Failure> {
    let by = operator_in(db, company).await?;
    let new = asked.read(today).map_err(refused)?;
    let issued = tokens::issue(db, &by, &new, None, now()).await.map_err(|error| Failure::new(error.to_string(), ""))?;
    let Issued::Now { token, .. } = issued else { return Ok(()) };
    println!("{}", token.expose_secret());
    let until = new.expires_on.map(|day| format!(" Sirve hasta el {}.", day.format("%d/%m/%Y"))).unwrap_or_default();
    eprintln!("Guárdelo: no se vuelve a mostrar.{until}");
    Ok(())
}

/// The last day that `--expires` means.
fn last_day(expires: &str, today: Date) -> Result<Option<Date>, Message> {
    match expires {
        "never" => Ok(None),
        "90d" => Ok(Some(Lifetime::NinetyDays.ends_on(today))),
        "1y" => Ok(Some(Lifetime::Year.ends_on(today))),
        day => typed_date::read(day, today).map(Some).map_err(Message::from),
    }
}

fn refused(errors: Errors<Field>) -> Failure {
    let option = |field| match field {
        Field::Name => "--name",
        Field::Scopes => "--scopes",
        Field::ExpiresOn => "--expires",
        Field::Networks => "--from",
    };
    let each: Vec<String> = errors.into_iter().map(|(field, message)| format!("{}: {message}", option(field))).collect();
    Failure::new(each.join(" "), "«acuse token create --help» muestra lo que se puede pedir.")
}

async fn list(db: &Db, company: Option<&str>, all: bool, as_json: bool) -> Result<(), Failure> {
    let company = match company {
        Some(ruc) => Some(operator_in(db, ruc).await?.company),
        None => None,
    };
    let mut found = tokens::list_any_company(db).await?;
    found.retain(|one| company.is_none_or(|company| one.company == company) && (all || one.revoked_at.is_none()));
    let row = |one: &TokenInfo| {
        let cells = vec![
            one.id.to_string(),
            one.name.clone(),
            one.ruc.to_string(),
            moment(Some(one.created_at)),
            moment(one.last_used_at),
            one.scopes.to_string(),
            one.expires_on.map_or_else(|| "—".to_owned(), |day| day.format("%d/%m/%Y").to_string()),
            one.networks.to_string(),
            moment(one.revoked_at),
        ];
        let value = json!({
            "id": one.id.to_string(), "name": one.name, "company": one.ruc.to_string(),
            "created_at": timestamp(Some(one.created_at)), "last_used_at": timestamp(one.last_used_at),
            "revoked_at": timestamp(one.revoked_at), "hint": one.hint, "last_used_from": one.last_used_from,
            "scopes": one.scopes.iter().map(Scope::as_str).collect::<Vec<_>>(), "created_by": one.created_by,
            "expires_at": timestamp(one.expires_on.map(ends_at)), "from": one.networks.iter().collect::<Vec<_>>(),
        });
        (cells, value)
    };
    let rows: Vec<_> = found.iter().map(row).collect();
    print_list(as_json, &["ID", "NOMBRE", "COMPAÑÍA", "CREADO", "ÚLTIMO USO", "PUEDE", "VENCE", "DESDE", "REVOCADO"], &rows);
    Ok(())
}

/// Those with this name that still open something.
async fn named(db: &Db, company: &str, name: &str) -> Result<Vec<TokenInfo>, Failure> {
    let company = operator_in(db, company).await?.company;
    // As earlier versions kept it, or as it is kept now.
    let is_named = |one: &TokenInfo| one.name == name || token_name(name).is_ok_and(|name| one.name == name);
    let all = tokens::list_any_company(db).await?.into_iter();
    Ok(all.filter(|one| one.company == company && is_named(one) && one.revoked_at.is_none()).collect())
}

async fn revoke(db: &Db, id: Option<Uuid>, name: Option<(String, String)>) -> Result<(), Failure> {
    let wanted: Vec<TokenInfo> = match (id, name) {
        (Some(id), _) => tokens::list_any_company(db).await?.into_iter().filter(|one| one.id.0 == id).collect(),
        (None, Some((company, name))) => named(db, &company, &name).await?,
        (None, None) => Vec::new(),
    };
    match wanted.as_slice() {
        [] => Err(Failure::new("no hay un token así", "«acuse token list» los muestra.")),
        [one] if tokens::revoke(db, &Actor::operator(one.company), one.id, "", now()).await? => {
            println!("El token «{}» se revocó: ya no da acceso.", one.name);
            Ok(())
        }
        [one] => Err(Failure::new(format!("el token «{}» ya estaba revocado", one.name), "")),
        several => {
            let ids: Vec<String> = several.iter().map(|one| one.id.to_string()).collect();
            Err(Failure::new("hay varios tokens con ese nombre", format!("Revoque cada uno por su id: {}", ids.join(", "))))
        }
    }
}
