pub mod builders;
pub mod certificates;
mod host;
pub mod identifications;
pub mod mail_servers;
pub mod postgres;
mod reaper;
pub mod smtp_load;
pub mod world;
