//! A batch API, in OpenAI's wire form and in Anthropic's: it keeps what is handed in, ends batches
//! after so many looks, and counts what was bought.
//!
//! [`BatchServer::reply`] is the behaviour of a [`Server`](crate::Server). Each [`BatchStep`] can be
//! held, before it is done or behind it: that request is never answered.

mod wire;

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde_json::Value;

use crate::{Reply, Seen};

/// Which protocol's batch API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchForm {
    /// `/files` and `/batches`.
    OpenAi,
    /// `/messages/batches`.
    Anthropic,
}

/// What a client asks of a batch API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchStep {
    /// A file is uploaded.
    Upload,
    /// A batch is created.
    Create,
    /// How far a batch is.
    State,
    /// The list of batches.
    List,
    /// What came of a batch.
    Results,
}

/// When a step is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoldAt {
    /// It is not done, and not answered.
    Before,
    /// It is done, and not answered.
    After,
}

/// What becomes of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BatchEnd {
    /// An answer with this text; it is paid.
    Text(String),
    /// An error with this status and message.
    Error(u16, String),
    /// The time ran out.
    Expired,
    /// Somebody ended the batch.
    Cancelled,
    /// No line says anything of it.
    Missing,
}

/// What becomes of the request with this prompt, the number of times that it was handed in before.
type Answer = dyn Fn(&str, u32) -> BatchEnd + Send + Sync;
/// What results become on their way out.
type ChangeResults = dyn Fn(Vec<u8>) -> Reply + Send + Sync;

/// A batch API. Clones are the same one.
#[derive(Clone)]
pub struct BatchServer(Arc<Inner>);

struct Inner {
    form: BatchForm,
    answer: Box<Answer>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    files: BTreeMap<String, Vec<u8>>,
    batches: Vec<Batch>,
    /// How often a prompt was handed in, and answered.
    handed_in: BTreeMap<String, u32>,
    bought: BTreeMap<String, u32>,
    looks: u32,
    status: Option<String>,
    errors: Value,
    hold: Option<(BatchStep, HoldAt)>,
    held: u64,
    change_results: Option<Box<ChangeResults>>,
    hides_files: bool,
    called: Option<String>,
    steps: Vec<BatchStep>,
}

/// A batch as the server has it.
#[derive(Clone, Debug)]
struct Batch {
    id: String,
    file_id: Option<String>,
    metadata: Value,
    requests: Vec<(String, BatchEnd)>,
    looks_left: u32,
    /// How it ends.
    status: String,
    errors: Value,
}

impl BatchServer {
    /// A batch API whose batches end at the second look; `answer` says what becomes of a request by its
    /// prompt and the number of times that it was handed in before.
    pub fn new(
        form: BatchForm,
        answer: impl Fn(&str, u32) -> BatchEnd + Send + Sync + 'static,
    ) -> Self {
        let state = Mutex::new(State { looks: 1, ..State::default() });
        Self(Arc::new(Inner { form, answer: Box::new(answer), state }))
    }

    /// Later batches are open for so many looks.
    pub fn open_for(&self, looks: u32) {
        self.state().looks = looks;
    }

    /// Later batches end with this status and these errors, rather than as completed.
    pub fn end_as(&self, status: &str, errors: Value) {
        let mut state = self.state();
        (state.status, state.errors) = (Some(status.to_owned()), errors);
    }

    /// Later batches end as completed.
    pub fn end_well(&self) {
        self.state().status = None;
    }

    /// Batches that are open end at the next look.
    pub fn end_open(&self) {
        self.state().batches.iter_mut().for_each(|batch| batch.looks_left = 0);
    }

    /// Batches that are open say that they are in this state.
    pub fn call_open(&self, state: &str) {
        self.state().called = Some(state.to_owned());
    }

    /// Holds a step from now on; `None`: none.
    pub fn hold(&self, hold: Option<(BatchStep, HoldAt)>) {
        self.state().hold = hold;
    }

    /// How often a step was held.
    pub fn held(&self) -> u64 {
        self.state().held
    }

    /// Changes results on their way out.
    pub fn change_results(&self, change: impl Fn(Vec<u8>) -> Reply + Send + Sync + 'static) {
        self.state().change_results = Some(Box::new(change));
    }

    /// Results go out as they are.
    pub fn keep_results(&self) {
        self.state().change_results = None;
    }

    /// From now on no state says where results are, or each does again.
    pub fn hide_files(&self, hides_files: bool) {
        self.state().hides_files = hides_files;
    }

    /// How often each prompt was answered, and has to be paid.
    pub fn bought(&self) -> BTreeMap<String, u32> {
        self.state().bought.clone()
    }

    /// How many batches were created, and the requests in each.
    pub fn batches(&self) -> Vec<usize> {
        self.state().batches.iter().map(|batch| batch.requests.len()).collect()
    }

    /// What was asked, in order.
    pub fn steps(&self) -> Vec<BatchStep> {
        self.state().steps.clone()
    }

    /// Forgets all batches, as after a month.
    pub fn forget(&self) {
        self.state().batches.clear();
    }

    /// What the server replies.
    pub fn reply(&self, seen: &Seen) -> Reply {
        let Some((step, id)) = wire::step(self.0.form, seen) else { return Reply::status(404) };
        let mut state = self.state();
        state.steps.push(step);
        let hold = state.hold.filter(|(held, _)| *held == step).map(|(_, at)| at);
        if hold.is_some() {
            state.held += 1;
        }
        if hold == Some(HoldAt::Before) {
            return Reply::hang();
        }
        let reply = match step {
            BatchStep::Upload => state.upload(&seen.body),
            BatchStep::Create => self.create(&mut state, &seen.body),
            BatchStep::State => self.look(&mut state, &id),
            BatchStep::List => state.list(self.0.form),
            BatchStep::Results => self.results(&state, &id),
        };
        if hold == Some(HoldAt::After) { Reply::hang() } else { reply }
    }

    fn create(&self, state: &mut State, body: &[u8]) -> Reply {
        let Some(new) = wire::new_batch(self.0.form, body, &state.files) else {
            return Reply::status(400);
        };
        let mut requests = Vec::new();
        let status = state.status.clone().unwrap_or_else(|| "completed".to_owned());
        for (custom_id, prompt) in new.requests {
            let times = state.handed_in.entry(prompt.clone()).or_default();
            let end = (self.0.answer)(&prompt, *times);
            *times += 1;
            if matches!(end, BatchEnd::Text(_)) && status != "failed" {
                *state.bought.entry(prompt).or_default() += 1;
            }
            requests.push((custom_id, end));
        }
        let batch = Batch {
            id: format!("batch_{}", state.batches.len() + 1),
            file_id: new.file_id,
            metadata: new.metadata,
            requests,
            looks_left: state.looks,
            status,
            errors: state.errors.clone(),
        };
        let reply = Reply::json(&wire::batch(self.0.form, &batch));
        state.batches.push(batch);
        reply
    }

    fn look(&self, state: &mut State, id: &str) -> Reply {
        let Some(batch) = state.batches.iter_mut().find(|batch| batch.id == id) else {
            return Reply::status(404);
        };
        let mut told = wire::batch(self.0.form, batch);
        if let Some(called) = state.called.as_deref().filter(|_| batch.looks_left > 0) {
            let key = if self.0.form == BatchForm::OpenAi { "status" } else { "processing_status" };
            told[key] = Value::from(called);
        }
        batch.looks_left = batch.looks_left.saturating_sub(1);
        if state.hides_files {
            (told["output_file_id"], told["error_file_id"]) = (Value::Null, Value::Null);
        }
        Reply::json(&told)
    }

    fn results(&self, state: &State, id: &str) -> Reply {
        let of = |batch: &&Batch| {
            id == batch.id
                || id == format!("{}-output", batch.id)
                || id == format!("{}-error", batch.id)
        };
        let Some(batch) = state.batches.iter().find(of) else { return Reply::status(404) };
        let lines = wire::results(self.0.form, batch, id.ends_with("-error"));
        match &state.change_results {
            Some(change) => change(lines),
            None => Reply::bytes(lines),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn upload(&mut self, body: &[u8]) -> Reply {
        let id = format!("file-{}", self.files.len() + 1);
        self.files.insert(id.clone(), body.to_vec());
        Reply::json(&serde_json::json!({ "id": id, "object": "file", "purpose": "batch" }))
    }

    fn list(&mut self, form: BatchForm) -> Reply {
        let newest_first = self.batches.iter().rev();
        let data: Vec<_> = newest_first.map(|batch| wire::batch(form, batch)).collect();
        for batch in &mut self.batches {
            batch.looks_left = batch.looks_left.saturating_sub(1);
        }
        Reply::json(&serde_json::json!({ "object": "list", "data": data, "has_more": false }))
    }
}

impl fmt::Debug for BatchServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchServer").field("batches", &self.batches()).finish_non_exhaustive()
    }
}
