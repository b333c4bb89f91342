//! `exact_match` of lm-eval 0.4.13, with its flags.
//!
//! That tool keeps texts in arrays of fixed width, which shows: lower-casing cuts off what becomes
//! longer than the longest text beside it (`İ` lowers to two characters), and zero characters at
//! the end are lost.

use std::sync::Arc;

use evalmark_core::metric::{ParamError, Reasoning};

use super::{complain, options::Options};
use crate::{
    kind::{Measure, Measurement},
    python::{PythonRegex, TooLong, lower},
    subject::Subject,
};

pub(super) fn compile(options: &mut Options) -> Result<Arc<dyn Measure>, ParamError> {
    let patterns = options.regexes_to_ignore.take().map(|patterns| {
        let compiled = patterns.iter().enumerate().map(|(i, pattern)| {
            let complain = |message| complain(&format!("regexes_to_ignore/{i}"), message);
            PythonRegex::new(pattern, false).map_err(complain)
        });
        compiled.collect()
    });
    Ok(Arc::new(LmEval {
        remove: patterns.transpose()?,
        lower: options.ignore_case.take().unwrap_or_default(),
        punctuation: options.ignore_punctuation.take().unwrap_or_default(),
        digits: options.ignore_numbers.take().unwrap_or_default(),
    }))
}

#[derive(Debug)]
struct LmEval {
    remove: Option<Vec<PythonRegex>>,
    lower: bool,
    punctuation: bool,
    digits: bool,
}

impl Measure for LmEval {
    fn reasoning(&self) -> Option<Reasoning> {
        // As the other tool has it.
        Some(Reasoning::Keep)
    }

    fn measure(&self, Subject { answer, targets, .. }: Subject<'_>) -> Measurement {
        if targets.is_empty() {
            return Measurement::best_of(targets, |_| 0.0);
        }
        let answers = self.normalize(vec![answer.to_owned()]);
        match answers.and_then(|answers| Ok((answers, self.normalize(targets.to_vec())?))) {
            Ok((answers, targets)) if self.compares_lists() => {
                Measurement::yes_or_no(targets.iter().all(|target| answers.contains(target)))
            }
            Ok((answers, targets)) => {
                Measurement::yes_or_no(targets.iter().any(|target| answers.contains(target)))
            }
            Err(TooLong) => {
                Measurement::Missing("a pattern of `regexes_to_ignore` takes too long".to_owned())
            }
        }
    }
}

impl LmEval {
    /// With an empty list of patterns and no flag, nothing makes arrays of the lists: all targets
    /// are compared at once.
    fn compares_lists(&self) -> bool {
        let is_empty = self.remove.as_ref().is_some_and(Vec::is_empty);
        is_empty && !self.lower && !self.punctuation && !self.digits
    }

    /// One array: patterns, case, punctuation, digits, in this order.
    fn normalize(&self, mut texts: Vec<String>) -> Result<Vec<String>, TooLong> {
        for pattern in self.remove.iter().flatten() {
            texts = texts.iter().map(|text| pattern.remove(text)).collect::<Result<_, _>>()?;
            texts.iter_mut().for_each(drop_zeros);
        }
        if self.compares_lists() {
            return Ok(texts);
        }
        if self.lower {
            let width = texts.iter().map(|text| text.chars().count()).max().unwrap_or(0).max(1);
            texts.iter_mut().for_each(drop_zeros);
            texts = texts.iter().map(|text| lower(text).chars().take(width).collect()).collect();
        }
        for text in &mut texts {
            text.retain(|c| {
                !(self.punctuation && c.is_ascii_punctuation() || self.digits && c.is_ascii_digit())
            });
            drop_zeros(text);
        }
        Ok(texts)
    }
}

fn drop_zeros(text: &mut String) {
    text.truncate(text.trim_end_matches('\0').len());
}
