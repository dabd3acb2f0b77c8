mod company;
mod login;
mod mail_accounts;
mod payments;
mod people_search;
