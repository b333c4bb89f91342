//! Porter's stemmer (1980) with NLTK's extensions, as NLTK's `PorterStemmer` applies them by default.
//!
//! It differs from Porter's own in irregular forms, in short words (`dies`, `died`), in `y` and in a
//! few suffixes. Words are lower-case ASCII letters and digits.

/// A condition on what is left of a word without its suffix.
type Condition = fn(&[u8]) -> bool;

/// A suffix, and what takes its place.
type Rule = (&'static str, &'static str);

const IRREGULAR: &[(&str, &str)] = &[
    ("sky", "sky"),
    ("skies", "sky"),
    ("dying", "die"),
    ("lying", "lie"),
    ("tying", "tie"),
    ("news", "news"),
    ("innings", "inning"),
    ("inning", "inning"),
    ("outings", "outing"),
    ("outing", "outing"),
    ("cannings", "canning"),
    ("canning", "canning"),
    ("howe", "howe"),
    ("proceed", "proceed"),
    ("exceed", "exceed"),
    ("succeed", "succeed"),
];

const STEP_2: &[Rule] = &[
    ("ational", "ate"),
    ("tional", "tion"),
    ("enci", "ence"),
    ("anci", "ance"),
    ("izer", "ize"),
    ("bli", "ble"),
    ("alli", "al"),
    ("entli", "ent"),
    ("eli", "e"),
    ("ousli", "ous"),
    ("ization", "ize"),
    ("ation", "ate"),
    ("ator", "ate"),
    ("alism", "al"),
    ("iveness", "ive"),
    ("fulness", "ful"),
    ("ousness", "ous"),
    ("aliti", "al"),
    ("iviti", "ive"),
    ("biliti", "ble"),
    ("fulli", "ful"),
];

const STEP_3: &[Rule] = &[
    ("icate", "ic"),
    ("ative", ""),
    ("alize", "al"),
    ("iciti", "ic"),
    ("ical", "ic"),
    ("ful", ""),
    ("ness", ""),
];

const STEP_4: &[&str] = &[
    "al", "ance", "ence", "er", "ic", "able", "ible", "ant", "ement", "ment", "ent", "ion", "ou",
    "ism", "ate", "iti", "ous", "ive", "ize",
];

/// The stem of a word.
pub(super) fn stem(word: &str) -> String {
    if let Some((_, stem)) = IRREGULAR.iter().find(|(form, _)| *form == word) {
        return (*stem).to_owned();
    }
    if word.len() <= 2 {
        return word.to_owned();
    }
    let steps = [step_1a, step_1b, step_1c, step_2, step_3, step_4, step_5a, step_5b];
    let stem = steps.iter().fold(word.as_bytes().to_vec(), |word, step| step(word));
    String::from_utf8_lossy(&stem).into_owned()
}

/// Plurals.
fn step_1a(word: Vec<u8>) -> Vec<u8> {
    if word.len() == 4 && word.ends_with(b"ies") {
        return replaced(&word, "ies", "ie");
    }
    apply(word, &[("sses", "ss"), ("ies", "i"), ("ss", "ss"), ("s", "")], |_| true)
}

/// Past forms and `-ing`.
fn step_1b(word: Vec<u8>) -> Vec<u8> {
    if word.ends_with(b"ied") {
        return replaced(&word, "ied", if word.len() == 4 { "ie" } else { "i" });
    }
    if word.ends_with(b"eed") {
        return apply(word, &[("eed", "ee")], |stem| measure(stem) > 0);
    }
    let stems = ["ed", "ing"].iter().filter_map(|suffix| word.strip_suffix(suffix.as_bytes()));
    match stems.into_iter().find(|stem| has_vowel(stem)) {
        Some(stem) => mended(stem.to_vec()),
        None => word,
    }
}

/// What is left after `-ed` or `-ing` gets back the end that it would have had.
fn mended(mut stem: Vec<u8>) -> Vec<u8> {
    for (suffix, whole) in [("at", "ate"), ("bl", "ble"), ("iz", "ize")] {
        if stem.ends_with(suffix.as_bytes()) {
            return replaced(&stem, suffix, whole);
        }
    }
    if ends_double_consonant(&stem) {
        if !matches!(stem.last(), Some(b'l' | b's' | b'z')) {
            stem.pop();
        }
    } else if measure(&stem) == 1 && ends_cvc(&stem) {
        stem.push(b'e');
    }
    stem
}

/// `-y` after a consonant that is not the first letter.
fn step_1c(word: Vec<u8>) -> Vec<u8> {
    apply(word, &[("y", "i")], |stem| stem.len() > 1 && consonants(stem).last() == Some(&true))
}

/// Double suffixes.
fn step_2(word: Vec<u8>) -> Vec<u8> {
    let positive: Condition = |stem| measure(stem) > 0;
    if word.strip_suffix(b"alli").is_some_and(positive) {
        return step_2(replaced(&word, "alli", "al"));
    }
    if word.ends_with(b"logi") {
        // The `l` counts with the stem here.
        let long_enough = positive(&word[..word.len() - 3]);
        return if long_enough { replaced(&word, "logi", "log") } else { word };
    }
    apply(word, STEP_2, positive)
}

/// More suffixes.
fn step_3(word: Vec<u8>) -> Vec<u8> {
    apply(word, STEP_3, |stem| measure(stem) > 0)
}

/// Suffixes of long words.
fn step_4(mut word: Vec<u8>) -> Vec<u8> {
    let Some(suffix) = STEP_4.iter().find(|suffix| word.ends_with(suffix.as_bytes())) else {
        return word;
    };
    let stem = &word[..word.len() - suffix.len()];
    let fits = *suffix != "ion" || matches!(stem.last(), Some(b's' | b't'));
    if measure(stem) > 1 && fits {
        word.truncate(word.len() - suffix.len());
    }
    word
}

/// A last `e`.
fn step_5a(word: Vec<u8>) -> Vec<u8> {
    apply(word, &[("e", "")], |stem| match measure(stem) {
        0 => false,
        1 => !ends_cvc(stem),
        _ => true,
    })
}

/// A last double `l`.
fn step_5b(mut word: Vec<u8>) -> Vec<u8> {
    if word.ends_with(b"ll") && measure(&word[..word.len() - 1]) > 1 {
        word.pop();
    }
    word
}

/// Only the first rule whose suffix fits is looked at.
fn apply(word: Vec<u8>, rules: &[Rule], condition: Condition) -> Vec<u8> {
    let Some((suffix, replacement)) =
        rules.iter().find(|(suffix, _)| word.ends_with(suffix.as_bytes()))
    else {
        return word;
    };
    if condition(&word[..word.len() - suffix.len()]) {
        replaced(&word, suffix, replacement)
    } else {
        word
    }
}

fn replaced(word: &[u8], suffix: &str, replacement: &str) -> Vec<u8> {
    [&word[..word.len() - suffix.len()], replacement.as_bytes()].concat()
}

/// Which letters are consonants: all but the five vowels, and `y` where no consonant is before it.
fn consonants(word: &[u8]) -> Vec<bool> {
    let mut flags = Vec::with_capacity(word.len());
    for letter in word {
        flags.push(match letter {
            b'a' | b'e' | b'i' | b'o' | b'u' => false,
            b'y' => flags.last().is_none_or(|before: &bool| !before),
            _ => true,
        });
    }
    flags
}

/// How often a vowel is followed by a consonant.
fn measure(stem: &[u8]) -> usize {
    consonants(stem).windows(2).filter(|pair| !pair[0] && pair[1]).count()
}

fn has_vowel(stem: &[u8]) -> bool {
    consonants(stem).contains(&false)
}

fn ends_double_consonant(word: &[u8]) -> bool {
    word.iter().rev().nth(1).is_some_and(|before| word.last() == Some(before))
        && consonants(word).last() == Some(&true)
}

/// Whether it ends in consonant, vowel and consonant (not `w`, `x`, `y`), or is a vowel and a
/// consonant.
fn ends_cvc(word: &[u8]) -> bool {
    match consonants(word)[..] {
        [.., true, false, true] => !matches!(word.last(), Some(b'w' | b'x' | b'y')),
        [false, true] => true,
        _ => false,
    }
}
