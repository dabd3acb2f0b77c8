//! Every act and question of the store, on SQLite and on PostgreSQL.

#[macro_use]
mod engines;
mod companies;
mod contacts;
mod deliveries;
mod idempotency;
mod payments;
mod record;
mod void;
