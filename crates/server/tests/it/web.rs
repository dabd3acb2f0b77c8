mod login;
mod people_search;
