//! What a run may spend.

use evalmark_core::model::{Model, Provider};
use evalmark_harness::{Budget, Spent};

use crate::{
    ask::{Asks, used_models},
    error::Advised,
    load::LoadedSuite,
};

/// What may be spent; `None`: without a limit.
#[derive(Clone, Copy, Debug, Default)]
pub struct BudgetLimits {
    /// US dollars.
    pub max_cost_usd: Option<f64>,
    /// Tokens, prompts and answers combined.
    pub max_tokens: Option<u64>,
}

impl BudgetLimits {
    /// What may be spent after a run, where several share the limits.
    #[must_use]
    pub fn after(self, spent: Spent) -> Self {
        let left_usd = |limit: f64| (limit - spent.cost_usd).max(0.0);
        let left_tokens = |limit: u64| limit.saturating_sub(spent.tokens);
        Self {
            max_cost_usd: self.max_cost_usd.map(left_usd),
            max_tokens: self.max_tokens.map(left_tokens),
        }
    }
}

/// What may be spent; a limit in dollars needs the price of every model that is asked.
pub(crate) fn budget(
    loaded: &LoadedSuite,
    asks: Asks,
    limits: BudgetLimits,
) -> Result<Budget, UnknownPrice> {
    let asked = used_models(loaded, asks).into_iter().map(|i| &loaded.suite.models[i]);
    let is_asked = |model: &&Model| matches!(model.provider, Provider::Server(_));
    let unpriced = asked.filter(is_asked).find(|model| !model.has_known_cost());
    if let (Some(_), Some(model)) = (limits.max_cost_usd, unpriced) {
        return Err(UnknownPrice { model: model.name.to_string() });
    }
    Ok(Budget::new(limits.max_cost_usd, limits.max_tokens))
}

/// A limit in dollars for a model whose price is not known.
#[derive(Debug, thiserror::Error)]
#[error("`--max-cost` needs the price of model `{model}`")]
pub struct UnknownPrice {
    model: String,
}

impl Advised for UnknownPrice {
    fn hint(&self) -> Option<String> {
        let advice = "add `price: { input: …, output: … }`, US dollars per million tokens; where an \
                      application says what an answer costs, `cost_usd` says where";
        Some(advice.to_owned())
    }
}
