mod documents;
mod logos;
mod mails;
mod pages;
mod support;
