//! inspect-ai's `choice`, with the reading of the answer by its solver `multiple_choice`.

use std::{borrow::Cow, collections::BTreeSet, sync::LazyLock};

use evalmark_core::metric::{ParamError, Reasoning};
use regex::{Captures, Regex};

use super::super::{
    complain,
    options::{Choices, Options},
};
use crate::{
    kind::{Measure, Measurement},
    python::{LETTER, SPACE, decimal, is_numeric, is_space, split, strip},
    subject::Subject,
};

#[derive(Debug)]
pub(super) struct Choice {
    choices: Choices,
    multiple: bool,
}

impl Choice {
    pub(super) fn new(options: &mut Options) -> Result<Self, ParamError> {
        let choices = options.choices.take().ok_or_else(|| {
            complain("choices", "this scorer needs `choices`: a number or a column".to_owned())
        })?;
        let multiple = options.multiple_correct.take().unwrap_or_default();
        Ok(Self { choices, multiple })
    }
}

impl Measure for Choice {
    fn reasoning(&self) -> Option<Reasoning> {
        // As the other tool has it.
        Some(Reasoning::Keep)
    }

    fn measure(&self, Subject { answer, targets, fields, .. }: Subject<'_>) -> Measurement {
        let count = match &self.choices {
            Choices::Count(count) => *count,
            Choices::Column(column) => match fields.get(column).and_then(|list| list.as_array()) {
                Some(list) => list.len(),
                None => {
                    return Measurement::Missing(format!("the column `{column}` is not a list"));
                }
            },
        };
        if targets.is_empty() {
            return Measurement::best_of(targets, |_| 0.0);
        }
        let Some(wanted) = positions(targets).filter(|at| at.iter().all(|at| *at < count)) else {
            return Measurement::Missing("the target names no option of the question".to_owned());
        };
        let chosen = chosen(answer, count, self.multiple);
        if chosen.is_empty() && !wanted.is_empty() {
            return Measurement::Value(0.0, Some("no option is chosen in the answer".to_owned()));
        }
        Measurement::yes_or_no(chosen.into_iter().eq(wanted))
    }
}

/// The options that the targets name, in order; `None` for what names none.
fn positions(targets: &[String]) -> Option<Vec<usize>> {
    let mut positions = Vec::new();
    for target in targets {
        let spaced = target.replace(',', " ");
        for word in split(&spaced) {
            if word.chars().all(is_numeric) {
                positions.push(by_number(word)?);
            } else {
                for c in word.chars() {
                    positions.push(by_char(c)?);
                }
            }
        }
    }
    positions.sort_unstable();
    Some(positions)
}

/// From the 27th option on, options are numbered from 1.
fn by_number(text: &str) -> Option<usize> {
    let digits: Option<String> = text.chars().map(decimal).collect();
    let number: usize = digits?.parse().ok()?;
    number.checked_add(25).filter(|_| number > 0)
}

fn by_char(c: char) -> Option<usize> {
    if is_numeric(c) {
        return by_number(c.encode_utf8(&mut [0; 4]));
    }
    let mut upper = c.to_uppercase();
    let letter = u8::try_from(upper.next()?).ok().filter(|_| upper.next().is_none())?;
    letter.is_ascii_uppercase().then(|| usize::from(letter - b'A'))
}

/// The name of an option: A to Z, then 1, 2, …
fn name(position: usize) -> String {
    match u8::try_from(position) {
        Ok(letter) if letter < 26 => char::from(b'A' + letter).to_string(),
        _ => (position - 25).to_string(),
    }
}

/// The positions that the answer chooses; none where it does not keep to the format.
fn chosen(answer: &str, count: usize, multiple: bool) -> BTreeSet<usize> {
    let answer = unwrapped(answer);
    let Some(found) = last_answer(&answer) else { return BTreeSet::new() };
    let found = strip(found).trim_end_matches('.').to_uppercase();
    let names: Vec<String> = (0..count).map(name).collect();
    let position = |chosen: &str| names.iter().position(|name| name == chosen);
    let all = |chosen: Vec<&str>| -> Option<BTreeSet<usize>> {
        chosen.into_iter().map(position).collect()
    };
    if !multiple {
        let tokens: Vec<&str> = found.split(',').filter(|token| !token.is_empty()).collect();
        return if tokens.len() == 1 { all(tokens).unwrap_or_default() } else { BTreeSet::new() };
    }
    let found = found.replace(" AND ", ",").replace(' ', "");
    let tokens = found.split(',').filter(|token| !token.is_empty()).collect();
    let letters = || all(found.split("").filter(|letter| !letter.is_empty()).collect());
    all(tokens).or_else(letters).unwrap_or_default()
}

/// Takes `$…$`, `**…**` and brackets off what looks like options.
fn unwrapped(answer: &str) -> String {
    static WRAPPERS: LazyLock<[Regex; 2]> = LazyLock::new(|| {
        [r"\$", r"\*\*"].map(|mark| {
            let body = format!(r"[{SPACE}]*([A-Za-z\d][A-Za-z\d ,]*?)[{SPACE}]*");
            Regex::new(&format!("{mark}{body}{mark}")).expect("a valid pattern")
        })
    });
    let text = WRAPPERS.iter().fold(Cow::Borrowed(answer), |text, wrapper| {
        match wrapper.replace_all(&text, "$1") {
            Cow::Borrowed(_) => text,
            Cow::Owned(text) => Cow::Owned(text),
        }
    });
    without_brackets(&text)
}

/// `re.sub(r"(?i)(^|[:,])(\s*)\(([A-Za-z\d])\)(?=\s*(?:,|\.|\n|\Z))", r"\1\2\3", text)`.
fn without_brackets(text: &str) -> String {
    static BRACKETS: LazyLock<Regex> = LazyLock::new(|| {
        let pattern = format!(r"(\A|[:,])([{SPACE}]*)\(([{LETTER}\d])\)");
        Regex::new(&pattern).expect("a valid pattern")
    });
    let unwrap = |found: &Captures<'_>| {
        let whole = found.get_match();
        if ends_option(&text[whole.end()..]) {
            format!("{}{}{}", &found[1], &found[2], &found[3])
        } else {
            whole.as_str().to_owned()
        }
    };
    BRACKETS.replace_all(text, unwrap).into_owned()
}

/// White space, then a comma, a full stop, a line break or the end.
fn ends_option(rest: &str) -> bool {
    let after = rest.trim_start_matches(is_space);
    let space = &rest[..rest.len() - after.len()];
    after.is_empty() || after.starts_with([',', '.']) || space.contains('\n')
}

/// What follows the last `ANSWER:`, on a line of its own where there is such a line.
fn last_answer(text: &str) -> Option<&str> {
    static STRICT: LazyLock<Regex> = LazyLock::new(|| {
        let pattern =
            format!(r"(?im)^ANSWER[{SPACE}]*:[{SPACE}]*([{LETTER}\d ,]+)[{SPACE}]*(?:$|\n|\.)");
        Regex::new(&pattern).expect("a valid pattern")
    });
    static LENIENT: LazyLock<Regex> = LazyLock::new(|| {
        let pattern =
            format!(r"(?i)ANSWER[{SPACE}]*:[{SPACE}]*([{LETTER}\d ,]+)(?:[^\p{{L}}\p{{N}}_]|\z)");
        Regex::new(&pattern).expect("a valid pattern")
    });
    let last = |pattern: &Regex| {
        pattern.captures_iter(text).last().and_then(|found| found.get(1)).map(|found| found.range())
    };
    last(&STRICT).or_else(|| last(&LENIENT)).map(|range| &text[range])
}
