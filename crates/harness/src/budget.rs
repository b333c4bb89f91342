//! What may be spent, over all models and asks that share it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use evalmark_core::{answer_details::AnswerDetails, price::Price, record::Usage, request::Request};
use tokio::sync::Notify;

/// Characters per token at the least, so that an estimate of a prompt is rather too high.
const CHARACTERS_PER_TOKEN: u64 = 3;
/// Tokens that a message may use for its role and bounds.
const TOKENS_PER_MESSAGE: u64 = 8;

/// A limit to what is spent. Cheap to clone; clones share what was spent.
///
/// Before a request is sent its estimate is set aside: a third of the prompt's characters, and the
/// tokens that it allows for the answer (`max_tokens`), or the longest answer so far where it sets
/// no limit, all at the price of the dearest kind of token. The provider's own count replaces the estimate when the answer is there; the estimate
/// stays where the provider does not count, and a request that failed costs nothing. So the limit
/// is not passed as long as no request uses more than its estimate. A request whose estimate only
/// fits once others have turned out cheaper than theirs waits for that.
///
/// Answers that the ledger holds cost nothing. A model without a price whose answers say what they cost
/// is taken to cost as much as the dearest of them so far; where an answer of such a model does not say
/// it, a limit in dollars ends there, since nobody can tell any more what is left. A model whose answers
/// never say it costs nothing: refuse a limit in dollars for one before it comes to that.
#[derive(Clone, Debug, Default)]
pub struct Budget(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    max_cost_usd: Option<f64>,
    max_tokens: Option<u64>,
    accounts: Mutex<Accounts>,
    settled: Notify,
    /// Who waits does so here, one behind the other.
    door: tokio::sync::Mutex<()>,
}

/// What was spent within a [`Budget`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Spent {
    /// US dollars.
    pub cost_usd: f64,
    /// Tokens, of prompts and answers together.
    pub tokens: u64,
    /// Requests among them whose tokens nobody counted, so that their estimates stand.
    pub estimated: u64,
}

#[derive(Debug, Default)]
struct Accounts {
    spent: Spent,
    set_aside: Amount,
    /// The dearest answer so far among those that said what they cost.
    dearest_told_usd: Option<f64>,
    /// Nothing more may be spent.
    is_closed: bool,
}

/// What a request costs, or may cost.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Amount {
    cost_usd: f64,
    tokens: u64,
}

/// An estimate, set aside until the request has ended. Dropped, it is free again.
#[derive(Debug)]
pub(crate) struct Reservation<'a> {
    budget: &'a Budget,
    price: Option<Price>,
    amount: Amount,
    tokens: (u64, u64),
}

/// Whether a request may be sent.
enum Verdict {
    Fits(Amount),
    /// Once others have turned out cheaper than estimated, perhaps.
    Perhaps,
    Never,
}

impl Budget {
    /// At most so many US dollars, and so many tokens. `None`: without a limit.
    pub fn new(max_cost_usd: Option<f64>, max_tokens: Option<u64>) -> Self {
        Self(Arc::new(Shared { max_cost_usd, max_tokens, ..Shared::default() }))
    }

    /// What was spent so far, without what is set aside for requests that have not ended.
    pub fn spent(&self) -> Spent {
        self.accounts().spent
    }

    /// The limit in US dollars.
    pub fn max_cost_usd(&self) -> Option<f64> {
        self.0.max_cost_usd
    }

    /// The limit in tokens.
    pub fn max_tokens(&self) -> Option<u64> {
        self.0.max_tokens
    }

    fn accounts(&self) -> MutexGuard<'_, Accounts> {
        self.0.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Spends no more: what an answer cost is unknown.
    pub(crate) fn close(&self) {
        self.accounts().is_closed = true;
        self.0.settled.notify_one();
    }

    /// Whether there is a limit.
    pub(crate) fn is_limited(&self) -> bool {
        self.0.max_cost_usd.is_some() || self.0.max_tokens.is_some()
    }

    /// A reservation that nobody has to wait for, since there is no limit.
    pub(crate) fn without_limit(
        &self,
        tokens: (u64, u64),
        price: Option<Price>,
    ) -> Option<Reservation<'_>> {
        (!self.is_limited()).then(|| self.reservation(tokens, price, Amount::of(tokens, price)))
    }

    /// Sets aside what a request with so many tokens of prompt and answer may cost, and waits until
    /// that fits. `None`: it never will.
    pub(crate) async fn reserve(
        &self,
        tokens: (u64, u64),
        price: Option<Price>,
    ) -> Option<Reservation<'_>> {
        let _first = self.0.door.lock().await;
        loop {
            let settled = self.0.settled.notified();
            match self.set_aside(tokens, price) {
                Verdict::Fits(amount) => return Some(self.reservation(tokens, price, amount)),
                Verdict::Perhaps => settled.await,
                Verdict::Never => return None,
            }
        }
    }

    /// As [`Budget::reserve`], but does not wait.
    pub(crate) fn reserve_now(
        &self,
        tokens: (u64, u64),
        price: Option<Price>,
    ) -> Option<Reservation<'_>> {
        match self.set_aside(tokens, price) {
            Verdict::Fits(amount) => Some(self.reservation(tokens, price, amount)),
            Verdict::Perhaps | Verdict::Never => None,
        }
    }

    /// Sets aside what was bought before, whether or not it fits.
    pub(crate) fn reserve_bought(
        &self,
        tokens: (u64, u64),
        price: Option<Price>,
    ) -> Reservation<'_> {
        let amount = Amount::of(tokens, price);
        let mut accounts = self.accounts();
        accounts.set_aside.cost_usd += amount.cost_usd;
        accounts.set_aside.tokens = accounts.set_aside.tokens.saturating_add(amount.tokens);
        drop(accounts);
        self.reservation(tokens, price, amount)
    }

    /// Counts an answer, for which `tokens` were the estimate. Gives the tokens that count, and
    /// whether they are an estimate.
    pub(crate) fn spend(
        &self,
        (input, output): (u64, u64),
        price: Option<Price>,
        usage: Usage,
        details: Option<&AnswerDetails>,
    ) -> ((u64, u64), bool) {
        let is_estimate = usage.input_tokens.is_none() || usage.output_tokens.is_none();
        let tokens = (usage.input_tokens.unwrap_or(input), usage.output_tokens.unwrap_or(output));
        let mut amount = Amount::of(tokens, price);
        let told = details.and_then(|details| details.cost_usd);
        let counted = || price?.cost_usd(usage, details, false);
        let accounts = &mut *self.accounts();
        if price.is_none() {
            amount.cost_usd = accounts.dearest_told_usd.unwrap_or_default();
        }
        if let Some(cost) = told.or_else(counted) {
            amount.cost_usd = cost;
        }
        if let Some(told) = told {
            accounts.dearest_told_usd = Some(accounts.dearest_told_usd.unwrap_or(0.0).max(told));
        }
        let spent = &mut accounts.spent;
        spent.cost_usd += amount.cost_usd;
        spent.tokens = spent.tokens.saturating_add(amount.tokens);
        spent.estimated += u64::from(is_estimate);
        (tokens, is_estimate)
    }

    fn reservation(
        &self,
        tokens: (u64, u64),
        price: Option<Price>,
        amount: Amount,
    ) -> Reservation<'_> {
        Reservation { budget: self, price, amount, tokens }
    }

    fn set_aside(&self, tokens: (u64, u64), price: Option<Price>) -> Verdict {
        let mut accounts = self.accounts();
        let Accounts { spent, set_aside, dearest_told_usd, is_closed } = *accounts;
        if is_closed {
            return Verdict::Never;
        }
        let mut amount = Amount::of(tokens, price);
        if price.is_none() {
            if dearest_told_usd.is_none() && self.0.max_cost_usd.is_some() && set_aside.tokens > 0 {
                // Nobody knows what an answer costs before the first one says so.
                return Verdict::Perhaps;
            }
            amount.cost_usd = dearest_told_usd.unwrap_or_default();
        }
        let fits = |cost_usd: f64, tokens: u64| {
            self.0.max_cost_usd.is_none_or(|most| cost_usd + amount.cost_usd <= most)
                && self.0.max_tokens.is_none_or(|most| tokens + amount.tokens <= most)
        };
        if fits(spent.cost_usd + set_aside.cost_usd, spent.tokens.saturating_add(set_aside.tokens))
        {
            accounts.set_aside.cost_usd += amount.cost_usd;
            accounts.set_aside.tokens = set_aside.tokens.saturating_add(amount.tokens);
            Verdict::Fits(amount)
        } else if fits(spent.cost_usd, spent.tokens) && set_aside.tokens > 0 {
            Verdict::Perhaps
        } else {
            Verdict::Never
        }
    }
}

impl Amount {
    /// At most, whatever the kinds of the tokens.
    fn of((input, output): (u64, u64), price: Option<Price>) -> Self {
        let cost_usd = price.map_or(0.0, |price| price.most_usd(input, output));
        Self { cost_usd, tokens: input.saturating_add(output) }
    }
}

impl Reservation<'_> {
    /// The request was answered, and used this much. Gives the tokens that count, and whether they
    /// are an estimate.
    pub(crate) fn settle(
        self,
        usage: Usage,
        details: Option<&AnswerDetails>,
    ) -> ((u64, u64), bool) {
        // Dropped now, the reservation gives back what was set aside.
        self.budget.spend(self.tokens, self.price, usage, details)
    }

    /// Takes in another reservation of the same budget: both are free again at the same time.
    pub(crate) fn merge(&mut self, mut other: Self) {
        let amount = std::mem::take(&mut other.amount);
        self.amount.cost_usd += amount.cost_usd;
        self.amount.tokens = self.amount.tokens.saturating_add(amount.tokens);
        self.tokens.0 = self.tokens.0.saturating_add(other.tokens.0);
        self.tokens.1 = self.tokens.1.saturating_add(other.tokens.1);
    }

    /// Tokens of prompts and answers that it is for.
    pub(crate) fn tokens(&self) -> (u64, u64) {
        self.tokens
    }
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        if !self.budget.is_limited() {
            return;
        }
        let mut accounts = self.budget.accounts();
        let set_aside = &mut accounts.set_aside;
        set_aside.tokens = set_aside.tokens.saturating_sub(self.amount.tokens);
        set_aside.cost_usd =
            if set_aside.tokens == 0 { 0.0 } else { set_aside.cost_usd - self.amount.cost_usd };
        drop(accounts);
        self.budget.0.settled.notify_one();
    }
}

/// Tokens that a request may use at most, as far as one can tell: of its prompt, and of an answer.
pub(crate) fn upper_bound(request: &Request, longest_answer: u64) -> (u64, u64) {
    let prompt = request.messages.iter().map(|message| {
        let characters = message.estimated_characters();
        characters.div_ceil(CHARACTERS_PER_TOKEN) + TOKENS_PER_MESSAGE
    });
    (prompt.sum(), request.max_output_tokens.unwrap_or(longest_answer))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRICE: Option<Price> = Some(Price {
        input_usd_per_million: 1.0,
        output_usd_per_million: 10.0,
        cached_input_usd_per_million: None,
        cache_write_usd_per_million: None,
        reasoning_usd_per_million: None,
        batch_discount: 0.5,
    });

    fn usage(input: u64, output: u64) -> Usage {
        Usage { input_tokens: Some(input), output_tokens: Some(output) }
    }

    #[test]
    fn what_is_set_aside_counts_until_it_is_settled() {
        let budget = Budget::new(None, Some(100));
        let first = budget.reserve_now((30, 30), PRICE).expect("room");
        assert!(budget.reserve_now((30, 30), PRICE).is_none());
        assert_eq!(first.settle(usage(10, 5), None), ((10, 5), false));
        let second = budget.reserve_now((30, 30), PRICE).expect("room");
        drop(second);
        assert_eq!(budget.spent().tokens, 15);
        assert!(budget.reserve_now((60, 25), None).is_some());
        assert!(budget.reserve_now((60, 26), None).is_none());
    }

    #[test]
    fn dollars_are_counted_and_estimates_stand_in() {
        let budget = Budget::new(Some(0.001), None);
        let reservation = budget.reserve_now((100, 50), PRICE).expect("room");
        assert_eq!(reservation.settle(Usage::default(), None), ((100, 50), true));
        let spent = budget.spent();
        assert!((spent.cost_usd - 0.0006).abs() < 1e-12 && spent.estimated == 1, "{spent:?}");
        assert!(budget.reserve_now((100, 50), PRICE).is_none());
        assert!(budget.reserve_now((100, 30), PRICE).is_some());
        assert!(budget.reserve_now((100, 50), None).is_some(), "without a price it is free");
    }

    #[test]
    fn the_dearest_kind_is_set_aside_and_what_was_used_is_paid() {
        let price = Price {
            cached_input_usd_per_million: Some(0.1),
            cache_write_usd_per_million: Some(2.0),
            reasoning_usd_per_million: Some(20.0),
            ..PRICE.expect("a price")
        };
        // At most 100 tokens at 2 and 10 at 20 dollars a million.
        let budget = Budget::new(Some(0.0004), None);
        assert!(budget.reserve_now((101, 10), Some(price)).is_none());
        let reservation = budget.reserve_now((100, 10), Some(price)).expect("room");
        let details = AnswerDetails {
            cached_tokens: Some(50),
            cache_write_tokens: Some(10),
            reasoning_tokens: Some(4),
            ..AnswerDetails::default()
        };
        reservation.settle(usage(100, 10), Some(&details));
        let millionths = 40.0 + 5.0 + 20.0 + 60.0 + 80.0;
        assert!((budget.spent().cost_usd * 1e6 - millionths).abs() < 1e-6, "{:?}", budget.spent());
    }

    #[test]
    fn what_answers_cost_is_what_they_say() {
        let budget = Budget::new(Some(0.01), None);
        let told = AnswerDetails { cost_usd: Some(0.004), ..AnswerDetails::default() };
        for (expected, details) in [(0.004, Some(&told)), (0.008, None)] {
            let reservation = budget.reserve_now((1, 1), None).expect("room");
            reservation.settle(usage(1, 1), details);
            assert!((budget.spent().cost_usd - expected).abs() < 1e-12, "{:?}", budget.spent());
        }
        assert!(budget.reserve_now((1, 1), None).is_none(), "another one might cost as much");
        let priced = Budget::new(None, None);
        let reservation = priced.reserve_now((100, 50), PRICE).expect("room");
        reservation.settle(usage(100, 50), Some(&told));
        assert!((priced.spent().cost_usd - 0.004).abs() < 1e-12, "what is told counts");
    }

    #[test]
    fn nothing_is_sent_once_a_cost_is_unknown() {
        let budget = Budget::new(Some(0.01), None);
        let reservation = budget.reserve_now((1, 1), None).expect("room");
        budget.close();
        reservation.settle(usage(1, 1), None);
        assert!(budget.reserve_now((1, 1), None).is_none());
        assert!(budget.reserve_now((1, 1), PRICE).is_none(), "nor of any other model");
    }

    #[test]
    fn who_may_fit_later_waits_and_who_never_will_does_not() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let budget = Budget::new(None, Some(100));
            let first = budget.reserve((40, 40), None).await.expect("room");
            let (second, ()) = tokio::join!(budget.reserve((40, 40), None), async {
                tokio::task::yield_now().await;
                first.settle(usage(5, 5), None);
            });
            second.expect("room").settle(usage(40, 40), None);
            assert!(budget.reserve((5, 6), None).await.is_none());
        });
    }
}
