mod api;
mod every_route;
mod support;
mod web;
