mod login;
mod payments;
mod people_search;
