//! A line-by-line SMTP client that shares no code with Acuse: openssl s_client, or a bare socket.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

pub struct SmtpClient {
    answers: BufReader<Box<dyn std::io::Read>>,
    commands: Box<dyn Write>,
    _openssl: Option<Openssl>,
}

struct Openssl(Child);

impl Drop for Openssl {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

impl SmtpClient {
    /// Ready after STARTTLS and openssl's own EHLO.
    pub fn starttls(port: u16, authority: &Path) -> Self {
        Self::openssl(port, authority, &["-starttls", "smtp"])
    }

    /// Ready after the greeting.
    pub fn tls(port: u16, authority: &Path) -> Self {
        let mut client = Self::openssl(port, authority, &[]);
        assert_eq!(&client.answer()[..3], "220");
        client
    }

    pub fn plain(port: u16) -> Self {
        let socket = TcpStream::connect(("127.0.0.1", port)).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let commands = Box::new(socket.try_clone().unwrap());
        let mut client = Self { answers: BufReader::new(Box::new(socket)), commands, _openssl: None };
        assert_eq!(&client.answer()[..3], "220");
        client
    }

    fn openssl(port: u16, authority: &Path, more: &[&str]) -> Self {
        let mut command = Command::new("timeout");
        command.args([
            "20",
            "openssl",
            "s_client",
            "-quiet",
            "-verify_return_error",
            "-verify_hostname",
            "localhost",
            "-no-CApath",
            "-no-CAstore",
        ]);
        command.arg("-CAfile").arg(authority).args(["-connect", &format!("127.0.0.1:{port}")]).args(more);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let commands: ChildStdin = child.stdin.take().unwrap();
        let answers: ChildStdout = child.stdout.take().unwrap();
        Self { answers: BufReader::new(Box::new(answers)), commands: Box::new(commands), _openssl: Some(Openssl(child)) }
    }

    pub fn say(&mut self, command: &str) -> String {
        self.commands.write_all(format!("{command}\r\n").as_bytes()).unwrap();
        self.commands.flush().unwrap();
        self.answer()
    }

    /// The whole answer, lines joined; empty when the connection is closed.
    fn answer(&mut self) -> String {
        let mut answer = String::new();
        loop {
            let mut line = String::new();
            if self.answers.read_line(&mut line).unwrap() == 0 {
                return answer;
            }
            answer.push_str(&line);
            if line.as_bytes().get(3) != Some(&b'-') {
                return answer;
            }
        }
    }

    pub fn send_mail(&mut self, from: &str, to: &str, subject: &str) -> String {
        assert_eq!(&self.say(&format!("MAIL FROM:<{from}>"))[..3], "250");
        assert_eq!(&self.say(&format!("RCPT TO:<{to}>"))[..3], "250");
        assert_eq!(&self.say("DATA")[..3], "354");
        self.say(&format!("From: {from}\r\nTo: {to}\r\nSubject: {subject}\r\n\r\nHola\r\n."))
    }
}
