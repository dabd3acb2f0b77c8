//! Which account something was learnt of.

use acuse_domain::id::MailAccountId;
use uuid::Uuid;

use crate::db::{StoreError, Tx};
use crate::sql::{execute, values};

/// A company's own account, or the installation's default one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AccountKey {
    Own(MailAccountId),
    Default,
}

impl AccountKey {
    pub(crate) fn id(self) -> Uuid {
        match self {
            Self::Own(id) => id.0,
            Self::Default => Uuid::nil(),
        }
    }

    pub(crate) fn of(id: Uuid) -> Self {
        if id.is_nil() { Self::Default } else { Self::Own(MailAccountId(id)) }
    }
}

/// An account as it was when somebody tried it: what was learnt counts for that version, and for no later one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccountVersion {
    pub account: AccountKey,
    /// None: as it is now. The default account has no versions while the process runs.
    pub version: Option<i64>,
}

impl From<AccountKey> for AccountVersion {
    fn from(account: AccountKey) -> Self {
        Self { account, version: None }
    }
}

impl AccountVersion {
    /// Whether it is still so. Nobody changes the account before this transaction ends.
    pub(crate) async fn is_current(self, tx: &Tx) -> Result<bool, StoreError> {
        let Some(version) = self.version else { return Ok(true) };
        let sql = "UPDATE mail_account SET version = version WHERE id = $1 AND version = $2";
        Ok(execute(tx.as_conn(), sql, values![self.account.id(), version]).await? == 1)
    }
}
