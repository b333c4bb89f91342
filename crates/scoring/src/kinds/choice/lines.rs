//! A first or last line that begins with a letter and a mark chooses, whatever other letters are
//! discussed elsewhere: `B) Mitochondria`, and then why the others are wrong.

use std::{ops::Range, sync::LazyLock};

use regex::Regex;

use super::{
    cue_words::{goes_on, is_called_right, is_called_wrong, is_denied},
    hits::Hit,
    read::{begins_with, said_after, without_prefix},
};

/// A line that begins with the letter of an option.
struct Lead {
    option: usize,
    /// Its place among the lines that are not blank.
    line: usize,
    is_right: bool,
    /// The option's own text stands beside its letter.
    is_own: bool,
}

/// The option that the first or the last line begins with; `None` where the lines list the options, or
/// disagree.
pub(super) fn led(answer: &str, hits: &[Hit], texts: &[String]) -> Option<usize> {
    let (leads, n_lines) = leads(answer, hits, texts);
    let mut right = leads.iter().filter(|lead| lead.is_right).map(|lead| lead.option);
    if let Some(option) = right.next() {
        return right.all(|other| other == option).then_some(option);
    }
    let follows = |at: usize| {
        let lead = &leads[at];
        let next = leads.get(at + 1).filter(|next| next.is_own == lead.is_own);
        next.is_some_and(|next| next.option == lead.option + 1)
    };
    let first = leads.first().filter(|lead| lead.line == 0 && !(lead.option == 0 && follows(0)));
    let last = leads.len().checked_sub(1).map(|at| (at, &leads[at]));
    let last = last.filter(|(at, lead)| lead.line + 1 == n_lines && !(*at > 0 && follows(at - 1)));
    match (first, last.map(|(_, lead)| lead)) {
        (Some(first), Some(last)) if first.option == last.option => Some(first.option),
        (Some(first), Some(last)) if first.is_own != last.is_own => {
            Some(if first.is_own { first.option } else { last.option })
        }
        (Some(_), Some(_)) => None,
        (first, last) => first.or(last).map(|lead| lead.option),
    }
}

/// The lines that begin so, and how many lines there are; blank ones do not count.
fn leads(answer: &str, hits: &[Hit], texts: &[String]) -> (Vec<Lead>, usize) {
    let mut leads = Vec::new();
    let (mut end, mut n_lines) = (0, 0);
    for line in answer.split_inclusive('\n') {
        let span = end..end + line.len();
        end = span.end;
        if line.trim().is_empty() {
            continue;
        }
        if let Some((hit, is_own)) = leading(answer, &span, hits, texts) {
            let is_right = said_after(answer, hit, texts).any(is_called_right)
                || line.trim_end().ends_with(['✓', '✔', '✅']);
            leads.push(Lead { option: hit.option, line: n_lines, is_right, is_own });
        }
        n_lines += 1;
    }
    (leads, n_lines)
}

/// What may stand before a letter that opens a line, and a word for options.
static OPENING: LazyLock<Regex> = LazyLock::new(|| {
    let named = "(?:(?:option|choice|选项|選項|選択肢|보기|ข้อ)[ *_(（]*)?";
    let opening = r#"[\s>*_#•"'“‘(\[{（【「$-]*(?:\\(?:text|textbf|mathbf)\{[(*]*)?"#;
    Regex::new(&format!("(?i)^{opening}(?<named>{named})")).expect("a valid pattern")
});

/// The letter in brackets behind the option's own text, where a line begins so: `Mitochondria (B)`.
fn behind_text<'h>(
    answer: &str,
    span: &Range<usize>,
    hits: &'h [Hit],
    texts: &[String],
) -> Option<&'h Hit> {
    let line = answer[span.clone()].trim_start_matches([' ', '*', '_', '#', '>', '"']);
    let line = line.strip_prefix("- ").unwrap_or(line);
    let line = line.strip_prefix("The ").or_else(|| line.strip_prefix("the ")).unwrap_or(line);
    let rests = texts.iter().filter_map(|text| without_prefix(line, text.trim()));
    let rest = rests.min_by_key(|rest| rest.len())?;
    let rest = rest.trim_start_matches([' ', '*', '_', '"', ',']);
    let start = span.end - rest.len() + OPENING.find(rest.strip_prefix('(')?)?.end() + 1;
    let hit = &hits[hits.binary_search_by_key(&start, |hit| hit.start).ok()?];
    let own = texts.get(hit.option)?;
    (answer[hit.end..].starts_with(')') && without_prefix(line, own.trim()).is_some())
        .then_some(hit)
}

/// The letter that a line begins with, if a mark follows or the option's own text, and if the line does
/// not go on to another one.
fn leading<'h>(
    answer: &str,
    span: &Range<usize>,
    hits: &'h [Hit],
    texts: &[String],
) -> Option<(&'h Hit, bool)> {
    static MARK: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r#"^(?:[\]}*_`"'”’）】」>$]*\s*[).:：．。、,，;—–-]+|[\]}*_`"'”’）】」>$]+)[\]}*_`"'”’）】」>$)]*"#)
            .expect("a valid pattern")
    });
    let line = &answer[span.clone()];
    if let Some(hit) = behind_text(answer, span, hits, texts) {
        return Some((hit, true));
    }
    let opening = OPENING.captures(line)?;
    let is_named = opening.name("named").is_some_and(|named| !named.is_empty());
    let start = span.start + opening.get_match().end();
    let at = hits.binary_search_by_key(&start, |hit| hit.start).ok()?;
    let hit = &hits[at];
    // What is hit may go beyond the line.
    let rest = answer.get(hit.end..span.end)?;
    let mark = MARK.find(rest).map(|mark| mark.as_str());
    let text = rest[mark.map_or(0, str::len)..].trim_start();
    let own = texts.get(hit.option).map(std::slice::from_ref).unwrap_or_default();
    let is_own = begins_with(text, own).is_some();
    let is_other = !is_own && begins_with(text, texts).is_some();
    let is_reasoned = ["because ", "since "].iter().any(|word| text.starts_with(word));
    let is_said = is_own || mark.is_some() || is_reasoned || rest.trim().is_empty();
    let mark = mark.unwrap_or_default().trim_matches(|c| c == '*' || c == '_');
    let others = hits[at + 1..].iter().take_while(|other| other.start < span.end);
    let lists = !mark.is_empty()
        && others.take(32).any(|other| {
            let is_next = mark.ends_with(')') || other.option == hit.option + 1;
            let rest = answer.get(other.end..span.end).unwrap_or_default();
            other.option != hit.option
                && is_next
                && !is_denied(&answer[..other.start])
                && rest.starts_with(mark)
                && rest[mark.len()..].trim_start().starts_with(char::is_alphanumeric)
        });
    let is_meant = (hit.as_named || hit.marked || is_named || mark.starts_with(')'))
        && !hit.is_prose(answer)
        && !said_after(answer, hit, texts).any(is_called_wrong);
    let leads = is_meant && is_said && !is_other && !lists && !goes_on(answer, hit, hits);
    leads.then_some((hit, is_own))
}
