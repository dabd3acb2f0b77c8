mod support;

mod bad_input;
mod contacts;
mod deliveries;
mod documented;
mod mail_accounts;
mod once;
mod payments;
