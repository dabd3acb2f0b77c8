//! DMARC (RFC 7489): what the domain asks receivers to do with mail in its name that neither SPF nor DKIM vouches for.

use super::facts::{Facts, Known};
use super::organization::organizational;
use super::tags::{tags, value};
use super::{Finding, Record, State, Subject, Topic};

/// What is asked for mail that is not vouched for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Policy {
    None,
    Quarantine,
    Reject,
}

impl Policy {
    fn parse(text: &str) -> Option<Self> {
        match text.to_ascii_lowercase().as_str() {
            "none" => Some(Self::None),
            "quarantine" => Some(Self::Quarantine),
            "reject" => Some(Self::Reject),
            _ => None,
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Quarantine => "quarantine",
            Self::Reject => "reject",
        }
    }
}

/// `vouched`: whether SPF or DKIM may vouch for our mail, as far as the DNS says.
pub(super) fn judge(facts: &mut Facts, subject: &Subject, vouched: bool) -> Finding {
    let finding = |state, code| Finding::new(Topic::Dmarc, state, code);
    let organization = organizational(&subject.domain);
    let (owner, records) = match find(facts, &subject.domain, &organization) {
        Ok(found) => found,
        Err(Unanswered) => return finding(State::Unknown, "dmarc_unknown"),
    };
    let all = records.join("\n");
    let [record] = records.as_slice() else {
        let mend = first_record(&organization, subject);
        return match records.len() {
            0 => finding(State::Missing, "dmarc_missing").add(mend),
            // RFC 7489 6.6.3: with several, none counts.
            _ => finding(State::Wrong, "dmarc_several").seen(&all).add(mend_of(&owner, &records[0], subject)),
        };
    };
    let tags = tags(record);
    let own = value(&tags, "p");
    // A subdomain without a record of its own goes by `sp`.
    let asked = if owner == subject.domain { own } else { value(&tags, "sp").or(own) };
    let Some(policy) = asked.and_then(Policy::parse) else {
        return finding(State::Wrong, "dmarc_broken").seen(record).add(mend_of(&owner, record, subject));
    };
    let (state, code) = match (policy, vouched) {
        (Policy::None, _) => (State::Ok, "dmarc_watching"),
        (_, true) => (State::Ok, "dmarc_ok"),
        (_, false) => (State::Wrong, "dmarc_against_us"),
    };
    finding(state, code).with("policy", policy.as_str()).seen(record)
}

struct Unanswered;

/// RFC 7489 6.6.3: at the domain itself, else at the organization's. Gives whose it is, too.
fn find(facts: &mut Facts, domain: &str, organization: &str) -> Result<(String, Vec<String>), Unanswered> {
    for owner in [domain, organization] {
        let texts = match facts.texts(&format!("_dmarc.{owner}")) {
            Known::Found(texts) => texts,
            Known::NoRecords | Known::NoDomain => Vec::new(),
            Known::Failed => return Err(Unanswered),
        };
        let records: Vec<String> = texts.into_iter().filter(|text| is_dmarc(text)).collect();
        if !records.is_empty() || domain == organization {
            return Ok((owner.to_owned(), records));
        }
    }
    Ok((organization.to_owned(), Vec::new()))
}

/// RFC 7489 6.4: `v` is the first tag, and `DMARC1` is written so.
fn is_dmarc(text: &str) -> bool {
    tags(text).first() == Some(&("v", "DMARC1"))
}

/// To begin with: nobody's mail is refused, and reports show who sends in the domain's name.
fn first_record(organization: &str, subject: &Subject) -> Record {
    Record::txt(&format!("_dmarc.{organization}"), format!("v=DMARC1; p=none; rua=mailto:{}", reports_to(subject)))
}

/// What can be kept of a record that does not count, with a policy that harms nobody.
fn mend_of(owner: &str, record: &str, subject: &Subject) -> Record {
    let read = tags(record);
    let policy = value(&read, "p").and_then(Policy::parse).unwrap_or(Policy::None);
    let rua = value(&read, "rua").map_or_else(|| format!("mailto:{}", reports_to(subject)), str::to_owned);
    Record::txt(&format!("_dmarc.{owner}"), format!("v=DMARC1; p={}; rua={rua}", policy.as_str()))
}

fn reports_to(subject: &Subject) -> String {
    subject.reports_to.clone().unwrap_or_else(|| format!("postmaster@{}", organizational(&subject.domain)))
}
