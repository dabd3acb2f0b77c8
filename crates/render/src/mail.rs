//! The mails that carry a receipt, and those that tell a company how its account is: subject, HTML and text.

mod filters;
mod notice;
mod user;
mod view;
mod wrap;

use acuse_domain::access::Role;
use acuse_domain::news::{AccountChange, CompanyNews};
use acuse_domain::receipt::Receipt;
use acuse_domain::{Date, Instant};
use askama::Template;

use crate::logo::Logo;
use notice::{EndingView, RecoveredView};
use user::UserView;
use view::{AccountView, ReceiptView};
use wrap::wrap72;

/// A mail without its envelope. The HTML shows the logo as `cid:logo@acuse` where the facts had one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenderedMail {
    pub subject: String,
    pub html: String,
    pub text: String,
    /// The name of the PDF to attach.
    pub attachment_name: Option<String>,
}

/// What a receipt does not know about the mail that carries it.
#[derive(Default)]
pub struct MailFacts<'a> {
    pub resend: Option<Resend>,
    /// For a voided receipt, what its recipient knows of it.
    pub voided_notice: Option<VoidedNotice>,
    pub logo: Option<&'a Logo>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resend {
    /// The number on the screen: 2 is the first mail after the first.
    pub n: u32,
    pub first_sent: Date,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VoidedNotice {
    pub issued: Date,
    /// When it was sent to this recipient, as far as they have it or may have it.
    pub sent: Option<Date>,
}

/// A mail account that the server refuses, and what the company's administrators need to mend it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountStopped<'a> {
    /// What people call the company.
    pub company_name: &'a str,
    pub company_legal_name: &'a str,
    /// The account's address and the module that it sends for, as the screen names it.
    pub address: &'a str,
    pub module: &'a str,
    pub since: Instant,
    pub server: &'a str,
    /// The page of the company's mail accounts.
    pub url: &'a str,
    pub problem_title: &'a str,
    /// What the server answered, word for word.
    pub reply: &'a str,
    pub fix: &'a [String],
    /// Receipts that wait for the account.
    pub waiting: u32,
}

/// An account of the company's own, for whoever looks after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccountFacts<'a> {
    /// What people call the company.
    pub company_name: &'a str,
    pub company_legal_name: &'a str,
    /// The account's address and the module that it sends for, as the screen names it.
    pub address: &'a str,
    pub module: &'a str,
    pub server: &'a str,
    /// The account's page.
    pub url: &'a str,
}

/// An account that had stopped and works again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountRecovered<'a> {
    pub facts: AccountFacts<'a>,
    /// When it had stopped, and since when it works again.
    pub since: Instant,
    pub at: Instant,
    /// Receipts that waited for it and leave now.
    pub waiting: u32,
}

/// Something that an account cannot send without, and that ends soon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountEnding<'a> {
    pub facts: AccountFacts<'a>,
    pub what: Ends,
    pub at: Instant,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ends {
    /// The server's TLS certificate.
    Certificate,
    /// The company's consent with Google or Microsoft.
    Connection,
}

/// A mail to somebody about how they come in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserMail<'a> {
    pub news: UserNews<'a>,
    /// Where its button leads; of no use to news without one.
    pub url: &'a str,
    /// Until when the link is good.
    pub ends_at: Instant,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserNews<'a> {
    Invitation {
        company_name: &'a str,
        company_legal_name: &'a str,
        inviter: &'a str,
        role: Role,
    },
    /// A link for a new password.
    Reset,
    /// To an address that somebody wants to come in with.
    ConfirmAddress,
    /// To the address before.
    AddressChanged {
        new: &'a str,
    },
    PasswordChanged,
    AccountChanged(AccountChange),
    Removed {
        company_name: &'a str,
        company_legal_name: &'a str,
    },
    Company {
        company_name: &'a str,
        company_legal_name: &'a str,
        news: CompanyNews,
        who: &'a str,
        /// From when on a deletion may be confirmed.
        due_at: Option<Instant>,
    },
}

/// Askama reads a template's values as fields; both forms of a mail show the same view.
macro_rules! shows {
    ($name:ident, $view:ty, $path:literal) => {
        #[derive(Template)]
        #[template(path = $path)]
        struct $name<'a>(&'a $view);

        impl std::ops::Deref for $name<'_> {
            type Target = $view;

            fn deref(&self) -> &$view {
                self.0
            }
        }
    };
}

shows!(ReceiptHtml, ReceiptView, "mail/recibo.html");
shows!(ReceiptText, ReceiptView, "mail/recibo.txt");
shows!(VoidedHtml, ReceiptView, "mail/recibo-anulado.html");
shows!(VoidedText, ReceiptView, "mail/recibo-anulado.txt");
shows!(AccountHtml, AccountView, "mail/cuenta-detenida.html");
shows!(AccountText, AccountView, "mail/cuenta-detenida.txt");
shows!(RecoveredHtml, RecoveredView, "mail/cuenta-recuperada.html");
shows!(RecoveredText, RecoveredView, "mail/cuenta-recuperada.txt");
shows!(EndingHtml, EndingView, "mail/cuenta-por-vencer.html");
shows!(EndingText, EndingView, "mail/cuenta-por-vencer.txt");
shows!(UserHtml, UserView, "mail/usuario.html");
shows!(UserText, UserView, "mail/usuario.txt");

/// The mail of a receipt. A voided receipt always goes out as the notice that it is void.
#[must_use]
pub fn receipt_mail(receipt: &Receipt, facts: &MailFacts<'_>) -> RenderedMail {
    let view = ReceiptView::of(receipt, facts);
    let (html, text) = match receipt.voided {
        None => (shown(&ReceiptHtml(&view)), shown(&ReceiptText(&view))),
        Some(_) => (shown(&VoidedHtml(&view)), shown(&VoidedText(&view))),
    };
    RenderedMail { subject: view.subject, html, text: wrap72(&text), attachment_name: Some(receipt.file_name()) }
}

/// The mail that tells a company's administrators, once for each failure, that an account stopped.
#[must_use]
pub fn account_stopped_mail(stopped: &AccountStopped<'_>) -> RenderedMail {
    let view = AccountView::of(stopped);
    let (html, text) = (shown(&AccountHtml(&view)), shown(&AccountText(&view)));
    RenderedMail { subject: view.subject, html, text: wrap72(&text), attachment_name: None }
}

/// The mail that tells those who heard of it that an account works again.
#[must_use]
pub fn account_recovered_mail(recovered: &AccountRecovered<'_>) -> RenderedMail {
    let view = RecoveredView::of(recovered);
    let (html, text) = (shown(&RecoveredHtml(&view)), shown(&RecoveredText(&view)));
    RenderedMail { subject: view.subject, html, text: wrap72(&text), attachment_name: None }
}

/// The mail that tells a company's administrators two weeks ahead, once, that an account will stop if nothing is done.
#[must_use]
pub fn account_ending_mail(ending: &AccountEnding<'_>) -> RenderedMail {
    let view = EndingView::of(ending);
    let (html, text) = (shown(&EndingHtml(&view)), shown(&EndingText(&view)));
    RenderedMail { subject: view.subject, html, text: wrap72(&text), attachment_name: None }
}

/// The mail that tells somebody how they come in, or that it changed.
#[must_use]
pub fn user_mail(mail: &UserMail<'_>) -> RenderedMail {
    let view = UserView::of(mail);
    let (html, text) = (shown(&UserHtml(&view)), shown(&UserText(&view)));
    RenderedMail { subject: view.subject, html, text: wrap72(&text), attachment_name: None }
}

fn shown(template: &impl Template) -> String {
    template.render().expect("writing into a string does not fail")
}
