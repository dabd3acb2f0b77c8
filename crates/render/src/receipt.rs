//! The printed receipt: one page of sentences for both directions.
//!
//! Two axes carry it: the left margin, and one 62 mm from the right margin, from which title, number, date, amount,
//! sums and the second signature hang. Black only, and no colour but the logo's.

mod closing;
mod letterhead;
mod lists;

use acuse_domain::receipt::Receipt;
use acuse_domain::text;
use krilla::configure::{Accessibility, ConfigurationBuilder};
use krilla::destination::XyzDestination;
use krilla::geom::Point;
use krilla::metadata::{DateTime, Metadata};
use krilla::outline::{Outline, OutlineNode};
use krilla::{Document, SerializeSettings};

use crate::logo::Logo;
use crate::page::block::{Align, Block, Ink, Role, Stroke};
use crate::page::flow::{Flow, Furniture};
use crate::page::text::{Typesetter, regular, semibold};
use crate::page::{Sheet, mm};
use crate::words::{self, date};

/// Room for the two-hole punch.
const SIDE: f32 = mm(20.0);
const TOP: f32 = mm(17.0);
const BOTTOM: f32 = mm(20.0);
/// From the right margin to the second axis.
const RIGHT_COLUMN: f32 = mm(62.0);
/// Between what hangs from the two axes.
const GUTTER: f32 = mm(6.0);
/// A page head's rule stands this far above the text, a foot's below it.
const HEAD_ASCENT: f32 = mm(5.0);
const FOOT_DESCENT: f32 = mm(6.0);
/// Between that rule and its words.
const HEAD_GAP: f32 = mm(1.6);
/// A company's name in a page head is cut here.
const HEAD_NAME: f32 = mm(88.0);
/// Outlined letters behind a voided receipt.
const WATERMARK_SIZE: f32 = 104.0;
const WATERMARK_TRACKING: f32 = 4.0;
const WATERMARK_DEGREES: f32 = -32.0;

/// Stands at the foot of every page.
const NOT_TAX: &str = "No es un documento tributario del SRI.";

/// Between things of one kind.
const HAIR: Stroke = Stroke::solid(0.4);
const UNDER_HEAD: Stroke = Stroke::solid(0.7);
/// Between parts of the receipt.
const RULE: Stroke = Stroke::solid(0.9);
const DOTS: Stroke = Stroke { width: 0.5, dotted: true };

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Paper {
    #[default]
    A4,
    UsLetter,
}

#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    #[error("the receipt's date is not a date: {0}")]
    Date(String),
    #[error("the address to verify the receipt at does not fit into a QR code")]
    AddressTooLong,
    #[error("the PDF could not be written")]
    Pdf,
}

/// The receipt on A4 as a tagged PDF. The same receipt and logo give the same bytes.
///
/// Errs if the receipt's date is none or its address too long: neither is in a receipt that the domain froze.
pub fn receipt_pdf(receipt: &Receipt, logo: Option<&Logo>) -> Result<Vec<u8>, RenderError> {
    receipt_pdf_on(Paper::A4, receipt, logo)
}

/// As [`receipt_pdf`], on other paper.
pub fn receipt_pdf_on(paper: Paper, receipt: &Receipt, logo: Option<&Logo>) -> Result<Vec<u8>, RenderError> {
    let metadata = metadata(receipt)?;
    Typesetter::with(|set| {
        set.begin();
        let mut page = Page { receipt, say: Words::of(receipt), sheet: sheet(paper), set };
        let flow = page.lay_out(logo)?;
        let accessible = match page.set.has_every_letter() {
            true => page.write(&flow, &metadata, accessible()),
            false => None,
        };
        let pdf = accessible.or_else(|| page.write(&flow, &metadata, SerializeSettings::default()));
        pdf.ok_or(RenderError::Pdf)
    })
}

/// Named PDF/UA-1 (ISO 14289-1), which asks for a glyph for every letter: where the fonts lack one the PDF is tagged
/// all the same, but does not carry the name.
fn accessible() -> SerializeSettings {
    let configuration = ConfigurationBuilder::new().with_accessibility_validator(Accessibility::UA1).finish();
    SerializeSettings { configuration: configuration.unwrap_or_default(), ..SerializeSettings::default() }
}

/// A receipt being set: what it says, and what it is set with.
struct Page<'a> {
    receipt: &'a Receipt,
    say: Words,
    sheet: Sheet,
    set: &'a mut Typesetter,
}

/// The words that differ by direction.
struct Words {
    title: &'static str,
    alias: &'static str,
    from: &'static str,
    amount: &'static str,
    method: &'static str,
    documents: &'static str,
    unapplied: &'static str,
}

impl Words {
    fn of(receipt: &Receipt) -> Self {
        match receipt.is_received() {
            true => Self {
                title: receipt.title(),
                alias: "Comprobante de ingreso",
                // Where no money moved nothing was received.
                from: if receipt.money == "0.00" { "Compensamos con" } else { "Recibimos de" },
                amount: "Valor recibido",
                method: "Forma de cobro",
                documents: "Documentos cobrados",
                unapplied: "Anticipo a favor del cliente",
            },
            false => Self {
                title: receipt.title(),
                alias: "Comprobante de egreso",
                from: if receipt.money == "0.00" { "Compensamos con" } else { "Pagamos a" },
                amount: "Valor pagado",
                method: "Forma de pago",
                documents: "Documentos pagados",
                unapplied: "Anticipo al proveedor",
            },
        }
    }
}

impl Page<'_> {
    fn lay_out(&mut self, logo: Option<&Logo>) -> Result<Flow, RenderError> {
        let mut flow = Flow::new(self.sheet);
        self.letterhead(&mut flow, logo);
        self.annulled(&mut flow);
        self.who_and_how_much(&mut flow);
        self.methods(&mut flow);
        self.documents(&mut flow);
        self.sums_and_description(&mut flow);
        self.signatures(&mut flow);
        self.proof(&mut flow)?;
        Ok(flow)
    }

    /// None if krilla finds something in it that the settings forbid.
    fn write(&mut self, flow: &Flow, metadata: &Metadata, settings: SerializeSettings) -> Option<Vec<u8>> {
        let mut document = Document::new_with(settings);
        document.set_metadata(metadata.clone());
        let tags = flow.draw(&mut document, &mut |number, total| self.furniture(number, total));
        document.set_tag_tree(tags);
        let mut outline = Outline::new();
        let top = XyzDestination::new(0, Point::from_xy(self.sheet.left, self.sheet.top));
        outline.push_child(OutlineNode::new(format!("{} {}", self.say.title, self.receipt.number), top));
        document.set_outline(outline);
        document.finish().ok()
    }

    fn width(&self) -> f32 {
        self.sheet.text_width()
    }

    fn left_width(&self) -> f32 {
        self.width() - RIGHT_COLUMN - GUTTER
    }

    /// The second axis, from the left margin.
    fn right_axis(&self) -> f32 {
        self.width() - RIGHT_COLUMN
    }

    fn is_voided(&self) -> bool {
        self.receipt.voided.is_some()
    }

    fn furniture(&mut self, number: usize, total: usize) -> Furniture {
        Furniture {
            head: (number > 1).then(|| self.head()),
            foot: self.foot(number, total),
            behind: self.is_voided().then(|| self.watermark()),
        }
    }

    /// Says on every page but the first whose receipt it is and which.
    fn head(&mut self) -> (f32, Block) {
        let width = self.width();
        let company = text::one_line(&self.receipt.company.legal_name);
        let name = self.set.shortened(&company, regular(8.0), HEAD_NAME);
        let title = format!("{} ", self.say.title);
        let day = format!(", {}", date(&self.receipt.date));
        let mut spans =
            vec![(title.as_str(), regular(8.0)), (self.receipt.number.as_str(), semibold(8.0)), (day.as_str(), regular(8.0))];
        if self.is_voided() {
            spans.extend([(" · ", regular(8.0)), ("ANULADO", semibold(8.0))]);
        }
        let which = self.set.set(&spans, f32::INFINITY, 0.0);
        let mut block = Block::new();
        block.put(0.0, 0.0, Ink::Text(name, Align::Left), Role::Paragraph);
        block.put(width, 0.0, Ink::Text(which, Align::Right), Role::Paragraph);
        let below = block.height + HEAD_GAP;
        block.rule(0.0, below, width, HAIR);
        (self.sheet.top - HEAD_ASCENT - below, block)
    }

    fn foot(&mut self, number: usize, total: usize) -> (f32, Block) {
        let width = self.width();
        let notice = match self.is_voided() {
            true => {
                let spans =
                    [(NOT_TAX, regular(7.5)), (" ", regular(7.5)), ("ANULADO", semibold(7.5)), (": sin valor.", regular(7.5))];
                self.set.set(&spans, f32::INFINITY, 0.0)
            }
            false => self.set.printed(NOT_TAX, regular(7.5)),
        };
        let page = self.set.line(&format!("{} · Página {number} de {total}", self.receipt.number), regular(7.5));
        let mut block = Block::new();
        block.rule(0.0, 0.0, width, HAIR);
        block.put(0.0, HEAD_GAP, Ink::Text(notice, Align::Left), Role::Paragraph);
        block.put(width, HEAD_GAP, Ink::Text(page, Align::Right), Role::Paragraph);
        (self.sheet.floor() + FOOT_DESCENT, block)
    }

    fn watermark(&mut self) -> Block {
        let style = crate::page::text::Style { tracking: WATERMARK_TRACKING, ..semibold(WATERMARK_SIZE) };
        let text = self.set.line("ANULADO", style);
        let mut block = Block::new();
        let ink = Ink::Watermark { text, degrees: WATERMARK_DEGREES };
        block.put(self.sheet.width / 2.0, self.sheet.height / 2.0, ink, Role::Decoration);
        block
    }
}

fn sheet(paper: Paper) -> Sheet {
    let (width, height) = match paper {
        Paper::A4 => (mm(210.0), mm(297.0)),
        Paper::UsLetter => (612.0, 792.0),
    };
    Sheet { width, height, left: SIDE, right: SIDE, top: TOP, bottom: BOTTOM }
}

/// Says what the document is without any date of making, so that the same receipt gives the same bytes.
fn metadata(receipt: &Receipt) -> Result<Metadata, RenderError> {
    let (year, month, day) = words::parse_date(&receipt.date).ok_or_else(|| RenderError::Date(receipt.date.clone()))?;
    let say = Words::of(receipt);
    let title = format!("{} {}", say.title, receipt.number);
    let company = text::one_line(&receipt.company.legal_name);
    let annulled = if receipt.voided.is_some() { ". ANULADO" } else { "" };
    Ok(Metadata::new()
        .description(format!("{title} de {company}{annulled}"))
        .title(title)
        .authors(vec![company])
        .keywords(vec![receipt.number.clone(), receipt.company.ruc.clone(), say.alias.to_string()])
        .language("es-EC".to_string())
        .creator("Acuse".to_string())
        .creation_date(DateTime::new(year).month(month).day(day)))
}
