//! Where an answer marks what is final: `\boxed{…}`, or `#### …` on a line.

/// What stands in the last `\boxed{…}`; to the end where it is not closed.
pub(crate) fn boxed(text: &str) -> Option<&str> {
    const MARK: &str = r"\boxed";
    let from = text.rfind(MARK)? + MARK.len();
    let body = text[from..].trim_start().strip_prefix('{')?;
    let mut depth = 1_usize;
    let end = body.char_indices().find(|(_, c)| {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        depth == 0
    });
    Some(end.map_or(body, |(at, _)| &body[..at]))
}

/// What stands in the last `\boxed{…}`, or else after the last `####` of a line.
pub(crate) fn marked(text: &str) -> Option<&str> {
    let after_hashes = || {
        let (_, rest) = text.rsplit_once("####")?;
        rest.lines().next().or(Some(rest))
    };
    boxed(text).or_else(after_hashes)
}
