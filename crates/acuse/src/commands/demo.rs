//! `acuse demo`: a complete sandbox, with a mail catcher in the place of the world.

use std::fs;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use acuse_mail::catcher::Catcher;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

use crate::config::Config;
use crate::demo_data;
use crate::failure::Failure;
use crate::installation::{Installation, Opening, Role, listen};
use crate::mail_url::MailUrl;

/// Kept in the demo's folder, so that a second start says the same.
const CREDENTIALS_FILE: &str = "demo.json";
const SENDER: &str = "avisos@acuse.example";
/// Where the catcher listens.
const CATCHER_HOST: &str = "127.0.0.1";

#[derive(clap::Args)]
pub struct Args {
    /// Keep the demo in this folder and go on with it at the next start.
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
    /// Print the credentials as one line of JSON.
    #[arg(long)]
    json: bool,
}

impl Args {
    /// The folder to work in: the one named, or a new one that goes away with the process.
    pub fn folder(&self) -> Result<PathBuf, Failure> {
        match &self.data_dir {
            Some(folder) => Ok(folder.clone()),
            None => tempfile::Builder::new()
                .prefix("acuse-demo-")
                .tempdir()
                .map(tempfile::TempDir::keep)
                .map_err(|error| Failure::new(format!("no se puede crear una carpeta temporal: {error}"), "")),
        }
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

pub async fn run(args: Args, mut config: Config) -> Result<(), Failure> {
    let earlier = read_credentials(&config.data_dir);
    let catcher = start_catcher(earlier.as_ref()).await?;
    let smtp_port = catcher.local_addr().port();
    lead_mail_to(&mut config, catcher.local_addr())?;
    let how = Opening { migrate: true, forget_secrets: false };
    let installation = Installation::open(&config, Some(catcher), how).await?;
    let listener = bind(&config).await?;
    let url = config.public_url(listener.local_addr().unwrap_or(config.listen));
    let mut credentials = match earlier {
        Some(earlier) => earlier,
        None => first_time(&installation).await?,
    };
    credentials.url.clone_from(&url);
    credentials.smtp_port = smtp_port;
    keep_credentials(&config.data_dir, &credentials)?;
    announce(&credentials, args.json);
    let thrown_away = args.data_dir.is_none().then(|| config.data_dir.clone());
    let ended = installation.run(Role::All, listener, url).await;
    if let Some(folder) = thrown_away {
        let _ = fs::remove_dir_all(folder);
    }
    ended
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

/// The catcher is the default account, unless another was configured. It may be reached, and nothing else that is private but
/// what the operator allows.
fn lead_mail_to(config: &mut Config, catcher: SocketAddr) -> Result<(), Failure> {
    if config.default_account.is_none() {
        let url: MailUrl =
            format!("smtp://{catcher}?security=none").parse().map_err(|error| Failure::new(format!("{error}"), ""))?;
        let from = SENDER.parse().map_err(|error| Failure::new(format!("{error}"), ""))?;
        config.default_account = Some((url, from));
    }
    config.catcher = Some(catcher);
    Ok(())
}

/// The usual address; if that is taken and nobody chose it, any other.
async fn bind(config: &Config) -> Result<TcpListener, Failure> {
    match listen(config.listen).await {
        Err(_) if !config.listen_was_chosen => listen(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await,
        other => other,
    }
}

fn announce(credentials: &Credentials, json: bool) {
    if json {
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
        println!("  Ctrl+C la detiene.");
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
