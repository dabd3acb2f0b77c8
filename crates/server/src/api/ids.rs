//! The id in a path. What is no UUID names nothing that exists.

use acuse_domain::id::{ContactId, DeliveryId, DocumentId, MailAccountId, PaymentId};
use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use uuid::Uuid;

use crate::problem::Problem;

/// The `{id}` of a path, as the id of its noun.
pub struct Id<T>(pub T);

/// A noun whose id may stand in a path.
pub trait InPath: Sized {
    fn of(id: Uuid) -> Self;
    fn not_found() -> Problem;
}

macro_rules! in_path {
    ($($id:ident => $not_found:ident),+ $(,)?) => {$(
        impl InPath for $id {
            fn of(id: Uuid) -> Self {
                Self(id)
            }

            fn not_found() -> Problem {
                Problem::$not_found()
            }
        }
    )+};
}

in_path! {
    ContactId => contact_not_found,
    DocumentId => document_not_found,
    PaymentId => payment_not_found,
    DeliveryId => delivery_not_found,
    MailAccountId => mail_account_not_found,
}

impl<S: Send + Sync, T: InPath> FromRequestParts<S> for Id<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Ok(Path(id)) = Path::<Uuid>::from_request_parts(parts, state).await else { return Err(T::not_found()) };
        Ok(Self(T::of(id)))
    }
}
