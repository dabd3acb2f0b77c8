mod support;

mod bad_input;
mod contacts;
mod deliveries;
mod documented;
mod mail_accounts;
mod mail_domain;
mod once;
mod payments;
