//! Each refusal of the domain and of the store's acts, with its status, code and field.

use acuse_domain::input::Errors;
use acuse_domain::message::{Message, messages};
use acuse_domain::payment::{Field, LONGEST_REASON, Refusal, VoidRefusal};
use acuse_domain::text::TextError;
use acuse_store::contacts;
use acuse_store::deliveries::MoveError;
use acuse_store::dkim::DkimError;
use acuse_store::documents;
use acuse_store::idempotency::ClaimError;
use acuse_store::mail_accounts;
use acuse_store::payments::{RecordError, ResendError, VoidError};
use acuse_store::versions::ChangeError;
use axum::http::StatusCode;

use super::{FieldProblem, Problem};

impl Problem {
    #[must_use]
    pub fn contact_not_found() -> Self {
        Self::not_found(messages::contact_not_found())
    }

    #[must_use]
    pub fn document_not_found() -> Self {
        Self::not_found(messages::document_not_found())
    }

    #[must_use]
    pub fn payment_not_found() -> Self {
        Self::not_found(messages::payment_not_found())
    }

    #[must_use]
    pub fn delivery_not_found() -> Self {
        Self::not_found(messages::delivery_not_found())
    }

    #[must_use]
    pub fn mail_account_not_found() -> Self {
        Self::not_found(messages::mail_account_not_found())
    }

    #[must_use]
    pub fn identification_taken() -> Self {
        Self::of_field("identification", messages::identification_taken())
    }

    #[must_use]
    pub fn company_archived() -> Self {
        Self::conflict(messages::company_archived())
    }

    /// If-Match named a state that is past.
    #[must_use]
    pub fn precondition_failed() -> Self {
        Self::new(StatusCode::PRECONDITION_FAILED, messages::precondition_failed())
    }

    /// The contact that a body names, as against one in the path.
    fn contact_of_body_not_found() -> Self {
        Self::of_field("contact_id", messages::contact_not_found())
    }

    fn contact_has_no_email() -> Self {
        Self::of_field("recipients", messages::contact_has_no_email())
    }
}

impl From<RecordError> for Problem {
    fn from(error: RecordError) -> Self {
        match error {
            RecordError::ContactNotFound => Self::contact_of_body_not_found(),
            RecordError::ContactHasNoEmail => Self::contact_has_no_email(),
            RecordError::Refused(refusal) => refusal.into(),
            // The API is told of doubts, and never asked.
            RecordError::Doubtful(_) => Self::internal(),
            RecordError::Once(error) => error.into(),
            RecordError::Store(error) => error.into(),
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let at = |(field, message): (Field, Message)| FieldProblem { field: field.to_string(), message };
        Self::of_fields(refusal.messages(|index| index + 1).map(at).collect())
    }
}

impl From<Errors<Field>> for Problem {
    fn from(errors: Errors<Field>) -> Self {
        Self::of_input(errors, Field::to_string)
    }
}

impl From<VoidError> for Problem {
    fn from(error: VoidError) -> Self {
        match error {
            VoidError::NotFound => Self::payment_not_found(),
            VoidError::Refused(VoidRefusal::Reason(error)) => Self::of_field("reason", error.of(messages::a_reason())),
            VoidError::Refused(refusal) => Self::conflict(refusal.message()),
            // The API says nothing of what it read before.
            VoidError::Changed => Self::internal(),
            VoidError::Once(error) => error.into(),
            VoidError::Store(error) => error.into(),
        }
    }
}

impl From<ResendError> for Problem {
    fn from(error: ResendError) -> Self {
        match error {
            ResendError::NotFound => Self::payment_not_found(),
            ResendError::ContactHasNoEmail => Self::contact_has_no_email(),
            ResendError::NobodyHasIt => Self::conflict(messages::nobody_has_the_receipt()),
            ResendError::AlreadyTold => Self::conflict(messages::void_already_told()),
            ResendError::Voided => Self::conflict(messages::payment_voided()),
            // The API keeps no address when it sends, corrects none, and says nothing of what it read before.
            ResendError::CardFull | ResendError::Changed | ResendError::SameAddress => Self::internal(),
            ResendError::Once(error) => error.into(),
            ResendError::Store(error) => error.into(),
        }
    }
}

impl From<MoveError> for Problem {
    fn from(error: MoveError) -> Self {
        match error {
            MoveError::NotFound => Self::delivery_not_found(),
            MoveError::NotNow(state) => Self::conflict(messages::delivery_not_in_state(state)),
            MoveError::Voided => Self::conflict(messages::payment_voided()),
            MoveError::Changed => Self::internal(),
            MoveError::ReasonTooLong => {
                let error = TextError::TooLong { most: LONGEST_REASON };
                Self::of_field("reason", error.of(messages::a_reason()))
            }
            MoveError::Once(error) => error.into(),
            MoveError::Store(error) => error.into(),
        }
    }
}

impl From<ClaimError> for Problem {
    fn from(error: ClaimError) -> Self {
        match error {
            ClaimError::KeyReused(_) => Self::of_field("Idempotency-Key", messages::idempotency_key_reused()),
            ClaimError::Store(error) => error.into(),
        }
    }
}

impl From<contacts::CreateError> for Problem {
    fn from(error: contacts::CreateError) -> Self {
        match error {
            contacts::CreateError::IdentificationTaken => Self::identification_taken(),
            contacts::CreateError::Once(error) => error.into(),
            contacts::CreateError::Store(error) => error.into(),
        }
    }
}

/// Where the record is the company's own or its taken value has no words of its own, the caller says so before.
impl From<ChangeError<Problem>> for Problem {
    fn from(error: ChangeError<Problem>) -> Self {
        match error {
            ChangeError::Stale => Self::precondition_failed(),
            ChangeError::Refused(problem) => problem,
            ChangeError::Store(error) => error.into(),
            ChangeError::NotFound | ChangeError::Taken => Self::internal(),
        }
    }
}

impl From<documents::CreateError> for Problem {
    fn from(error: documents::CreateError) -> Self {
        match error {
            documents::CreateError::ContactNotFound => Self::contact_of_body_not_found(),
            documents::CreateError::NumberTaken(number) => Self::of_field("number", messages::document_number_taken(&number)),
            documents::CreateError::Refused(error) => error.into(),
            documents::CreateError::Once(error) => error.into(),
            documents::CreateError::Store(error) => error.into(),
        }
    }
}

impl From<mail_accounts::SaveError> for Problem {
    fn from(error: mail_accounts::SaveError) -> Self {
        match error {
            mail_accounts::SaveError::ModuleTaken(module) => Self::of_field("module", messages::module_taken(module)),
            mail_accounts::SaveError::Unreadable(fields) => {
                let wrong =
                    |field: &str| FieldProblem { field: field.to_owned(), message: messages::field_unreadable_give_it_too() };
                Self::of_fields(fields.into_iter().map(wrong).collect())
            }
            mail_accounts::SaveError::NotFound => Self::mail_account_not_found(),
            mail_accounts::SaveError::Changed => Self::precondition_failed(),
            mail_accounts::SaveError::PasswordRequired => Self::of_field("password", messages::password_required_for_server()),
            mail_accounts::SaveError::Seal(error) => {
                tracing::error!("A password cannot be sealed or opened: {error}");
                Self::conflict(messages::password_unreadable())
            }
            mail_accounts::SaveError::Once(error) => error.into(),
            mail_accounts::SaveError::Store(error) => error.into(),
        }
    }
}

impl From<DkimError> for Problem {
    fn from(error: DkimError) -> Self {
        match error {
            DkimError::Waiting => Self::conflict(messages::dkim_key_waiting()),
            DkimError::NoName => Self::conflict(messages::dkim_keys_used_up()),
            DkimError::NotFound => Self::not_found(messages::dkim_key_not_found()),
            DkimError::NotMade => Self::internal(),
            DkimError::Seal(error) => {
                tracing::error!("A DKIM key cannot be sealed or opened: {error}");
                Self::conflict(messages::dkim_key_unreadable())
            }
            DkimError::Store(error) => error.into(),
        }
    }
}
