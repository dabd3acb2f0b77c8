//! What somebody is mailed because it was done, and may not have been done by them.

/// What was changed in how somebody enters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountChange {
    AuthenticatorOn,
    AuthenticatorOff,
    PasskeyAdded,
    PasskeyRemoved,
    RecoveryCodesRenewed,
    RecoveryCodeUsed,
}

impl AccountChange {
    pub const ALL: [Self; 6] = [
        Self::AuthenticatorOn,
        Self::AuthenticatorOff,
        Self::PasskeyAdded,
        Self::PasskeyRemoved,
        Self::RecoveryCodesRenewed,
        Self::RecoveryCodeUsed,
    ];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AuthenticatorOn => "authenticator_on",
            Self::AuthenticatorOff => "authenticator_off",
            Self::PasskeyAdded => "passkey_added",
            Self::PasskeyRemoved => "passkey_removed",
            Self::RecoveryCodesRenewed => "recovery_codes_renewed",
            Self::RecoveryCodeUsed => "recovery_code_used",
        }
    }

    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|change| change.as_str() == code)
    }
}

/// What becomes of a company, as its owners are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CompanyNews {
    Archived,
    Reopened,
    Exported,
    DeletionAsked,
    DeletionCancelled,
    Deleted,
}

impl CompanyNews {
    pub const ALL: [Self; 6] =
        [Self::Archived, Self::Reopened, Self::Exported, Self::DeletionAsked, Self::DeletionCancelled, Self::Deleted];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Archived => "archived",
            Self::Reopened => "reopened",
            Self::Exported => "exported",
            Self::DeletionAsked => "deletion_asked",
            Self::DeletionCancelled => "deletion_cancelled",
            Self::Deleted => "deleted",
        }
    }

    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|news| news.as_str() == code)
    }
}
