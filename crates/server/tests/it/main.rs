mod api;
mod every_route;
mod heads;
mod permissions;
mod support;
mod web;
