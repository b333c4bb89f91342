//! `allowed_signers`, as `ssh-keygen` and git have it: who may sign, with which key, until when.

use std::{
    collections::BTreeSet,
    fmt, io,
    path::{Path, PathBuf},
};

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

use super::{
    KeyProblem, PublicKey,
    open_ssh::{public_key, shown},
};

/// The longest file that is read.
const MAX_BYTES: u64 = 1024 * 1024;

/// Names beside keys.
#[derive(Clone, Debug, Default)]
pub struct AllowedSigners(Vec<AllowedSigner>);

/// One line of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedSigner {
    /// The line, counted from 1.
    pub line: usize,
    /// Who has the key; the first is the name that a signature counts for.
    pub principals: Vec<String>,
    /// The key.
    pub key: PublicKey,
    /// What the key may sign, with `*`, `?` and `!`; empty: anything.
    pub namespaces: Vec<String>,
    /// It does not count before this.
    pub valid_after: Option<Timestamp>,
    /// It does not count from this on.
    pub valid_before: Option<Timestamp>,
}

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignerMistake {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong, and what to write.
    pub text: String,
}

/// A file of signers that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AllowedSignersError {
    /// It cannot be read.
    #[error("the signers of {} cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is longer than any list of people.
    #[error("{} is longer than 1 MiB", .0.display())]
    TooLong(PathBuf),
    /// Lines are wrong.
    #[error("{}", told(path, mistakes))]
    Mistakes {
        /// The file.
        path: PathBuf,
        /// All of them.
        mistakes: Vec<SignerMistake>,
    },
}

fn told(path: &Path, mistakes: &[SignerMistake]) -> String {
    let line = |mistake: &SignerMistake| format!("{}:{mistake}", path.display());
    mistakes.iter().map(line).collect::<Vec<_>>().join("\n")
}

impl fmt::Display for SignerMistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.line, self.text)
    }
}

impl AllowedSigners {
    /// Reads a file; tells of all its mistakes at once.
    pub fn read(path: &Path) -> Result<Self, AllowedSignersError> {
        let fail = |source| AllowedSignersError::Unreadable { path: path.to_owned(), source };
        let meta = path.metadata().map_err(fail)?;
        if !meta.is_file() {
            return Err(fail(io::Error::other("it is no file")));
        }
        if meta.len() > MAX_BYTES {
            return Err(AllowedSignersError::TooLong(path.to_owned()));
        }
        let text = std::fs::read_to_string(path).map_err(fail)?;
        let path = path.to_owned();
        Self::parse(&text).map_err(|mistakes| AllowedSignersError::Mistakes { path, mistakes })
    }

    /// Reads the text of a file.
    pub fn parse(text: &str) -> Result<Self, Vec<SignerMistake>> {
        let (mut signers, mut mistakes) = (Vec::new(), Vec::new());
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        for (at, line) in text.lines().enumerate() {
            let trimmed = line.trim();
            if trimmed.is_empty() || trimmed.starts_with('#') {
                continue;
            }
            match read_line(at + 1, trimmed) {
                Ok(signer) => signers.push(signer),
                Err(text) => mistakes.push(SignerMistake { line: at + 1, text }),
            }
        }
        if mistakes.is_empty() { Ok(Self(signers)) } else { Err(mistakes) }
    }

    /// The lines, in the file's order.
    pub fn iter(&self) -> impl Iterator<Item = &AllowedSigner> {
        self.0.iter()
    }

    /// The first line of a key.
    pub fn by_key_id(&self, key_id: &str) -> Option<&AllowedSigner> {
        self.with_key_id(key_id).next()
    }

    /// All lines of a key: it may have been allowed for one span of time, and then for another.
    pub fn with_key_id(&self, key_id: &str) -> impl Iterator<Item = &AllowedSigner> {
        self.0.iter().filter(move |signer| signer.key.key_id() == key_id)
    }

    /// The names that signatures can count for.
    pub fn names(&self) -> BTreeSet<&str> {
        self.0.iter().map(AllowedSigner::name).collect()
    }
}

impl AllowedSigner {
    /// Who a signature by this key counts for.
    pub fn name(&self) -> &str {
        self.principals.first().map_or("", String::as_str)
    }

    /// Why the key does not count for a purpose at a time; `None` where it does.
    pub(crate) fn objection(&self, namespace: &str, at: Timestamp) -> Option<String> {
        let day = |at: Timestamp| at.strftime("%Y-%m-%d %H:%M:%SZ").to_string();
        if !self.namespaces.is_empty() && !matches_list(&self.namespaces, namespace) {
            let allowed = self.namespaces.join(",");
            return Some(format!("may sign for `{allowed}` only, not for `{namespace}`"));
        }
        if let Some(after) = self.valid_after.filter(|after| at < *after) {
            return Some(format!("is valid only after {}", day(after)));
        }
        let ended = self.valid_before.filter(|before| at >= *before)?;
        Some(format!("was valid only before {}", day(ended)))
    }
}

fn read_line(line: usize, text: &str) -> Result<AllowedSigner, String> {
    let words = split_words(text)?;
    let (principals, rest) = words.split_first().ok_or("the line is empty")?;
    let mut signer = Options::default();
    let [kind, blob] = match rest {
        [kind, blob, ..] if is_key_type(kind) => [kind, blob],
        [options, kind, blob, ..] if is_key_type(kind) => {
            signer = Options::read(options)?;
            [kind, blob]
        }
        _ => {
            return Err("a line is `NAME[,NAME…] [OPTIONS] KEYTYPE KEY`, such as \
                 `ada@example.com ssh-ed25519 AAAA…`"
                .to_owned());
        }
    };
    let key = public_key(kind, blob).map_err(|problem| match problem {
        KeyProblem::Malformed(why) => format!("the key is damaged: {why}"),
        other => format!("the key is refused: {other}"),
    })?;
    let principals = read_principals(principals)?;
    let Options { namespaces, valid_after, valid_before } = signer;
    Ok(AllowedSigner { line, principals, key, namespaces, valid_after, valid_before })
}

fn is_key_type(word: &str) -> bool {
    ["ssh-", "ecdsa-", "sk-"].iter().any(|start| word.starts_with(start))
}

fn read_principals(list: &str) -> Result<Vec<String>, String> {
    let names: Vec<_> = list.trim_matches('"').split(',').map(str::to_owned).collect();
    if names.iter().any(String::is_empty) {
        return Err("a name is empty: names stand with one comma between them".to_owned());
    }
    match names.iter().find(|name| name.contains(['*', '?', '!'])) {
        Some(name) => Err(format!(
            "`{}` is a pattern, which does not say who signs: write the name",
            printable(name)
        )),
        None => Ok(names),
    }
}

#[derive(Default)]
struct Options {
    namespaces: Vec<String>,
    valid_after: Option<Timestamp>,
    valid_before: Option<Timestamp>,
}

impl Options {
    fn read(list: &str) -> Result<Self, String> {
        let mut options = Self::default();
        for option in split_outside_quotes(list, ',') {
            let (name, value) =
                option.split_once('=').map_or((option, None), |(n, v)| (n, Some(v)));
            let value = value.map(|value| value.trim_matches('"'));
            match (name.to_ascii_lowercase().as_str(), value) {
                ("namespaces", Some(list)) if !list.is_empty() => {
                    options.namespaces = list.split(',').map(str::to_owned).collect();
                }
                ("valid-after", Some(time)) => options.valid_after = Some(read_time(time)?),
                ("valid-before", Some(time)) => options.valid_before = Some(read_time(time)?),
                ("cert-authority", _) => {
                    return Err(
                        "certificates are not supported: write a line for each person's own \
                         key, without `cert-authority`"
                            .to_owned(),
                    );
                }
                _ => {
                    return Err(format!(
                        "the option `{}` is not known; there are `namespaces=\"…\"`, \
                         `valid-after=\"…\"` and `valid-before=\"…\"`",
                        printable(option)
                    ));
                }
            }
        }
        match (options.valid_after, options.valid_before) {
            (Some(after), Some(before)) if after >= before => {
                Err("the key is never valid: `valid-after` is not before `valid-before`".to_owned())
            }
            _ => Ok(options),
        }
    }
}

/// `YYYYMMDD[HHMM[SS]]`, with `Z` in UTC, without it in the system's time zone, as `ssh-keygen` has it.
fn read_time(text: &str) -> Result<Timestamp, String> {
    let wrong =
        || format!("`{}` is not a time: write `20261231Z` or `20261231235959Z`", printable(text));
    let (digits, is_utc) = text.strip_suffix(['Z', 'z']).map_or((text, false), |d| (d, true));
    let padded = match digits.len() {
        8 => format!("{digits}000000"),
        12 => format!("{digits}00"),
        14 => digits.to_owned(),
        _ => return Err(wrong()),
    };
    if !padded.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong());
    }
    let time = DateTime::strptime("%Y%m%d%H%M%S", &padded).map_err(|_| wrong())?;
    let zone = if is_utc { TimeZone::UTC } else { TimeZone::system() };
    time.to_zoned(zone).map(|zoned| zoned.timestamp()).map_err(|_| wrong())
}

/// Words between spaces; in quotes, a space is part of one.
fn split_words(text: &str) -> Result<Vec<&str>, String> {
    if text.bytes().filter(|byte| *byte == b'"').count() % 2 == 1 {
        return Err("a `\"` is not closed".to_owned());
    }
    let words = split_outside_quotes(text, ' ')
        .into_iter()
        .flat_map(|w| if w.contains('"') { vec![w] } else { w.split_ascii_whitespace().collect() });
    Ok(words.filter(|word| !word.is_empty()).collect())
}

fn split_outside_quotes(text: &str, separator: char) -> Vec<&str> {
    let mut is_quoted = false;
    text.split(|c: char| {
        is_quoted ^= c == '"';
        c == separator && !is_quoted
    })
    .collect()
}

/// Whether a word is in a list of patterns, and in none with `!` before it.
fn matches_list(patterns: &[String], word: &str) -> bool {
    let is_denied = patterns
        .iter()
        .filter_map(|pattern| pattern.strip_prefix('!'))
        .any(|pattern| matches_pattern(pattern, word));
    !is_denied && patterns.iter().any(|pattern| matches_pattern(pattern, word))
}

/// `*` is any text and `?` any letter; takes time in proportion to both lengths.
fn matches_pattern(pattern: &str, word: &str) -> bool {
    let (pattern, word): (Vec<_>, Vec<_>) = (pattern.chars().collect(), word.chars().collect());
    // Whether the pattern up to here matches the first `n` letters.
    let mut reached = vec![false; word.len() + 1];
    reached[0] = true;
    for part in pattern {
        let mut next = vec![false; word.len() + 1];
        for n in 0..=word.len() {
            next[n] = if part == '*' {
                reached[n] || (n > 0 && next[n - 1])
            } else {
                n > 0 && reached[n - 1] && (part == '?' || part == word[n - 1])
            };
        }
        reached = next;
    }
    reached[word.len()]
}

fn printable(word: &str) -> String {
    let is_plain = word.chars().all(|c| c.is_ascii_graphic());
    let cut: String = word.chars().take(60).collect();
    if is_plain { cut } else { shown(&cut) }
}
