//! Each refusal of the domain and of the store's acts, with its status, code and field.

use acuse_domain::delivery::State;
use acuse_domain::document::DocumentError;
use acuse_domain::identification::IdentificationError;
use acuse_domain::money::MoneyError;
use acuse_domain::payment::{PaymentError, Refusal, VoidRefusal};
use acuse_store::contacts;
use acuse_store::deliveries::MoveError;
use acuse_store::dkim::DkimError;
use acuse_store::documents;
use acuse_store::idempotency::ClaimError;
use acuse_store::mail_accounts;
use acuse_store::payments::{RecordError, ResendError, VoidError};
use acuse_store::versions::ChangeError;
use axum::http::StatusCode;

use super::{FieldProblem, LocalizedText, Problem, english, sentence};

impl Problem {
    #[must_use]
    pub fn contact_not_found() -> Self {
        Self::not_found("contact_not_found", "No existe esa persona.", "There is no such contact.")
    }

    #[must_use]
    pub fn document_not_found() -> Self {
        Self::not_found("document_not_found", "No existe ese documento.", "There is no such document.")
    }

    #[must_use]
    pub fn payment_not_found() -> Self {
        Self::not_found("payment_not_found", "No existe ese cobro o pago.", "There is no such payment.")
    }

    #[must_use]
    pub fn delivery_not_found() -> Self {
        Self::not_found("delivery_not_found", "No existe ese envío.", "There is no such delivery.")
    }

    #[must_use]
    pub fn mail_account_not_found() -> Self {
        Self::not_found("mail_account_not_found", "No existe esa configuración de correo.", "There is no such mail account.")
    }

    #[must_use]
    pub fn dkim_key_not_found() -> Self {
        Self::not_found("dkim_key_not_found", "No hay una clave DKIM para este dominio.", "There is no DKIM key for this domain.")
    }

    #[must_use]
    pub fn identification_taken() -> Self {
        let said = LocalizedText::new("Otra persona tiene esa identificación.", "Another contact has that identification.");
        Self::of_field("identification", "identification_taken", said)
    }

    /// If-Match named a state that is past.
    #[must_use]
    pub fn precondition_failed() -> Self {
        let said = LocalizedText::new(
            "Alguien lo cambió después de que usted lo leyó; no se guardó nada. Léalo otra vez y repita el cambio con su nueva ETag.",
            "Somebody changed it after you read it; nothing was recorded. Read it again and repeat the change with its new ETag.",
        );
        Self::new(StatusCode::PRECONDITION_FAILED, "precondition_failed", said)
    }

    /// Nobody but the provider can put records there.
    #[must_use]
    pub fn domain_not_yours() -> Self {
        let said = LocalizedText::new(
            "El dominio del remitente es de un proveedor de correo o de ejemplo: no se le pueden agregar registros.",
            "The sender's domain belongs to a mail provider or is an example: no records can be added to it.",
        );
        Self::new(StatusCode::CONFLICT, "domain_not_yours", said)
    }

    fn payment_voided() -> Self {
        let said =
            LocalizedText::new("Está anulado: su recibo ya no se envía.", "It is voided: its receipt is not sent any more.");
        Self::new(StatusCode::CONFLICT, "payment_voided", said)
    }

    /// The contact that a body names, as against one in the path.
    fn contact_of_body_not_found() -> Self {
        Self::of_field(
            "contact_id",
            "contact_not_found",
            LocalizedText::new("No existe esa persona.", "There is no such contact."),
        )
    }

    fn contact_has_no_email() -> Self {
        let said = LocalizedText::new(
            "La persona no tiene correo: agregue uno, o indique «recipients».",
            "The contact has no e-mail address: add one, or give «recipients».",
        );
        Self::of_field("recipients", "contact_has_no_email", said)
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
        let field =
            |(field, error): &(acuse_domain::payment::Field, PaymentError)| FieldProblem::of_payment(field.to_string(), error);
        Self::of_fields(refusal.iter().map(field).collect())
    }
}

impl From<VoidError> for Problem {
    fn from(error: VoidError) -> Self {
        match error {
            VoidError::NotFound => Self::payment_not_found(),
            VoidError::Refused(refusal) => {
                let said = LocalizedText::new(sentence(&refusal), english::void(&refusal));
                match refusal {
                    VoidRefusal::AlreadyVoided => Self::new(StatusCode::CONFLICT, "payment_already_voided", said),
                    VoidRefusal::AdvanceInUse { .. } => Self::new(StatusCode::CONFLICT, "advance_in_use", said),
                    VoidRefusal::ReasonMissing => Self::of_field("reason", "field_missing", said),
                    VoidRefusal::ReasonTooLong => Self::of_field("reason", "field_too_long", said),
                }
            }
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
            ResendError::NobodyHasIt => Self::new(
                StatusCode::CONFLICT,
                "nobody_has_the_receipt",
                LocalizedText::new(
                    "Está anulado y su recibo no le llegó a nadie: no hay a quién avisar.",
                    "It is voided and nobody received its receipt: there is nobody to tell.",
                ),
            ),
            ResendError::AlreadyTold => Self::new(
                StatusCode::CONFLICT,
                "void_already_told",
                LocalizedText::new(
                    "Está anulado, y ya se les avisó o su aviso está en camino.",
                    "It is voided, and they were told already or are being told.",
                ),
            ),
            ResendError::Voided => Self::payment_voided(),
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
            MoveError::NotNow(state) => not_now(state),
            MoveError::Voided => Self::payment_voided(),
            MoveError::Changed => Self::internal(),
            MoveError::ReasonTooLong => {
                let refusal = VoidRefusal::ReasonTooLong;
                Self::of_field("reason", "field_too_long", LocalizedText::new(sentence(&refusal), english::void(&refusal)))
            }
            MoveError::Once(error) => error.into(),
            MoveError::Store(error) => error.into(),
        }
    }
}

fn not_now(state: State) -> Problem {
    let said = LocalizedText::new(
        format!("El envío está «{}»; ahora no se puede.", state.word()),
        format!("The delivery is {}; this is not possible now.", state.as_str()),
    );
    Problem::new(StatusCode::CONFLICT, "delivery_not_in_state", said)
}

impl From<ClaimError> for Problem {
    fn from(error: ClaimError) -> Self {
        match error {
            ClaimError::KeyReused(_) => {
                let said = LocalizedText::new(
                    "Esa Idempotency-Key ya se usó con otra solicitud.",
                    "That Idempotency-Key was used for another request.",
                );
                Self::of_field("Idempotency-Key", "idempotency_key_reused", said)
            }
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
            documents::CreateError::NumberTaken(number) => {
                let said = LocalizedText::new(format!("El número {number} ya consta."), format!("The number {number} is taken."));
                Self::of_field("number", "document_number_taken", said)
            }
            documents::CreateError::Refused(error) => error.into(),
            documents::CreateError::Once(error) => error.into(),
            documents::CreateError::Store(error) => error.into(),
        }
    }
}

impl From<DocumentError> for Problem {
    fn from(error: DocumentError) -> Self {
        let (field, code) = match error {
            DocumentError::TotalIsZero => ("total", "total_is_zero"),
            DocumentError::CreditNoteMustBeNegative => ("total", "credit_note_not_negative"),
            DocumentError::TotalMustBePositive => ("total", "total_not_positive"),
            DocumentError::DueBeforeIssue => ("due_date", "due_before_issue"),
            DocumentError::BalanceOutOfRange => ("balance", "balance_out_of_range"),
            DocumentError::IssueDateInFuture => ("issue_date", "date_in_future"),
            DocumentError::IssueYearOutOfRange { .. } => ("issue_date", "year_out_of_range"),
            DocumentError::DueTooLate => ("due_date", "due_too_late"),
        };
        Self::of_field(field, code, LocalizedText::new(sentence(error), english::document(error)))
    }
}

impl From<mail_accounts::SaveError> for Problem {
    fn from(error: mail_accounts::SaveError) -> Self {
        match error {
            mail_accounts::SaveError::ModuleTaken(module) => {
                let said = LocalizedText::new(
                    format!("Ya hay una configuración para «{}».", module.name()),
                    format!("There is a mail account for {} already.", module.as_str()),
                );
                Self::of_field("module", "module_taken", said)
            }
            mail_accounts::SaveError::Unreadable(fields) => {
                let said = LocalizedText::new(
                    "Lo guardado en este campo no se puede leer: escríbalo también para guardar el cambio.",
                    "What is kept in this field cannot be read: give it too, so that the change can be saved.",
                );
                let wrong = |field: &str| FieldProblem::new(field, "field_unreadable", said.clone());
                Self::of_fields(fields.into_iter().map(wrong).collect())
            }
            mail_accounts::SaveError::NotFound => Self::mail_account_not_found(),
            mail_accounts::SaveError::Changed => Self::precondition_failed(),
            mail_accounts::SaveError::PasswordRequired => {
                let said = LocalizedText::new(
                    "La contraseña guardada se dio para otro servidor, puerto, TLS o usuario: escríbala otra vez.",
                    "The kept password was given for another server, port, TLS or user: give it again.",
                );
                Self::of_field("password", "password_required_for_server", said)
            }
            mail_accounts::SaveError::Seal(error) => {
                tracing::error!("A password cannot be sealed or opened: {error}");
                let said = LocalizedText::new(
                    "La contraseña guardada no se puede abrir con la clave de este servidor; escríbala de nuevo.",
                    "The stored password cannot be opened with this server's key; write it again.",
                );
                Self::new(StatusCode::CONFLICT, "password_unreadable", said)
            }
            mail_accounts::SaveError::Once(error) => error.into(),
            mail_accounts::SaveError::Store(error) => error.into(),
        }
    }
}

impl From<DkimError> for Problem {
    fn from(error: DkimError) -> Self {
        let conflict =
            |code, spanish: &str, english: &str| Self::new(StatusCode::CONFLICT, code, LocalizedText::new(spanish, english));
        match error {
            DkimError::Waiting => conflict(
                "dkim_key_waiting",
                "Ya hay una clave de este dominio que espera su registro en el DNS.",
                "A key of this domain waits for its record in the DNS already.",
            ),
            DkimError::NoName => conflict(
                "dkim_keys_used_up",
                "Este mes se crearon demasiadas claves para este dominio; siga con las que hay.",
                "Too many keys were made for this domain this month; go on with those that are there.",
            ),
            DkimError::NotFound => Self::dkim_key_not_found(),
            DkimError::NotMade => Self::internal(),
            DkimError::Seal(error) => {
                tracing::error!("A DKIM key cannot be sealed or opened: {error}");
                conflict(
                    "dkim_key_unreadable",
                    "La clave DKIM no se puede abrir con la clave de este servidor; bórrela y cree otra.",
                    "The DKIM key cannot be opened with this server's key; delete it and make another.",
                )
            }
            DkimError::Store(error) => error.into(),
        }
    }
}

impl FieldProblem {
    #[must_use]
    pub fn of_payment(field: impl Into<String>, error: &PaymentError) -> Self {
        Self::new(field, error.code(), LocalizedText::new(error.to_string(), english::payment(error)))
    }

    #[must_use]
    pub fn of_money(field: &str, error: MoneyError) -> Self {
        let code = match error {
            MoneyError::NotANumber => "amount_invalid",
            MoneyError::TooManyDecimals => "too_many_decimals",
            MoneyError::TooLarge => "amount_too_large",
            MoneyError::Ambiguous { .. } => "amount_ambiguous",
        };
        let spanish = match error {
            MoneyError::NotANumber => "No es un valor como \"120.00\": dígitos, punto y dos decimales.".to_owned(),
            other => sentence(other),
        };
        Self::new(field, code, LocalizedText::new(spanish, english::money(error)))
    }

    #[must_use]
    pub fn of_identification(field: &str, error: IdentificationError) -> Self {
        let code = match error {
            IdentificationError::Missing => "field_missing",
            IdentificationError::RucLength => "ruc_length",
            IdentificationError::CedulaLength => "cedula_length",
            IdentificationError::Province => "province_unknown",
            IdentificationError::RucSuffix => "ruc_suffix",
            IdentificationError::PassportShape => "identification_invalid",
        };
        Self::new(field, code, LocalizedText::new(sentence(error), english::identification(error)))
    }
}
