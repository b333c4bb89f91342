//! Where an answer marks what is final: `\boxed{…}`, `#### …` on a line, `the answer is …`.

use std::sync::LazyLock;

use regex::{Match, Regex};

use crate::number_in_text::is_currency;

/// How much of a line after a mark counts, in bytes.
const LINE: usize = 200;

/// What stands in the last `\boxed{…}` that is not empty; to the end where it is not closed.
pub(crate) fn boxed(text: &str) -> Option<&str> {
    last_box(text).map(|(content, _)| content)
}

/// The same, where no number follows it: then the last number of the text is the last one in the box.
pub(crate) fn boxed_at_end(text: &str) -> Option<&str> {
    let (content, rest) = last_box(text)?;
    (content.contains(char::is_numeric) && !rest.contains(char::is_numeric)).then_some(content)
}

/// What stands in the last box that is not empty, and what follows from there on.
fn last_box(text: &str) -> Option<(&str, &str)> {
    let mut end = text.len();
    while let Some(at) = text[..end].rfind('\\') {
        let rest = &text[at + 1..];
        let mark = ["boxed", "fbox", "framebox"].iter().find_map(|name| rest.strip_prefix(name));
        let content = mark.and_then(|rest| content(rest.trim_start()));
        if let Some((content, rest)) = content.filter(|(content, _)| !content.trim().is_empty()) {
            return Some((content, rest));
        }
        end = at;
    }
    None
}

/// What a box holds, a group or without braces a number or one letter, and what follows.
fn content(rest: &str) -> Option<(&str, &str)> {
    if let Some(body) = rest.strip_prefix('{') {
        return Some(body.split_at(group_len(body)));
    }
    let bare = rest.trim_start_matches(['-', '−', '+']);
    let end = rest.find(|c: char| c.is_whitespace() || "$\\".contains(c)).unwrap_or(rest.len());
    let is_letter = bare.starts_with(char::is_alphabetic)
        && !bare.chars().nth(1).is_some_and(char::is_alphanumeric);
    (bare.starts_with(char::is_numeric) || is_letter).then(|| rest.split_at(end))
}

/// The length of a text to the brace that closes it; braces of sets are none.
fn group_len(body: &str) -> usize {
    let (mut depth, mut is_escaped) = (1_usize, false);
    let end = body.bytes().position(|byte| {
        match byte {
            b'{' if !is_escaped => depth += 1,
            b'}' if !is_escaped => depth -= 1,
            _ => {}
        }
        is_escaped = byte == b'\\' && !is_escaped;
        depth == 0
    });
    end.unwrap_or(body.len())
}

/// What stands after the last `####` of a line, where that is a number and not a heading.
pub(crate) fn after_hashes(text: &str) -> Option<&str> {
    text.rmatch_indices("####").map(|(at, mark)| line(&text[at + mark.len()..])).find(|line| {
        let line = line.trim_start_matches(|c: char| c.is_whitespace() || "#*_`=:".contains(c));
        begins_with_number(line) && !is_numbered_heading(line)
    })
}

/// The line that a text begins with.
fn line(text: &str) -> &str {
    let near = &text[..text.floor_char_boundary(LINE)];
    near.lines().next().unwrap_or(near)
}

/// At most a sign, a currency sign and brackets, and then a digit, or a command of LaTeX.
fn begins_with_number(text: &str) -> bool {
    let is_before = |c: char| is_currency(c) || "+-−.([~≈".contains(c);
    let bare = text.trim_start_matches(is_before);
    text.len() - bare.len() <= 6 && bare.starts_with(|c: char| c.is_numeric() || c == '\\')
}

/// `1. Read`, `2) Multiply`, `3 Steps`, `1st step`.
fn is_numbered_heading(line: &str) -> bool {
    static HEADING: LazyLock<Regex> = LazyLock::new(|| {
        let pattern = r"^\d+(?:\s*[.):：、．–-]\s*[\p{L}*_]|\s+\p{Lu}\p{Ll}|(?:st|nd|rd|th)\b)";
        Regex::new(pattern).expect("a valid pattern")
    });
    HEADING.is_match(line)
}

/// From the number on that the last `the answer is` or its like stands before.
pub(crate) fn declared_number(text: &str) -> Option<&str> {
    static LEADS: LazyLock<Leads> = LazyLock::new(|| {
        let filler = r#"[\s*_"'“‘(\[$`:=：（<】」「~≈#>]|[a-zA-Z]\s*=|\b(?:about|approximately|exactly|equals?(?:\s+to)?|just|simply|only|therefore|donc|also|daher|dunque|portanto|entonces)\b"#;
        Leads::new("", &format!("(?:{filler})*"))
    });
    let leads = LEADS.find_iter(text).filter(|lead| !is_request(lead.as_str()));
    let ends = leads.map(|lead| &text[lead.end()..]);
    ends.filter(|rest| begins_with_number(rest)).last().map(line)
}

/// `Answer` without a verb, a colon or a new line before the number: `Answer 3 questions`, `Answer 1`.
fn is_request(lead: &str) -> bool {
    let noun = lead.trim_end_matches(|c: char| c == ' ' || "*_`\"'([$".contains(c));
    let word = &noun[noun.trim_end_matches(|c: char| c.is_ascii_alphabetic()).len()..];
    ["answer", "answers", "ans"].iter().any(|known| word.eq_ignore_ascii_case(known))
}

/// What declares an answer, in the languages that chat models are asked in, and what may stand between
/// that and the answer: one pattern for texts in ASCII, and one for all.
pub(crate) struct Leads {
    ascii: Regex,
    any: Regex,
}

const NOUNS: &str = r"answers?|ans\b\.?|antwort|loesung|respuesta|resposta|risposta|reponse|antwoord|svar(?:et)?|jawaban(?:nya)?|cevap";
const ADJECTIVES: &str =
    r"correct[ae]?|corretta|correcta|correta|final[ea]?|definitiva|juste|benar|yang\s+benar";
const VERBS: &str =
    r"ist|is|['’]s|was|are|(?:would|should|must|will) be|lautet|est|es|er|adalah|[:=]|->|-\s";

/// What declares an answer as a whole phrase.
const PHRASES: &str = r"\banswers?\s+(?:to|for)\s[^.:\n]{1,80}?\s(?:is|was|are)\b|\bvastaus\s+on\b";
const FINAL: &str =
    r"\bfinal(?:[\s_]+(?:answer|result|choice|selection|decision|verdict))?[\s*_]*[:：>]";

/// The same beyond ASCII.
const MORE_NOUNS: &str = "réponse|lösung|solución|ответ|відповідь|odpowiedź|odpověď|yanıt|đáp án|vastaus|απάντηση|الإجابة|الاجابة|الجواب|إجابة|उत्तर|जवाब|উত্তর|پاسخ|جواب|תשובה|התשובה";
const MORE_ADJECTIVES: &str = "đúng|صحیح|درست|الصحيحة|الصحيح|النهائية";
const MORE_VERBS: &str = "é|è|là|är|это|هي|هو|है|είναι(?: η| το)?|[：→—–]";

const MORE_PHRASES: &str = r"odpowiedź\s+(?:to|jest)\b|odpověď\s+je\b|odpoveď\s+je\b|(?:helyes|végső)\s+válasz(?:\s+az?\b|\s*:)?|răspuns(?:ul)?(?:\s+(?:corect|final))?\s*(?:este\b|e\b|:)";

/// Where words are not set apart by blanks.
const GLUED: &str = r"(?:答案|答え|こたえ|正解|正答|解答|回答|答|정답|해답|답변|답|คำตอบ(?:ที่ถูกต้อง)?|เฉลย|ตอบ)(?:应该|應該|应|應|[\s*_])*(?:选择|選擇|选|選|是|为|為|就是|은|는|이|가|は|が|คือ|เป็น|[:：=】」])?";

impl Leads {
    /// Also `more`, alternatives that end in `|` where there are any; and what may come after.
    pub(crate) fn new(more: &str, filler: &str) -> Self {
        let compile = |pattern: String| {
            fast_pattern(&format!("(?i)(?:{more}{PHRASES}|{pattern}|{FINAL}){filler}"))
        };
        let said = |nouns: &str, adjectives: &str, verbs: &str| {
            format!(r"(?:{nouns})(?:\s+(?:{adjectives}))?[\s*_]*(?:{verbs})?")
        };
        let nouns = format!(r"\b(?:{NOUNS})");
        let any = said(
            &format!("{nouns}|{MORE_NOUNS}"),
            &format!("{ADJECTIVES}|{MORE_ADJECTIVES}"),
            &format!("{VERBS}|{MORE_VERBS}"),
        );
        Self {
            ascii: compile(said(&nouns, ADJECTIVES, VERBS)),
            any: compile(format!("{MORE_PHRASES}|{any}|{GLUED}")),
        }
    }

    /// All of them, but for the ends of elements: `</answer>`.
    pub(crate) fn find_iter<'t>(&self, text: &'t str) -> impl Iterator<Item = Match<'t>> {
        let pattern = if text.is_ascii() { &self.ascii } else { &self.any };
        pattern.find_iter(text).filter(|lead| !text[..lead.start()].ends_with("</"))
    }
}

/// A pattern in which words end where letters and digits of ASCII do: Unicode's word boundaries would
/// take a hundred times as long in texts that are not ASCII.
pub(crate) fn fast_pattern(pattern: &str) -> Regex {
    Regex::new(&pattern.replace(r"\b", r"(?-u:\b)")).expect("a valid pattern")
}
