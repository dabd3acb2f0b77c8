mod api;
mod both_edges;
mod every_route;
mod heads;
mod permissions;
mod support;
mod web;
