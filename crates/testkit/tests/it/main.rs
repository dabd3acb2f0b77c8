mod certificates;
mod mail_servers;
mod postgres;
mod smtp_client;
mod smtp_load;
