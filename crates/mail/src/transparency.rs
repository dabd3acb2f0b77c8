//! A message as it goes over the wire: CRLF line ends, dots doubled, and the final dot (RFC 5321 4.5.2).

use memchr::memchr2;

/// The message with its final dot, ready to be written in one piece.
///
/// A lone CR or LF becomes CRLF: a server that took «LF . LF» for the end could be made to read a second message.
pub(crate) fn with_final_dot(message: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(message.len() + message.len() / 64 + 8);
    let mut rest = message;
    while !rest.is_empty() {
        if rest[0] == b'.' {
            out.push(b'.');
        }
        let Some(end) = memchr2(b'\r', b'\n', rest) else {
            out.extend_from_slice(rest);
            out.extend_from_slice(b"\r\n");
            break;
        };
        out.extend_from_slice(&rest[..end]);
        out.extend_from_slice(b"\r\n");
        let break_len = if rest[end..].starts_with(b"\r\n") { 2 } else { 1 };
        rest = &rest[end + break_len..];
    }
    out.extend_from_slice(b".\r\n");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_message_can_end_before_its_end() {
        for (message, sent) in [
            ("", ".\r\n"),
            ("a", "a\r\n.\r\n"),
            ("a\r\n", "a\r\n.\r\n"),
            (".", "..\r\n.\r\n"),
            ("a\r\n.\r\nMAIL FROM:<x>\r\n", "a\r\n..\r\nMAIL FROM:<x>\r\n.\r\n"),
            ("a\n.\nb", "a\r\n..\r\nb\r\n.\r\n"),
            ("a\r.\rb", "a\r\n..\r\nb\r\n.\r\n"),
            ("a\n.\r\nb", "a\r\n..\r\nb\r\n.\r\n"),
            ("a\r\n..b\r\n", "a\r\n...b\r\n.\r\n"),
            ("a\r\r\nb", "a\r\n\r\nb\r\n.\r\n"),
        ] {
            assert_eq!(String::from_utf8(with_final_dot(message.as_bytes())).unwrap(), sent, "{message:?}");
        }
    }
}
