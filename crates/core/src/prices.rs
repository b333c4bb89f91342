//! List prices of providers, for suites that name no price: a file for each provider, with the date
//! of the list. `price:` of a model overrides it.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::{model::Price, suite::yaml};

/// What a provider asks for its models.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceList {
    /// The day on which it was read: `2025-08-07`, or the month where no more is known.
    pub as_of: String,
    /// Where it was read.
    pub source: String,
    /// US dollars per million tokens, without discounts, by model.
    pub models: BTreeMap<String, ListPrice>,
}

/// US dollars per million tokens of a model.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListPrice {
    /// Prompt tokens.
    pub input: f64,
    /// Answer tokens.
    pub output: f64,
}

/// Why a list of prices cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a list of prices: {0}")]
pub struct PriceListError(String);

impl PriceList {
    /// Reads a list from YAML.
    pub fn parse(text: &str) -> Result<Self, PriceListError> {
        let value = yaml(text).map_err(|mistake| PriceListError(mistake.message))?;
        serde_json::from_value(value).map_err(|error| PriceListError(error.to_string()))
    }

    /// The price of a model. A dated version (`gpt-4o-2024-11-20`) costs what the model does.
    pub fn price(&self, model: &str) -> Option<Price> {
        let versions = self.models.iter().filter(|(name, _)| is_version(model, name));
        let (_, price) = versions.max_by_key(|(name, _)| name.len())?;
        Some(Price { input_usd_per_million: price.input, output_usd_per_million: price.output })
    }
}

/// The price of a model in a list that is written as YAML; `None` where nobody knows.
pub(crate) fn price(list: &str, model: &str) -> Option<Price> {
    PriceList::parse(list).ok()?.price(model)
}

/// Whether `model` is `name`, `name-YYYY-MM-DD` or `name-YYYYMMDD`.
fn is_version(model: &str, name: &str) -> bool {
    let digits = |part: &str, n| part.len() == n && part.bytes().all(|b| b.is_ascii_digit());
    let is_date = |date: &str| match *date.split('-').collect::<Vec<_>>() {
        [y, m, d] => digits(y, 4) && digits(m, 2) && digits(d, 2),
        [day] => digits(day, 8),
        _ => false,
    };
    model
        .strip_prefix(name)
        .is_some_and(|rest| rest.is_empty() || rest.strip_prefix('-').is_some_and(is_date))
}

#[cfg(test)]
mod tests {
    use super::{PriceList, price};

    const LIST: &str = "\
as_of: 2025-08-07
source: https://example.com/prices
models:
  m: { input: 2.5, output: 10 }
  m-mini: { input: 0.15, output: 0.6 }
";

    #[test]
    fn versions_cost_what_the_model_does() {
        let input = |model| price(LIST, model).map(|price| price.input_usd_per_million);
        assert_eq!(input("m"), Some(2.5));
        assert_eq!(input("m-mini"), Some(0.15));
        assert_eq!(input("m-2024-11-20"), Some(2.5));
        assert_eq!(input("m-mini-20241120"), Some(0.15));
        assert_eq!(input("m-audio-preview"), None);
        assert_eq!(input("m-2024"), None);
    }

    #[test]
    fn a_list_without_a_date_is_none() {
        let text = LIST.replace("as_of: 2025-08-07\n", "");
        let error = PriceList::parse(&text).map(drop).expect_err("no date").to_string();
        assert!(error.contains("as_of"), "{error}");
    }
}
