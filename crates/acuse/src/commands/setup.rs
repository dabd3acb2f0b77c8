//! `acuse company|user|token create`: what a browser cannot do before there is anybody to log in.

use std::io::{IsTerminal, stdin};

use acuse_domain::company::CompanyProfile;
use acuse_domain::email_address::EmailAddress;
use acuse_domain::id::CompanyId;
use acuse_domain::identification::Ruc;
use acuse_store::users::Role;
use acuse_store::{Db, companies, now, tokens, users};
use secrecy::{ExposeSecret, SecretString};

use crate::config::Config;
use crate::failure::Failure;

#[derive(clap::Subcommand)]
pub enum Company {
    /// Adds a company.
    Create {
        #[arg(long)]
        ruc: String,
        /// Razón social.
        #[arg(long)]
        name: String,
        /// Where answers to its receipts go.
        #[arg(long)]
        email: Option<String>,
    },
}

#[derive(clap::Subcommand)]
pub enum User {
    /// Adds a user; the password comes from the terminal or standard input.
    Create {
        #[arg(long)]
        email: String,
        /// The company's RUC.
        #[arg(long)]
        company: String,
        #[arg(long, default_value = "owner")]
        role: String,
        #[arg(long)]
        name: Option<String>,
    },
    /// Gives a user a new password and ends their sessions.
    Password {
        #[arg(long)]
        email: String,
    },
}

#[derive(clap::Subcommand)]
pub enum Token {
    /// Makes a token of the API and prints it, this once.
    Create {
        /// The company's RUC.
        #[arg(long)]
        company: String,
        /// What it is for; shown in the history.
        #[arg(long)]
        name: String,
    },
}

pub async fn company(Company::Create { ruc, name, email }: Company, config: &Config) -> Result<(), Failure> {
    let ruc: Ruc = ruc.parse().map_err(|error| Failure::new(format!("--ruc: {error}"), "Son 13 dígitos."))?;
    if ruc.doubt().is_some() {
        eprintln!("Aviso: el dígito verificador de {ruc} no cuadra. El SRI emite algunos así; compruébelo.");
    }
    let email = email.map(|email| address(&email)).transpose()?;
    let profile = CompanyProfile { legal_name: name, trade_name: None, address: None, city: None, phone: None, email };
    let db = open(config).await?;
    let id = companies::create(&db, &ruc, &profile, now()).await.map_err(|error| match error {
        companies::CreateError::RucTaken => Failure::new(format!("ya hay una compañía con RUC {ruc}"), ""),
        companies::CreateError::Store(error) => error.into(),
    })?;
    println!("{id}");
    Ok(())
}

pub async fn user(what: User, config: &Config) -> Result<(), Failure> {
    let db = open(config).await?;
    match what {
        User::Create { email, company, role, name } => {
            let email = address(&email)?;
            let role = Role::parse(&role).ok_or_else(|| Failure::new("--role es owner, accountant o viewer", ""))?;
            let company = company_of(&db, &company).await?;
            let name = name.unwrap_or_else(|| email.local_part().to_string());
            let password = ask_password("Contraseña (8 caracteres o más): ")?;
            let id = users::create(&db, company, &name, &email, &password, role, now()).await.map_err(user_failure)?;
            println!("{id}");
        }
        User::Password { email } => {
            let email = address(&email)?;
            let password = ask_password("Contraseña nueva (8 caracteres o más): ")?;
            if !users::change_password_any_company(&db, &email, &password).await.map_err(user_failure)? {
                return Err(Failure::new(format!("no hay un usuario {email}"), "Créelo con «acuse user create»."));
            }
            println!("La contraseña de {email} cambió.");
        }
    }
    Ok(())
}

pub async fn token(Token::Create { company, name }: Token, config: &Config) -> Result<(), Failure> {
    let db = open(config).await?;
    let company = company_of(&db, &company).await?;
    let (_, token) = tokens::create(&db, company, &name, now()).await?;
    println!("{}", token.expose_secret());
    eprintln!("Guárdelo: no se vuelve a mostrar.");
    Ok(())
}

/// Reads a secret from the terminal without showing it, or a line of standard input.
pub fn ask_password(prompt: &str) -> Result<SecretString, Failure> {
    let unread = |error: std::io::Error| Failure::new(format!("la contraseña no se pudo leer: {error}"), "");
    if stdin().is_terminal() {
        return rpassword::prompt_password(prompt).map(SecretString::from).map_err(unread);
    }
    let mut line = String::new();
    stdin().read_line(&mut line).map_err(unread)?;
    Ok(SecretString::from(line.trim_end_matches(['\r', '\n']).to_string()))
}

async fn open(config: &Config) -> Result<Db, Failure> {
    if let Err(error) = std::fs::create_dir_all(&config.data_dir) {
        return Err(Failure::new(format!("la carpeta {} no se puede crear: {error}", config.data_dir.display()), ""));
    }
    let db = Db::open(&config.database_url).await?;
    if db.is_sqlite() {
        db.migrate().await?;
    }
    Ok(db)
}

async fn company_of(db: &Db, ruc: &str) -> Result<CompanyId, Failure> {
    let ruc: Ruc = ruc.parse().map_err(|error| Failure::new(format!("--company es un RUC: {error}"), ""))?;
    let found = companies::find_by_ruc_any_company(db, &ruc).await?;
    found
        .map(|company| company.id)
        .ok_or_else(|| Failure::new(format!("no hay una compañía con RUC {ruc}"), "Créela con «acuse company create»."))
}

fn address(typed: &str) -> Result<EmailAddress, Failure> {
    typed.parse().map_err(|error: acuse_domain::email_address::InvalidEmailAddress| Failure::new(error.to_string(), ""))
}

fn user_failure(error: users::CreateError) -> Failure {
    match error {
        users::CreateError::PasswordTooShort => Failure::new("la contraseña tiene menos de 8 caracteres", "Elija otra."),
        users::CreateError::EmailTaken => {
            Failure::new("ya hay un usuario con ese correo", "Cambie su contraseña con «acuse user password».")
        }
        users::CreateError::NotHashed => Failure::new("la contraseña no se pudo guardar", ""),
        users::CreateError::Store(error) => error.into(),
    }
}
