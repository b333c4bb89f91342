//! Python's `re`, look-around and back-references included, for the presets that take a pattern.
//!
//! A pattern is rewritten for the `fancy-regex` crate (`translate.rs`), which searches in linear
//! time unless the pattern looks around or refers back. Then it may take long, and so its steps are
//! bounded, and where it also repeats something, the text's length is: from every place it may read
//! the whole rest. A text on which it does not end in time is an error, and never "no match".

mod translate;

use fancy_regex::{Match, Regex, RegexBuilder};

use self::translate::{Translated, translate};

/// Steps back that a search may take.
const MAX_STEPS: usize = 1_000_000;

/// The most bytes of a text that is searched from every place to its end.
const MAX_LENGTH: usize = 40_000;

/// The most searches of a text by a pattern each of which may take so many steps.
const MAX_SEARCHES: usize = 2_000;

/// The pattern takes too long on this text.
#[derive(Debug)]
pub(crate) struct TooLong;

/// What each group caught, where it took part in the match.
pub(crate) type Groups<'t> = Vec<Option<&'t str>>;

/// A compiled pattern of Python's `re`.
#[derive(Debug)]
pub(crate) struct PythonRegex {
    pattern: Regex,
    /// The same pattern where it must match something: after an empty match, `re.sub` looks for
    /// one that is not empty at the same place.
    not_empty: Option<Regex>,
    /// Whether all searches of a text take linear time together.
    is_linear: bool,
}

impl PythonRegex {
    /// Compiles what `re.compile(pattern)` takes.
    pub(crate) fn new(pattern: &str, ignore_case: bool) -> Result<Self, String> {
        let Translated { pattern, repeats } = translate(pattern, ignore_case)?;
        // What that crate takes as well has neither look-around nor back-references.
        let is_linear = !repeats || regex::Regex::new(&pattern).is_ok();
        let builder = |not_empty| {
            let mut builder = RegexBuilder::new(&pattern);
            builder.backtrack_limit(MAX_STEPS).find_not_empty(not_empty);
            builder.case_insensitive(ignore_case).build()
        };
        let not_empty = builder(true).ok();
        let pattern = builder(false).map_err(|error| error.to_string())?;
        Ok(Self { pattern, not_empty, is_linear })
    }

    /// `re.search(…).groups()`: the whole match where the pattern has no groups.
    pub(crate) fn groups<'t>(&self, text: &'t str) -> Result<Option<Groups<'t>>, TooLong> {
        self.check_length(text)?;
        let found = self.pattern.captures(text).map_err(|_| TooLong)?;
        Ok(found.map(|found| {
            let first = usize::from(found.len() > 1);
            (first..found.len()).map(|i| found.get(i).map(|group| group.as_str())).collect()
        }))
    }

    /// `re.sub(pattern, "", text)`.
    pub(crate) fn remove(&self, text: &str) -> Result<String, TooLong> {
        self.check_length(text)?;
        let mut out = String::with_capacity(text.len());
        let (mut kept, mut from, mut n_searches) = (0, 0, 0);
        let mut next_full = NextFull { regex: self.not_empty.as_ref(), start: None };
        while from <= text.len() {
            n_searches += 1;
            if !self.is_linear && n_searches > MAX_SEARCHES {
                return Err(TooLong);
            }
            let Some(mut found) = self.find(text, from)? else { break };
            if found.range().is_empty()
                && let Some(full) = next_full.at(text, found.start())?
            {
                found = full;
            }
            out.push_str(&text[kept..found.start()]);
            kept = found.end();
            from = if found.range().is_empty() { after(text, kept) } else { kept };
        }
        out.push_str(&text[kept..]);
        Ok(out)
    }

    fn check_length(&self, text: &str) -> Result<(), TooLong> {
        if self.is_linear || text.len() <= MAX_LENGTH { Ok(()) } else { Err(TooLong) }
    }

    fn find<'t>(&self, text: &'t str, from: usize) -> Result<Option<Match<'t>>, TooLong> {
        self.pattern.find_from_pos(text, from).map_err(|_| TooLong)
    }
}

/// Where the next match that is not empty begins, looked up no more often than needed.
struct NextFull<'r> {
    regex: Option<&'r Regex>,
    start: Option<usize>,
}

impl NextFull<'_> {
    /// The match that begins at `place` and is not empty.
    fn at<'t>(&mut self, text: &'t str, place: usize) -> Result<Option<Match<'t>>, TooLong> {
        let Some(regex) = self.regex.filter(|_| self.start.is_none_or(|start| start <= place))
        else {
            return Ok(None);
        };
        let found = regex.find_from_pos(text, place).map_err(|_| TooLong)?;
        self.start = Some(found.as_ref().map_or(usize::MAX, Match::start));
        Ok(found.filter(|found| found.start() == place))
    }
}

/// The place one character on.
fn after(text: &str, place: usize) -> usize {
    place + text[place..].chars().next().map_or(1, char::len_utf8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, text: &str, expected: &str) {
        let regex = PythonRegex::new(pattern, false).unwrap_or_else(|e| panic!("{pattern}: {e}"));
        assert_eq!(regex.remove(text).expect("in time"), expected, "{pattern} on {text:?}");
    }

    #[test]
    fn pythons_classes_and_anchors() {
        check(r"\b(a|an|the)\b", "a\u{301} table", "\u{301} table");
        check(r"\w+", "añ\u{301}½Ⓐ_x", "\u{301}Ⓐ");
        check(r"\s", "a\u{1C}b\u{85}c\u{200B}", "abc\u{200B}");
        check(r"[\s\w]", "a\u{1F}-", "-");
        check(r"[^\W\d]", "a1-", "1-");
        check(r"\.$", "a.\n", "a\n");
        check(r"\.\Z", "a.\n", "a.\n");
        check("(?m)^x", "x\nx", "\n");
        check(r"(?!no)n\w+", "no nay", "no ");
        check(r"(?<=\$)\d", "$12", "$2");
        check(r"(\w)\1", "book", "bk");
        check("|a", "aa", "");
        check("x*", "axxb", "ab");
    }

    #[test]
    fn pythons_literals() {
        check(r"\boxed{(.*?)}|boxed{", "boxed{5}", "5}");
        check(r"\<b\>", "<b>", "");
        check("[[a]", "[a]", "]");
        check("[]a]", "]a", "");
        check("[a&&b~~]", "&~a-", "-");
        check(r"[\]\-]", "]-x", "x");
        check("a{,2}b", "aab", "");
        check("a{x}", "a{x}", "");
        check(r"\x41\u0042\0", "AB\0", "");
        check("(?#note)a", "ab", "b");
        check("(?x) a [ ] b # c", "a b", "");
        check("(?P<q>['\"]).(?P=q)", "'a' b", " b");
        check("(?i)i", "iIıİj", "j");
        check("(?i:[h-j])x", "ıxİx", "");
    }

    #[test]
    fn what_python_refuses() {
        for pattern in ["(", r"\q", "*a", "[a", r"\N{DIGIT ONE}", "(?a)b", r"a\"] {
            assert!(PythonRegex::new(pattern, false).is_err(), "{pattern}");
        }
    }

    #[test]
    fn no_search_takes_for_ever() {
        let regex = PythonRegex::new(r"(x|xx)+\1y", false).expect("a pattern");
        assert!(regex.groups(&format!("{}wy", "x".repeat(60))).is_err());
    }
}
