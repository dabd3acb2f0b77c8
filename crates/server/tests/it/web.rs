mod company;
mod login;
mod mail_accounts;
mod people_search;
