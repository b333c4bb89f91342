//! `$(matrix.AXIS)` in a text. It means nothing in Jinja, and needs no quotes in YAML.

const START: &str = "$(";

/// A part of a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// As it is.
    Text(&'a str),
    /// A placeholder for a value of this axis.
    Axis(&'a str),
    /// The beginning of a placeholder that is none.
    Broken,
}

/// Whether there is a placeholder in a text, whole or broken.
pub(super) fn stands_in(text: &str) -> bool {
    text.contains(START) && pieces(text).any(|piece| !matches!(piece, Piece::Text(_)))
}

/// The parts of a text, in their order. `$$(matrix` is the text `$(matrix`.
pub(super) fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let Some(start) = start_of(rest) else {
            return Some(Piece::Text(std::mem::take(&mut rest)));
        };
        if rest[..start].ends_with('$') {
            // Without the sign that takes its meaning away, which stands before what is text.
            if start == 1 {
                let end = start + START.len();
                let piece = Piece::Text(&rest[1..end]);
                rest = &rest[end..];
                return Some(piece);
            }
            let piece = Piece::Text(&rest[..start - 1]);
            rest = &rest[start - 1..];
            return Some(piece);
        }
        if start > 0 {
            let piece = Piece::Text(&rest[..start]);
            rest = &rest[start..];
            return Some(piece);
        }
        let within = &rest[START.len()..];
        let name = within.split_once(')').and_then(|(inner, after)| {
            let name = inner.trim().strip_prefix("matrix")?.strip_prefix('.')?;
            super::axis::is_name(name).then_some((name, after))
        });
        if let Some((name, after)) = name {
            rest = after;
            return Some(Piece::Axis(name));
        }
        rest = within;
        Some(Piece::Broken)
    })
}

/// Where the next `$(matrix` stands.
fn start_of(text: &str) -> Option<usize> {
    text.match_indices(START).map(|(at, _)| at).find(|at| {
        let word = text[at + START.len()..].trim_start_matches(' ');
        word.strip_prefix("matrix").is_some_and(|after| !after.starts_with(char::is_alphanumeric))
    })
}

#[cfg(test)]
mod tests {
    use super::{Piece::*, *};

    #[test]
    fn a_text_falls_into_pieces() {
        let check = |text: &str, expected: &[Piece<'_>]| {
            assert_eq!(pieces(text).collect::<Vec<_>>(), expected, "{text}");
        };
        check("", &[]);
        check("plain $(date) {{ matrix.x }} $", &[Text("plain $(date) {{ matrix.x }} $")]);
        check("$(matrix.a)", &[Axis("a")]);
        check("x $( matrix.a-b )y", &[Text("x "), Axis("a-b"), Text("y")]);
        check("$(matrix.a)$(matrix.b)", &[Axis("a"), Axis("b")]);
        check("$(matrix.)", &[Broken, Text("matrix.)")]);
        check("é$(matrix.a", &[Text("é"), Broken, Text("matrix.a")]);
        check("$(matrix.a b)", &[Broken, Text("matrix.a b)")]);
        check("a $$(matrix.b)", &[Text("a "), Text("$("), Text("matrix.b)")]);
        check("$(matrices.a)", &[Text("$(matrices.a)")]);
    }
}
