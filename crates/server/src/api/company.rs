//! Mi compañía.

use acuse_domain::company::{self, Company, CompanyProfile};
use acuse_domain::identification::Doubt;
use acuse_mail::explanation::Language;
use acuse_store::companies;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::etag::Tagged;
use super::fields::Fields;
use super::language::Reads;
use super::openapi::{Always, BadInput, Stale};
use super::patch::{self, Change};
use super::warnings::Warning;
use crate::access::Caller;
use crate::app::App;
use crate::problem::Problem;

/// The company that the token belongs to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Company)]
pub struct CompanyOut {
    id: Uuid,
    ruc: String,
    legal_name: String,
    trade_name: Option<String>,
    address: Option<String>,
    city: Option<String>,
    phone: Option<String>,
    /// Where answers go when the default account sends.
    email: Option<String>,
    warnings: Vec<Warning>,
}

/// What is absent stays; null takes it away.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "trade_name": "Demo", "email": "contabilidad@demo.ec" }))]
pub struct CompanyChange {
    #[serde(default, deserialize_with = "patch::value")]
    #[schema(nullable = false)]
    legal_name: Option<String>,
    #[serde(default, deserialize_with = "patch::given")]
    #[schema(value_type = Option<String>)]
    trade_name: Option<Option<String>>,
    #[serde(default, deserialize_with = "patch::given")]
    #[schema(value_type = Option<String>)]
    address: Option<Option<String>>,
    #[serde(default, deserialize_with = "patch::given")]
    #[schema(value_type = Option<String>)]
    city: Option<Option<String>>,
    #[serde(default, deserialize_with = "patch::given")]
    #[schema(value_type = Option<String>)]
    phone: Option<Option<String>>,
    #[serde(default, deserialize_with = "patch::given")]
    #[schema(value_type = Option<String>)]
    email: Option<Option<String>>,
}

/// The company.
#[utoipa::path(get, path = "/api/v1/company", tag = "company",
    responses((status = 200, body = CompanyOut, headers(("ETag" = String, description = "The company's version, for If-Match"))),
        Always))]
pub async fn show(State(app): State<App>, caller: Caller, Reads(language): Reads) -> Result<Tagged<CompanyOut>, Problem> {
    let company = companies::find(&app.db, caller.actor.company).await?.ok_or_else(Problem::internal)?;
    Ok(CompanyOut::tagged(company, language))
}

/// Changes the company's data as they are now. Receipts already recorded keep what they say.
#[utoipa::path(patch, path = "/api/v1/company", tag = "company",
    params(("If-Match" = Option<String>, Header, description = "Changes only the state with this ETag")),
    request_body = CompanyChange,
    responses((status = 200, body = CompanyOut, headers(("ETag" = String, description = "The new version, for If-Match"))),
        Always, BadInput, Stale))]
pub async fn change(
    State(app): State<App>,
    caller: Caller,
    Reads(language): Reads,
    asked: Change<CompanyChange>,
) -> Result<Tagged<CompanyOut>, Problem> {
    let expected = asked.expected.clone();
    let change = |profile| asked.read()?.apply_to(profile);
    let company = companies::change(&app.db, caller.actor.company, &expected, change).await?;
    Ok(CompanyOut::tagged(company, language))
}

impl CompanyChange {
    fn apply_to(self, mut profile: CompanyProfile) -> Result<CompanyProfile, Problem> {
        let mut fields = Fields::default();
        let given = [
            ("legal_name", self.legal_name.is_some()),
            ("trade_name", self.trade_name.is_some()),
            ("address", self.address.is_some()),
            ("city", self.city.is_some()),
            ("phone", self.phone.is_some()),
            ("email", self.email.is_some()),
        ];
        profile.undecoded.retain(|field| !given.contains(&(*field, true)));
        let name = self.legal_name.as_deref();
        if let Some(name) = name.and_then(|name| fields.read_text("legal_name", company::legal_name(name))) {
            profile.legal_name = name;
        }
        let places = [
            ("trade_name", self.trade_name, &mut profile.trade_name),
            ("address", self.address, &mut profile.address),
            ("city", self.city, &mut profile.city),
            ("phone", self.phone, &mut profile.phone),
        ];
        for (field, given, place) in places {
            if let Some(text) = given {
                *place = fields.read_text(field, company::detail(text.as_deref())).flatten();
            }
        }
        if let Some(email) = self.email {
            profile.email = fields.optional_address("email", email.as_deref());
        }
        fields.check()?;
        Ok(profile)
    }
}

impl CompanyOut {
    fn tagged(company: Company, language: Language) -> Tagged<Self> {
        Tagged { version: company.version, body: Self::of(company, language) }
    }

    fn of(company: Company, language: Language) -> Self {
        let mut warnings: Vec<Warning> = Warning::unreadable(company.unreadable(), language).collect();
        if company.ruc.doubt() == Some(Doubt::CheckDigit) {
            warnings.push(Warning::check_digit("ruc", language));
        }
        warnings.extend(Warning::slip_in("email", company.profile.email.as_ref(), language));
        let CompanyProfile { legal_name, trade_name, address, city, phone, email, .. } = company.profile;
        Self {
            id: company.id.0,
            ruc: company.ruc.to_string(),
            legal_name,
            trade_name,
            address,
            city,
            phone,
            email: email.map(|email| email.to_string()),
            warnings,
        }
    }
}
