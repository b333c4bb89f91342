//! How all requests ended, told one by one once no batch is waited for any more.

use evalmark_core::{record::Record, request::Request};

use crate::{
    ask::{Ask, AskError},
    endpoint::Endpoint,
    event::{Event, Tally},
    ledger::LedgerError,
};

/// Requests that are looked up together.
const CHUNK: usize = 256;

/// Tells of each request how it ended; of those that were left out, nothing.
pub(super) fn tell<T, E, I>(
    endpoint: &Endpoint,
    run_id: &str,
    requests: &dyn Fn() -> Result<I, E>,
    events: &(dyn Fn(Event<T>) + Sync),
    tally: &mut Tally,
) -> Result<(), AskError<E>>
where
    I: Iterator<Item = Result<Ask<T>, E>>,
{
    let answers = endpoint.answers(run_id)?;
    let mut requests = requests().map_err(AskError::Source)?;
    loop {
        let chunk: Result<Vec<_>, E> = requests.by_ref().take(CHUNK).collect();
        let chunk = chunk.map_err(AskError::Source)?;
        if chunk.is_empty() {
            return Ok(());
        }
        answers.begin()?;
        let find = |ask: &Ask<T>| answers.get(&Request::hash(&ask.request));
        let records: Result<Vec<Option<Record>>, LedgerError> = chunk.iter().map(find).collect();
        answers.end()?;
        for (Ask { tag, .. }, record) in chunk.into_iter().zip(records?) {
            let Some(record) = record else {
                tally.abandoned += 1;
                continue;
            };
            let event = if record.cached {
                Event::Cached { tag, record }
            } else if record.has_answer() {
                Event::Answered { tag, record, shared: false }
            } else {
                Event::Failed { tag, record }
            };
            tally.count(&event);
            events(event);
        }
    }
}
