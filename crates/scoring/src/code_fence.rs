//! Code in an answer: fenced blocks, as `CommonMark` has them, and inline code.
//!
//! A fence may be indented by any amount, since models indent code in lists. A block that is never
//! closed goes to the end.
//!
//! A document is looked for with more patience ([`document`]): a fence may stand in one line with what
//! it holds, or behind other words.

use std::{collections::HashSet, ops::Range};

use serde::de::IgnoredAny;

/// A fenced block.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Block<'a> {
    /// The first word after the opening fence; empty where there is none.
    pub(crate) language: &'a str,
    /// What stands between the fences.
    pub(crate) body: &'a str,
    /// Whether it has a closing fence.
    pub(crate) is_closed: bool,
    /// Where the language begins, and what stands after it in the opening line.
    label: usize,
    info: usize,
    /// Where the body ends.
    end: usize,
    /// Where the block stands, its fences included.
    span: Range<usize>,
}

/// The opening of a block.
pub(crate) struct Fence<'a> {
    marker: char,
    length: usize,
    language: &'a str,
    info: &'a str,
}

/// The fenced blocks of a text.
pub(crate) fn blocks(text: &str) -> Vec<Block<'_>> {
    blocks_by(text, Fence::read)
}

fn blocks_by<'a>(text: &'a str, read: impl Fn(&'a str) -> Option<Fence<'a>>) -> Vec<Block<'a>> {
    let mut blocks = Vec::new();
    let mut open: Option<(Fence<'_>, Range<usize>)> = None;
    let mut start = 0;
    let block = |(fence, opening): (Fence<'a>, Range<usize>), body: usize, end: usize| {
        let info = opening.start + text[opening.clone()].trim_end().len() - fence.info.len();
        Block {
            language: fence.language,
            body: &text[opening.end..body],
            is_closed: body < end,
            label: info - fence.language.len(),
            info,
            end: body,
            span: opening.start..end,
        }
    };
    for line in text.split_inclusive('\n') {
        let end = start + line.len();
        open = match open.take() {
            None => read(line).map(|fence| (fence, start..end)),
            Some(open) if open.0.is_closed_by(line) => {
                blocks.push(block(open, start, end));
                None
            }
            open => open,
        };
        start = end;
    }
    blocks.extend(open.map(|open| block(open, text.len(), text.len())));
    blocks
}

/// The part of an answer that is a document in one of some languages: its block of code, or all of it
/// where there is none.
///
/// Of several blocks those in the language count, then those without one; the last of the former is
/// the document, since drafts stand before what is final. Of the latter there may be but one. What
/// was cut off has no block at its end.
pub(crate) fn document<'a>(
    text: &'a str,
    languages: &[&str],
    is_cut_off: bool,
) -> Result<&'a str, String> {
    if is_json_about_code(text) {
        return Ok(text);
    }
    let blocks = blocks_by(text, Fence::read_anywhere);
    let blocks = blocks.iter().filter(|block| block.is_closed || !is_cut_off);
    let found: Vec<_> = blocks.map(|block| block.labelled(text)).collect();
    let found = if found.iter().any(|(_, body)| !body.trim().is_empty()) {
        found
    } else {
        spans(text, languages)
    };
    let said: Vec<_> = found.into_iter().filter(|(_, body)| !body.trim().is_empty()).collect();
    let is_ours =
        |label: &str| languages.iter().any(|language| language.eq_ignore_ascii_case(label));
    let labelled = said.iter().rfind(|(label, _)| is_ours(label));
    let plain: Vec<_> = said.iter().filter(|(label, _)| label.is_empty()).collect();
    match (labelled, plain.as_slice(), said.as_slice()) {
        (Some((_, body)), ..) | (None, [(_, body)], _) | (None, [], [(_, body)]) => Ok(body),
        (None, [], []) => Ok(text),
        _ => Err(format!("the answer holds {} blocks of code", said.len())),
    }
}

/// Whether all of it is JSON, in whose texts code stands.
fn is_json_about_code(text: &str) -> bool {
    text.trim_start().starts_with(['{', '['])
        && text.contains("```")
        && serde_json::from_str::<IgnoredAny>(text).is_ok()
}

/// What stands between runs of three backticks or more within lines, and its label.
fn spans<'a>(text: &'a str, languages: &[&str]) -> Vec<(&'a str, &'a str)> {
    let mut spans = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("```") {
        let length = run_length(&rest[start..], '`');
        let after = &rest[start + length..];
        let Some(end) = after.find(&rest[start..start + length]) else { break };
        let body = after[..end].trim_start();
        let label = languages.iter().find_map(|language| {
            let label = body.get(..language.len())?;
            let goes_on = body[language.len()..].starts_with(|c: char| c.is_alphanumeric());
            (label.eq_ignore_ascii_case(language) && !goes_on).then_some(label)
        });
        let label = label.unwrap_or_default();
        spans.push((label, &body[label.len()..]));
        rest = &after[end + length..];
    }
    spans
}

impl<'a> Block<'a> {
    /// The language and what the block holds: with what stands in the opening line where only that is
    /// said, or where JSON begins there, and without a closing fence behind other text.
    fn labelled(&self, text: &'a str) -> (&'a str, &'a str) {
        let starts = |text: &str| text.trim_start().starts_with(['{', '[']);
        let (label, info) = match self.language.find(['{', '[']) {
            Some(at) => (&self.language[..at], self.label + at),
            None => (self.language, self.info),
        };
        let with_info = &text[info..self.end];
        let is_all = self.body.trim().is_empty();
        let takes_info = is_all || starts(with_info) && !starts(self.body);
        let body = if takes_info { with_info } else { self.body };
        let fence = if self.is_closed { None } else { body.find("```") };
        (label, fence.map_or(body, |fence| &body[..fence]))
    }
}

/// Whether there is inline code outside `blocks`: two equal runs of backticks in one paragraph.
pub(crate) fn has_inline_code(text: &str, blocks: &[Block<'_>]) -> bool {
    let mut outside: Vec<&str> = Vec::new();
    let mut from = 0;
    for block in blocks {
        outside.push(&text[from..block.span.start]);
        from = block.span.end;
    }
    outside.push(&text[from..]);
    outside.iter().any(|part| paragraphs_have_inline_code(part))
}

fn paragraphs_have_inline_code(text: &str) -> bool {
    let mut seen = HashSet::new();
    for line in text.lines() {
        if line.trim().is_empty() {
            seen.clear();
        } else if !backtick_runs(line).all(|length| seen.insert(length)) {
            return true;
        }
    }
    false
}

/// The lengths of the runs of backticks in a line; a backslash takes away the first one's meaning.
fn backtick_runs(line: &str) -> impl Iterator<Item = usize> {
    let mut from = 0;
    std::iter::from_fn(move || {
        let start = from + line.get(from..)?.find('`')?;
        let length = run_length(&line[start..], '`');
        from = start + length;
        let escaped = line[..start].chars().rev().take_while(|c| *c == '\\').count() % 2;
        Some(length - escaped)
    })
    .filter(|length| *length > 0)
}

impl<'a> Fence<'a> {
    pub(crate) fn read(line: &'a str) -> Option<Self> {
        let line = line.trim();
        let marker = line.chars().next().filter(|c| matches!(c, '`' | '~'))?;
        let length = run_length(line, marker);
        let info = line[length..].trim_start();
        let (language, info_after) =
            info.split_at(info.find(char::is_whitespace).unwrap_or(info.len()));
        let fences = length >= 3 && (marker == '~' || !info.contains('`'));
        fences.then_some(Self { marker, length, language, info: info_after })
    }

    /// The same, also at the end of a line of other words.
    fn read_anywhere(line: &'a str) -> Option<Self> {
        Self::read(line).or_else(|| {
            let at = line.find("```")?;
            let fence = Self::read(&line[at..])?;
            fence.info.is_empty().then_some(fence)
        })
    }

    pub(crate) fn is_closed_by(&self, line: &str) -> bool {
        let line = line.trim();
        line.len() >= self.length && run_length(line, self.marker) == line.len()
    }
}

/// How many of `marker`, one byte each, a text begins with.
fn run_length(text: &str, marker: char) -> usize {
    text.chars().take_while(|c| *c == marker).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[(&str, &str)], inline: bool) {
        let found = blocks(text);
        let pairs: Vec<_> = found.iter().map(|block| (block.language, block.body)).collect();
        assert_eq!(pairs, expected, "{text:?}");
        assert_eq!(has_inline_code(text, &found), inline, "{text:?}");
    }

    #[test]
    fn blocks_and_inline_code() {
        check("```json\n{}\n```", &[("json", "{}\n")], false);
        check("a\n  ~~~\nx\n~~~~ \nb", &[("", "x\n")], false);
        check("````\n```\n````\n", &[("", "```\n")], false);
        check("```py x=1\n1\n```\n```\n2\n```", &[("py", "1\n"), ("", "2\n")], false);
        check("```\n~~~\n```\n", &[("", "~~~\n")], false);
        check("```json\n{}", &[("json", "{}")], false);
        check("```json {}```", &[], true);
        check("use `x` here", &[], true);
        check("use ``a ` b`` here", &[], true);
        check("one ` tick", &[], false);
        check("one ` and ``two", &[], false);
        check("one `\n\nand another `", &[], false);
        check(r"no \` and `", &[], false);
        check("```\n`x`\n```", &[("", "`x`\n")], false);
    }

    /// The document in an answer, and `None` where there are several.
    #[track_caller]
    fn check_document(text: &str, expected: Option<&str>) {
        let found = document(text, &["json", "jsonc"], false);
        assert_eq!(found.ok().map(str::trim), expected, "{text:?}");
    }

    #[test]
    fn code_in_the_texts_of_json_is_no_document() {
        let json = r#"{"sql": "```sql\nSELECT 1\n```", "n": 1}"#;
        check_document(json, Some(json));
    }

    #[test]
    fn documents_in_every_form_of_fence() {
        for fenced in [
            "```json\n1\n```",
            "```json 1 ```",
            "```json 1```",
            "```1```",
            "``` 1 ```",
            "It is ```json 1```.",
            "```json\n1\n",
            "```json\n1```",
            "```json\n1``` as asked",
            "```JSON\n1\n```",
            "```jsonc\n1\n```",
            "~~~json\n1\n~~~",
            "`````json\n1\n`````",
            "  - so:\n    ```json title=\"x\"\n    1\n    ```",
            "Sure! ```json\n1\n```",
            "```json 1\n```",
            "```text\n1\n```",
            "```ts\nf()\n```\n```json\n1\n```",
            "```json\n1\n```\n```sh\nrun\n```\n```\nlog\n```",
            "```ts\nf()\n```\n```\n1\n```",
            "```json\n0\n```\nNo:\n```json\n1\n```",
            "1",
        ] {
            check_document(fenced, Some("1"));
        }
        check_document("```json {\"a\":\n1}\n```", Some("{\"a\":\n1}"));
        check_document("```{\"a\": 1}\n```", Some("{\"a\": 1}"));
        check_document("```json{\"a\": 1}```", Some("{\"a\": 1}"));
        check_document("```\n1\n```\n```\n2\n```", None);
        check_document("```ts\n1\n```\n```py\n2\n```", None);
        let cut_off = document("So:\n```json\n1", &["json"], true);
        assert_eq!(cut_off, Ok("So:\n```json\n1"));
    }
}
