//! The part of an address behind `?`: a name that the call does not have is refused, as an unknown field of a body is.
//!
//! One place for all calls: each one's parameters are those of its documentation.

use std::collections::HashMap;
use std::sync::LazyLock;

use axum::extract::{MatchedPath, Request};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use percent_encoding::percent_decode_str;
use utoipa::openapi::RefOr;
use utoipa::openapi::path::{Operation, Parameter, ParameterIn};

use super::json;

/// Letters of an unknown name that are said back.
const SHOWN: usize = 80;

/// The names that each documented call takes, by path and method.
static KNOWN: LazyLock<HashMap<(String, Method), Vec<String>>> = LazyLock::new(|| {
    let document = super::document();
    let calls = document.paths.paths.into_iter().flat_map(|(path, item)| {
        let methods = [
            (Method::GET, item.get.clone()),
            (Method::HEAD, item.get),
            (Method::POST, item.post),
            (Method::PATCH, item.patch),
            (Method::DELETE, item.delete),
        ];
        methods.into_iter().filter_map(move |(method, call)| Some(((path.clone(), method), names(call?))))
    });
    calls.filter(|((path, _), _)| path.starts_with("/api/")).collect()
});

fn names(call: Operation) -> Vec<String> {
    let of_query = |parameter: RefOr<Parameter>| match parameter {
        RefOr::T(parameter) => (parameter.parameter_in == ParameterIn::Query).then_some(parameter.name),
        RefOr::Ref(_) => None,
    };
    call.parameters.into_iter().flatten().filter_map(of_query).collect()
}

pub(super) async fn refuse_unknown(request: Request, next: Next) -> Response {
    match unknown(&request) {
        Some(name) => json::unknown_field(Vec::new(), &name).into_response(),
        None => next.run(request).await,
    }
}

fn unknown(request: &Request) -> Option<String> {
    let path = request.extensions().get::<MatchedPath>()?.as_str().to_owned();
    let known = KNOWN.get(&(path, request.method().clone()))?;
    let pairs = request.uri().query()?.split('&').filter(|pair| !pair.is_empty());
    let names = pairs.map(|pair| pair.split_once('=').map_or(pair, |(name, _)| name).replace('+', " "));
    let mut names = names.map(|name| percent_decode_str(&name).decode_utf8_lossy().into_owned());
    let unknown = names.find(|name| !known.contains(name))?;
    Some(unknown.chars().filter(|letter| !letter.is_control()).take(SHOWN).collect())
}
