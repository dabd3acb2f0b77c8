mod api;
mod both_edges;
mod every_route;
mod heads;
mod mail_account_input;
mod permissions;
mod support;
mod web;
