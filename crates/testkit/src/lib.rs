pub mod certificates;
mod host;
pub mod mail_servers;
pub mod postgres;
mod reaper;
pub mod smtp_load;
