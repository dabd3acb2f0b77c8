use std::net::TcpStream;

use acuse_testkit::smtp_load::{SmtpSink, SmtpSource};

#[test]
fn the_source_fills_the_sink_and_both_end() {
    let sink = SmtpSink::start();
    let rate = SmtpSource { messages: 200, size: 4_000, connections: 4 }.send_to(sink.port(), "ana@cliente.test");
    assert!(rate > 0);
    let port = sink.port();
    drop(sink);
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
}

#[test]
#[should_panic(expected = "smtp-source")]
fn a_refusal_is_not_counted_as_speed() {
    let sink = SmtpSink::start_with(&["-r", "rcpt"]);
    SmtpSource { messages: 1, size: 100, connections: 1 }.send_to(sink.port(), "ana@cliente.test");
}
