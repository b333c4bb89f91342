//! What there is to write on: its width, and whether it has colours.

use std::borrow::Cow;

use evalmark_core::verdict::Answer;

/// The width that figures and remarks on them keep to, in columns.
pub(crate) const WIDTH: usize = 100;

/// Where text is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Screen {
    /// Whether there are colours.
    pub color: bool,
    /// Columns of a line; `None` where there is no limit.
    pub columns: Option<usize>,
}

/// What a piece of text means; colours follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// A pass, or better.
    Good,
    /// A regression.
    Bad,
    /// No answer.
    Unsure,
    /// Of less interest.
    Faint,
    /// A heading.
    Strong,
}

impl From<Answer> for Tone {
    fn from(answer: Answer) -> Self {
        match answer {
            Answer::Improved | Answer::Pass => Self::Good,
            Answer::Regressed => Self::Bad,
            Answer::Inconclusive | Answer::Incomparable => Self::Unsure,
        }
    }
}

impl Screen {
    /// A text in the colour of what it means.
    pub fn paint(self, tone: Tone, text: &str) -> String {
        let code = match tone {
            Tone::Good => "32",
            Tone::Bad => "31",
            Tone::Unsure => "33",
            Tone::Faint => "2",
            Tone::Strong => "1",
        };
        if self.color { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// A paragraph in lines that are no wider than the screen and a table of figures. The indent
    /// comes first; later lines stand deeper.
    pub fn wrap(self, indent: &str, text: &str) -> Vec<String> {
        within(self.columns.map_or(WIDTH, |columns| columns.min(WIDTH)), indent, text)
    }
}

/// The same in so many columns.
pub(crate) fn within(columns: usize, indent: &str, text: &str) -> Vec<String> {
    let deeper = format!("{indent}  ");
    let options = textwrap::Options::new(columns)
        .initial_indent(indent)
        .subsequent_indent(&deeper)
        .break_words(columns < WIDTH);
    textwrap::wrap(text, options).into_iter().map(Cow::into_owned).collect()
}
