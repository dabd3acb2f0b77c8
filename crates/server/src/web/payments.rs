//! The pages of cobros and pagos. One code serves both: their path says which book is open, and [`Book`] has its words.

pub mod act;
pub mod list;
pub mod new;
pub mod pdf;
pub mod show;

mod changed;
mod deliveries_view;
mod doubts;
mod draft;
mod form;
mod history;
mod meanwhile;
mod paper;
mod parse_form;
mod question;
mod sender;

use std::convert::Infallible;

use acuse_domain::id::PaymentId;
use acuse_domain::mail_account::MailModule;
use acuse_domain::payment::Direction;
use acuse_store::contacts::Role;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use crate::web::page::Section;

/// Cobros or pagos, and how its pages speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Book {
    pub direction: Direction,
}

/// The book is the first part of the path, so a handler serves `/cobros/…` and `/pagos/…` alike.
impl<S: Sync> FromRequestParts<S> for Book {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let is_made = parts.uri.path().starts_with(Book { direction: Direction::Made }.path());
        Ok(Self { direction: if is_made { Direction::Made } else { Direction::Received } })
    }
}

impl Book {
    #[must_use]
    pub fn is_received(self) -> bool {
        self.direction == Direction::Received
    }

    #[must_use]
    pub const fn either(self, received: &'static str, made: &'static str) -> &'static str {
        match self.direction {
            Direction::Received => received,
            Direction::Made => made,
        }
    }

    #[must_use]
    pub const fn path(self) -> &'static str {
        self.either("/cobros", "/pagos")
    }

    #[must_use]
    pub fn page_of(self, id: PaymentId) -> String {
        format!("{}/{id}", self.path())
    }

    #[must_use]
    pub const fn noun(self) -> &'static str {
        self.either("cobro", "pago")
    }

    #[must_use]
    pub const fn title(self) -> &'static str {
        self.either("Cobro", "Pago")
    }

    #[must_use]
    pub const fn plural(self) -> &'static str {
        self.either("Cobros", "Pagos")
    }

    /// «Cliente» or «Proveedor».
    #[must_use]
    pub const fn person(self) -> &'static str {
        self.either("Cliente", "Proveedor")
    }

    #[must_use]
    pub const fn person_low(self) -> &'static str {
        self.either("cliente", "proveedor")
    }

    /// What its people have to be.
    #[must_use]
    pub const fn role(self) -> Role {
        match self.direction {
            Direction::Received => Role::Customer,
            Direction::Made => Role::Supplier,
        }
    }

    #[must_use]
    pub const fn due(self) -> &'static str {
        self.either("por cobrar", "por pagar")
    }

    #[must_use]
    pub const fn module(self) -> MailModule {
        MailModule::of_payments(self.direction)
    }

    #[must_use]
    pub const fn section(self) -> Section {
        match self.direction {
            Direction::Received => Section::Cobros,
            Direction::Made => Section::Pagos,
        }
    }
}
