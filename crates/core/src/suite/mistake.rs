//! Something wrong with a suite: where, what, and what to do; and how a list of them is printed.

use std::{fmt, path::PathBuf};

use crate::source_place::FilePlace;

/// Line and column from 1; 0 where unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Line, from 1.
    pub line: u64,
    /// Column in characters, from 1.
    pub column: u64,
}

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Where it stands.
    pub position: Position,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// Where it stands in another file, which the suite names there: a prompt's.
    pub elsewhere: Option<FilePlace>,
}

impl Mistake {
    /// A mistake whose place is set later.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self::at(Position::default(), message)
    }

    /// A mistake at a place.
    pub fn at(position: Position, message: impl Into<String>) -> Self {
        Self { position, message: message.into(), hint: None, elsewhere: None }
    }

    /// With advice.
    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// In another file than the suite's, if in any.
    pub(crate) fn elsewhere(self, elsewhere: Option<FilePlace>) -> Self {
        Self { elsewhere, ..self }
    }

    /// At another place.
    pub(crate) fn moved(self, position: Position) -> Self {
        Self { position, ..self }
    }
}

/// Every mistake of one suite file, in the order of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistakes {
    /// The suite file.
    pub path: PathBuf,
    /// At least one.
    pub list: Vec<Mistake>,
}

impl std::error::Error for Mistakes {}

impl fmt::Display for Mistakes {
    /// `path:line:column: message`, as compilers print it, one mistake a line, hints below.
    /// The source text is not shown: it may hold what must not be printed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, mistake) in self.list.iter().enumerate() {
            if i > 0 {
                writeln!(f)?;
            }
            write!(f, "{}", self.path.display())?;
            if mistake.position.line > 0 {
                write!(f, ":{}:{}", mistake.position.line, mistake.position.column)?;
            }
            write!(f, ": {}", mistake.message)?;
            if let Some(hint) = &mistake.hint {
                write!(f, "\n    hint: {hint}")?;
            }
        }
        Ok(())
    }
}

/// The known word nearest to `word`, when it is near enough to be meant.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let letters = word.chars().count();
    known
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        // Names without a letter in common are not near, however short they are.
        .filter(|(distance, candidate)| {
            let all = candidate.chars().count();
            *distance <= 1 + all / 4 && *distance < all.max(letters)
        })
        .min()
        .map(|(_, candidate)| candidate)
}

/// Names that an advice lists at most.
const MOST_LISTED: usize = 12;

/// The advice for whoever named what does not exist: the nearest of the `known` names, where one is
/// near, and behind `there_is`, such as "it has", what there is. `None` where there is nothing.
pub fn near_and_known(name: &str, known: &[&str], there_is: &str) -> Option<String> {
    let near = nearest(name, known.iter().copied()).filter(|near| *near != name);
    let near = near.map_or(String::new(), |near| format!("did you mean `{near}`? "));
    let listed = known.iter().take(MOST_LISTED).map(|name| format!("`{name}`"));
    let listed = listed.collect::<Vec<_>>().join(", ");
    let more = match known.len().saturating_sub(MOST_LISTED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    (!known.is_empty()).then(|| format!("{near}{there_is}: {listed}{more}"))
}

#[cfg(test)]
mod tests {
    use super::{near_and_known, nearest};

    #[test]
    fn what_there_is_is_told_with_the_nearest() {
        let check = |name: &str, known: &[&str], expected: Option<&str>| {
            assert_eq!(near_and_known(name, known, "it has").as_deref(), expected);
        };
        check("plian", &["plain", "terse"], Some("did you mean `plain`? it has: `plain`, `terse`"));
        check("nope", &["plain", "a, b"], Some("it has: `plain`, `a, b`"));
        check("nope", &[], None);
        let many: Vec<_> = (0..20).map(|i| format!("metric-number-{i}")).collect();
        let many: Vec<_> = many.iter().map(String::as_str).collect();
        let told = near_and_known("nope", &many, "it has").expect("an advice");
        assert!(told.ends_with("`metric-number-11` and 8 more"), "{told}");
    }

    #[test]
    fn near_misses() {
        let known = ["prompts", "models", "metrics", "gate"];
        assert_eq!(nearest("promts", known), Some("prompts"));
        assert_eq!(nearest("metric", known), Some("metrics"));
        assert_eq!(nearest("gaet", known), Some("gate"));
        assert_eq!(nearest("temperature", known), None);
        assert_eq!((nearest("x", ["a"]), nearest("xa", ["a"])), (None, Some("a")));
    }
}
