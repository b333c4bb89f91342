//! What models cost: the providers' lists, and what counts in a suite.

use std::path::Path;

use evalmark_core::{
    model::{Model, ModelServer, Provider},
    price::Price,
    prices::PriceList,
    provider::ProviderKind,
    suite::Suite,
};
use evalmark_harness::providers;
use evalmark_store::run_record::RunOptions;
use serde_json::{Value, json};

use crate::{Host, error::Result, load::read_suite};

/// A price of a provider's list.
#[derive(Clone, Debug)]
pub struct ListedPrice {
    /// The provider's name in suites.
    pub provider: &'static str,
    /// The model's name at the provider.
    pub model: String,
    /// What it costs.
    pub price: Price,
    /// Where it was read, and when.
    pub list: PriceSource,
}

/// A list of prices: where it was read, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceSource {
    /// The day or month.
    pub as_of: String,
    /// The address.
    pub source: String,
}

/// What counts for a model of a suite.
#[derive(Clone, Debug)]
pub struct ModelPrice {
    /// The model's name in the suite.
    pub name: String,
    /// Its provider; `None` where answers are recorded.
    pub provider: Option<&'static str>,
    /// Its name at the provider.
    pub model: String,
    /// The price that counts; `None` where nobody knows.
    pub price: Option<Price>,
    /// Whether the suite says so itself.
    pub is_own: bool,
    /// The provider's list price, whether it counts or not.
    pub listed: Option<(Price, PriceSource)>,
}

/// The models of a suite with their prices.
#[derive(Clone, Debug)]
pub struct SuitePrices {
    /// The suite's name.
    pub suite: String,
    /// Its models, in its order.
    pub models: Vec<ModelPrice>,
}

/// Every list price, by provider and model.
pub fn list_prices() -> Vec<ListedPrice> {
    let lists = providers::catalog().iter().filter_map(|kind| Some((kind, list_of(kind)?)));
    let prices = lists.flat_map(|(kind, list)| {
        let models: Vec<_> = list.models.keys().cloned().collect();
        models.into_iter().filter_map(move |model| {
            let (price, list) = (list.price(&model)?, PriceSource::of(&list));
            Some(ListedPrice { provider: kind.name, model, price, list })
        })
    });
    prices.collect()
}

/// What counts for each model of a suite.
pub fn suite_prices(suite: &Path, host: &Host<'_>) -> Result<SuitePrices> {
    let suite = read_suite(suite, &RunOptions::default(), host)?;
    let models = (0..suite.models.len()).map(|i| model_price(&suite, i)).collect();
    Ok(SuitePrices { suite: suite.name, models })
}

fn model_price(suite: &Suite, i: usize) -> ModelPrice {
    let Model { name, model, price, provider, .. } = &suite.models[i];
    let server = match provider {
        Provider::Server(server) => Some(server),
        _ => None,
    };
    let listed = server.and_then(|ModelServer { kind, base_url, .. }| {
        let kind = providers::catalog().iter().find(|known| known.name == *kind)?;
        Some((kind.price(base_url, model)?, PriceSource::of(&list_of(kind)?)))
    });
    ModelPrice {
        name: name.to_string(),
        provider: server.map(|server| server.kind),
        model: model.to_string(),
        price: *price,
        is_own: !suite.effective["models"][i]["price"].is_null(),
        listed,
    }
}

fn list_of(kind: &ProviderKind) -> Option<PriceList> {
    PriceList::parse(kind.prices?).ok()
}

impl PriceSource {
    fn of(list: &PriceList) -> Self {
        Self { as_of: list.as_of.clone(), source: list.source.clone() }
    }

    fn json(&self) -> Value {
        json!({ "as_of": self.as_of, "source": self.source })
    }
}

impl ListedPrice {
    /// For programs.
    pub fn json(&self) -> Value {
        json!({
            "provider": self.provider,
            "model": self.model,
            "price": price_json(&self.price),
            "list": self.list.json(),
        })
    }
}

impl ModelPrice {
    /// Whether the suite's own price counts instead of a listed one.
    pub fn overrides(&self) -> bool {
        self.is_own && self.listed.is_some()
    }

    fn json(&self) -> Value {
        let of = match (self.price, self.is_own) {
            (None, _) => None,
            (Some(_), true) => Some("suite"),
            (Some(_), false) => Some("list"),
        };
        let (listed, list) = self.listed.as_ref().map(|(price, list)| (price, list)).unzip();
        json!({
            "name": self.name,
            "provider": self.provider,
            "model": self.model,
            "price": self.price.as_ref().map(price_json),
            "price_of": of,
            "overrides_list": self.overrides(),
            "list_price": listed.map(price_json),
            "list": list.map(PriceSource::json),
        })
    }
}

impl SuitePrices {
    /// For programs.
    pub fn json(&self) -> Value {
        let models: Vec<_> = self.models.iter().map(ModelPrice::json).collect();
        json!({ "suite": self.suite, "models": models })
    }
}

/// US dollars per million tokens of each kind; null where a kind costs what its whole does.
fn price_json(price: &Price) -> Value {
    json!({
        "input": price.input_usd_per_million,
        "output": price.output_usd_per_million,
        "cached_input": price.cached_input_usd_per_million,
        "cache_write": price.cache_write_usd_per_million,
        "reasoning": price.reasoning_usd_per_million,
        "batch_discount": price.batch_discount,
    })
}
