//! Lines of text mails.

/// RFC 5322 2.1.1 wants lines under 78 characters; 72 leave room for a reply's marks.
const WIDEST: usize = 72;

/// Breaks lines at spaces. An address of the net is never cut, a numbered step hangs under its text, and more than one
/// blank line becomes one.
pub fn wrap72(text: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in text.trim_end().split('\n') {
        let fits = line.chars().count() <= WIDEST || !line.trim().contains(' ') || line == "-- ";
        let wrapped = if fits { vec![line.to_string()] } else { wrapped(line) };
        lines.extend(wrapped);
    }
    lines.dedup_by(|line, above| line.is_empty() && above.is_empty());
    lines.join("\n") + "\n"
}

fn wrapped(line: &str) -> Vec<String> {
    let hanging = " ".repeat(indent(line));
    let mut lines = vec![String::new()];
    let mut spaces = String::new();
    for word in line.split_inclusive(' ') {
        let (word, after) = (word.trim_end_matches(' '), if word.ends_with(' ') { " " } else { "" });
        if word.is_empty() {
            spaces.push_str(after);
            continue;
        }
        let last = lines.last_mut().expect("there is always one");
        let is_first = last.trim().is_empty();
        if !is_first && last.chars().count() + spaces.chars().count() + word.chars().count() > WIDEST {
            lines.push(format!("{hanging}{word}"));
        } else {
            last.push_str(&spaces);
            last.push_str(word);
        }
        spaces = after.to_string();
    }
    lines
}

/// Where the text of an indented line or a numbered step begins.
fn indent(line: &str) -> usize {
    let text = line.trim_start_matches(' ');
    let spaces = line.len() - text.len();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    match text[digits..].starts_with(". ") && digits > 0 {
        true => spaces + digits + 2,
        false => spaces,
    }
}

#[cfg(test)]
mod tests {
    use super::wrap72;

    #[test]
    fn long_lines_break_at_spaces_and_steps_hang_under_their_text() {
        let text =
            "1. En la cuenta de Google, active la verificación en dos pasos y cree una contraseña de aplicación.\n\n\n\n-- \nfin";
        assert_eq!(
            wrap72(text),
            "1. En la cuenta de Google, active la verificación en dos pasos y cree\n   una contraseña de aplicación.\n\n-- \nfin\n"
        );
    }

    #[test]
    fn an_address_is_never_cut() {
        let address = format!("https://recibos.example.com/v/{}", "x".repeat(90));
        assert_eq!(wrap72(&format!("Vea\n{address}")), format!("Vea\n{address}\n"));
        assert_eq!(wrap72(&format!("Vea esto {address} ya")), format!("Vea esto\n{address}\nya\n"));
    }
}
