mod api;
mod support;
mod web;
