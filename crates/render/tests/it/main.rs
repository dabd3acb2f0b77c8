mod support;

mod pages;
