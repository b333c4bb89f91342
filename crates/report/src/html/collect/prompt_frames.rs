//! What all requests of one prompt and model have in common is kept once: few-shot examples and long
//! instructions would fill the page, and what is left is the item's own text.

use super::super::data::PromptFrame;

/// The frame of one prompt and model while its samples go by.
#[derive(Debug)]
pub(super) struct FrameBuilder {
    prompt: String,
    model: String,
    /// The first request.
    reference: String,
    /// How much of its beginning all requests so far share.
    before: usize,
    /// How much of its end.
    after: usize,
    n: usize,
}

/// A request's own text, as far as it is known when it goes by.
#[derive(Clone, Debug)]
pub(super) enum OwnText {
    /// It is the reference.
    First,
    /// It was cut by so much of the reference on either side.
    Cut { text: String, before: usize, after: usize },
}

impl FrameBuilder {
    pub(super) fn new(prompt: &str, model: &str, first: &str) -> Self {
        Self {
            prompt: prompt.to_owned(),
            model: model.to_owned(),
            reference: first.to_owned(),
            before: first.len(),
            after: first.len(),
            n: 0,
        }
    }

    pub(super) fn is_of(&self, prompt: &str, model: &str) -> bool {
        self.prompt == prompt && self.model == model
    }

    /// Takes a request in.
    pub(super) fn cut(&mut self, request: &str) -> OwnText {
        self.n += 1;
        if self.n == 1 {
            return OwnText::First;
        }
        let reference = self.reference.as_str();
        self.before = shared(reference[..self.before].chars(), request.chars());
        self.before = sentence_start(reference, self.before);
        let from_end = reference[reference.len() - self.after..].chars().rev();
        let rest = &request[self.before..];
        self.after = shared(from_end, rest.chars().rev());
        self.after = reference.len() - sentence_end(reference, reference.len() - self.after);
        // Both ends of the reference itself must not overlap either.
        self.after = self.after.min(reference.len() - self.before);
        let text = rest[..rest.len() - self.after].to_owned();
        OwnText::Cut { text, before: self.before, after: self.after }
    }

    /// The text of a request without the frame, now that all have been seen.
    pub(super) fn own(&self, own: OwnText) -> String {
        let reference = &self.reference;
        let end = reference.len();
        match own {
            // A single request has no frame.
            OwnText::First if self.n < 2 => reference.clone(),
            OwnText::First => reference[self.before..end - self.after].to_owned(),
            OwnText::Cut { text, before, after } => {
                let [head, tail] =
                    [&reference[self.before..before], &reference[end - after..end - self.after]];
                format!("{head}{text}{tail}")
            }
        }
    }

    pub(super) fn finish(self) -> PromptFrame {
        let end = self.reference.len();
        let (before, after) = if self.n < 2 {
            (String::new(), String::new())
        } else {
            let before = self.reference[..self.before].to_owned();
            (before, self.reference[end - self.after..].to_owned())
        };
        PromptFrame { prompt: self.prompt, model: self.model, before, after }
    }
}

/// Bytes of the longest common beginning.
fn shared(one: impl Iterator<Item = char>, other: impl Iterator<Item = char>) -> usize {
    one.zip(other).take_while(|(one, other)| one == other).map(|(c, _)| c.len_utf8()).sum()
}

/// The position itself, or the start of the sentence that it would cut: half of one tells a reader
/// nothing.
fn sentence_start(text: &str, at: usize) -> usize {
    let starts = text[..at].char_indices().map(|(start, c)| start + c.len_utf8());
    starts.rev().find(|start| ends_sentence(&text[..*start])).unwrap_or(0)
}

/// The position itself, or the end of the sentence that it would cut.
fn sentence_end(text: &str, at: usize) -> usize {
    let ends = text[at..].char_indices().map(|(end, _)| at + end);
    ends.clone()
        .find(|end| text[*end..].starts_with('\n') || ends_here(text, *end))
        .unwrap_or(text.len())
}

/// Whether what follows this text is a new sentence: it ends with a mark and a blank, a mark that takes
/// none, or a line.
fn ends_sentence(text: &str) -> bool {
    let words = text.trim_end();
    let blanks = &text[words.len()..];
    let takes_none = words.ends_with(['。', '！', '？', '：']);
    blanks.contains('\n')
        || takes_none
        || (!blanks.is_empty() && words.ends_with(['.', '?', '!', ':']))
}

/// Whether a sentence ends here, before the blanks that follow.
fn ends_here(text: &str, at: usize) -> bool {
    let mark = text[..at].chars().next_back();
    let takes_none = matches!(mark, Some('。' | '！' | '？' | '：'));
    let has_mark = matches!(mark, Some('.' | '?' | '!' | ':'));
    takes_none || (has_mark && text[at..].starts_with(char::is_whitespace))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(requests: &[&str], frame: [&str; 2], own: &[&str]) {
        let mut builder = FrameBuilder::new("p", "m", requests[0]);
        let cut: Vec<_> = requests.iter().map(|request| builder.cut(request)).collect();
        let texts: Vec<_> = cut.into_iter().map(|cut| builder.own(cut)).collect();
        assert_eq!(texts, own);
        let found = builder.finish();
        assert_eq!([&*found.before, &*found.after], frame);
        for (request, text) in requests.iter().zip(&texts) {
            assert_eq!(format!("{}{text}{}", found.before, found.after), *request);
        }
    }

    #[test]
    fn what_is_common_is_kept_once() {
        check(
            &["Topic of: my card\nTopic:", "Topic of: late parcel\nTopic:", "Topic of: my\nTopic:"],
            ["Topic of: ", "\nTopic:"],
            &["my card", "late parcel", "my"],
        );
        // No sentence is cut.
        check(
            &["Which colour? Paint of red lead.", "Which colour? Paint of reed."],
            ["Which colour? ", ""],
            &["Paint of red lead.", "Paint of reed."],
        );
        check(&["Is a b? Say so.", "Is a c? Say so."], ["", " Say so."], &["Is a b?", "Is a c?"]);
        check(&["Add 3.5 to it", "Add 3.7 to it"], ["", ""], &["Add 3.5 to it", "Add 3.7 to it"]);
        // The second narrows what the first was cut by.
        check(
            &["A. B. c D. E", "A. B. x D. E", "A. Y. c D. E"],
            ["A. ", " E"],
            &["B. c D.", "B. x D.", "Y. c D."],
        );
        check(&["only one"], ["", ""], &["only one"]);
        check(&["same. text", "same. text"], ["same. ", ""], &["text", "text"]);
        check(&["", "x"], ["", ""], &["", "x"]);
        check(&["何ですか。日本 x", "何ですか。日木 x"], ["何ですか。", ""], &["日本 x", "日木 x"]);
        check(&["a. a. a", "a. a"], ["a. ", ""], &["a. a", "a"]);
    }
}
