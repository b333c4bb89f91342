//! What the provider's own models cost, for suites that name no price: a small table with a date,
//! overridden by `price:` of a model. Only for the provider's own address: what another server asks
//! for a model of the same name is unknown.

use crate::model::Price;

/// Where `provider: openai` goes by default.
pub(crate) const OPENAI: &str = "https://api.openai.com/v1";

/// US dollars per million tokens of prompt and answer, without discounts (OpenAI's price list as of
/// August 2025).
const OPENAI_PRICES: [(&str, f64, f64); 13] = [
    ("gpt-3.5-turbo", 0.5, 1.5),
    ("gpt-4-turbo", 10.0, 30.0),
    ("gpt-4.1", 2.0, 8.0),
    ("gpt-4.1-mini", 0.4, 1.6),
    ("gpt-4.1-nano", 0.1, 0.4),
    ("gpt-4o", 2.5, 10.0),
    ("gpt-4o-mini", 0.15, 0.6),
    ("gpt-5", 1.25, 10.0),
    ("gpt-5-mini", 0.25, 2.0),
    ("gpt-5-nano", 0.05, 0.4),
    ("o3", 2.0, 8.0),
    ("o3-mini", 1.1, 4.4),
    ("o4-mini", 1.1, 4.4),
];

/// The price of a model at the address that it is asked at; `None` where nobody knows.
///
/// A dated version (`gpt-4o-2024-11-20`) costs what the model does.
pub fn price(base_url: &str, model: &str) -> Option<Price> {
    if base_url.trim_end_matches('/') != OPENAI {
        return None;
    }
    let found = OPENAI_PRICES.iter().find(|(name, ..)| is_version(model, name))?;
    Some(Price { input_usd_per_million: found.1, output_usd_per_million: found.2 })
}

/// Whether `model` is `name`, or `name-YYYY-MM-DD`.
fn is_version(model: &str, name: &str) -> bool {
    model.strip_prefix(name).is_some_and(|rest| {
        let date = rest.strip_prefix('-');
        let digits = |part: &str, n| part.len() == n && part.bytes().all(|b| b.is_ascii_digit());
        rest.is_empty()
            || date.is_some_and(|date| {
                let parts: Vec<_> = date.split('-').collect();
                matches!(*parts, [y, m, d] if digits(y, 4) && digits(m, 2) && digits(d, 2))
            })
    })
}

#[cfg(test)]
mod tests {
    use super::{OPENAI, price};

    #[test]
    fn only_the_providers_own_models_have_prices() {
        let input = |url, model| price(url, model).map(|price| price.input_usd_per_million);
        assert_eq!(input(OPENAI, "gpt-4o"), Some(2.5));
        assert_eq!(input(OPENAI, "gpt-4o-mini"), Some(0.15));
        assert_eq!(input(OPENAI, "gpt-4o-2024-11-20"), Some(2.5));
        assert_eq!(input(OPENAI, "gpt-4o-audio-preview"), None);
        assert_eq!(input("http://127.0.0.1:8000/v1", "gpt-4o"), None);
    }
}
