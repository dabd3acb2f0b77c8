//! A certificate authority for one test, and certificates good and bad.

use std::fs;
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};

/// A name under .test belongs to nobody (RFC 2606).
const ANOTHER_NAME: &str = "otro-servidor.acuse.test";

#[derive(Debug)]
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    #[expect(clippy::new_without_default, reason = "each call draws a new key: nothing about it is a default")]
    pub fn new() -> Self {
        let mut params = params(&[], "Acuse test authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let issuer = CertifiedIssuer::self_signed(params, new_key()).expect("the authority's fields are constants");
        Self { issuer }
    }

    /// The authority's own certificate: what a client must trust.
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    pub fn der(&self) -> Vec<u8> {
        self.issuer.der().to_vec()
    }

    pub fn write_pem(&self, folder: &Path) -> PathBuf {
        write(folder, "authority.pem", &self.pem())
    }

    /// Good for `name` (a host name or an IP address) for many years.
    pub fn issue(&self, name: &str) -> Certificate {
        self.sign(params(&[name], name))
    }

    /// Good for any of the names.
    pub fn issue_for(&self, names: &[&str]) -> Certificate {
        self.sign(params(names, names.first().copied().unwrap_or(ANOTHER_NAME)))
    }

    /// Names the right host, but ended in February 2020.
    pub fn expired(&self, name: &str) -> Certificate {
        let mut params = params(&[name], name);
        params.not_after = date_time_ymd(2020, 2, 1);
        self.sign(params)
    }

    /// Valid and trusted, but for a host that nobody asked for.
    pub fn for_other_name(&self) -> Certificate {
        self.issue(ANOTHER_NAME)
    }

    fn sign(&self, params: CertificateParams) -> Certificate {
        let key = new_key();
        let certificate = params.signed_by(&key, &self.issuer).expect("the authority can sign");
        Certificate {
            pem: certificate.pem(),
            der: certificate.der().to_vec(),
            key_pem: key.serialize_pem(),
            key_der: key.serialize_der(),
        }
    }
}

/// Trusted by nobody: signed with its own key.
pub fn self_signed(name: &str) -> Certificate {
    let key = new_key();
    let certificate = params(&[name], name).self_signed(&key).expect("a plain certificate can sign itself");
    Certificate {
        pem: certificate.pem(),
        der: certificate.der().to_vec(),
        key_pem: key.serialize_pem(),
        key_der: key.serialize_der(),
    }
}

#[derive(Debug, Clone)]
pub struct Certificate {
    pub pem: String,
    pub key_pem: String,
    pub der: Vec<u8>,
    /// PKCS #8.
    pub key_der: Vec<u8>,
}

impl Certificate {
    /// Key and certificate in one file, as Postfix's smtpd_tls_chain_files wants them.
    pub fn write_chain(&self, folder: &Path) -> PathBuf {
        write(folder, "chain.pem", &format!("{}{}", self.key_pem, self.pem))
    }

    /// The certificate's file and the key's.
    pub fn write_pem(&self, folder: &Path) -> (PathBuf, PathBuf) {
        (write(folder, "certificate.pem", &self.pem), write(folder, "key.pem", &self.key_pem))
    }
}

fn params(names: &[&str], common_name: &str) -> CertificateParams {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let mut params = CertificateParams::new(names).expect("test names are plain ASCII");
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2099, 1, 1);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params
}

fn new_key() -> KeyPair {
    KeyPair::generate().expect("the machine has random numbers")
}

fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, text).unwrap_or_else(|error| panic!("cannot write {}: {error}", path.display()));
    path
}
