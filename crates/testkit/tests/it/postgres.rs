use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use acuse_testkit::postgres::Postgres;

/// Set for the copies of this test program that `processes_share_one_server` starts.
const IS_COPY: &str = "ACUSE_TESTKIT_COPY";

#[test]
fn each_database_is_new_and_empty() {
    let postgres = Postgres::shared();
    let (one, other) = (postgres.new_database(), postgres.new_database());
    postgres.run_sql(&one, "CREATE TABLE document (id bigint)");
    assert_eq!(postgres.run_sql(&other, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"), "0");
    assert_eq!(postgres.run_sql(&one, "SHOW server_encoding"), "UTF8");
}

#[test]
fn processes_share_one_server() {
    let name = "postgres::processes_share_one_server";
    let postgres = Postgres::shared();
    let started = postgres.run_sql(&postgres.new_database(), "SELECT pg_postmaster_start_time()");
    if std::env::var_os(IS_COPY).is_some() {
        println!("started {started};");
        return;
    }
    let copies: Vec<_> = (0..6)
        .map(|_| {
            let mut copy = Command::new(std::env::current_exe().unwrap());
            copy.args(["--exact", "--nocapture", name]).env(IS_COPY, "1").stdout(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    for copy in copies {
        let said = String::from_utf8(copy.wait_with_output().unwrap().stdout).unwrap();
        assert!(said.contains(&format!("started {started};")), "{said}");
    }
}

#[test]
fn the_databases_of_ended_processes_are_dropped() {
    let postgres = Postgres::shared();
    let mine = postgres.new_database();
    let mut ended = Command::new("true").spawn().unwrap();
    ended.wait().unwrap();
    let left = format!("test_{}_1", ended.id());
    postgres.run_sql(&mine, &format!("CREATE DATABASE {left}"));
    let count = format!("SELECT count(*) FROM pg_database WHERE datname = '{left}'");
    let end = Instant::now() + Duration::from_secs(30);
    while postgres.run_sql(&mine, &count) != "0" {
        assert!(Instant::now() < end, "{left} is still there");
        std::thread::sleep(Duration::from_millis(200));
    }
    assert_eq!(postgres.run_sql(&mine, "SELECT 1"), "1");
}

#[test]
fn a_durable_server_keeps_what_it_committed_over_a_crash() {
    let postgres = Postgres::durable();
    let database = postgres.new_database();
    assert_eq!(postgres.run_sql(&database, "SHOW fsync"), "on");
    postgres.run_sql(&database, "CREATE TABLE payment (id bigint); INSERT INTO payment VALUES (7)");
    postgres.crash();
    postgres.start_again();
    assert_eq!(postgres.run_sql(&database, "SELECT id FROM payment"), "7");
}

#[test]
fn a_server_of_ones_own_is_gone_when_dropped() {
    let postgres = Postgres::start();
    let database = postgres.new_database();
    assert_eq!(postgres.run_sql(&database, "SHOW fsync"), "off");
    let port = port_of(&database);
    drop(postgres);
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
}

#[test]
fn a_killed_process_leaves_no_server() {
    if std::env::var_os(IS_COPY).is_some() {
        let postgres = Postgres::start();
        println!("port {};", port_of(&postgres.new_database()));
        std::thread::sleep(Duration::from_secs(60));
        return;
    }
    let mut copy = Command::new(std::env::current_exe().unwrap());
    copy.args(["--exact", "--nocapture", "postgres::a_killed_process_leaves_no_server"]).env(IS_COPY, "1").stdout(Stdio::piped());
    let mut copy = copy.spawn().unwrap();
    let mut said = BufReader::new(copy.stdout.take().unwrap()).lines().map(Result::unwrap);
    let port = said.find_map(|line| line.split_once("port ").map(|(_, port)| port.trim_end_matches(';').parse::<u16>().unwrap()));
    let port = port.unwrap();
    copy.kill().unwrap();
    copy.wait().unwrap();
    let end = Instant::now() + Duration::from_secs(20);
    while TcpStream::connect(("127.0.0.1", port)).is_ok() {
        assert!(Instant::now() < end, "the server on port {port} still runs");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn port_of(url: &str) -> u16 {
    url.rsplit(':').next().unwrap().split('/').next().unwrap().parse().unwrap()
}
