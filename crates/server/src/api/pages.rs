//! Lists: one page, and the cursor of the next.

use acuse_domain::message::Language;
use acuse_domain::message::messages;
use acuse_store::{Line, Page, Undecoded};
use axum::extract::rejection::QueryRejection;
use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::fields::Fields;
use super::json;
use crate::problem::Problem;

const USUAL_LIMIT: u64 = 50;
pub const HIGHEST_LIMIT: u64 = 200;

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct List<T> {
    pub data: Vec<T>,
    /// Give it as `after` to go on; null at the end.
    pub next: Option<String>,
    /// Records of this page that are kept and cannot be read; absent where there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unreadable: Vec<UnreadableOut>,
}

/// A record that an earlier version or somebody's own SQL spoilt. The others are as they were.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UnreadableRecord)]
pub struct UnreadableOut {
    id: Uuid,
    /// `record_unreadable`.
    code: &'static str,
    message: &'static str,
}

/// Those that can be read, and those that cannot.
pub fn apart<T>(lines: Vec<Line<T>>, language: Language) -> (Vec<T>, Vec<UnreadableOut>) {
    let mut unreadable = Vec::new();
    let message = match language {
        Language::Spanish => {
            "Lo guardado de este registro no se puede leer; avise a quien cuida el servidor, que lo verá en su registro."
        }
        Language::English => "What is kept of this record cannot be read; tell who looks after the server, whose log names it.",
    };
    let mut take = |Undecoded { id, .. }: Undecoded| unreadable.push(UnreadableOut { id, code: "record_unreadable", message });
    let read = lines.into_iter().filter_map(|line| line.map_err(&mut take).ok()).collect();
    (read, unreadable)
}

impl<T> List<T> {
    /// A list that is always whole.
    pub fn whole(data: Vec<T>) -> Self {
        Self { data, next: None, unreadable: Vec::new() }
    }
}

/// What a list takes that is always whole: programs ask every list alike.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct WholeWanted {
    /// Nothing is cut off: this list is always whole.
    limit: Option<String>,
    /// `next` is always null here.
    after: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for WholeWanted {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Params(asked) = Params::<Self>::from_request_parts(parts, state).await?;
        let mut fields = Fields::default();
        Wanted::read(&mut fields, asked.limit.as_deref(), asked.after.as_deref());
        fields.check()?;
        Ok(asked)
    }
}

/// What was asked of a list: which page of it.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    after: Option<Uuid>,
    limit: u64,
}

impl Wanted {
    pub fn read(fields: &mut Fields, limit: Option<&str>, after: Option<&str>) -> Self {
        let asked = limit.map_or(Some(USUAL_LIMIT), |limit| limit.parse().ok());
        let limit = asked.filter(|limit| (1..=HIGHEST_LIMIT).contains(limit));
        if limit.is_none() {
            fields.note("limit", messages::limit_invalid(HIGHEST_LIMIT.to_string()));
        }
        let cursor = after.map(str::parse::<Uuid>);
        if let Some(Err(_)) = cursor {
            fields.note("after", messages::cursor_invalid());
        }
        Self { after: cursor.and_then(Result::ok), limit: limit.unwrap_or(USUAL_LIMIT) }
    }

    /// One row more than wanted: it tells whether there is another page.
    pub fn page(self) -> Page {
        Page { after: self.after, limit: self.limit + 1 }
    }

    /// As [`Wanted::cut`], of lines that may be unreadable.
    pub fn cut_lines<T>(self, lines: &mut Vec<Line<T>>, id: impl Fn(&T) -> Uuid) -> Option<String> {
        self.cut(lines, |line| line.as_ref().map_or_else(|lost| lost.id, &id))
    }

    /// Drops that row, and gives the cursor if it was there.
    pub fn cut<T>(self, rows: &mut Vec<T>, id: impl Fn(&T) -> Uuid) -> Option<String> {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        if rows.len() <= limit {
            return None;
        }
        rows.truncate(limit);
        rows.last().map(|last| id(last).to_string())
    }
}

/// The part of the address behind `?`. An unknown name is refused, as in a body.
pub struct Params<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        match Query::try_from_uri(&parts.uri) {
            Ok(Query(params)) => Ok(Self(params)),
            Err(rejection) => Err(json::of_shape(&said_of(&rejection), Vec::new())),
        }
    }
}

/// The innermost error, less the path that stands before it.
fn said_of(rejection: &QueryRejection) -> String {
    let mut inner: &dyn std::error::Error = rejection;
    while let Some(source) = inner.source() {
        inner = source;
    }
    let said = inner.to_string();
    said.split_once(": ").map_or(said.clone(), |(_, said)| said.to_owned())
}
