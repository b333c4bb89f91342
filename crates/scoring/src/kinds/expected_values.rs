//! What an answer is compared with: the item's targets, or values that the suite lists itself.

use evalmark_core::metric::ParamError;

use crate::{kind::Measurement, normalize::Chain};

/// Texts to look for, put into comparable form once where the suite lists them.
#[derive(Debug)]
pub(super) struct Wanted(Option<Vec<String>>);

impl Wanted {
    pub(super) fn new(values: Option<&[String]>, chain: &Chain) -> Result<Self, ParamError> {
        if values.is_some_and(<[String]>::is_empty) {
            let message = "`values` needs at least one value".to_owned();
            return Err(ParamError { pointer: "/values".to_owned(), message });
        }
        let apply = |value: &String| chain.apply(value).into_owned();
        Ok(Self(values.map(|values| values.iter().map(apply).collect())))
    }

    /// Looks at each text in comparable form until `found` holds for one.
    pub(super) fn any(
        &self,
        targets: &[String],
        chain: &Chain,
        mut found: impl FnMut(&str) -> bool,
    ) -> Measurement {
        match &self.0 {
            Some(values) => Measurement::yes_or_no(values.iter().any(|value| found(value))),
            None => Measurement::best_of(targets, |target| f64::from(found(&chain.apply(target)))),
        }
    }

    /// Whether `found` holds for every text.
    pub(super) fn all(
        &self,
        targets: &[String],
        chain: &Chain,
        found: impl Fn(&str) -> bool,
    ) -> Measurement {
        match self.any(targets, chain, |text| !found(text)) {
            Measurement::Value(value, reason) => Measurement::Value(1.0 - value, reason),
            missing => missing,
        }
    }
}
