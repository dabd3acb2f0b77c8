//! What may be right and is probably a slip: it is recorded once somebody has said that it is meant.

use super::line::{Method, PaymentLine};
use super::twin::{Twin, is_same_paper, paper_key};
use super::withholding::{is_more, is_withheld, percentage, withheld};
use crate::message::{Message, messages};
use crate::money::Money;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Doubt {
    /// The line with this index is not its tax's percentage of the base.
    WithholdingDisagrees {
        index: usize,
        tax: String,
        base: Money,
        amount: Money,
        expected: Money,
    },
    /// Its base is not known, and it is more than that percentage of every document that is settled.
    WithholdingTooLarge {
        index: usize,
        tax: String,
        documents: Money,
        amount: Money,
        most: Money,
    },
    /// Its tax names no percentage: nobody can say whether it is right.
    WithholdingUnknown {
        index: usize,
        tax: String,
        base: Money,
        amount: Money,
    },
    /// What was withheld settles nothing: it would stay as anticipo, and nobody would owe it.
    WithholdingNotApplied {
        rest: Money,
    },
    LikelyTwin(Twin),
    /// The line with this index is the same paper as an earlier one of this payment.
    PaperTwice {
        index: usize,
        earlier: usize,
        method: Method,
        reference: String,
    },
}

/// Which doubts somebody has answered with «Así es».
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answered {
    /// Whoever asks is told afterwards.
    All,
    /// Those with these keys.
    These(Vec<String>),
}

impl Answered {
    /// The doubts that nobody has answered yet.
    #[must_use]
    pub fn open(&self, doubts: Vec<Doubt>) -> Vec<Doubt> {
        match self {
            Self::All => Vec::new(),
            Self::These(keys) => doubts.into_iter().filter(|doubt| !keys.contains(&doubt.key())).collect(),
        }
    }
}

impl Doubt {
    /// `row` is where a line stands, counted from 1, for whoever reads it.
    #[must_use]
    pub fn message(&self, row: impl Fn(usize) -> usize) -> Message {
        match self {
            Self::WithholdingDisagrees { index, tax, base, amount, expected } => {
                messages::withholding_disagrees(tax, *base, *expected, row(*index), *amount)
            }
            Self::WithholdingTooLarge { index, tax, documents, amount, most } => {
                messages::withholding_too_large(tax, *documents, *most, row(*index), *amount)
            }
            Self::WithholdingUnknown { index, tax, base, amount } => {
                messages::withholding_unknown(tax, row(*index), *amount, *base)
            }
            Self::WithholdingNotApplied { rest } => messages::withholding_not_applied(*rest),
            Self::LikelyTwin(twin) => messages::likely_duplicate(twin.number, &twin.recorded_by),
            Self::PaperTwice { earlier, method, reference, .. } => {
                messages::line_repeated(paper(*method), reference, row(*earlier))
            }
        }
    }

    fn code(&self) -> &'static str {
        self.message(|index| index).code()
    }

    /// Names the doubt with its figures: an answer to it answers no other, nor the same after a change.
    #[must_use]
    pub fn key(&self) -> String {
        let code = self.code();
        match self {
            Self::WithholdingDisagrees { index, tax, base, amount, .. }
            | Self::WithholdingUnknown { index, tax, base, amount } => {
                format!("{code} {index} {} {} {tax}", base.plain(), amount.plain())
            }
            Self::WithholdingTooLarge { index, tax, documents, amount, .. } => {
                format!("{code} {index} {} {} {tax}", documents.plain(), amount.plain())
            }
            Self::WithholdingNotApplied { rest } => format!("{code} {}", rest.plain()),
            Self::LikelyTwin(twin) => format!("{code} {}", twin.number),
            Self::PaperTwice { index, earlier, reference, .. } => format!("{code} {earlier} {index} {reference}"),
        }
    }
}

/// What a method's number stands on, as a sentence begins.
#[must_use]
pub fn paper(method: Method) -> Message {
    match method {
        Method::Check => messages::a_check(),
        Method::Transfer => messages::a_transfer(),
        Method::Deposit => messages::a_deposit(),
        Method::Card => messages::a_voucher(),
        Method::Withholding => messages::a_certificate(),
        Method::Cash | Method::Offset | Method::Advance => messages::a_number(),
    }
}

/// The doubts that follow from a payment alone. `documents` is what the documents that it settles are worth together.
#[must_use]
pub fn doubts(lines: &[PaymentLine], allocated: Money, documents: Money) -> Vec<Doubt> {
    let mut found: Vec<Doubt> = lines.iter().enumerate().filter_map(|(index, line)| of_line(index, line, documents)).collect();
    let withheld: Money = lines.iter().filter(|line| line.method == Method::Withholding).map(|line| line.amount).sum();
    if withheld > allocated {
        found.push(Doubt::WithholdingNotApplied { rest: withheld - allocated });
    }
    found.extend(papers_twice(lines));
    found
}

fn papers_twice(lines: &[PaymentLine]) -> Vec<Doubt> {
    let keys: Vec<Option<String>> = lines.iter().map(paper_key).collect();
    let twice = |(index, line): (usize, &PaymentLine)| {
        let is_same = |earlier: &usize| keys[*earlier] == keys[index] && is_same_paper(line, &lines[*earlier], true);
        let earlier = (0..index).find(is_same)?;
        Some(Doubt::PaperTwice { index, earlier, method: line.method, reference: line.reference.clone().unwrap_or_default() })
    };
    lines.iter().enumerate().filter_map(twice).collect()
}

fn of_line(index: usize, line: &PaymentLine, documents: Money) -> Option<Doubt> {
    let tax = line.tax.clone().filter(|_| line.method == Method::Withholding)?;
    let amount = line.amount;
    let Some(hundredths) = percentage(&tax) else {
        return line.base.map(|base| Doubt::WithholdingUnknown { index, tax, base, amount });
    };
    match line.base {
        Some(base) if is_withheld(amount, base, hundredths) => None,
        Some(base) => Some(Doubt::WithholdingDisagrees { index, tax, base, amount, expected: withheld(base, hundredths) }),
        None if documents.is_positive() && is_more(amount, documents, hundredths) => {
            Some(Doubt::WithholdingTooLarge { index, tax, documents, amount, most: withheld(documents, hundredths) })
        }
        None => None,
    }
}
