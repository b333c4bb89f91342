//! `language`: the answer is in the language that it should be in.

use std::sync::Arc;

use evalmark_core::metric::{Direction, ParamError, Range};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use whatlang::Lang;

use crate::{
    json_compare::clip,
    kind::{About, Backend, Measure, Measurement, MetricDefinition},
    subject::Subject,
};

/// How much of a text is looked at: plenty, and a megabyte costs no more.
const REACH: usize = 5_000;

/// Two-letter codes (ISO 639-1) and codes of whole groups of languages, beside the three-letter codes
/// that are known.
#[rustfmt::skip]
const OTHER_CODES: [(&str, &str); 74] = [
    ("af", "afr"), ("ak", "aka"), ("am", "amh"), ("ar", "ara"), ("az", "aze"), ("be", "bel"),
    ("bg", "bul"), ("bn", "ben"), ("ca", "cat"), ("cs", "ces"), ("cy", "cym"), ("da", "dan"),
    ("de", "deu"), ("el", "ell"), ("en", "eng"), ("eo", "epo"), ("es", "spa"), ("et", "est"),
    ("fa", "pes"), ("fas", "pes"), ("fi", "fin"), ("fr", "fra"), ("gu", "guj"), ("he", "heb"),
    ("hi", "hin"), ("hr", "hrv"), ("hu", "hun"), ("hy", "hye"), ("id", "ind"), ("it", "ita"),
    ("ja", "jpn"), ("jv", "jav"), ("ka", "kat"), ("km", "khm"), ("kn", "kan"), ("ko", "kor"),
    ("la", "lat"), ("lt", "lit"), ("lv", "lav"), ("mk", "mkd"), ("ml", "mal"), ("mr", "mar"),
    ("my", "mya"), ("nb", "nob"), ("ne", "nep"), ("nl", "nld"), ("no", "nob"), ("nor", "nob"),
    ("or", "ori"), ("pa", "pan"), ("pl", "pol"), ("pt", "por"), ("ro", "ron"), ("ru", "rus"),
    ("si", "sin"), ("sk", "slk"), ("sl", "slv"), ("sn", "sna"), ("sr", "srp"), ("sv", "swe"),
    ("ta", "tam"), ("te", "tel"), ("th", "tha"), ("tk", "tuk"), ("tl", "tgl"), ("tr", "tur"),
    ("uk", "ukr"), ("ur", "urd"), ("uz", "uzb"), ("vi", "vie"), ("yi", "yid"), ("zh", "cmn"),
    ("zho", "cmn"), ("zu", "zul"),
];

/// Parameters of `language`: exactly one of `expected`, `column`, `same_as` and `same_as_target`.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// A code of ISO 639 (`de`, `deu`), with or without a region (`de-AT`), or an English name.
    #[serde(default)]
    expected: Option<String>,
    /// The dataset column that holds each item's language, written as for `expected`.
    #[serde(default)]
    column: Option<String>,
    /// A dataset column with a text, such as the question: the answer should be in its language.
    #[serde(default)]
    same_as: Option<String>,
    /// The answer should be in the language of its target.
    #[serde(default)]
    same_as_target: bool,
    /// How sure the detection must be, from 0 to 1; below that there is no score. Short texts and
    /// close relatives (Danish and Norwegian) are often below.
    #[serde(default = "default_confidence")]
    #[schemars(range(min = 0, max = 1))]
    confidence: f64,
}

fn default_confidence() -> f64 {
    USUAL_CONFIDENCE
}

#[derive(Debug)]
pub(crate) struct Language {
    expected: Expected,
    confidence: f64,
}

#[derive(Debug)]
enum Expected {
    Fixed(Lang),
    Column(String),
    SameAs(String),
    SameAsTarget,
}

impl MetricDefinition for Language {
    const ABOUT: About = About {
        name: "language",
        summary: "The answer is in the expected language. An empty answer is invalid; where its language cannot be determined with confidence there is no score.",
        range: Range::Binary,
        direction: Direction::Higher,
        threshold: Some(1.0),
        needs_target: false,
        model_refs: &[],
        source: "Crate `whatlang` (69 languages; trigrams after Cavnar and Trenkle 1994), on the first 5,000 characters.",
    };
    type Params = Params;

    fn compile(params: Params) -> Result<Backend, ParamError> {
        let complain = |pointer: &str, message: String| {
            Err(ParamError { pointer: pointer.to_owned(), message })
        };
        let confidence = params.confidence;
        if !(0.0..=1.0).contains(&confidence) {
            return complain("/confidence", "`confidence` must lie in [0, 1]".to_owned());
        }
        let expected = match (params.expected, params.column, params.same_as) {
            (Some(name), None, None) if !params.same_as_target => match language(&name) {
                Some(language) => Expected::Fixed(language),
                None => return complain("/expected", unknown(&name)),
            },
            (None, Some(column), None) if !params.same_as_target => Expected::Column(column),
            (None, None, Some(column)) if !params.same_as_target => Expected::SameAs(column),
            (None, None, None) if params.same_as_target => Expected::SameAsTarget,
            _ => {
                let message = "`language` needs exactly one of `expected`, `column`, `same_as` and \
                               `same_as_target`";
                return complain("", message.to_owned());
            }
        };
        Ok(Backend::Text(Arc::new(Self { expected, confidence })))
    }
}

impl Measure for Language {
    fn measure(&self, subject: Subject<'_>) -> Measurement {
        let wanted = match self.wanted(subject) {
            Ok(wanted) => wanted,
            Err(reason) => return Measurement::Missing(reason),
        };
        if subject.answer.trim().is_empty() {
            return Measurement::Invalid("the answer is empty".to_owned());
        }
        match self.detect(subject.answer) {
            None => Measurement::Missing(
                "the answer's language cannot be determined with confidence".to_owned(),
            ),
            Some(found) if wanted.contains(&found) => Measurement::yes_or_no(true),
            Some(found) => Measurement::Value(0.0, Some(format!("in {}", found.eng_name()))),
        }
    }
}

impl Language {
    /// The languages that will do.
    fn wanted(&self, Subject { fields, targets, .. }: Subject<'_>) -> Result<Vec<Lang>, String> {
        let text = |column: &str| {
            let text = fields.get(column).and_then(Value::as_str);
            text.ok_or_else(|| format!("the item has no text in `{column}`"))
        };
        match &self.expected {
            Expected::Fixed(language) => Ok(vec![*language]),
            Expected::Column(column) => {
                let name = text(column)?;
                language(name).map(|language| vec![language]).ok_or_else(|| unknown(name))
            }
            Expected::SameAs(column) => {
                self.detect(text(column)?).map(|language| vec![language]).ok_or_else(|| {
                    format!("the language of `{column}` cannot be determined with confidence")
                })
            }
            Expected::SameAsTarget => {
                let known: Vec<_> = targets.iter().filter_map(|t| self.detect(t)).collect();
                let reason = "the target's language cannot be determined with confidence";
                if known.is_empty() { Err(reason.to_owned()) } else { Ok(known) }
            }
        }
    }

    fn detect(&self, text: &str) -> Option<Lang> {
        detect(text, self.confidence)
    }
}

/// A text's language where it is nearly sure.
const USUAL_CONFIDENCE: f64 = 0.9;

/// The language of a text by its code of ISO 639-3; `und` where it cannot be told.
pub fn language_code(text: &str) -> &'static str {
    detect(text, USUAL_CONFIDENCE).map_or("und", |language| language.code())
}

fn detect(text: &str, confidence: f64) -> Option<Lang> {
    let text: String = text.chars().take(REACH).collect();
    let info = whatlang::detect(&text)?;
    (info.confidence() >= confidence).then(|| info.lang())
}

/// The language that a code or an English name stands for.
fn language(name: &str) -> Option<Lang> {
    let name = name.trim().to_lowercase();
    let code = name.split(['-', '_']).next().unwrap_or_default();
    let long = OTHER_CODES.iter().find(|(other, _)| *other == code).map_or(code, |(_, long)| *long);
    let named = || Lang::all().iter().copied().find(|lang| lang.eng_name().to_lowercase() == name);
    Lang::from_code(long).or_else(named)
}

fn unknown(name: &str) -> String {
    let codes: Vec<_> = Lang::all().iter().map(Lang::code).collect();
    format!("`{}` is not a detectable language; those are: {}", clip(name), codes.join(", "))
}
