//! A first or last line that begins with a letter and a mark chooses, whatever other letters are
//! discussed elsewhere: `B) Mitochondria`, and then why the others are wrong.

use std::{ops::Range, sync::LazyLock};

use regex::Regex;

use super::{
    hits::Hit,
    read::begins_with,
    signs::{goes_on, is_called_right, is_called_wrong},
};

/// A line that begins with the letter of an option.
struct Lead {
    option: usize,
    is_first: bool,
    is_last: bool,
    is_right: bool,
}

/// The option that the first or the last line begins with; `None` where the lines list the options, or
/// disagree.
pub(super) fn led(answer: &str, hits: &[Hit], texts: &[String]) -> Option<usize> {
    let leads = leads(answer, hits, texts);
    let mut right = leads.iter().filter(|lead| lead.is_right).map(|lead| lead.option);
    if let Some(option) = right.next() {
        return right.all(|other| other == option).then_some(option);
    }
    let follows =
        |at: usize| leads.get(at + 1).is_some_and(|next| next.option == leads[at].option + 1);
    let first = leads.first().filter(|lead| lead.is_first && !(lead.option == 0 && follows(0)));
    let last = leads.len().checked_sub(1).map(|at| (at, &leads[at]));
    let last = last.filter(|(at, lead)| lead.is_last && !(*at > 0 && follows(at - 1)));
    match (first, last.map(|(_, lead)| lead)) {
        (Some(first), Some(last)) => (first.option == last.option).then_some(first.option),
        (first, last) => first.or(last).map(|lead| lead.option),
    }
}

fn leads(answer: &str, hits: &[Hit], texts: &[String]) -> Vec<Lead> {
    let mut leads = Vec::new();
    let (mut at, mut is_first) = (0, true);
    let end = answer.trim_end().len();
    for line in answer.split_inclusive('\n') {
        let span = at..at + line.len();
        at = span.end;
        if line.trim().is_empty() {
            continue;
        }
        if let Some(hit) = leading(answer, &span, hits, texts) {
            let after = &answer[hit.end..span.end];
            let is_right = is_called_right(after);
            let (option, is_last) = (hit.option, span.end >= end);
            leads.push(Lead { option, is_first, is_last, is_right });
        }
        is_first = false;
    }
    leads
}

/// The letter that a line begins with, if a mark follows or the option's own text, and if the line does
/// not go on to another one.
fn leading<'h>(
    answer: &str,
    span: &Range<usize>,
    hits: &'h [Hit],
    texts: &[String],
) -> Option<&'h Hit> {
    static OPENING: LazyLock<Regex> = LazyLock::new(|| {
        let named = "(?:(?:option|choice|选项|選項|選択肢|보기|ข้อ)[ *_(（]*)?";
        let opening = r#"[\s>*_#•"'“‘(\[{（【「$-]*(?:\\(?:text|textbf|mathbf)\{[(*]*)?"#;
        Regex::new(&format!("(?i)^{opening}{named}")).expect("a valid pattern")
    });
    static MARK: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r#"^(?:[\]}*_`"'”’）】」>$]*\s*[).:：．。、,，;—–-]+|[\]}*_`"'”’）】」>$]+)[\]}*_`"'”’）】」>$)]*"#)
            .expect("a valid pattern")
    });
    let line = &answer[span.clone()];
    let start = span.start + OPENING.find(line)?.end();
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
                && rest.starts_with(mark)
                && rest[mark.len()..].trim_start().starts_with(char::is_alphanumeric)
        });
    let is_meant = (hit.as_named || hit.marked || mark.starts_with(')'))
        && !hit.is_prose(answer)
        && !is_called_wrong(rest);
    (is_meant && is_said && !is_other && !lists && !goes_on(answer, hit, hits)).then_some(hit)
}
