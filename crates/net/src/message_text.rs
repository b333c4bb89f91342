//! Text from outside, made fit to stand in a message.

/// Characters of a server's text that a message shows.
const LONGEST: usize = 300;

/// One line of at most 300 characters: runs of white space become one space, other control
/// characters `�`, and what is cut off is marked.
pub fn one_line(text: &str) -> String {
    let mut line = String::new();
    let mut shown = 0;
    for word in text.split_whitespace() {
        if shown > 0 {
            line.push(' ');
            shown += 1;
        }
        for character in word.chars() {
            if shown >= LONGEST {
                line.push('…');
                return line;
            }
            line.push(if is_unfit(character) { '\u{fffd}' } else { character });
            shown += 1;
        }
    }
    line
}

/// Controls, and the marks that turn the direction of the text after them.
fn is_unfit(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// An error and its causes, each said once.
pub fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        assert_eq!(one_line(text), expected);
    }

    #[test]
    fn is_one_bounded_line_without_controls() {
        check("a\r\n\tb  c", "a b c");
        check("\u{1b}[31mred\u{202e}", "\u{fffd}[31mred\u{fffd}");
        check("  ", "");
        check(&"é".repeat(400), &format!("{}…", "é".repeat(300)));
    }
}
