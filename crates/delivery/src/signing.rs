//! The company's DKIM signature on its mail. A mail that cannot be signed goes out unsigned: it is late enough to be told
//! that on the page, and a receipt must not wait for it.

use std::sync::Arc;

use acuse_domain::id::CompanyId;
use acuse_mail::dkim::Signer;
use acuse_mail::providers::rewrites_sender;
use acuse_store::deliveries::Claimed;
use acuse_store::pauses::AccountKey;
use acuse_store::secrets::Keyring;
use acuse_store::{Db, dkim};

use crate::accounts::Account;

/// Who signs an account's mail, if anybody. The default account speaks in the operator's name, whose keys are not the
/// company's.
pub(crate) async fn signer_of(db: &Db, keys: &Keyring, company: CompanyId, account: &Account) -> Option<Arc<Signer>> {
    let AccountKey::Own(_) = account.key else { return None };
    let username = account.username();
    if rewrites_sender(&account.endpoint.host, username, account.from_address.as_str()) {
        return None;
    }
    let domain = account.from_address.ascii_domain();
    let key = match dkim::signing_key(db, keys, company, &domain).await {
        Ok(key) => key?,
        Err(error) => {
            tracing::error!(company.id = %company, "Mail goes out unsigned, since its DKIM key does not open: {error}");
            return None;
        }
    };
    match Signer::new(&domain, &key.selector, &key.private_key) {
        Ok(signer) => Some(Arc::new(signer)),
        Err(error) => {
            tracing::error!(company.id = %company, "Mail goes out unsigned: {error}");
            None
        }
    }
}

/// The mail as it is sent.
pub(crate) fn signed(mail: Vec<u8>, claimed: &Claimed, account: &Account) -> Vec<u8> {
    let speaks_for_sender = |signer: &&Arc<Signer>| signer.speaks_for(account.from_address.domain());
    let Some(signer) = account.signer.as_ref().filter(speaks_for_sender) else { return mail };
    match signer.sign(&mail) {
        Ok(signed) => signed,
        Err(error) => {
            tracing::error!(delivery.id = %claimed.id, "A mail goes out unsigned: {error}");
            mail
        }
    }
}
