//! The real binary against whoever means harm: what is tried, how often, what has to come of it, and what did.
//! `./test` shows the table: cargo test --workspace --test hostile -- --nocapture

mod attack;
mod audit;
mod bombs;
mod browser;
mod companies;
mod foreign_ids;
mod forgery;
mod hosts;
mod names;
mod own_port;
mod passwords;
mod paths;
mod people;
mod pictures;
mod postbox;
mod raw;
mod scene;
mod second_step;
mod sessions;
mod tokens;

#[expect(dead_code, reason = "tests/outside needs more of it")]
#[path = "../outside/installation.rs"]
mod installation;

use attack::Table;
use scene::Scene;

#[tokio::test]
async fn nothing_gets_through() {
    let scene = Scene::set().await;
    let mut table = Table::begin();
    table.add(foreign_ids::attacks(&scene).await);
    table.add(sessions::attacks(&scene).await);
    table.add(forgery::attacks(&scene).await);
    table.add(hosts::attacks(&scene).await);
    table.add(paths::attacks(&scene).await);
    table.add(names::attacks(&scene).await);
    table.add(bombs::attacks(&scene).await);
    table.add(pictures::attacks(&scene).await);
    table.add(passwords::attacks(&scene).await);
    table.add(people::attacks(&scene).await);
    table.add(second_step::attacks(&scene).await);
    table.add(companies::attacks(&scene).await);
    table.add(tokens::attacks(&scene).await);
    table.add(audit::attacks(&scene).await);
    assert!(table.end(), "the table says what got through");
}
