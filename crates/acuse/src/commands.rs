//! One file per command.

pub mod audit;
pub mod backup;
pub mod bench;
pub mod company;
pub mod demo;
pub mod doctor;
pub mod key;
pub mod mail_check;
pub mod mail_discover;
pub mod mail_domain;
pub mod migrate;
pub mod serve;
pub mod terminal;
pub mod token;
pub mod user;
