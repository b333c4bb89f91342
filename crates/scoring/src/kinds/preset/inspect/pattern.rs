//! inspect-ai's `pattern`: what a regular expression catches is a target.

use evalmark_core::metric::{ParamError, Reasoning};

use super::super::{complain, options::Options};
use crate::{
    kind::{Measure, Measurement},
    python::{PythonRegex, TooLong, lower},
    subject::Subject,
};

#[derive(Debug)]
pub(super) struct Pattern {
    regex: PythonRegex,
    ignore_case: bool,
    match_all: bool,
}

impl Pattern {
    pub(super) fn new(options: &mut Options) -> Result<Self, ParamError> {
        let pattern = options
            .pattern
            .take()
            .ok_or_else(|| complain("pattern", "this scorer needs a `pattern`".to_owned()))?;
        let ignore_case = options.ignore_case.take().unwrap_or(true);
        Ok(Self {
            regex: PythonRegex::new(&pattern, ignore_case)
                .map_err(|message| complain("pattern", message))?,
            ignore_case,
            match_all: options.match_all.take().unwrap_or_default(),
        })
    }
}

impl Measure for Pattern {
    fn reasoning(&self) -> Option<Reasoning> {
        // As the other tool has it.
        Some(Reasoning::Keep)
    }

    fn measure(&self, Subject { answer, targets, .. }: Subject<'_>) -> Measurement {
        if targets.is_empty() {
            return Measurement::best_of(targets, |_| 0.0);
        }
        let groups = match self.regex.groups(answer) {
            Ok(Some(groups)) => groups,
            Ok(None) => return not_found(),
            Err(TooLong) => {
                return Measurement::Missing(
                    "the pattern takes too long on this answer".to_owned(),
                );
            }
        };
        let mut caught = groups.into_iter().flatten().peekable();
        let is_target = |group: &str| is_target(group, targets, self.ignore_case);
        Measurement::yes_or_no(if self.match_all {
            // What is reported there is the targets, and it counts for nothing where they are empty.
            let text = targets.iter().any(|target| !target.is_empty());
            caught.peek().is_some() && caught.all(is_target) && text
        } else {
            caught.find(|group| is_target(group)).is_some_and(|group| !group.is_empty())
        })
    }
}

pub(super) fn not_found() -> Measurement {
    Measurement::Value(0.0, Some("the answer does not match the pattern".to_owned()))
}

/// Compared in lower case, which is not case folding.
pub(super) fn is_target(text: &str, targets: &[String], ignore_case: bool) -> bool {
    if !ignore_case {
        return targets.iter().any(|target| target == text);
    }
    let text = lower(text);
    targets.iter().any(|target| lower(target) == text)
}
