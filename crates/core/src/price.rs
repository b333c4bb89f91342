//! What tokens of each kind cost, and what that makes of an answer.

use crate::{answer_details::AnswerDetails, record::Usage};

/// US dollars per million tokens.
///
/// Providers count tokens of some kinds apart, and price them apart: those of the prompt that came out of
/// the provider's cache or were put into it, and those of the answer that were used for reasoning. They
/// are parts of the prompt's and the answer's tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Price {
    /// Prompt tokens.
    pub input_usd_per_million: f64,
    /// Answer tokens.
    pub output_usd_per_million: f64,
    /// Prompt tokens that the provider had in its cache; `None`: as any of the prompt.
    pub cached_input_usd_per_million: Option<f64>,
    /// Prompt tokens that the provider put into its cache; `None`: as any of the prompt.
    pub cache_write_usd_per_million: Option<f64>,
    /// Answer tokens that were used for reasoning; `None`: as any of the answer.
    pub reasoning_usd_per_million: Option<f64>,
    /// The share that is taken off the whole when a batch API answers.
    pub batch_discount: f64,
}

impl Price {
    /// US dollars for an answer; `None` where its tokens are unknown.
    pub fn cost_usd(
        &self,
        usage: Usage,
        details: Option<&AnswerDetails>,
        is_batch: bool,
    ) -> Option<f64> {
        let (input, output) = (usage.input_tokens?, usage.output_tokens?);
        let count = |of: fn(&AnswerDetails) -> Option<u64>| details.and_then(of).unwrap_or(0);
        // Servers count what they like: no part is larger than its whole.
        let cached = count(|details| details.cached_tokens).min(input);
        let written = count(|details| details.cache_write_tokens).min(input - cached);
        let reasoning = count(|details| details.reasoning_tokens).min(output);
        let millionths = (input - cached - written) as f64 * self.input_usd_per_million
            + cached as f64 * self.cached_input()
            + written as f64 * self.cache_write()
            + (output - reasoning) as f64 * self.output_usd_per_million
            + reasoning as f64 * self.reasoning();
        let share = if is_batch { 1.0 - self.batch_discount } else { 1.0 };
        Some(millionths * share / 1e6)
    }

    /// The price of an answer by a batch API, as a price of its own.
    #[must_use]
    pub fn in_batches(self) -> Self {
        let share = 1.0 - self.batch_discount;
        let less = |price: Option<f64>| price.map(|price| price * share);
        Self {
            input_usd_per_million: self.input_usd_per_million * share,
            output_usd_per_million: self.output_usd_per_million * share,
            cached_input_usd_per_million: less(self.cached_input_usd_per_million),
            cache_write_usd_per_million: less(self.cache_write_usd_per_million),
            reasoning_usd_per_million: less(self.reasoning_usd_per_million),
            batch_discount: 0.0,
        }
    }

    /// US dollars at most for so many tokens of prompt and answer, whatever their kinds.
    pub fn most_usd(&self, input: u64, output: u64) -> f64 {
        let dearest_input =
            self.input_usd_per_million.max(self.cached_input()).max(self.cache_write());
        let dearest_output = self.output_usd_per_million.max(self.reasoning());
        (input as f64 * dearest_input + output as f64 * dearest_output) / 1e6
    }

    fn cached_input(&self) -> f64 {
        self.cached_input_usd_per_million.unwrap_or(self.input_usd_per_million)
    }

    fn cache_write(&self) -> f64 {
        self.cache_write_usd_per_million.unwrap_or(self.input_usd_per_million)
    }

    fn reasoning(&self) -> f64 {
        self.reasoning_usd_per_million.unwrap_or(self.output_usd_per_million)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Price = Price {
        input_usd_per_million: 10.0,
        output_usd_per_million: 100.0,
        cached_input_usd_per_million: None,
        cache_write_usd_per_million: None,
        reasoning_usd_per_million: None,
        batch_discount: 0.0,
    };
    const KINDS: Price = Price {
        cached_input_usd_per_million: Some(1.0),
        cache_write_usd_per_million: Some(12.5),
        reasoning_usd_per_million: Some(50.0),
        batch_discount: 0.5,
        ..PLAIN
    };

    /// Counts of a prompt, those of it that were cached and written, of an answer, and of its reasoning.
    type Counts = [u64; 5];

    fn check(price: Price, [input, cached, written, output, reasoning]: Counts, millionths: f64) {
        let usage = Usage { input_tokens: Some(input), output_tokens: Some(output) };
        let details = AnswerDetails {
            cached_tokens: Some(cached),
            cache_write_tokens: Some(written),
            reasoning_tokens: Some(reasoning),
            ..AnswerDetails::default()
        };
        let cost = |is_batch| price.cost_usd(usage, Some(&details), is_batch).expect("a cost");
        let close = |a: f64, b: f64| (a - b).abs() <= 1e-9 * b.max(1e-6);
        assert!(close(cost(false) * 1e6, millionths), "{} {millionths}", cost(false) * 1e6);
        assert!(close(cost(true), cost(false) * (1.0 - price.batch_discount)));
        let in_batches = price.in_batches().cost_usd(usage, Some(&details), false);
        assert!(close(cost(true), in_batches.expect("a cost")));
        let most = price.most_usd(input, output);
        assert!(cost(false) <= most * (1.0 + 1e-12), "{} is more than {most}", cost(false));
    }

    #[test]
    fn each_kind_of_token_has_its_price() {
        check(PLAIN, [7, 3, 2, 5, 4], 570.0);
        check(KINDS, [7, 0, 0, 5, 0], 570.0);
        check(KINDS, [7, 3, 2, 5, 0], 20.0 + 3.0 + 25.0 + 500.0);
        check(KINDS, [7, 7, 0, 5, 5], 7.0 + 250.0);
        check(KINDS, [0, 0, 7, 0, 0], 0.0);
    }

    #[test]
    fn a_part_is_never_more_than_the_whole() {
        check(KINDS, [7, 9, 9, 5, 9], 7.0 + 250.0);
        check(KINDS, [7, 4, 9, 5, 0], 4.0 + 37.5 + 500.0);
        check(KINDS, [0, u64::MAX, u64::MAX, 0, u64::MAX], 0.0);
        let all = u64::MAX as f64;
        check(KINDS, [u64::MAX; 5], all + all * 50.0);
    }

    #[test]
    fn tokens_that_nobody_counted_have_no_cost() {
        let usage = Usage { input_tokens: Some(7), output_tokens: None };
        assert_eq!(PLAIN.cost_usd(usage, None, false), None);
        let usage = Usage { input_tokens: Some(7), output_tokens: Some(0) };
        assert_eq!(KINDS.cost_usd(usage, None, false), Some(70.0 / 1e6));
        assert!((KINDS.most_usd(2, 3) - (25.0 + 300.0) / 1e6).abs() < 1e-12);
    }
}
