mod api;
mod every_route;
mod heads;
mod mail_account_input;
mod permissions;
mod support;
mod web;
