//! Text as people typed it, made safe to print: receipt, mail and page show the same.

/// Drops controls and what can reorder text on the page (bidi marks and overrides), keeps at most two marks on one
/// letter, and turns tabs and line breaks into spaces.
#[must_use]
pub fn one_line(typed: &str) -> String {
    let spaced: String = typed.chars().map(|c| if is_break(c) { ' ' } else { c }).collect();
    visible(&spaced).split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// As [`one_line`], but keeps the line breaks a person made.
#[must_use]
pub fn lines(typed: &str) -> String {
    let text = typed.replace("\r\n", "\n").replace(['\r', '\u{2028}', '\u{2029}'], "\n");
    text.split('\n').map(one_line).collect::<Vec<_>>().join("\n").trim().to_string()
}

/// `None` where nothing is left to see.
#[must_use]
pub fn optional(typed: Option<&str>) -> Option<String> {
    typed.map(one_line).filter(|text| !text.is_empty())
}

/// The last four of an account number, as receipts and mails may show it: `••3421`. Short numbers are hidden whole.
#[must_use]
pub fn masked_account(account: &str) -> String {
    let letters: Vec<char> = account.chars().filter(|c| c.is_alphanumeric()).collect();
    if letters.len() < 6 {
        return "••••".to_string();
    }
    format!("••{}", letters[letters.len() - 4..].iter().collect::<String>())
}

/// Lower case without Spanish accents, for searching: «Ñacato Cía.» → `nacato cia.`
#[must_use]
pub fn folded(text: &str) -> String {
    one_line(text).to_lowercase().chars().map(without_accent).collect()
}

fn without_accent(c: char) -> char {
    match c {
        'á' | 'à' | 'ä' | 'â' | 'ã' => 'a',
        'é' | 'è' | 'ë' | 'ê' => 'e',
        'í' | 'ì' | 'ï' | 'î' => 'i',
        'ó' | 'ò' | 'ö' | 'ô' | 'õ' => 'o',
        'ú' | 'ù' | 'ü' | 'û' => 'u',
        'ñ' => 'n',
        'ç' => 'c',
        other => other,
    }
}

fn is_break(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{2028}' | '\u{2029}')
}

fn visible(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut marks_in_a_row = 0;
    for c in text.chars() {
        if is_unseen(c) {
            continue;
        }
        marks_in_a_row = if ('\u{300}'..='\u{36f}').contains(&c) { marks_in_a_row + 1 } else { 0 };
        if marks_in_a_row <= 2 {
            kept.push(c);
        }
    }
    kept
}

fn is_unseen(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_reorder_or_pile_up_is_dropped() {
        assert_eq!(one_line("  Comercial\tAndina\n S.A.\u{202e} "), "Comercial Andina S.A.");
        assert_eq!(one_line("a\u{301}\u{301}\u{301}\u{301}b"), "a\u{301}\u{301}b");
        assert_eq!(lines("uno\r\ndos\u{7}\n\ntres"), "uno\ndos\n\ntres");
        assert_eq!(optional(Some(" \u{feff} ")), None);
    }

    #[test]
    fn an_account_number_shows_its_last_four() {
        assert_eq!(masked_account("2100 44 3421"), "••3421");
        assert_eq!(masked_account("12345"), "••••");
    }
}
