//! Makes Rust of the tables of words: messages.toml and problems.toml.

mod messages;
mod problems;

fn main() {
    println!("cargo::rerun-if-changed=build");
    messages::make();
    problems::make();
}
