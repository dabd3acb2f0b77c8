mod api;
mod every_route;
mod heads;
mod support;
mod web;
