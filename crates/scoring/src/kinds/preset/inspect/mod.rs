//! The scorers of inspect-ai 0.3.285. `C` is 1 and `I` is 0; so is `N`, as its `accuracy` counts.

mod answer;
mod choice;
mod matching;
mod pattern;
mod words;

use std::sync::Arc;

use evalmark_core::metric::ParamError;

use super::{
    ByTarget, complain,
    options::{Options, Scorer},
};
use crate::kind::Measure;

pub(super) fn compile(options: &mut Options) -> Result<Arc<dyn Measure>, ParamError> {
    let scorer = options.scorer.take().ok_or_else(|| {
        let scorers = "exact, f1, match, includes, pattern, answer, choice";
        complain("scorer", format!("`inspect` needs a `scorer`: one of {scorers}"))
    })?;
    Ok(match scorer {
        Scorer::Exact => Arc::new(ByTarget(words::Exact)),
        Scorer::F1 => Arc::new(words::F1::new(&options.stop_words.take().unwrap_or_default())),
        Scorer::Match => Arc::new(ByTarget(matching::Match::new(options))),
        Scorer::Includes => Arc::new(ByTarget(matching::Includes::new(options))),
        Scorer::Pattern => Arc::new(pattern::Pattern::new(options)?),
        Scorer::Answer => Arc::new(answer::Answer::new(options)?),
        Scorer::Choice => Arc::new(choice::Choice::new(options)?),
    })
}
