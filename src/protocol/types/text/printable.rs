//! Makes text from outside safe for logs and errors.

use std::fmt::Write;

/// Characters of a text that are shown: enough for a base URL and its context. A reason may be
/// arbitrarily long.
const MAX_TEXT_CHARS: usize = 1_000;

/// Escapes characters that break a line, control a terminal or change the direction of text.
pub(in crate::protocol) fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len().min(MAX_TEXT_CHARS));
    for (index, character) in text.chars().enumerate() {
        if index == MAX_TEXT_CHARS {
            shown.push('…');
            break;
        }
        if is_harmful(character) {
            // Writing to a string cannot fail.
            let _ = write!(shown, "\\u{{{:x}}}", u32::from(character));
        } else {
            shown.push(character);
        }
    }
    shown
}

/// Whether the character is a control character, a line separator or invisible, or changes the
/// direction of text.
fn is_harmful(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_that_mislead_a_terminal_or_a_reader_are_escaped() {
        assert_eq!(printable("a\u{1b}[31m\r\nb"), "a\\u{1b}[31m\\u{d}\\u{a}b");
        assert_eq!(printable("\u{202e}gpj\u{2066}\u{200f}"), "\\u{202e}gpj\\u{2066}\\u{200f}");
        assert_eq!(printable("schön, 服务器"), "schön, 服务器");
    }

    #[test]
    fn printable_text_is_bounded() {
        assert_eq!(printable(&"x".repeat(100_000)).chars().count(), MAX_TEXT_CHARS + 1);
    }
}
