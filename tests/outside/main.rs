//! The real binary, as whoever attacks, operates or kills it meets it: commands, HTTP, files and signals, nothing of its code.

mod changing;
mod connections;
mod flood;
mod installation;
mod logins;
mod metrics;
mod secrets;
mod starting;
