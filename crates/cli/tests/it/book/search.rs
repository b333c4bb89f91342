//! Whoever types a command, an option, a key of a suite, a metric, a provider, a column or a variable into
//! the book's search finds the page that tells of it. The index is mdbook's; here words are split as it
//! splits them, and `docs/search.mjs` asks the index itself.

use std::collections::BTreeSet;

use super::{pages::Page, reference::words};

/// The words of a text as the index splits them: at white space and hyphens, without punctuation at either end.
fn indexed(text: &str) -> BTreeSet<String> {
    let trim =
        |word: &str| word.trim_matches(|c: char| !c.is_alphanumeric() && c != '_').to_lowercase();
    // A link is found by its text.
    text.split(|c: char| c.is_whitespace() || "-[]()".contains(c))
        .map(trim)
        .filter(|w| !w.is_empty())
        .collect()
}

#[test]
fn every_word_of_the_reference_is_found() {
    let (mut n, mut missing) = (0, Vec::new());
    for (page, words) in words() {
        let known = indexed(&Page::read(page).expanded().text);
        n += words.len();
        let is_found = |word: &String| indexed(word).is_subset(&known);
        missing.extend(
            words.into_iter().filter(|word| !is_found(word)).map(|word| format!("{page}: {word}")),
        );
    }
    assert!(missing.is_empty(), "{missing:#?}");
    assert!(n > 300, "{n}");
}
