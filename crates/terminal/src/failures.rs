//! Failures as people read them: which model and where, one example of each kind, and whether trying
//! again can help.

use std::fmt::Write;

use evalmark_core::{
    model::{Model, ModelServer, Provider, shown_command},
    number_format::{self, count, counted},
    record::{ErrorKind, Failure},
};
use evalmark_harness::{BatchesWaiting, Hold, Holder};
use evalmark_store::run_record::{FailureExample, SampleCounts};

/// A model with where it is served, such as `small` (gpt-4o-mini at `http://127.0.0.1:8080/v1`).
pub fn place(model: &Model) -> String {
    let (name, at) = (&model.name, &model.model);
    match &model.provider {
        Provider::Server(ModelServer { base_url, .. }) => format!("`{name}` ({at} at {base_url})"),
        Provider::Program(program) => format!("`{name}` (`{}`)", shown_command(&program.words)),
        Provider::RecordedFile(path) => format!("`{name}` (recorded in {})", path.display()),
        Provider::RecordedColumn(column) => format!("`{name}` (column `{}`)", column.of(0)),
    }
}

/// Samples that have no answer, an example of each kind, and what to do about them in the run folder
/// `run`.
pub fn describe(counts: &SampleCounts, models: &[Model], run: &str) -> Option<String> {
    if counts.failed == 0 {
        return None;
    }
    let kinds = counts
        .errors
        .iter()
        .map(|(kind, count)| format!("{} {kind}", number_format::count(*count)));
    let kinds = kinds.collect::<Vec<_>>().join(", ");
    let (failed, planned) =
        (number_format::count(counts.failed), counted(counts.planned, "sample"));
    let verb = if counts.failed == 1 { "has" } else { "have" };
    let mut text = format!("{failed} of {planned} {verb} no answer ({kinds})");
    for (kind, FailureExample { model, message }) in &counts.error_examples {
        let known = models.iter().find(|known| *known.name == **model);
        let model = known.map_or_else(|| format!("`{model}`"), place);
        let _ = write!(text, "\n  {kind}: {model}: {message}");
    }
    let _ = write!(text, "\n{}", advice(counts, run));
    Some(text)
}

/// What to do; to resume only where that can help.
fn advice(counts: &SampleCounts, run: &str) -> String {
    let errors = &counts.errors;
    let has = |kind: ErrorKind| errors.contains_key(kind.as_str());
    let resume = format!("retry them with\n  evalmark resume {run}");
    if has(ErrorKind::NoCredit) {
        return format!("add credit to the account, then {resume}");
    }
    if has(ErrorKind::NoCredentials) {
        return format!("give the credentials that the message names, then {resume}");
    }
    if counts.may_succeed_later() {
        return resume;
    }
    let kinds = errors.keys().filter_map(|kind| ErrorKind::from_name(kind));
    let mut reasons = kinds.filter(|kind| *kind != ErrorKind::EndpointDown);
    if reasons.all(|kind| kind == ErrorKind::NotRecorded) {
        return "the recording has no answers for them".to_owned();
    }
    if has(ErrorKind::Auth) {
        return "the server refuses the key; check `api_key_env` and the variable that it names, or \
                `api_key_command`"
            .to_owned();
    }
    "asking again would fail again; correct the suite, then start a new run".to_owned()
}

/// Why a model is called no more.
pub fn stopped(model: &Model, failure: &Failure) -> String {
    format!("Stopped calling model {}: {}", place(model), failure.message)
}

/// What a model is waited for, after a failed attempt.
pub fn retrying(model: &Model, failure: &Failure, retries: u64) -> String {
    let message = match failure.message.strip_prefix("HTTP ") {
        Some(status) => format!("server answers {status}"),
        None => failure.message.clone(),
    };
    let retries = match retries {
        1 => "1 retry".to_owned(),
        more => format!("{} retries", number_format::count(more)),
    };
    format!("{}: {message} ({retries})", place(model))
}

/// What holds requests to a model back.
pub fn held(model: &Model, hold: &Hold) -> String {
    let why = match &hold.by {
        Holder::RetryAfter => "the server asks for a pause",
        Holder::Headers => "the server's rate-limit headers say that the limit is used up",
        Holder::Pace => "requests are sent at the pace that the server accepts",
        Holder::OwnRate => "the suite limits requests or tokens per minute",
        Holder::Batches(waiting) => return format!("{}: {}", place(model), at_provider(waiting)),
    };
    format!("{}: {why}", place(model))
}

/// `2 batches at the provider, 300 of 1,234 requests done`.
fn at_provider(waiting: &BatchesWaiting) -> String {
    let BatchesWaiting { batches, requests, ended, unknown_state } = waiting;
    let state =
        unknown_state.as_ref().map(|state| format!("; the provider calls its state `{state}`"));
    let batches = match *batches {
        1 => "a batch".to_owned(),
        n => format!("{} batches", count(n)),
    };
    let (ended, requests) = (count(*ended), counted(*requests, "request"));
    format!("{batches} at the provider, {ended} of {requests} done{}", state.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(errors: &[(&str, u64)], expected: &str) {
        let errors = errors.iter().map(|(kind, count)| ((*kind).to_owned(), *count)).collect();
        let counts = SampleCounts { errors, ..SampleCounts::default() };
        let advice = advice(&counts, "RUN");
        assert!(advice.starts_with(expected), "{:?}: {advice}", counts.errors);
    }

    #[test]
    fn resuming_is_advised_where_it_can_help() {
        check(&[("server", 1)], "retry them with\n  evalmark resume RUN");
        check(&[("rate_limited", 1), ("bad_request", 5)], "retry them");
        check(&[("budget", 9)], "retry them");
        check(
            &[("no_credentials", 1), ("endpoint_down", 9)],
            "give the credentials that the message",
        );
        check(&[("endpoint_down", 9)], "retry them");
        check(&[("connection", 8), ("endpoint_down", 9)], "retry them");
        check(&[("no_credit", 1), ("endpoint_down", 9)], "add credit to the account, then retry");
        check(&[("bad_request", 8), ("endpoint_down", 9)], "asking again would fail again");
        check(&[("too_large", 1)], "asking again would fail again");
        check(&[("auth", 1), ("endpoint_down", 9)], "the server refuses the key");
        check(&[("not_recorded", 3)], "the recording has no answers");
    }
}
