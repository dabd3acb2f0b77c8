mod contacts;
mod deliveries;
mod documents;
mod home;
mod login;
mod mailbox;
mod people_search;
