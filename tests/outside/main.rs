//! The real binary, as whoever attacks, operates or kills it meets it: commands, HTTP, files and signals, nothing of its code.

mod access;
mod audit;
mod changing;
mod closing;
mod command_texts;
mod companies;
mod connections;
mod damage;
mod demo;
mod documents;
mod flood;
mod installation;
mod keys;
mod logins;
mod metrics;
mod people;
mod private_files;
mod restore;
mod secrets;
mod settings;
mod starting;
mod tokens;
mod versions;
