//! Signing with a key made here (RFC 6376), and making it.

use std::convert::Infallible;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use mail_auth::common::crypto::{RsaKey, Sha256};
use mail_auth::common::headers::HeaderWriter;
use mail_auth::dkim::{Canonicalization, DkimSigner, Done};
use rand::RngCore;
use rsa::PrivateKey;
use rsa::pkcs8::{EncodePrivateKey, EncodePublicKey, LineEnding};
use rsa::rand_core::{TryCryptoRng, TryRng};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use secrecy::{ExposeSecret, SecretString};

/// RFC 8301 3.2: signers should use 2048; longer ones do not fit into a record of 512 bytes.
const BITS: usize = 2048;
/// What tells the recipient who wrote what to whom.
const SIGNED: [&str; 8] = ["From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type", "Reply-To"];

/// A new key. The private half is for the store alone.
pub struct NewKey {
    /// Base64 of its SubjectPublicKeyInfo: what `p=` holds.
    pub public_key: String,
    /// PKCS #8 as PEM.
    pub private_key: SecretString,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error("a DKIM key could not be made")]
    NotMade,
    #[error("the DKIM key cannot be read")]
    Unreadable,
    #[error("the mail could not be signed")]
    NotSigned,
}

/// Makes an RSA key. Takes up to some seconds of a core; call it beside the event loop.
pub fn make_key() -> Result<NewKey, KeyError> {
    let key = PrivateKey::new(&mut SystemChance, BITS).map_err(|_| KeyError::NotMade)?;
    let private_key = key.to_pkcs8_pem(LineEnding::LF).map_err(|_| KeyError::NotMade)?;
    let public_key = key.to_public_key().to_public_key_der().map_err(|_| KeyError::NotMade)?;
    Ok(NewKey {
        public_key: STANDARD.encode(public_key.as_bytes()),
        private_key: SecretString::from(private_key.as_str().to_owned()),
    })
}

/// Signs mails of one domain.
pub struct Signer {
    domain: String,
    signer: DkimSigner<RsaKey<Sha256>, Done>,
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").field("domain", &self.domain).finish_non_exhaustive()
    }
}

impl Signer {
    /// `private_key` as [`make_key`] made it. Errs if it is no such key.
    pub fn new(domain: &str, selector: &str, private_key: &SecretString) -> Result<Self, KeyError> {
        let pem = private_key.expose_secret().as_bytes();
        let der = PrivatePkcs8KeyDer::from_pem_slice(pem).map_err(|_| KeyError::Unreadable)?;
        let key = RsaKey::<Sha256>::from_key_der(PrivateKeyDer::Pkcs8(der)).map_err(|_| KeyError::Unreadable)?;
        let signer = DkimSigner::from_key(key)
            .domain(domain)
            .selector(selector)
            // Each is named once more than it is there: another one that is added on the way breaks the signature, where
            // mail programs might show it instead (RFC 6376 8.15).
            .headers(SIGNED.into_iter().chain(SIGNED))
            .header_canonicalization(Canonicalization::Relaxed)
            .body_canonicalization(Canonicalization::Relaxed);
        Ok(Self { domain: domain.to_owned(), signer })
    }

    /// Whether a sender's domain is the one that this key speaks for.
    #[must_use]
    pub fn speaks_for(&self, domain: &str) -> bool {
        idna::domain_to_ascii(domain).is_ok_and(|domain| domain.eq_ignore_ascii_case(&self.domain))
    }

    /// The mail with its signature in front. The mail must be as it is sent: lines end in CRLF.
    pub fn sign(&self, mail: &[u8]) -> Result<Vec<u8>, KeyError> {
        let signature = self.signer.sign(mail).map_err(|_| KeyError::NotSigned)?;
        let mut signed = signature.to_header().into_bytes();
        signed.extend_from_slice(mail);
        Ok(signed)
    }
}

/// The chance of our `rand`, seeded by the operating system, for a library that wants another version's traits.
struct SystemChance;

impl TryRng for SystemChance {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(rand::rng().next_u32())
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(rand::rng().next_u64())
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        rand::rng().fill_bytes(bytes);
        Ok(())
    }
}

impl TryCryptoRng for SystemChance {}
