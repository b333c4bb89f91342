//! A file of records, asked about as a whole: what the ledger has is not bought again, and what was bought for the same file
//! before the process was ended counts as spent.

use std::{
    collections::{HashMap, HashSet},
    convert::Infallible,
    sync::PoisonError,
};

use evalmark_core::{
    embedding::decode,
    model::Provider,
    record::Record,
    request::{Request, RequestHash},
};
use evalmark_harness::{
    Answers, Ask, AskError, Budget, Endpoint, Event, Stop, Tally, ask_in_batches, ask_within,
    recorded_cell,
};
use evalmark_scoring::{
    Case as ScoringCase, JudgeReply, Judgement, Question, QuestionError, score_batch,
    split_reasoning,
};
use evalmark_store::monitor::{JudgeCounts, PeriodSpending};

use super::{
    super::stored::StoredRecord,
    WaitingRecord,
    case::Case,
    count::JudgedAs,
    panel::Panel,
    seat::unasked,
    spending::{budget_left, spent_in},
};
use crate::{
    error::Result,
    judges::JudgeReplies,
    parallel_asks::all_at_once,
    records::{Unasked, not_asked},
};

/// What models said of the records of a file.
pub(super) struct Judged {
    pub(super) counts: JudgeCounts,
    pub(super) cost_usd: f64,
    pub(super) spent: PeriodSpending,
}

/// What one model is asked: each question once.
struct ModelAsks {
    place: usize,
    endpoint: Endpoint,
    requests: Vec<Request>,
}

/// The answers of a model, and why it was not asked everything.
struct ModelAnswers {
    answers: Answers,
    unasked: Option<Unasked>,
}

impl Panel {
    /// Asks about these records, which have waited since a moment, and fills in their scores. `None`: it was stopped before
    /// all was answered.
    pub(super) fn judge(
        &self,
        records: &mut [WaitingRecord],
        since_us: i64,
        stop: &Stop,
    ) -> Result<Option<Judged>> {
        let cases: Vec<_> = records.iter().map(|one| self.case(&one.record)).collect();
        let asks = self.asks(&cases)?;
        let mut spent = spent_in(&self.spec, self.spent().as_ref(), (self.clock)());
        let before = spent.cost_usd;
        for one in &asks {
            self.add_bought(one, since_us, &mut spent)?;
        }
        let budget = budget_left(&self.spec, &spent);
        let tally = all_at_once(&asks, |one| self.ask(one, &budget, stop))?;
        spent.cost_usd += budget.spent().cost_usd;
        spent.tokens = spent.tokens.saturating_add(budget.spent().tokens);
        if stop.is_requested() {
            return Ok(None);
        }
        let answers = self.answers(&asks, tally.out_of_budget)?;
        let counts = self.fill_in(records, &cases, &answers)?;
        *self.spent() = Some(spent.clone());
        Ok(Some(Judged { counts, cost_usd: spent.cost_usd - before, spent }))
    }

    fn case(&self, record: &StoredRecord) -> Case {
        Case::new(record, &self.metrics, self.embedding.as_ref(), &self.prompts)
    }

    /// What is asked of each model.
    fn asks(&self, cases: &[Case]) -> Result<Vec<ModelAsks>> {
        let mut by_model: Vec<Vec<Request>> = self.models.iter().map(|_| Vec::new()).collect();
        let mut seen: HashSet<(usize, RequestHash)> = HashSet::new();
        for (place, request) in cases.iter().flat_map(|case| case.requests(&self.models)) {
            if seen.insert((place, request.hash())) {
                by_model[place].push(request);
            }
        }
        let mut asks = Vec::new();
        for (place, (seat, requests)) in self.seats.iter().zip(by_model).enumerate() {
            let Some(seat) = seat.as_ref().filter(|_| !requests.is_empty()) else { continue };
            let mut seat = seat.lock().unwrap_or_else(PoisonError::into_inner);
            let endpoint = seat.endpoint(&self.network, &self.ledger)?;
            asks.push(ModelAsks { place, endpoint, requests });
        }
        Ok(asks)
    }

    /// Counts what a process that was ended has bought for the same records.
    fn add_bought(
        &self,
        ModelAsks { place, endpoint, requests }: &ModelAsks,
        since_us: i64,
        spent: &mut PeriodSpending,
    ) -> Result<()> {
        let answers = endpoint.answers(&self.run_id)?;
        for request in requests {
            let Some(record) = answers.answer(&request.hash())? else { continue };
            if !record.cached && record.timing.started_at_us >= since_us {
                let cost_usd = self.models[*place].record_cost_usd(&record);
                spent.cost_usd += cost_usd.unwrap_or_default();
                let tokens = [record.usage.input_tokens, record.usage.output_tokens];
                let tokens = tokens.into_iter().flatten().fold(0, u64::saturating_add);
                spent.tokens = spent.tokens.saturating_add(tokens);
            }
        }
        Ok(())
    }

    fn ask(
        &self,
        ModelAsks { endpoint, requests, .. }: &ModelAsks,
        budget: &Budget,
        stop: &Stop,
    ) -> Result<Tally> {
        let each = || {
            let asks = requests.iter().map(|request| Ask { request: request.clone(), tag: () });
            asks.map(Ok::<_, Infallible>)
        };
        let events = |_: Event<()>| ();
        let run_id = &*self.run_id;
        let asked = if endpoint.asks_in_batches() {
            ask_in_batches(endpoint, run_id, &|| Ok(each()), &events, stop, budget)
        } else {
            ask_within(endpoint, run_id, each(), &events, stop, budget)
        };
        asked.map_err(|error| match error {
            AskError::Ledger(error) => error.into(),
            AskError::Source(never) => match never {},
        })
    }

    fn answers(
        &self,
        asks: &[ModelAsks],
        out_of_budget: bool,
    ) -> Result<HashMap<usize, ModelAnswers>> {
        let of = |one: &ModelAsks| {
            let answers = one.endpoint.answers(&self.run_id)?;
            let unasked = unasked(&one.endpoint, out_of_budget);
            Ok((one.place, ModelAnswers { answers, unasked }))
        };
        asks.iter().map(of).collect()
    }

    /// Gives each record the scores of the metrics that models judge.
    fn fill_in(
        &self,
        records: &mut [WaitingRecord],
        cases: &[Case],
        answers: &HashMap<usize, ModelAnswers>,
    ) -> Result<JudgeCounts> {
        let replies = cases.iter().map(|case| self.replies(case, answers));
        let replies: Vec<Vec<JudgeReplies>> = replies.collect::<Result<_>>()?;
        let judgements: Vec<Vec<Judgement<'_>>> = replies
            .iter()
            .map(|replies| replies.iter().map(JudgeReplies::as_judgement).collect())
            .collect();
        let with_replies: Vec<_> = cases
            .iter()
            .zip(&judgements)
            .map(|(case, judgements)| ScoringCase { subject: case.subject(), judgements })
            .collect();
        let scores = score_batch(&self.metrics, &with_replies);
        let mut counts = JudgeCounts::default();
        for (((one, case), replies), scores) in
            records.iter_mut().zip(cases).zip(&replies).zip(&scores)
        {
            let each = case.questions.iter().zip(replies).zip(scores);
            let each = each.map(|((asked, said), score)| JudgedAs::of(asked.as_ref(), said, score));
            let watched = case.embedding.as_ref();
            let watched =
                watched.map(|question| self.reply(question, case, answers)).transpose()?;
            let vector = watched.as_ref().map(|reply| vector(&reply.record));
            let of_vector = vector
                .as_ref()
                .map(|one| one.as_ref().map_or_else(|why| *why, |_| JudgedAs::Judged));
            each.chain(of_vector).max().unwrap_or(JudgedAs::NothingToAsk).count(&mut counts);
            let embedding = vector.and_then(Result::ok);
            let values = self.places.iter().zip(scores.iter().map(|score| score.value));
            one.record.judged(values.map(|(place, value)| (*place, value)), embedding);
        }
        Ok(counts)
    }

    fn replies(
        &self,
        case: &Case,
        answers: &HashMap<usize, ModelAnswers>,
    ) -> Result<Vec<JudgeReplies>> {
        let of = |questions: &Option<Result<Vec<Question>, QuestionError>>| match questions {
            None => Ok(JudgeReplies::Nothing),
            Some(Err(why)) => Ok(JudgeReplies::QuestionError(why.clone())),
            Some(Ok(questions)) => {
                let replies = questions.iter().map(|question| self.reply(question, case, answers));
                Ok(JudgeReplies::Given(replies.collect::<Result<_>>()?))
            }
        };
        case.questions.iter().map(of).collect()
    }

    fn reply(
        &self,
        question: &Question,
        case: &Case,
        answers: &HashMap<usize, ModelAnswers>,
    ) -> Result<JudgeReply> {
        let place = self.models.iter().position(|model| *model.name == *question.model);
        let Some(place) = place else {
            return Ok(JudgeReply { record: not_asked(None), cost_usd: None });
        };
        let model = &self.models[place];
        let mut record = match (&model.provider, answers.get(&place)) {
            (Provider::RecordedColumn(column), _) => recorded_cell(&case.fields, column.of(0)),
            (_, None) => not_asked(None),
            (_, Some(ModelAnswers { answers, unasked })) => {
                let record = answers.get(&question.request(model, 0).hash())?;
                record.unwrap_or_else(|| not_asked(unasked.as_ref()))
            }
        };
        if model.splits_reasoning {
            split_reasoning(&mut record);
        }
        let cost_usd = model.record_cost_usd(&record);
        Ok(JudgeReply { record, cost_usd })
    }
}

/// The vector that a model gave, as text, or what became of the question.
fn vector(record: &Record) -> Result<String, JudgedAs> {
    let output = record.output.as_ref().filter(|_| record.has_answer());
    let output = output.ok_or_else(|| JudgedAs::of_failure(record).unwrap_or(JudgedAs::Failed))?;
    if decode(output).is_none() {
        return Err(JudgedAs::Unreadable);
    }
    Ok(output.clone())
}
