//! Secrets at rest: XChaCha20-Poly1305 under a master key that lives in a file beside the database, not in it.
//!
//! The file holds one key per line, `<id> <base64 of 32 bytes>`; the one with the highest number seals, all of them open. It
//! is read again when something lies under a key that is not known yet: `acuse key rotate` works beside a running server. A
//! sealed secret is `key id (4 bytes, big endian) ‖ nonce (24 bytes) ‖ ciphertext`, bound to the identity of its row.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use acuse_domain::mail_account::CredentialScope;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, Zeroizing};

const KEY_BYTES: usize = 32;
const KEY_ID_BYTES: usize = 4;
const NONCE_BYTES: usize = 24;
const CANARY: &str = "acuse";

/// A thousand keys; a larger file is another one, named by mistake.
const LARGEST_FILE: u64 = 64 * 1024;

/// Hexadecimal digits of a key's fingerprint: enough to tell key files apart, and nothing of the key.
const FINGERPRINT_DIGITS: usize = 16;

/// The master keys.
pub struct Keyring {
    file: PathBuf,
    keys: RwLock<Keys>,
}

/// In the order of their numbers.
type Keys = Vec<Arc<MasterKey>>;

struct MasterKey {
    id: u32,
    cipher: XChaCha20Poly1305,
    fingerprint: String,
}

/// A key by its number, and its fingerprint where that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyMark {
    pub id: u32,
    pub fingerprint: Option<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    #[error("the key file {path} cannot be read or made: {error}")]
    Io { path: PathBuf, error: io::Error },
    #[error("the key file {0} can be read by others; chmod 600 it")]
    ReadableByOthers(PathBuf),
    /// A pipe would be waited for, and a device never ends.
    #[error("{0} is no file of keys")]
    NotAFile(PathBuf),
    #[error("line {line} of the key file {path} is no key")]
    Malformed { path: PathBuf, line: usize },
    /// Nobody could tell which of them sealed what: their fingerprints say so.
    #[error("two keys of the key file {path} have the number {id}")]
    Repeated { path: PathBuf, id: u32, fingerprints: [String; 2] },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    #[error("the secret was sealed under key {0}, which is not in the key file")]
    UnknownKey(u32),
    #[error("the secret does not open with its key: it was changed, or belongs to another row")]
    DoesNotOpen,
    #[error("the secret could not be sealed")]
    NotSealed,
    #[error("the database belongs to another key file: its key {0} is not the one at hand")]
    ForeignKey(u32),
}

impl Keyring {
    /// Reads the key file, and makes it with mode 0600 if there is none. For a database that holds nothing sealed; whoever
    /// has another asks `sealing::unlock_any_company`. Errs if others may read the file.
    pub fn load_or_create(path: &Path) -> Result<Self, KeyFileError> {
        match Self::load(path)? {
            Some(keys) => Ok(keys),
            None => Self::create(path),
        }
    }

    /// Reads the key file; nothing where there is none. Errs if others may read it.
    pub fn load(path: &Path) -> Result<Option<Self>, KeyFileError> {
        if path.exists() { Self::read(path).map(Some) } else { Ok(None) }
    }

    /// Makes the key file with mode 0600, or reads the one that somebody else made a moment ago.
    pub fn create(path: &Path) -> Result<Self, KeyFileError> {
        match create(path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                Err(KeyFileError::Io { path: path.to_path_buf(), error })
            }
            _ => Self::read(path),
        }
    }

    fn read(path: &Path) -> Result<Self, KeyFileError> {
        Ok(Self { file: path.to_path_buf(), keys: RwLock::new(read(path)?) })
    }

    /// Adds a key to the file, which is there whole or not at all whenever the machine stops. From here on it seals here, and
    /// elsewhere as soon as something is sealed with it.
    pub fn rotate(path: &Path) -> Result<Self, KeyFileError> {
        change(path, |lines, keys| {
            let last = keys.last().map_or(0, |key| key.id);
            lines.push(new_line(last + 1));
        })
    }

    /// Takes keys out of the file. The newest stays.
    pub(crate) fn retire(&self, retired: &BTreeSet<u32>) -> Result<(), KeyFileError> {
        let newest = self.newest();
        let is_kept =
            |line: &Zeroizing<String>| parse_line(line).is_none_or(|key| key.id == newest || !retired.contains(&key.id));
        let kept = change(&self.file, |lines, _| lines.retain(is_kept))?;
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = kept.all();
        Ok(())
    }

    /// Takes up what was added to the file since it was read. What it no longer has is kept until the end of the process.
    pub(crate) fn read_again(&self) {
        let found = match read(&self.file) {
            Ok(found) => found,
            Err(error) => return tracing::error!("The key file could not be read again: {error}"),
        };
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        for key in found {
            match keys.iter().find(|known| known.id == key.id) {
                None => keys.push(key),
                Some(known) if known.fingerprint == key.fingerprint => {}
                Some(known) => tracing::error!("The key file has another key {} now; {} stays", key.id, known.fingerprint),
            }
        }
        keys.sort_by_key(|key| key.id);
    }

    /// Seals a secret for the row that `identity` names.
    pub fn seal(&self, secret: &SecretString, identity: &str) -> Result<Vec<u8>, SealError> {
        self.all().last().ok_or(SealError::NotSealed)?.seal(secret, identity)
    }

    pub fn open(&self, sealed: &[u8], identity: &str) -> Result<SecretString, SealError> {
        let (id, rest) = split_id(sealed).ok_or(SealError::DoesNotOpen)?;
        let key = self.key(id).or_else(|| {
            self.read_again();
            self.key(id)
        });
        let key = key.ok_or(SealError::UnknownKey(id))?;
        let (nonce, text) = rest.split_first_chunk::<NONCE_BYTES>().ok_or(SealError::DoesNotOpen)?;
        let payload = Payload { msg: text, aad: identity.as_bytes() };
        let opened = key.cipher.decrypt(&XNonce::from(*nonce), payload).map_err(|_| SealError::DoesNotOpen)?;
        String::from_utf8(opened).map(SecretString::from).map_err(|_| SealError::DoesNotOpen)
    }

    /// Seals again, for `identity` and under the newest key, what lies under an older key or was sealed for `before`.
    /// Nothing where it is as it should be, or does not open at all.
    pub(crate) fn reseal(&self, sealed: &[u8], identity: &str, before: &str) -> Result<Option<Vec<u8>>, SealError> {
        let secret = match self.open(sealed, identity) {
            Ok(_) if self.is_newest(sealed) => return Ok(None),
            Ok(secret) => secret,
            Err(_) => match self.open(sealed, before) {
                Ok(secret) => secret,
                Err(_) => return Ok(None),
            },
        };
        self.seal(&secret, identity).map(Some)
    }

    pub(crate) fn is_newest(&self, sealed: &[u8]) -> bool {
        split_id(sealed).is_some_and(|(id, _)| id == self.newest())
    }

    pub(crate) fn newest(&self) -> u32 {
        self.all().last().map_or(0, |key| key.id)
    }

    fn all(&self) -> Keys {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn key(&self, id: u32) -> Option<Arc<MasterKey>> {
        self.all().into_iter().find(|key| key.id == id)
    }

    /// Every key with its fingerprint, the newest last.
    #[must_use]
    pub fn marks(&self) -> Vec<KeyMark> {
        self.all().iter().map(|key| KeyMark { id: key.id, fingerprint: Some(key.fingerprint.clone()) }).collect()
    }

    /// What tells this key from any other of the same number.
    #[must_use]
    pub fn fingerprint(&self, id: u32) -> Option<String> {
        self.key(id).map(|key| key.fingerprint.clone())
    }

    /// A text of our own, sealed under this key.
    pub(crate) fn canary(&self, id: u32) -> Result<Vec<u8>, SealError> {
        self.key(id).ok_or(SealError::UnknownKey(id))?.seal(&SecretString::from(CANARY), &canary_identity(id))
    }

    pub(crate) fn opens_canary(&self, id: u32, canary: &[u8]) -> bool {
        self.open(canary, &canary_identity(id)).is_ok_and(|text| text.expose_secret() == CANARY)
    }
}

impl MasterKey {
    fn seal(&self, secret: &SecretString, identity: &str) -> Result<Vec<u8>, SealError> {
        let nonce: [u8; NONCE_BYTES] = rand::random();
        let payload = Payload { msg: secret.expose_secret().as_bytes(), aad: identity.as_bytes() };
        let sealed = self.cipher.encrypt(&XNonce::from(nonce), payload).map_err(|_| SealError::NotSealed)?;
        Ok([&self.id.to_be_bytes()[..], &nonce, &sealed].concat())
    }
}

fn canary_identity(id: u32) -> String {
    format!("sealing_key:{id}")
}

/// The number of the key under which something is sealed.
pub(crate) fn key_id(sealed: &[u8]) -> Option<u32> {
    split_id(sealed).map(|(id, _)| id)
}

/// A scope as part of an identity; the length of the server keeps it apart from the user.
pub(crate) fn scope_identity(scope: &CredentialScope) -> String {
    let CredentialScope { server, port, security, username } = scope;
    format!("{}:{port}:{}:{server}:{username}", security.as_str(), server.len())
}

fn split_id(sealed: &[u8]) -> Option<(u32, &[u8])> {
    let (id, rest) = sealed.split_first_chunk::<KEY_ID_BYTES>()?;
    Some((u32::from_be_bytes(*id), rest))
}

/// Without what an editor of Windows puts before and after it: a byte order mark, a carriage return.
fn trimmed(line: &str) -> &str {
    line.trim_start_matches('\u{feff}').trim()
}

fn parse_line(line: &str) -> Option<MasterKey> {
    let (id, encoded) = trimmed(line).split_once(' ')?;
    let mut bytes = STANDARD.decode(encoded.trim()).ok()?;
    let key: [u8; KEY_BYTES] = bytes.as_slice().try_into().ok()?;
    bytes.zeroize();
    let digest = Sha256::new().chain_update(b"acuse key fingerprint").chain_update(key).finalize();
    let fingerprint = digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>()[..FINGERPRINT_DIGITS].to_owned();
    Some(MasterKey { id: id.parse().ok()?, cipher: XChaCha20Poly1305::new(&Key::from(key)), fingerprint })
}

fn new_line(id: u32) -> Zeroizing<String> {
    let key: Zeroizing<[u8; KEY_BYTES]> = Zeroizing::new(rand::random());
    Zeroizing::new(format!("{id} {}\n", STANDARD.encode(*key)))
}

/// The keys of a file. Errs if others may read it.
fn read(path: &Path) -> Result<Keys, KeyFileError> {
    let malformed = |line| KeyFileError::Malformed { path: path.to_path_buf(), line };
    let mut keys = Keys::new();
    for (index, line) in lines_of(path)?.iter().enumerate().filter(|(_, line)| !trimmed(line).is_empty()) {
        let key = parse_line(line).ok_or_else(|| malformed(index + 1))?;
        match keys.iter().find(|known| known.id == key.id) {
            None => keys.push(Arc::new(key)),
            Some(known) if known.fingerprint == key.fingerprint => {}
            Some(known) => {
                let fingerprints = [known.fingerprint.clone(), key.fingerprint];
                return Err(KeyFileError::Repeated { path: path.to_path_buf(), id: key.id, fingerprints });
            }
        }
    }
    keys.sort_by_key(|key| key.id);
    if keys.is_empty() { Err(malformed(1)) } else { Ok(keys) }
}

fn lines_of(path: &Path) -> Result<Vec<Zeroizing<String>>, KeyFileError> {
    let io = |error| KeyFileError::Io { path: path.to_path_buf(), error };
    let found = fs::metadata(path).map_err(io)?;
    if !found.is_file() || found.len() > LARGEST_FILE {
        return Err(KeyFileError::NotAFile(path.to_path_buf()));
    }
    if readable_by_others(&found) {
        return Err(KeyFileError::ReadableByOthers(path.to_path_buf()));
    }
    let text = Zeroizing::new(fs::read_to_string(path).map_err(io)?);
    Ok(text.lines().map(|line| Zeroizing::new(format!("{}\n", trimmed(line)))).collect())
}

/// Puts a changed file in the place of the one that is there. Who changes it meanwhile waits.
fn change(path: &Path, change: impl FnOnce(&mut Vec<Zeroizing<String>>, &Keys)) -> Result<Keyring, KeyFileError> {
    let io = |error| KeyFileError::Io { path: path.to_path_buf(), error };
    // What a link leads to: the link stays.
    let path = &fs::canonicalize(path).map_err(io)?;
    let folder = fs::File::open(path.parent().unwrap_or_else(|| Path::new("/"))).map_err(io)?;
    folder.lock().map_err(io)?;
    let (mut lines, keys) = (lines_of(path)?, read(path)?);
    change(&mut lines, &keys);
    let beside = path.with_added_extension("new");
    let written = write_new(&beside, &lines, path).and_then(|()| fs::rename(&beside, path)).and_then(|()| folder.sync_all());
    written.map_err(io)?;
    Keyring::read(path)
}

/// A file like another one, with these lines, on the disk when this returns.
fn write_new(path: &Path, lines: &[Zeroizing<String>], like: &Path) -> io::Result<()> {
    // Of somebody who was stopped in the middle.
    if path.exists() {
        fs::remove_file(path)?;
    }
    let mut file = open_new(path)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt, chown};
        let (own, wanted) = (file.metadata()?, fs::metadata(like)?);
        if (own.uid(), own.gid()) != (wanted.uid(), wanted.gid()) {
            chown(path, Some(wanted.uid()), Some(wanted.gid()))?;
        }
    }
    for line in lines {
        file.write_all(line.as_bytes())?;
    }
    file.sync_all()
}

fn open_new(path: &Path) -> io::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn create(path: &Path) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut file = open_new(path)?;
    file.write_all(new_line(1).as_bytes())?;
    file.sync_all()
}

#[cfg(unix)]
fn readable_by_others(found: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    found.permissions().mode() & 0o077 != 0
}

#[cfg(not(unix))]
fn readable_by_others(_found: &fs::Metadata) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(folder: &tempfile::TempDir) -> Keyring {
        Keyring::load_or_create(&folder.path().join("secret.key")).unwrap()
    }

    #[test]
    fn a_secret_opens_only_for_its_own_row_and_key() {
        let folder = tempfile::tempdir().unwrap();
        let keys = ring(&folder);
        let secret = SecretString::from(" clave con ñ y espacios ");
        let sealed = keys.seal(&secret, "mail_account:a:1").unwrap();
        assert_eq!(keys.open(&sealed, "mail_account:a:1").unwrap().expose_secret(), secret.expose_secret());
        assert_eq!(keys.open(&sealed, "mail_account:a:2").unwrap_err(), SealError::DoesNotOpen);
        assert_ne!(sealed, keys.seal(&secret, "mail_account:a:1").unwrap());
        let mut bent = sealed.clone();
        *bent.last_mut().unwrap() ^= 1;
        assert_eq!(keys.open(&bent, "mail_account:a:1").unwrap_err(), SealError::DoesNotOpen);
        assert_eq!(ring(&tempfile::tempdir().unwrap()).open(&sealed, "mail_account:a:1").unwrap_err(), SealError::DoesNotOpen);
    }

    #[test]
    fn after_a_rotation_old_secrets_still_open() {
        let folder = tempfile::tempdir().unwrap();
        let sealed = ring(&folder).seal(&SecretString::from("vieja"), "x").unwrap();
        let running = ring(&folder);
        Keyring::rotate(&folder.path().join("secret.key")).unwrap();
        let keys = ring(&folder);
        assert_eq!(keys.open(&sealed, "x").unwrap().expose_secret(), "vieja");
        let new = keys.seal(&SecretString::from("nueva"), "x").unwrap();
        assert_eq!(running.open(&new, "x").unwrap().expose_secret(), "nueva", "who runs reads the file again");
        assert!(!keys.is_newest(&sealed));
        assert!(keys.is_newest(&keys.seal(&SecretString::from("nueva"), "x").unwrap()));
    }

    #[test]
    fn a_number_that_stands_twice_is_told_and_what_an_editor_adds_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret.key");
        let sealed = ring(&folder).seal(&SecretString::from("clave"), "x").unwrap();
        let own = fs::read_to_string(&path).unwrap();
        fs::write(&path, format!("\u{feff}{}\r\n\u{feff}\r\n{own}", own.trim())).unwrap();
        assert_eq!(ring(&folder).open(&sealed, "x").unwrap().expose_secret(), "clave", "the same line twice is one key");
        fs::write(&path, format!("{own}{}", *new_line(1))).unwrap();
        assert!(matches!(Keyring::load(&path), Err(KeyFileError::Repeated { id: 1, .. })));
    }

    #[test]
    fn a_key_file_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret.key");
        ring(&folder);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(Keyring::load_or_create(&path), Err(KeyFileError::ReadableByOthers(_))));
    }

    #[test]
    fn what_is_no_file_of_keys_is_refused_and_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret.key");
        std::process::Command::new("mkfifo").args(["-m", "600"]).arg(&path).status().unwrap();
        let large = folder.path().join("large");
        fs::write(&large, vec![b'x'; 1_000_000]).unwrap();
        for path in [path.as_path(), folder.path(), large.as_path(), Path::new("/dev/zero")] {
            assert!(matches!(Keyring::load(path), Err(KeyFileError::NotAFile(_))), "{}", path.display());
        }
    }
}
