use std::fs;
use std::path::Path;
use std::process::Command;

use acuse_testkit::certificates::{self, Authority, Certificate};

#[test]
fn a_certificate_is_trusted_for_its_own_name_only() {
    let authority = Authority::new();
    assert_eq!(verdict(&authority, &authority.issue("smtp.empresa.test")), "OK");
    assert_eq!(verdict(&authority, &authority.for_other_name()), "hostname mismatch");
}

#[test]
fn an_expired_certificate_is_recognised_as_such() {
    let authority = Authority::new();
    assert_eq!(verdict(&authority, &authority.expired("smtp.empresa.test")), "certificate has expired");
}

#[test]
fn a_certificate_of_nobody_or_of_another_authority_is_not_trusted() {
    let authority = Authority::new();
    assert_ne!(verdict(&authority, &certificates::self_signed("smtp.empresa.test")), "OK");
    assert_ne!(verdict(&authority, &Authority::new().issue("smtp.empresa.test")), "OK");
}

fn verdict(authority: &Authority, certificate: &Certificate) -> String {
    let folder = tempfile::tempdir().unwrap();
    let authority = authority.write_pem(folder.path());
    let (certificate, _key) = certificate.write_pem(folder.path());
    let output = Command::new("openssl")
        .args(["verify", "-verify_hostname", "smtp.empresa.test", "-no-CApath", "-no-CAstore", "-CAfile"])
        .args([&authority, &certificate])
        .output()
        .unwrap();
    assert!(fs::exists(Path::new(&certificate)).unwrap());
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    match said.lines().find_map(|line| line.split_once("lookup: ")) {
        Some((_, reason)) => reason.to_owned(),
        None => said.trim().rsplit(' ').next().unwrap().to_owned(),
    }
}
