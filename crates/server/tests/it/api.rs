pub mod support;

mod bad_input;
mod bodies;
mod cleared;
mod contacts;
mod deliveries;
mod documented;
mod if_match;
mod mail_accounts;
mod mail_domain;
mod mail_routes;
mod once;
mod payments;
mod spoilt;
mod texts;
mod tokens;
mod typed;
