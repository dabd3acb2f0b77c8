//! `acuse doctor`: one line per check, and how to mend what is wrong.

use std::path::Path;
use std::process::ExitCode;

use acuse_domain::message::Language;
use acuse_domain::oauth::Provider;
use acuse_mail::check::{self, Subject};
use acuse_mail::explanation::{Context, explain_recorded};
use acuse_store::db::{Depth, sqlite_path};
use acuse_store::pauses::{self, AccountKey};
use acuse_store::sealing::{self, UnlockError};
use acuse_store::secrets::Keyring;
use acuse_store::{Db, StoreError, health, now};

use crate::config::Config;
use crate::failure::{DAMAGED, Failure};
use crate::{master_key, private_files};

/// Below this the database may soon be unable to write.
const LEAST_FREE_MIB: u64 = 500;
/// A clock before the day of this version is wrong; receipts and certificates depend on it.
const BUILT_AFTER: &str = "2026-11-01T00:00:00Z";

/// What one check found: a word on what is well, or what is wrong and its cure.
type Finding = Result<String, (String, &'static str)>;

pub async fn run(config: &Config) -> Result<ExitCode, Failure> {
    let mut checks = vec![
        ("configuración", data_folder(config)),
        ("correo predeterminado", default_account(config).await),
        ("conexión con Google", oauth(config, Provider::Google)),
        ("conexión con Microsoft", oauth(config, Provider::Microsoft)),
        ("reloj", clock()),
    ];
    // Where there is nothing to look at, or this user may not look, all that follows would say so again.
    if checks[0].1.is_ok() {
        checks.extend([
            ("base de datos", database(config).await),
            ("permisos", permissions(config)),
            ("separación entre compañías", kept_apart(config).await),
            ("clave maestra", key_file(config).await),
            ("envíos del correo predeterminado", default_rests(config).await),
            ("disco", disk(config)),
        ]);
    }
    let mut code = ExitCode::SUCCESS;
    for (name, finding) in checks {
        match finding {
            Ok(well) => println!("✓ {name}: {well}"),
            Err((wrong, cure)) => {
                println!("✗ {name}: {wrong}\n    {cure}");
                code = ExitCode::FAILURE;
            }
        }
    }
    Ok(code)
}

fn data_folder(config: &Config) -> Finding {
    let folder = &config.data_dir;
    private_files::may_use(folder)?;
    match sqlite_path(&config.database_url) {
        Some(file) if !folder.exists() && !file.exists() => Err(broken(StoreError::Missing(file))),
        _ => Ok(format!("datos en {}", folder.display())),
    }
}

async fn database(config: &Config) -> Finding {
    let file = sqlite_path(&config.database_url);
    let broken = |error| match (&error, &file) {
        (StoreError::Unavailable(said), Some(file)) if file.parent().and_then(free_mib) == Some(0) => {
            (format!("no responde: su disco está lleno ({said})"), "Libere espacio en ese disco.")
        }
        _ => broken(error),
    };
    let db = Db::open_existing(&config.database_url).await.map_err(broken)?;
    let found = looked_at(&db).await;
    db.close().await;
    found
}

async fn looked_at(db: &Db) -> Finding {
    db.ping().await.map_err(broken)?;
    let faults = db.faults(Depth::Indexes).await.map_err(broken)?;
    let (version, is_migrated) = (db.version().await, db.is_migrated().await);
    if !faults.is_empty() {
        return Err((format!("está dañada ({})", faults.join("; ")), DAMAGED));
    }
    if version.map_err(broken)? > Some(Db::newest_version()) {
        return Err(("es de una versión más nueva".to_string(), "Use esa versión de Acuse, o una posterior."));
    }
    if is_migrated.map_err(broken)? {
        Ok("responde, está íntegra y al día".to_string())
    } else {
        Err(("es de otra versión, o no es de Acuse".to_string(), "Ejecute «acuse migrate»."))
    }
}

fn broken(error: StoreError) -> (String, &'static str) {
    let cure = match error {
        StoreError::Damaged(_) => DAMAGED,
        StoreError::Empty(_) => "Restaure el último respaldo con «acuse restore --force».",
        StoreError::Missing(_) => "Compruebe data_dir y database_url; «acuse serve» la crea al empezar.",
        _ => "Compruebe database_url y que la base esté en marcha.",
    };
    (Failure::from(error).reason().to_string(), cure)
}

/// Others may read what is not 0600, and enter what is not 0700.
fn permissions(config: &Config) -> Finding {
    let exposed = private_files::exposed(config);
    if exposed.is_empty() {
        return Ok("solo su dueño lee los datos".to_string());
    }
    let each = exposed.iter().map(|one| format!("{} ({:04o})", one.path.display(), one.mode));
    let said = format!("otros usuarios pueden leer {}", each.collect::<Vec<_>>().join(", "));
    Err((said, "«acuse serve» lo corrige al empezar; si no puede, chmod 600 los archivos y 700 la carpeta."))
}

/// On PostgreSQL the rows of each company are kept apart by the database too, where its role is held to that.
async fn kept_apart(config: &Config) -> Finding {
    let Some(db) = migrated(config).await else { return Ok("se revisa cuando la base esté al día".to_string()) };
    let found = db.keeps_companies_apart().await;
    db.close().await;
    match found.map_err(broken)? {
        None => Ok("la hace Acuse; SQLite no tiene otra".to_string()),
        Some(true) => Ok("la hace Acuse, y PostgreSQL además".to_string()),
        Some(false) => Err((
            "la hace solo Acuse: el rol de la base pasa por alto la seguridad por filas, o a una tabla le falta".to_string(),
            "Use un rol sin SUPERUSER ni BYPASSRLS, dueño de la base (docs/operar.md), y ejecute «acuse migrate».",
        )),
    }
}

/// Nothing where there is nothing to ask: the database's own line says why.
async fn migrated(config: &Config) -> Option<Db> {
    let db = Db::open_existing(&config.database_url).await.ok()?;
    if db.is_migrated().await.is_ok_and(|is_migrated| is_migrated) {
        return Some(db);
    }
    db.close().await;
    None
}

/// Reads the key file and makes none: a new one in the place of a lost one would open nothing.
async fn key_file(config: &Config) -> Finding {
    let file = &config.secret_key_file;
    let db = migrated(config).await;
    let found = compared(db.as_ref(), file).await;
    if let Some(db) = db {
        db.close().await;
    }
    found
}

async fn compared(db: Option<&Db>, file: &Path) -> Finding {
    let Some(db) = db else {
        let known = Keyring::load(file).map_err(|error| master_key::file_trouble(&error))?;
        let there = if known.is_some() { "se lee" } else { "aún no existe" };
        return Ok(format!("{} {there}; se compara con la base cuando esté al día", file.display()));
    };
    let Some(keys) = sealing::check_any_company(db, file).await.map_err(|error| locked(error, file))? else {
        return Ok(format!("{} se crea al empezar: la base no guarda secretos", file.display()));
    };
    let closed = sealing::unreadable_any_company(db, &keys).await.map_err(broken)?;
    if !closed.is_nothing() {
        let wrong = format!("{} no se pueden abrir", master_key::counted(&closed));
        let cure = match closed.authenticators {
            0 => "Esas cuentas están en pausa: escriba otra vez sus contraseñas en Mi compañía › Correos.",
            _ => {
                "Quien no entra con sus códigos usa los de recuperación, o «acuse user second-factor --off»; de las cuentas de correo, escriba otra vez sus contraseñas."
            }
        };
        return Err((wrong, cure));
    }
    Ok(format!("{}, {}; respáldelo aparte de la base", file.display(), master_key::named(&keys.marks())))
}

/// Why the key file does not open the database; only what is sealed with another one can be forgotten.
fn locked(error: UnlockError, file: &Path) -> (String, &'static str) {
    match error {
        UnlockError::Missing { .. } | UnlockError::Foreign { .. } => (master_key::reason(&error, file), master_key::WAYS_OUT),
        UnlockError::File(error) => master_key::file_trouble(&error),
        UnlockError::Store(error) => broken(error),
        UnlockError::Save(_) | UnlockError::Dkim(_) | UnlockError::SecondFactor(_) => {
            (master_key::reason(&error, file), "No se cambió nada. Vuelva a probar.")
        }
    }
}

async fn default_account(config: &Config) -> Finding {
    let Some((url, from)) = &config.default_account else {
        return Ok("ninguno: cada compañía necesita su propia cuenta".to_string());
    };
    let network =
        config.network().map_err(|failure| (failure.reason().to_string(), "Corrija allowed_private_hosts o extra_ca_file."))?;
    let subject = Subject {
        endpoint: url.endpoint.clone(),
        credentials: url.credentials.clone(),
        from_name: "Acuse".to_string(),
        from: from.clone(),
        to: None,
        language: Language::Spanish,
    };
    let report = check::run(&network, &subject, |_| {}).await;
    match report.problem {
        None => Ok(format!("{}, {from} por {}", report.verdict, url.endpoint)),
        Some(problem) => Err((
            format!("{}: {}", report.verdict, problem.title),
            "Corrija default_mail_url; «acuse mail check» muestra cada paso.",
        )),
    }
}

/// What its deliveries say, which a check without a message may not see.
async fn default_rests(config: &Config) -> Finding {
    if config.default_account.is_none() {
        return Ok("ninguno".to_string());
    }
    let Some(db) = migrated(config).await else { return Ok("la base aún no dice nada".to_string()) };
    let found = default_rests_in(&db).await;
    db.close().await;
    found
}

async fn default_rests_in(db: &Db) -> Finding {
    let resting = pauses::find(db, AccountKey::Default).await.map_err(broken)?;
    let health = health::find(db, AccountKey::Default).await.map_err(broken)?;
    let clock = |at| acuse_domain::local_time(at).format("%d/%m/%Y %H:%M").to_string();
    if let Some(resting) = resting {
        let why = explain_recorded(&resting.pause.problem_code, &Context::default(), Language::Spanish).title;
        let (since, again) = (clock(resting.pause.since), clock(resting.probe_at));
        let said = format!("en pausa desde {since}: {why} «{}»; se vuelve a probar solo el {again}", resting.pause.reply);
        return Err((said, "Sus envíos esperan. Corrija la cuenta y reinicie Acuse, que la prueba al empezar."));
    }
    if let Some(ends) = health.certificate_ending(now()) {
        let said = format!("el certificado de su servidor vence el {}", clock(ends));
        return Err((said, "Renuévelo antes: desde entonces nada sale por esa cuenta."));
    }
    Ok("no está en pausa".to_string())
}

/// Whether accounts can be connected with a provider. Says no secret, and asks nobody.
fn oauth(config: &Config, provider: Provider) -> Finding {
    if config.oauth.iter().all(|registration| registration.provider != provider) {
        return Ok("sin registrar: no se ofrece".to_string());
    }
    let back = config.redirect_uri(provider);
    let is_local = back.starts_with("http://127.0.0.1") || back.starts_with("http://localhost");
    if back.starts_with("https://") || is_local {
        Ok(format!("registrada; el regreso es {back}"))
    } else {
        Err((
            format!("el regreso sería {back}, sin cifrar"),
            "Ponga public_url con https:// y registre ese regreso en el proveedor.",
        ))
    }
}

fn clock() -> Finding {
    let now = now();
    let earliest: Option<acuse_domain::Instant> = BUILT_AFTER.parse().ok();
    if earliest.is_some_and(|earliest| now < earliest) {
        return Err((format!("marca {now}"), "Ajuste la hora del servidor; instale chrony o systemd-timesyncd."));
    }
    Ok(format!("{} en Ecuador", acuse_domain::local_time(now).format("%d/%m/%Y %H:%M")))
}

fn disk(config: &Config) -> Finding {
    let Some(free_mib) = free_mib(&config.data_dir) else {
        return Err((format!("no hay {}", config.data_dir.display()), "Cree la carpeta data_dir."));
    };
    if free_mib < LEAST_FREE_MIB {
        return Err((format!("quedan {free_mib} MiB"), "Libere espacio antes de que la base no pueda escribir."));
    }
    Ok(format!("quedan {free_mib} MiB"))
}

fn free_mib(folder: &Path) -> Option<u64> {
    let space = rustix::fs::statvfs(folder).ok()?;
    Some(space.f_bavail.saturating_mul(space.f_frsize) / (1024 * 1024))
}
