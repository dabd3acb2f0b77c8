//! `acuse user …`: who may enter, and how that is taken back.

use acuse_domain::access::Role;
use acuse_domain::access::user_name;
use acuse_domain::email_address::EmailAddress;
use acuse_store::access::{self, AccessError, Member};
use acuse_store::invitations::{self, InviteError, NewInvitation};
use acuse_store::user_mails::Post;
use acuse_store::users;
use acuse_store::{Db, now, second_factor, sessions, tokens};
use secrecy::ExposeSecret;
use serde_json::json;

use crate::commands::terminal::{address, ask_password, moment, operator_in, print_list, text, timestamp};
use crate::config::Config;
use crate::database;
use crate::failure::Failure;

#[derive(clap::Subcommand)]
pub enum User {
    /// Agrega un usuario; la contraseña se pide o se lee de la entrada estándar.
    Create {
        #[arg(long)]
        email: String,
        /// El RUC de la compañía.
        #[arg(long, value_name = "RUC")]
        company: String,
        /// owner, accountant, assistant, clerk o viewer.
        #[arg(long, default_value = "owner", value_parser = role)]
        role: Role,
        #[arg(long)]
        name: Option<String>,
    },
    /// Escribe un enlace con el que una persona crea su usuario; sirve una vez, durante 72 horas.
    Invite {
        #[arg(long)]
        email: String,
        /// El RUC de la compañía.
        #[arg(long, value_name = "RUC")]
        company: String,
        /// owner, accountant, assistant, clerk o viewer.
        #[arg(long, value_parser = role)]
        role: Role,
        #[arg(long)]
        name: Option<String>,
    },
    /// Los usuarios con sus compañías, sus roles y su última entrada.
    List {
        /// Solo los de la compañía con este RUC.
        #[arg(long, value_name = "RUC")]
        company: Option<String>,
        /// Una línea de JSON.
        #[arg(long)]
        json: bool,
    },
    /// Cambia en seguida el rol de un usuario en una compañía.
    Role {
        #[arg(long)]
        email: String,
        /// El RUC de la compañía.
        #[arg(long, value_name = "RUC")]
        company: String,
        /// owner, accountant, assistant, clerk o viewer.
        #[arg(long, value_parser = role)]
        role: Role,
    },
    /// Quita en seguida a un usuario de una compañía y termina ahí sus sesiones.
    Remove {
        #[arg(long)]
        email: String,
        /// El RUC de la compañía.
        #[arg(long, value_name = "RUC")]
        company: String,
        /// Revoca también todos los tokens de la compañía: puede conocerlos.
        #[arg(long)]
        revoke_tokens: bool,
    },
    /// Da a un usuario una contraseña nueva y termina sus sesiones.
    Password {
        #[arg(long)]
        email: String,
    },
    /// Las sesiones abiertas de un usuario.
    Sessions {
        #[arg(long)]
        email: String,
        /// Una línea de JSON.
        #[arg(long)]
        json: bool,
    },
    /// Quita el segundo paso a quien perdió el teléfono y sus códigos, con sus llaves y sus sesiones; la contraseña queda.
    SecondFactor {
        #[arg(long)]
        email: String,
        /// Lo quita. No hay otra cosa que hacer desde aquí: activarlo es de cada persona, en Mi cuenta.
        #[arg(long, required = true)]
        off: bool,
    },
    /// Termina en seguida todas las sesiones de un usuario; la contraseña queda.
    Logout {
        #[arg(long)]
        email: String,
    },
}

fn role(typed: &str) -> Result<Role, String> {
    Role::parse(typed).ok_or_else(|| "es owner, accountant, assistant, clerk o viewer".to_string())
}

pub async fn run(what: User, config: &Config) -> Result<(), Failure> {
    let db = database::up_to_date(config).await?;
    let done = match what {
        User::Create { email, company, role, name } => create(&db, &email, &company, role, name).await,
        User::Invite { email, company, role, name } => invite(&db, config, &email, &company, role, name).await,
        User::List { company, json } => list(&db, company.as_deref(), json).await,
        User::Role { email, company, role } => change_role(&db, &email, &company, role).await,
        User::Remove { email, company, revoke_tokens } => remove(&db, &email, &company, revoke_tokens).await,
        User::Password { email } => change_password(&db, &email).await,
        User::Sessions { email, json } => list_sessions(&db, &email, json).await,
        User::Logout { email } => end_sessions(&db, &email).await,
        User::SecondFactor { email, off: _ } => second_factor_off(&db, &email).await,
    };
    database::closed(db, done).await
}

async fn create(db: &Db, email: &str, company: &str, role: Role, name: Option<String>) -> Result<(), Failure> {
    let email = address(email)?;
    let company = operator_in(db, company).await?.company;
    let name = text("--name", user_name(name.as_deref().unwrap_or_else(|| email.local_part())))?;
    let password = ask_password("Contraseña (12 caracteres o más): ")?;
    let id = users::create(db, company, &name, &email, &password, role, now()).await.map_err(not_created)?;
    println!("{id}");
    Ok(())
}

async fn invite(db: &Db, config: &Config, email: &str, company: &str, role: Role, name: Option<String>) -> Result<(), Failure> {
    let (email, by) = (address(email)?, operator_in(db, company).await?);
    let name = name.map(|name| text("--name", user_name(&name))).transpose()?.unwrap_or_default();
    let new = NewInvitation { email: email.clone(), name, role };
    let invited = invitations::invite(db, &by, &new, None, Post::ByHand, now()).await.map_err(|error| match error {
        InviteError::AlreadyMember => {
            Failure::new(format!("{email} ya es usuario de esa compañía"), "«acuse user list» los muestra.")
        }
        InviteError::AlreadyInvited | InviteError::NotFound => Failure::new(
            format!("{email} ya tiene una invitación abierta"),
            "Retírela o reenvíela en Mi compañía › Accesos › Usuarios.",
        ),
        InviteError::Archived => Failure::new("La compañía está archivada", "Reábrala en Mi compañía › Compañía."),
        InviteError::Store(error) => error.into(),
    })?;
    println!("{}/invitacion/{}", config.public_url(config.listen), invited.token.expose_secret());
    eprintln!("Sirve una vez, hasta {}. Entréguelo solo a {email}.", moment(Some(invited.ends_at)));
    Ok(())
}

async fn list(db: &Db, company: Option<&str>, as_json: bool) -> Result<(), Failure> {
    let found = match company {
        Some(ruc) => access::members(db, operator_in(db, ruc).await?.company).await?,
        None => access::members_any_company(db).await?,
    };
    let row = |one: &Member| {
        let role = one.role.as_str();
        let cells = vec![one.email.clone(), one.name.clone(), one.ruc.to_string(), role.to_string(), moment(one.last_login_at)];
        let value = json!({
            "id": one.user.to_string(), "email": one.email, "name": one.name, "company": one.ruc.to_string(), "role": role,
            "last_login_at": timestamp(one.last_login_at),
        });
        (cells, value)
    };
    let rows: Vec<_> = found.iter().map(row).collect();
    print_list(as_json, &["CORREO", "NOMBRE", "COMPAÑÍA", "ROL", "ÚLTIMA ENTRADA"], &rows);
    Ok(())
}

async fn change_role(db: &Db, email: &str, company: &str, role: Role) -> Result<(), Failure> {
    let (email, by) = (address(email)?, operator_in(db, company).await?);
    let before = access::change_role(db, &by, &email, role, now()).await.map_err(|error| refused(error, &email))?;
    if before == role {
        println!("{email} ya era {}.", role.as_str());
    } else {
        println!("{email} era {} y ahora es {}.", before.as_str(), role.as_str());
    }
    Ok(())
}

async fn remove(db: &Db, email: &str, company: &str, revoke_tokens: bool) -> Result<(), Failure> {
    let (email, by) = (address(email)?, operator_in(db, company).await?);
    let removed = access::remove(db, &by, &email, now()).await.map_err(|error| refused(error, &email))?;
    println!("{email} ya no entra en esa compañía. Sesiones terminadas: {}.", removed.sessions);
    if revoke_tokens {
        println!("Tokens revocados: {}.", tokens::revoke_all(db, &by, now()).await?);
    } else if removed.tokens_left > 0 {
        eprintln!(
            "La compañía tiene {} tokens de la API que esta persona puede conocer: véalos con «acuse token list» y revóquelos con \
             «acuse token revoke».",
            removed.tokens_left
        );
    }
    Ok(())
}

async fn change_password(db: &Db, email: &str) -> Result<(), Failure> {
    let email = address(email)?;
    let password = ask_password("Contraseña nueva (12 caracteres o más): ")?;
    if !users::change_password_any_company(db, &email, &password).await.map_err(not_created)? {
        return Err(nobody(&email));
    }
    println!("La contraseña de {email} cambió y sus sesiones terminaron.");
    Ok(())
}

async fn list_sessions(db: &Db, email: &str, as_json: bool) -> Result<(), Failure> {
    let email = address(email)?;
    expect_user(db, &email).await?;
    let open = sessions::list_any_company(db, &email, now()).await?;
    let rows: Vec<_> = open
        .iter()
        .map(|one| {
            let cells =
                vec![one.ruc.to_string(), moment(Some(one.created_at)), moment(one.last_seen_at), moment(Some(one.expires_at))];
            let value = json!({
                "company": one.ruc.to_string(), "created_at": timestamp(Some(one.created_at)),
                "last_seen_at": timestamp(one.last_seen_at), "expires_at": timestamp(Some(one.expires_at)),
            });
            (cells, value)
        })
        .collect();
    print_list(as_json, &["COMPAÑÍA", "DESDE", "ÚLTIMO USO", "HASTA"], &rows);
    Ok(())
}

async fn end_sessions(db: &Db, email: &str) -> Result<(), Failure> {
    let email = address(email)?;
    expect_user(db, &email).await?;
    println!("Sesiones terminadas: {}.", sessions::end_all_any_company(db, &email, now()).await?);
    Ok(())
}

async fn second_factor_off(db: &Db, email: &str) -> Result<(), Failure> {
    let email = address(email)?;
    if !second_factor::turn_off_any_company(db, &email, now()).await? {
        return Err(nobody(&email));
    }
    println!("{email} entra solo con su contraseña; sus llaves, sus códigos y sus sesiones terminaron.");
    println!("Si su compañía pide el segundo paso, lo activará al entrar.");
    Ok(())
}

async fn expect_user(db: &Db, email: &EmailAddress) -> Result<(), Failure> {
    let is_known = access::members_any_company(db).await?.iter().any(|one| one.email == email.lowercase().as_str());
    if is_known { Ok(()) } else { Err(nobody(email)) }
}

fn nobody(email: &EmailAddress) -> Failure {
    Failure::new(format!("no hay un usuario {email}"), "«acuse user list» los muestra; «acuse user create» agrega uno.")
}

fn refused(error: AccessError, email: &EmailAddress) -> Failure {
    match error {
        AccessError::NotAMember => {
            Failure::new(format!("{email} no es usuario de esa compañía"), "«acuse user list» los muestra.")
        }
        AccessError::LastOwner => Failure::new(
            format!("{email} es el último administrador de la compañía"),
            "Nombre primero a otro: «acuse user role --email … --company … --role owner», o «acuse user create».",
        ),
        AccessError::Store(error) => error.into(),
    }
}

fn not_created(error: users::CreateError) -> Failure {
    match error {
        users::CreateError::Password(why) => Failure::new(why.to_string(), "Elija otra."),
        users::CreateError::EmailTaken => {
            Failure::new("ya hay un usuario con ese correo", "Cambie su contraseña con «acuse user password».")
        }
        users::CreateError::NotHashed => Failure::new("la contraseña no se pudo guardar", ""),
        users::CreateError::Store(error) => error.into(),
    }
}
