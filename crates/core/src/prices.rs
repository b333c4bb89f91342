//! List prices of providers, for suites that name no price: a file for each provider, with the date
//! of the list. `price:` of a model overrides it.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::{price::Price, suite::yaml};

/// What a provider asks for its models.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceList {
    /// The day on which it was read: `2025-08-07`, or the month where no more is known.
    pub as_of: String,
    /// Where it was read.
    pub source: String,
    /// The address whose prices they are, where the provider has several.
    #[serde(default)]
    pub at: Option<String>,
    /// The share that the provider's batch API takes off; 0 where it has none.
    #[serde(default)]
    pub batch_discount: f64,
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
    /// Prompt tokens out of the provider's cache; `None`: as `input`.
    pub cached_input: Option<f64>,
    /// Prompt tokens that are put into the provider's cache; `None`: as `input`.
    pub cache_write: Option<f64>,
    /// Answer tokens that were used for reasoning; `None`: as `output`.
    pub reasoning: Option<f64>,
    /// The share that a batch API takes off, where that is not the list's.
    pub batch_discount: Option<f64>,
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
        Some(price.with_batch_discount(self.batch_discount))
    }
}

impl ListPrice {
    /// The price, with the share that a batch API takes off where the price itself does not say.
    pub(crate) fn with_batch_discount(&self, usual: f64) -> Price {
        Price {
            input_usd_per_million: self.input,
            output_usd_per_million: self.output,
            cached_input_usd_per_million: self.cached_input,
            cache_write_usd_per_million: self.cache_write,
            reasoning_usd_per_million: self.reasoning,
            batch_discount: self.batch_discount.unwrap_or(usual),
        }
    }
}

/// The price of a model at an address, in the list of a provider whose own address this is; `None` where nobody
/// knows. What another server asks for a model of the same name is unknown.
pub(crate) fn price(list: &str, own: Option<&str>, base_url: &str, model: &str) -> Option<Price> {
    let list = PriceList::parse(list).ok()?;
    let is_own = list.at.as_deref().or(own) == Some(base_url.trim_end_matches('/'));
    list.price(model).filter(|_| is_own)
}

/// Whether `model` is `name`, `name-YYYY-MM-DD` or `name-YYYYMMDD`.
pub(crate) fn is_version(model: &str, name: &str) -> bool {
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
  m: { input: 2.5, output: 10, cached_input: 1, cache_write: 3, reasoning: 9 }
  m-mini: { input: 0.15, output: 0.6 }
";

    #[test]
    fn versions_cost_what_the_model_does() {
        let own = "https://h/v1";
        let input =
            |model| price(LIST, Some(own), own, model).map(|price| price.input_usd_per_million);
        assert_eq!(input("m"), Some(2.5));
        assert_eq!(input("m-mini"), Some(0.15));
        assert_eq!(input("m-2024-11-20"), Some(2.5));
        assert_eq!(input("m-mini-20241120"), Some(0.15));
        assert_eq!(input("m-audio-preview"), None);
        assert_eq!(input("m-2024"), None);
    }

    #[test]
    fn prices_are_those_of_an_address() {
        let elsewhere = LIST.replace("models:", "at: https://one.h\nmodels:");
        for (list, own, base_url, is_known) in [
            (LIST, Some("https://h/v1"), "https://h/v1/", true),
            (LIST, Some("https://h/v1"), "https://other/v1", false),
            (LIST, None, "https://h/v1", false),
            (&elsewhere, Some("https://{region}.h"), "https://one.h", true),
            (&elsewhere, Some("https://{region}.h"), "https://two.h", false),
        ] {
            assert_eq!(price(list, own, base_url, "m").is_some(), is_known, "{own:?} {base_url}");
        }
    }

    #[test]
    fn a_price_has_what_the_list_says_and_the_batch_discount_of_the_list() {
        let list = |text: &str| PriceList::parse(text).expect("a list");
        let price = list(LIST).price("m").expect("a price");
        let kinds = [
            price.cached_input_usd_per_million,
            price.cache_write_usd_per_million,
            price.reasoning_usd_per_million,
        ];
        assert_eq!((kinds, price.batch_discount), ([Some(1.0), Some(3.0), Some(9.0)], 0.0));
        let text = LIST.replace("models:", "batch_discount: 0.5\nmodels:");
        let discount = |text: &str| list(text).price("m-mini").map(|price| price.batch_discount);
        assert_eq!(discount(&text), Some(0.5));
        let own = text.replace("0.6 }", "0.6, batch_discount: 0.25 }");
        assert_eq!(discount(&own), Some(0.25));
    }

    #[test]
    fn a_list_without_a_date_is_none() {
        let text = LIST.replace("as_of: 2025-08-07\n", "");
        let error = PriceList::parse(&text).map(drop).expect_err("no date").to_string();
        assert!(error.contains("as_of"), "{error}");
    }
}
