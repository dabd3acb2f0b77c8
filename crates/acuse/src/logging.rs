//! `tracing` lines on standard error.

use std::io::{self, Write, stderr};

use acuse_domain::text::escaped;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt;

use crate::config::LogFormat;

pub fn start(format: LogFormat) {
    start_from(LevelFilter::INFO, format);
}

/// Only warnings: a benchmark's table is not to drown in a line for each mail.
pub fn start_quiet(format: LogFormat) {
    start_from(LevelFilter::WARN, format);
}

fn start_from(level: LevelFilter, format: LogFormat) {
    // A line that cannot be written (a full disk, a reader that is gone) is lost: telling of it would panic, and take with it
    // whatever was to be recorded next.
    let lines = fmt().log_internal_errors(false).with_max_level(level).with_target(false);
    match format {
        // JSON escapes what it says.
        LogFormat::Json => lines.with_writer(stderr).json().init(),
        LogFormat::Text => lines.with_writer(|| OneLine(stderr())).with_ansi(false).init(),
    }
}

/// Keeps an event in its line, whatever words of others it has: nobody writes a second one, moves a terminal's cursor or turns
/// the words round.
struct OneLine<W>(W);

impl<W: Write> Write for OneLine<W> {
    /// A whole event: tracing-subscriber writes each at once.
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let line = escaped(text.strip_suffix('\n').unwrap_or(&text)).replace('\n', "\\n");
        self.0.write_all(format!("{line}\n").as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("nobody panics with it").write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(words: &str) -> String {
        let kept = Kept::default();
        let writes = kept.clone();
        let lines = fmt().with_writer(move || OneLine(writes.clone())).with_ansi(false).finish();
        tracing::subscriber::with_default(lines, || tracing::error!(name = words, "It failed: {words}"));
        let bytes = kept.0.lock().expect("nobody panics with it").clone();
        String::from_utf8(bytes).expect("UTF-8")
    }

    #[test]
    fn an_event_is_one_line_whatever_it_says() {
        for words in [
            "a\n2026-11-30T12:00:00Z INFO somebody else's line",
            "a\r\nb",
            "\u{1b}[2J\u{1b}]0;title\u{7}",
            "\u{9b}31m \u{8}\u{8}\u{7f}",
            "\u{202e}reversed\u{2066}",
            "a\u{0}b\u{2028}c\u{85}d",
        ] {
            let line = logged(words);
            assert_eq!(line.matches('\n').count(), 1, "{line:?}");
            let inside = line.trim_end_matches('\n');
            assert!(!inside.contains(|c: char| c.is_control() || matches!(c, '\u{202e}' | '\u{2066}')), "{line:?}");
            assert!(inside.contains("It failed: "), "{line:?}");
        }
        let plain = logged("Compañía «Ñandú» 🧾");
        assert!(plain.ends_with("It failed: Compañía «Ñandú» 🧾 name=\"Compañía «Ñandú» 🧾\"\n"), "{plain:?}");
    }
}
