//! «Nuevo cobro» and «Nuevo pago»: every button of the form gives the form back; Guardar records.

use acuse_domain::contact::Contact;
use acuse_domain::document::{Document, Side};
use acuse_domain::email_address::EmailAddress;
use acuse_domain::id::{CompanyId, ContactId, DocumentId, PaymentId};
use acuse_domain::message::messages;
use acuse_domain::payment::{Advance, Answered, BANKS, Method, MethodChoice, TILLS, UsualTax};
use acuse_domain::text::is_same;
use acuse_store::contacts::{self, Standing};
use acuse_store::idempotency::{self, ClaimError, Once};
use acuse_store::payments::{self, RecordError};
use acuse_store::{Page as Slice, StoreError, documents};
use askama::Template;
use axum::extract::Query;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::Book;
use super::doubts::Doubts;
use super::draft::{Draft, DraftLine, Totals};
use super::form::Typed;
use super::meanwhile::{self, Closed, UsedUp};
use super::parse_form::ParsedForm;
use super::question::Question;
use super::sender::Sender;
use super::show::recorded;
use crate::app::App;
use crate::web::carried::{Carried, Kept};
use crate::web::contacts::roles;
use crate::web::contacts::save::begin_person;
use crate::web::filters;
use crate::web::form_errors::FormErrors;
use crate::web::frame::Frame;
use crate::web::once::new_key;
use crate::web::page::{self, Page};
use crate::web::trouble::Trouble;
use acuse_domain::access::Permission;

/// People offered where the type-ahead has no script to run on.
const MOST_PEOPLE: u64 = 8;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Start {
    persona: Option<String>,
    /// A recorded payment to begin with: «Registrar de nuevo».
    copiar: Option<String>,
}

/// GET `/cobros/nuevo`, empty or begun with a person or with an earlier payment.
pub async fn ask(frame: Frame, book: Book, Query(start): Query<Start>) -> Result<Response, Trouble> {
    let company = frame.company();
    let mut draft = Draft::new(acuse_store::now());
    let copied: Option<PaymentId> = start.copiar.and_then(|id| id.parse().ok());
    if let Some(id) = copied {
        draft = Draft::again(&recorded(&frame, book, id).await?, acuse_store::now());
    }
    let asked: Option<ContactId> = start.persona.and_then(|id| id.parse().ok()).or(draft.contact);
    if let Some(id) = asked {
        let contact = contacts::find(&frame.app.db, company, id).await?.ok_or(Trouble::NotFound)?;
        draft.choose(&contact, book.direction);
    }
    let data = FormData::load(&frame.app, company, book, &mut draft).await?;
    data.keep_open_shares(&mut draft);
    draft.notify &= frame.may(Permission::SendReceipts);
    let page = frame.page(book.section()).await?.typing();
    let unsaved = Unsaved::default();
    Ok(page::shown(&NewPage { page, book, draft, data, unsaved, begins_line: false }))
}

/// POST `/cobros/nuevo`: one of the form's buttons.
pub async fn submit(frame: Frame, book: Book, Kept { form: typed, body }: Kept<Typed>) -> Result<Response, Trouble> {
    let company = frame.company();
    let action = typed.accion.clone();
    if action == "crear" {
        let (url, person) = (format!("{}/nuevo", book.path()), typed.person().to_owned());
        return begin_person(&frame, &person, book.role(), Carried::of(&url, &body)).await;
    }
    let removed = typed.quitar;
    let also = typed.tambien.parse().ok().map(ContactId);
    let mut draft = typed.into_draft();
    let may_send = frame.may(Permission::SendReceipts);
    let asks_to_send = draft.notify;
    if let Some(also) = also {
        draft.contact = Some(also);
        draft.person = String::new();
        roles::give(&frame, also, book.role()).await?;
    }
    let mut data = FormData::load(&frame.app, company, book, &mut draft).await?;
    draft.notify &= may_send;
    draft.complete(&data.open);
    let action = Doubts::of(&data).answer(action, &mut draft);
    let mut unsaved = Unsaved::default();
    match (removed, action.as_str()) {
        (Some(number), _) => draft.remove_line(number),
        (None, "forma") => draft.add_line(),
        (None, "antiguo") => draft.apply_to_oldest(&data.open),
        (None, "dejar") => {
            let closed: Vec<DocumentId> = data.closed.drain(..).map(|closed| closed.document.id).collect();
            draft.leave_as_advance(&closed);
        }
        (None, "anticipo") => draft.use_advances(&data.advances),
        (None, "cheque") => draft.move_cash_to_check(),
        (None, "destinatarios") => draft.edits_recipients = true,
        // The role changed since the form was drawn.
        (None, "guardar") if asks_to_send && !may_send => unsaved = alone("", messages::records_without_sending()).into(),
        (None, "guardar") => match save(&frame, book, &mut draft, &mut data).await? {
            Ok(id) => return Ok(Redirect::to(&book.page_of(id)).into_response()),
            Err(why) => unsaved = saved_before(&frame, book, &mut draft).await?.unwrap_or(why),
        },
        _ => {}
    }
    let page = frame.page(book.section()).await?.typed();
    let refused = !unsaved.is_empty();
    let view = NewPage { page, book, draft, data, unsaved, begins_line: removed.is_none() && action == "forma" };
    Ok(if refused { page::refused(&view) } else { page::shown(&view) })
}

/// Why Guardar saved nothing.
#[derive(Default)]
struct Unsaved {
    errors: FormErrors,
    /// Nothing is saved before they are answered.
    questions: Vec<Question>,
    /// What this very form recorded before, by its number, and where it is.
    saved_before: Option<(String, String)>,
}

impl Unsaved {
    fn is_empty(&self) -> bool {
        self.errors.is_empty() && self.questions.is_empty() && self.saved_before.is_none()
    }
}

impl From<FormErrors> for Unsaved {
    fn from(errors: FormErrors) -> Self {
        Self { errors, ..Self::default() }
    }
}

async fn save(
    frame: &Frame,
    book: Book,
    draft: &mut Draft,
    data: &mut FormData,
) -> Result<Result<PaymentId, Unsaved>, StoreError> {
    let nobody = || alone("persona", format!("Elija el {}.", book.person_low()));
    let Some(contact) = &data.contact else { return Ok(Err(nobody().into())) };
    let asked = match ParsedForm::read(draft, book.direction, contact.id, data) {
        Ok(asked) => asked,
        Err(errors) => return Ok(Err(reveal(draft, errors).into())),
    };
    let doubts = Doubts::of(data).about(&asked, draft);
    if !doubts.is_empty() {
        return Ok(Err(reveal(draft, doubts).into()));
    }
    if let Some(question) = about_wholly_advance(book, draft, &asked) {
        return Ok(Err(Unsaved { questions: vec![question], ..Unsaved::default() }));
    }
    let once = once(draft, &asked);
    let answered = Answered::These(draft.answered.clone());
    let (payment, now) = (asked.payment.clone(), acuse_store::now());
    let recorded = payments::record(&frame.app.db, &frame.actor, payment, &asked.notify, &answered, once.as_ref(), now).await;
    let errors = match recorded {
        Ok(id) => return Ok(Ok(id)),
        Err(RecordError::Doubtful(doubts)) => {
            return Ok(Err(Unsaved { questions: asked.questions(book, doubts), ..Unsaved::default() }));
        }
        Err(RecordError::Refused(refusal)) => {
            // What was refused may have moved meanwhile: it is shown as it is now.
            *data = FormData::load(&frame.app, frame.company(), book, draft).await?;
            asked.refused(&refusal, data)
        }
        Err(RecordError::ContactNotFound) => nobody(),
        Err(RecordError::ContactHasNoEmail) => reveal(draft, alone("para", "La persona no tiene correo.")),
        // The form is told what it saved.
        Err(RecordError::Once(ClaimError::KeyReused(_))) => FormErrors::default(),
        Err(RecordError::Once(ClaimError::Store(error)) | RecordError::Store(error)) => return Err(error),
    };
    Ok(Err(errors.into()))
}

/// Whoever ticked documents means to settle them: that none is left is asked about, once for its figure.
fn about_wholly_advance(book: Book, draft: &Draft, asked: &ParsedForm) -> Option<Question> {
    if !draft.chose_documents || !asked.payment.allocations.is_empty() {
        return None;
    }
    let total = asked.payment.lines.iter().map(|line| line.amount).sum();
    let question = Question::wholly_advance(book, total, asked.first_row());
    (!draft.answered.contains(&question.key)).then_some(question)
}

/// Back after Guardar shows a form that was sent. It goes on under a new key.
async fn saved_before(frame: &Frame, book: Book, draft: &mut Draft) -> Result<Option<Unsaved>, Trouble> {
    let key = once_key(draft);
    let Some(made) = idempotency::made(&frame.app.db, frame.company(), &key).await? else { return Ok(None) };
    let id = PaymentId(made);
    let number = recorded(frame, book, id).await?.summary.number.to_string();
    draft.once = new_key();
    Ok(Some(Unsaved { saved_before: Some((number, book.page_of(id))), ..Unsaved::default() }))
}

/// The addresses become a field once there is something to correct in them.
fn reveal(draft: &mut Draft, errors: FormErrors) -> FormErrors {
    draft.edits_recipients |= errors.of("para").is_some();
    errors
}

fn alone(field: &str, words: impl Into<String>) -> FormErrors {
    let mut errors = FormErrors::default();
    errors.add(field, words);
    errors
}

/// The same form sent twice records once: the second answer is the first one's payment.
fn once(draft: &Draft, asked: &ParsedForm) -> Option<Once> {
    if draft.once.is_empty() {
        return None;
    }
    let request = format!("{:?} {:?}", asked.payment, asked.notify);
    Some(Once { key: once_key(draft), request_hash: Sha256::digest(request.as_bytes()).into() })
}

fn once_key(draft: &Draft) -> String {
    format!("formulario {}", draft.once)
}

/// What lies beside the form: the person and what is open between them and the company.
pub(super) struct FormData {
    pub(super) contact: Option<Contact>,
    /// People to choose from, while there is none.
    found: Vec<(Contact, Standing)>,
    /// People of the other side who match.
    others: Vec<Contact>,
    standing: Standing,
    pub(super) open: Vec<Document>,
    /// What was ticked and is not open any more.
    closed: Vec<Closed>,
    advances: Vec<Advance>,
    used_up: Vec<UsedUp>,
    sender: Sender,
}

impl FormData {
    /// Settles on the person first: the one of the hidden id, unless another name was typed over it.
    async fn load(app: &App, company: CompanyId, book: Book, draft: &mut Draft) -> Result<Self, StoreError> {
        let mut data = Self {
            contact: None,
            found: Vec::new(),
            others: Vec::new(),
            standing: Standing::default(),
            open: Vec::new(),
            closed: Vec::new(),
            advances: Vec::new(),
            used_up: Vec::new(),
            sender: Sender::of(app, company, book).await?,
        };
        data.find_person(app, company, book, draft).await?;
        if let Some(contact) = &data.contact {
            data.standing = contacts::standing(&app.db, company, contact.id).await?;
            data.open = documents::open_of(&app.db, company, contact.id, Side::of_payments(book.direction)).await?;
            data.closed = meanwhile::closed(app, company, book, contact.id, draft, &data.open).await?;
            data.advances = payments::open_advances(&app.db, company, contact.id, book.direction).await?;
            data.used_up = meanwhile::used_up(app, company, draft, &data.advances).await?;
        }
        Ok(data)
    }

    async fn find_person(&mut self, app: &App, company: CompanyId, book: Book, draft: &mut Draft) -> Result<(), StoreError> {
        if let Some(id) = draft.contact {
            let contact = contacts::find(&app.db, company, id).await?;
            let is_meant = |contact: &Contact| draft.person.is_empty() || is_same(&draft.person, &contact.details.name);
            self.contact = contact.filter(is_meant);
            if let Some(contact) = &self.contact {
                let is_new = match draft.drawn_for {
                    Some(before) => before != contact.id,
                    None => draft.recipients.is_empty() && !draft.notify,
                };
                if draft.person.is_empty() || draft.lines.is_empty() || is_new {
                    draft.choose(contact, book.direction);
                }
                draft.drawn_for = draft.contact;
                return Ok(());
            }
        }
        draft.contact = None;
        if draft.person.is_empty() {
            return Ok(());
        }
        let filter = contacts::Filter { role: Some(book.role()), text: Some(draft.person.clone()) };
        let people =
            contacts::list(&app.db, company, &filter, contacts::BY_NAME, Slice { after: None, limit: MOST_PEOPLE }).await?;
        self.others = roles::of_the_other_side(app, company, &draft.person, book.role()).await?;
        if let [only] = &people[..]
            && self.others.is_empty()
        {
            draft.choose(only, book.direction);
            self.contact = Some(only.clone());
            return Ok(());
        }
        let ids: Vec<ContactId> = people.iter().map(|person| person.id).collect();
        let standings = contacts::standings(&app.db, company, &ids).await?;
        self.found = people.into_iter().zip(standings.into_iter().map(|(_, standing)| standing)).collect();
        Ok(())
    }

    /// The documents in the order of their rows: what is open, then what was ticked and is not open any more.
    pub(super) fn rows(&self) -> impl Iterator<Item = &Document> {
        self.open.iter().chain(self.closed.iter().map(|closed| &closed.document))
    }

    /// Counted from 1.
    pub(super) fn row_of(&self, document: DocumentId) -> Option<usize> {
        self.rows().position(|one| one.id == document).map(|at| at + 1)
    }

    pub(super) fn closed_of(&self, document: DocumentId) -> Option<&Closed> {
        self.closed.iter().find(|closed| closed.document.id == document)
    }

    pub(super) fn used_up_of(&self, payment: PaymentId) -> Option<&UsedUp> {
        self.used_up.iter().find(|used| used.payment == payment)
    }

    /// Of a payment that is recorded again, never more is taken over than is owed. What is not open any more says so.
    fn keep_open_shares(&self, draft: &mut Draft) {
        draft.shares.retain_mut(|share| {
            let Some(document) = self.open.iter().find(|document| document.id == share.document) else {
                return self.closed_of(share.document).is_some();
            };
            if share.money().cents().abs() > document.balance.cents().abs() {
                share.amount = document.balance.to_string();
            }
            true
        });
    }

    fn advance_left(&self) -> acuse_domain::money::Money {
        self.advances.iter().map(|advance| advance.available).sum()
    }
}

#[derive(Template)]
#[template(path = "payments/new.html")]
struct NewPage {
    page: Page,
    book: Book,
    draft: Draft,
    data: FormData,
    unsaved: Unsaved,
    /// Where the new line begins, the keyboard goes on.
    begins_line: bool,
}

impl NewPage {
    fn totals(&self) -> Totals {
        self.draft.totals()
    }

    fn balance(&self) -> acuse_domain::money::Money {
        if self.book.is_received() { self.data.standing.receivable } else { self.data.standing.payable }
    }

    fn amount_beside(&self, document: &Document) -> &str {
        self.draft.share_of(&document.id).map_or("", |share| &share.amount)
    }

    /// What is not open any more has its row because it was ticked.
    fn is_ticked(&self, document: &Document) -> bool {
        !self.amount_beside(document).trim().is_empty() || self.data.closed_of(document.id).is_some()
    }

    /// What a tick puts into its field: what is owed, or of what is not open any more, what stood there.
    fn tick_of(&self, document: &Document) -> String {
        match self.data.closed_of(document.id) {
            Some(_) => self.amount_beside(document).to_owned(),
            None => document.balance.to_string(),
        }
    }

    /// Whether the large figure is the money that moves, because something settles without moving.
    fn says_money(&self) -> bool {
        let totals = self.totals();
        !self.book.is_received() || totals.money != totals.total
    }

    fn has_withholding(&self) -> bool {
        self.draft.lines.iter().any(|line| line.method == Some(Method::Withholding))
    }

    fn advance_of(&self, line: &DraftLine) -> Option<&Advance> {
        line.advance.and_then(|id| self.data.advances.iter().find(|advance| advance.payment == id))
    }

    fn used_up_of(&self, line: &DraftLine) -> Option<&UsedUp> {
        line.advance.and_then(|id| self.data.used_up_of(id))
    }

    fn has_unused_advance(&self) -> bool {
        let used = |advance: &Advance| self.draft.lines.iter().any(|line| line.advance == Some(advance.payment));
        self.data.advances.iter().any(|advance| !used(advance))
    }

    fn slip(&self) -> Option<(EmailAddress, EmailAddress)> {
        Doubts::of(&self.data).slip(&self.draft)
    }

    /// What is said of a typed date of a cheque.
    fn check_hint(&self, line: &DraftLine) -> &'static str {
        use crate::web::calendar::parse_day;
        match (parse_day(&line.dated), parse_day(&self.draft.date)) {
            (Ok(cashable), Ok(paid)) if cashable > paid => "posfechado",
            (Ok(_), Ok(_)) => "al día",
            _ => "",
        }
    }
}

impl DraftLine {
    /// The code of its choice in the list of methods.
    fn option(&self) -> &'static str {
        let own = |choice: &MethodChoice| Some(choice.method) == self.method && choice.kind == self.kind;
        let choice = MethodChoice::ALL.into_iter().find(own).map(|choice| choice.code);
        choice.or(self.method.map(Method::as_str)).unwrap_or_default()
    }

    fn is(&self, method: &str) -> bool {
        self.method.is_some_and(|own| own.as_str() == method)
    }

    /// What the field of its account holds.
    fn account_label(&self, book: &Book) -> &'static str {
        match self.method {
            Some(Method::Withholding) => "Impuesto",
            Some(Method::Cash) => "Caja",
            Some(Method::Check) => book.either("Banco del cheque", "Cuenta que paga"),
            Some(Method::Card) => "Tarjeta o banco",
            _ => book.either("Cuenta que recibe", "Cuenta que paga"),
        }
    }

    fn reference_label(&self) -> &'static str {
        match self.method {
            Some(Method::Withholding) => "Número de certificado",
            Some(Method::Check) => "Número de cheque",
            Some(Method::Transfer) => "Número de transferencia",
            Some(Method::Deposit) => "Número de papeleta",
            Some(Method::Card) => "Número de voucher",
            _ => "Número",
        }
    }

    fn list(&self) -> &'static str {
        if self.is("withholding") {
            "impuestos"
        } else if self.is("cash") {
            "cajas"
        } else {
            "bancos"
        }
    }
}
