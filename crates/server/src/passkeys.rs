//! Keys by which people enter without a password (WebAuthn): what a browser is asked to sign, and whether it did
//! (docs/decisions/0027). The key is for the host of ACUSE_PUBLIC_URL, and for no other page.

use std::net::IpAddr;

use acuse_store::passkeys::{self as keys, Signed};
use acuse_store::{StoreError, now};
use secrecy::SecretString;
use serde::Serialize;
use uuid::Uuid;
use webauthn_rp::bin::{Decode, Encode};
use webauthn_rp::request::auth::{AuthenticationVerificationOptions, DiscoverableCredentialRequestOptions};
use webauthn_rp::request::register::{
    CredProtect, Nickname, PublicKeyCredentialCreationOptions, PublicKeyCredentialUserEntity, RegistrationVerificationOptions,
    UserHandle16, Username,
};
use webauthn_rp::request::{AsciiDomain, PublicKeyCredentialDescriptor, RpId};
use webauthn_rp::response::auth::DiscoverableAuthentication16;
use webauthn_rp::response::register::{CompressedPubKey, DynamicState, Registration, StaticState};
use webauthn_rp::response::{AuthTransports, CredentialId};
use webauthn_rp::{AuthenticatedCredential, DiscoverableAuthenticationServerState, RegistrationServerState};

/// Before what is kept of a challenge: what it was made for.
const TO_ENTER: u8 = b'e';
const TO_ADD: u8 = b'a';

type PublicKey = CompressedPubKey<[u8; 32], [u8; 32], [u8; 48], Vec<u8>>;

/// Whose pages keys are for.
pub struct Party {
    id: RpId,
    origin: String,
}

/// A challenge, and what names it.
pub struct Challenge {
    /// For the browser, as JSON.
    pub options: String,
    pub token: SecretString,
}

/// A key that was just made.
pub struct Made {
    pub credential: Vec<u8>,
    pub public_part: Vec<u8>,
    pub counted: Vec<u8>,
}

impl Party {
    /// Nothing where browsers come by the number of a machine: keys need a name (WebAuthn Level 3, 5.1.2).
    #[must_use]
    pub fn of(public_url: &str) -> Option<Self> {
        let (scheme, rest) = public_url.split_once("://")?;
        let authority = rest.split('/').next().unwrap_or_default().to_ascii_lowercase();
        let host = authority.split(':').next().unwrap_or_default();
        if authority.starts_with('[') || host.parse::<IpAddr>().is_ok() || (scheme != "https" && host != "localhost") {
            return None;
        }
        let id = RpId::Domain(AsciiDomain::try_from(host.to_owned()).ok()?);
        Some(Self { id, origin: format!("{scheme}://{authority}") })
    }

    /// Asks for any key of anybody's.
    pub async fn ask(&self, db: &acuse_store::Db) -> Result<Option<Challenge>, StoreError> {
        let Ok((server, client)) = DiscoverableCredentialRequestOptions::passkey(&self.id).start_ceremony() else {
            return Ok(None);
        };
        challenge(db, TO_ENTER, server.encode().ok(), &client).await
    }

    /// Asks for a new key of a person, in none of the places that have one already.
    pub async fn ask_new(
        &self,
        db: &acuse_store::Db,
        person: Uuid,
        email: &str,
        name: &str,
    ) -> Result<Option<Challenge>, StoreError> {
        let handle = handle(person);
        let known = keys::credentials_any_company(db, person).await?;
        let Ok(user_name) = Username::try_from(email) else { return Ok(None) };
        let user = PublicKeyCredentialUserEntity { name: user_name, id: &handle, display_name: Nickname::try_from(name).ok() };
        let descriptor = |id: Vec<u8>| {
            let id = CredentialId::<Vec<u8>>::decode(id).ok()?;
            Some(PublicKeyCredentialDescriptor { id, transports: AuthTransports::decode(0).ok()? })
        };
        let known = known.into_iter().filter_map(descriptor).collect();
        let mut options = PublicKeyCredentialCreationOptions::passkey(&self.id, user, known);
        // Many authenticators lack it, and would be turned away; that the user is verified is asked at every use.
        options.extensions.cred_protect = CredProtect::None;
        let Ok((server, client)) = options.start_ceremony() else { return Ok(None) };
        challenge(db, TO_ADD, server.encode().ok(), &client).await
    }

    /// The key that a browser made for a person. Nothing where it answers another challenge, or comes from elsewhere.
    pub async fn made(&self, db: &acuse_store::Db, token: &str, person: Uuid, answer: &str) -> Result<Option<Made>, StoreError> {
        let Some(state) = taken(db, TO_ADD, token).await? else { return Ok(None) };
        Ok(self.read_made(&state, person, answer))
    }

    fn read_made(&self, state: &[u8], person: Uuid, answer: &str) -> Option<Made> {
        let state = RegistrationServerState::<16>::decode(state).ok()?;
        let registration = Registration::from_json_relaxed(answer.as_bytes()).ok()?;
        let options = RegistrationVerificationOptions::<&str, &str> {
            allowed_origins: &[&self.origin],
            error_on_unsolicited_extensions: false,
            ..RegistrationVerificationOptions::default()
        };
        let made = state.verify(&self.id, &registration, &options).inspect_err(refused).ok()?;
        if *made.user_id() != handle(person) {
            return None;
        }
        Some(Made {
            credential: made.id().inner().to_vec(),
            public_part: made.static_state().encode().ok()?,
            counted: made.dynamic_state().encode().ok()?.to_vec(),
        })
    }

    /// The key that signed the challenge. Nothing where it is nobody's, signed another one, was asked elsewhere, or counts
    /// backwards.
    pub async fn signed(&self, db: &acuse_store::Db, token: &str, answer: &str) -> Result<Option<Signed>, StoreError> {
        let Some(state) = taken(db, TO_ENTER, token).await? else { return Ok(None) };
        let Ok(answer) = DiscoverableAuthentication16::from_json_relaxed(answer.as_bytes()) else { return Ok(None) };
        let Some(kept) = keys::find_any_company(db, answer.raw_id().inner()).await? else { return Ok(None) };
        Ok(self.read_signed(&state, &answer, kept))
    }

    fn read_signed(&self, state: &[u8], answer: &DiscoverableAuthentication16, kept: keys::Kept) -> Option<Signed> {
        let state = DiscoverableAuthenticationServerState::decode(state).ok()?;
        let owner = handle(kept.person);
        let id = CredentialId::<&[u8]>::decode(&kept.credential).ok()?;
        let public_part = StaticState::<PublicKey>::decode(&kept.public_part).ok()?;
        let counted = DynamicState::decode(kept.counted.as_slice().try_into().ok()?).ok()?;
        let mut credential = AuthenticatedCredential::new(id, &owner, public_part, counted).ok()?;
        let options = AuthenticationVerificationOptions::<&str, &str> {
            allowed_origins: &[&self.origin],
            error_on_unsolicited_extensions: false,
            ..AuthenticationVerificationOptions::default()
        };
        state.verify(&self.id, answer, &mut credential, &options).inspect_err(refused).ok()?;
        let counted = credential.dynamic_state().encode().ok()?.to_vec();
        Some(Signed { person: kept.person, credential: kept.credential.clone(), counted_before: kept.counted, counted })
    }
}

fn refused(why: &impl std::fmt::Display) {
    tracing::info!("A key was refused: {why}");
}

/// What a key knows its owner by: the number of the person, and nothing that says who that is.
fn handle(person: Uuid) -> UserHandle16 {
    match UserHandle16::decode(person.into_bytes()) {
        Ok(handle) => handle,
        Err(never) => match never {},
    }
}

async fn challenge(
    db: &acuse_store::Db,
    purpose: u8,
    state: Option<Vec<u8>>,
    client: &impl Serialize,
) -> Result<Option<Challenge>, StoreError> {
    let (Some(state), Ok(options)) = (state, serde_json::to_string(client)) else { return Ok(None) };
    let token = keys::keep_challenge_any_company(db, [&[purpose], state.as_slice()].concat(), now()).await?;
    Ok(Some(Challenge { options, token }))
}

async fn taken(db: &acuse_store::Db, purpose: u8, token: &str) -> Result<Option<Vec<u8>>, StoreError> {
    let state = keys::take_challenge_any_company(db, token, now()).await?;
    Ok(state.and_then(|state| state.strip_prefix(&[purpose]).map(<[u8]>::to_vec)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_for_a_name_that_browsers_come_to_safely() {
        let origin = |url| Party::of(url).map(|party| party.origin);
        assert_eq!(origin("https://acuse.ejemplo.ec").as_deref(), Some("https://acuse.ejemplo.ec"));
        assert_eq!(origin("https://Acuse.ejemplo.ec:8443/x").as_deref(), Some("https://acuse.ejemplo.ec:8443"));
        assert_eq!(origin("http://localhost:8080").as_deref(), Some("http://localhost:8080"));
        for without in ["http://127.0.0.1:8080", "https://192.0.2.7", "https://[2001:db8::1]", "http://acuse.ejemplo.ec", ""] {
            assert_eq!(origin(without), None, "{without}");
        }
    }
}
