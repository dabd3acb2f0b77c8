//! Every act and question of the store, on SQLite and on PostgreSQL.

#[macro_use]
mod engines;
mod access;
mod claims;
mod clock;
mod companies;
mod contacts;
mod database;
mod deliveries;
mod dkim;
mod documents;
mod events;
mod group;
mod groups;
mod health;
mod idempotency;
mod lists;
mod logins;
mod mail_accounts;
mod notices;
mod oauth;
mod overview;
mod payments;
mod record;
mod sealing;
mod texts;
mod tokens;
mod told;
mod twins;
mod unreadable;
mod users;
mod versions;
mod void;
