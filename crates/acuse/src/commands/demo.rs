//! `acuse demo`: a complete sandbox, with a mail catcher in the place of the world.

use std::fs;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use acuse_domain::company::CompanyCreation;
use acuse_mail::catcher::Catcher;
use acuse_store::db::sqlite_path;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::config::Config;
use crate::demo_data;
use crate::failure::Failure;
use crate::installation::{Installation, Opening, Role, StopSignals, listen};
use crate::mail_url::MailUrl;

/// Kept in the demo's folder, so that a second start says the same.
const CREDENTIALS_FILE: &str = "demo.json";
const SENDER: &str = "avisos@acuse.example";
/// Where the catcher listens.
const CATCHER_HOST: &str = "127.0.0.1";

#[derive(clap::Args)]
pub struct Args {
    /// Guarda la demostración en esta carpeta y sigue con ella la próxima vez.
    #[arg(long, value_name = "CARPETA")]
    data_dir: Option<PathBuf>,
    /// Muestra el acceso como una línea de JSON.
    #[arg(long)]
    json: bool,
}

impl Args {
    /// The folder named, or a new one that goes away on every end, also where the demo does not get as far as listening.
    fn folder(&self) -> Result<(PathBuf, Option<TempDir>), Failure> {
        if let Some(named) = &self.data_dir {
            return Ok((named.clone(), None));
        }
        let made = tempfile::Builder::new().prefix("acuse-demo-").tempdir();
        let made = made.map_err(|error| Failure::new(format!("no se puede crear una carpeta temporal ({error})"), ""))?;
        Ok((made.path().to_path_buf(), Some(made)))
    }
}

/// What somebody needs to use the demo.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Credentials {
    pub url: String,
    pub email: String,
    pub password: String,
    pub token: String,
    pub smtp_port: u16,
}

/// A demo that is open and answers at its address.
struct Demo {
    installation: Installation,
    listener: TcpListener,
    credentials: Credentials,
}

pub async fn run(args: Args, config: Config) -> Result<(), Failure> {
    let (folder, _thrown_away) = args.folder()?;
    let config = config.within(&folder);
    let mut told_to_stop = StopSignals::new()?;
    let demo = tokio::select! {
        demo = begin(config) => demo?,
        () = told_to_stop.wait() => return Ok(()),
    };
    announce(&demo.credentials, &args);
    demo.installation.run(Role::All, demo.listener, demo.credentials.url, told_to_stop).await;
    Ok(())
}

/// The address first: a demo that cannot have it leaves everything as it was.
async fn begin(mut config: Config) -> Result<Demo, Failure> {
    let listener = bind(&config).await?;
    let earlier = read_credentials(&config.data_dir);
    if earlier.is_none() {
        refuse_a_foreign_database(&config)?;
    }
    let catcher = start_catcher(earlier.as_ref()).await?;
    let smtp_port = catcher.local_addr().port();
    lead_mail_to(&mut config, catcher.local_addr())?;
    let how = Opening { migrate: true, forget_secrets: false };
    let installation = Installation::open(&config, Some(catcher), how).await?;
    let mut credentials = match earlier {
        Some(earlier) => earlier,
        None => first_time(&installation).await?,
    };
    credentials.url = config.public_url(listener.local_addr().unwrap_or(config.listen));
    credentials.smtp_port = smtp_port;
    keep_credentials(&config.data_dir, &credentials)?;
    Ok(Demo { installation, listener, credentials })
}

/// The demo fills no database but its own.
fn refuse_a_foreign_database(config: &Config) -> Result<(), Failure> {
    match sqlite_path(&config.database_url).filter(|database| database.exists()) {
        None => Ok(()),
        Some(database) => Err(Failure::new(
            format!("{} no es de una demostración que haya llegado a empezar", database.display()),
            "Elija otra carpeta con --data-dir. Para trabajar con esa base, «acuse serve».",
        )),
    }
}

async fn first_time(installation: &Installation) -> Result<Credentials, Failure> {
    let made = demo_data::fill(&installation.db).await?;
    Ok(Credentials {
        url: String::new(),
        email: demo_data::EMAIL.to_string(),
        password: made.password.expose_secret().to_string(),
        token: made.token.expose_secret().to_string(),
        smtp_port: 0,
    })
}

/// The same port as before where it is free: a kept account may name it.
async fn start_catcher(earlier: Option<&Credentials>) -> Result<Catcher, Failure> {
    let at = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    if let Some(port) = earlier.map(|earlier| earlier.smtp_port)
        && let Ok(catcher) = Catcher::start(at(port)).await
    {
        return Ok(catcher);
    }
    Catcher::start(at(0)).await.map_err(|error| Failure::new(format!("el correo de prueba no pudo empezar: {error}"), ""))
}

/// The catcher is the default account. It may be reached, and nothing else that is private but
/// what the operator allows.
fn lead_mail_to(config: &mut Config, catcher: SocketAddr) -> Result<(), Failure> {
    let url: MailUrl = format!("smtp://{catcher}?security=none").parse().map_err(|error| Failure::new(format!("{error}"), ""))?;
    let from = SENDER.parse().map_err(|error| Failure::new(format!("{error}"), ""))?;
    config.default_account = Some((url, from));
    config.catcher = Some(catcher);
    // Whoever looks around may see how a second company comes.
    config.company_creation = CompanyCreation::Owners;
    Ok(())
}

/// The usual address; if that is taken and nobody chose it, any other.
async fn bind(config: &Config) -> Result<TcpListener, Failure> {
    match listen(config.listen).await {
        Err(_) if !config.listen_was_chosen => listen(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await,
        other => other,
    }
}

fn announce(credentials: &Credentials, args: &Args) {
    if args.json {
        println!("{}", serde_json::to_string(credentials).unwrap_or_default());
    } else {
        println!();
        println!("  Acuse, demostración: nada sale de esta máquina.");
        println!();
        println!("  URL         {}", credentials.url);
        println!("  Usuario     {}", credentials.email);
        println!("  Contraseña  {}", credentials.password);
        println!("  Token API   {}", credentials.token);
        println!(
            "  SMTP        {CATCHER_HOST}:{} sin cifrar; lo recibido se ve en {}/demo/buzon",
            credentials.smtp_port, credentials.url
        );
        println!();
        match &args.data_dir {
            Some(folder) => println!("  Ctrl+C la detiene; sus datos quedan en {}.", folder.display()),
            None => println!("  Ctrl+C la detiene y borra sus datos; con --data-dir CARPETA quedan."),
        }
        println!();
    }
    let _ = std::io::stdout().flush();
}

fn read_credentials(folder: &Path) -> Option<Credentials> {
    serde_json::from_slice(&fs::read(folder.join(CREDENTIALS_FILE)).ok()?).ok()
}

fn keep_credentials(folder: &Path, credentials: &Credentials) -> Result<(), Failure> {
    use std::os::unix::fs::OpenOptionsExt;
    let path = folder.join(CREDENTIALS_FILE);
    let text = serde_json::to_string(credentials).unwrap_or_default();
    let file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path);
    file.and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|error| Failure::new(format!("{} no se pudo escribir: {error}", path.display()), ""))
}
