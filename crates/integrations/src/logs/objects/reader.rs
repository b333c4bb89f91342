//! Objects, listed and read one after the other.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use evalmark_core::{
    logs::{LogChunk, LogDamage, LogInput, LogInputError, LogPosition, LogRead},
    source::{SourceContext, SourceError},
};

use super::{
    super::{lines::Lines, standard_input::too_long},
    ObjectLogsOptions,
    address::{Address, split},
    content::{Content, Opened},
    known::{Known, KnownObjects, number_of},
};
use crate::sources::objects::{ListedObject, OpenStore};

/// Between two looks for new objects.
const LOOK: Duration = Duration::from_mins(1);

/// Logs in a store.
pub(super) struct ObjectLogs {
    store: OpenStore,
    /// As it is told: no parameters.
    place: String,
    root: String,
    /// The bucket: what is known of its objects counts for every pattern.
    position: LogPosition,
    /// Positions of other places.
    others: Vec<LogPosition>,
    known: KnownObjects,
    waiting: VecDeque<ListedObject>,
    current: Option<(ListedObject, Box<Content>)>,
    follow: bool,
    every: Duration,
    now: fn() -> i64,
    next_look: Option<Instant>,
}

impl ObjectLogs {
    pub(super) fn open(
        address: Address,
        options: ObjectLogsOptions<'_>,
    ) -> Result<Self, LogInputError> {
        let Address { store, root, every } = address;
        let place = split(options.place).0.to_owned();
        let context = SourceContext {
            folder: options.folder,
            access: options.access,
            cache_dir: options.cache_dir,
            may_fetch: true,
            keys: options.keys,
        };
        let bucket = format!("{root} at {}", store.place().endpoint);
        let store = OpenStore::open(store, &context).map_err(|error| unreadable(&place, &error))?;
        let is_its = |one: &LogPosition| one.path.as_os_str() == bucket.as_str();
        let (mut its, others): (Vec<_>, Vec<_>) = options.positions.into_iter().partition(is_its);
        let new = || LogPosition { path: bucket.clone().into(), ..LogPosition::default() };
        let position = its.pop().unwrap_or_else(new);
        Ok(Self {
            store,
            place,
            root,
            known: KnownObjects::read(&position.cursor),
            position,
            others,
            waiting: VecDeque::new(),
            current: None,
            follow: options.follow,
            every: every.map_or(LOOK, Duration::from_secs),
            now: options.now,
            next_look: None,
        })
    }

    /// Lists the objects, and lines up those with something to read.
    fn look(&mut self) -> Result<(), LogInputError> {
        let listed = self.store.list().map_err(|error| unreadable(&self.place, &error))?;
        if listed.is_empty() && !self.follow {
            return Err(LogInputError::Nothing { place: self.place.clone() });
        }
        let today = u16::try_from((self.now)().div_euclid(86_400)).unwrap_or(u16::MAX);
        let is_new = |one: &ListedObject| !self.known.is_read(&one.key, number_of(&one.tag), today);
        self.waiting = listed.into_iter().filter(is_new).collect();
        self.known.forget(today);
        self.next_look = Some(Instant::now() + self.every);
        Ok(())
    }

    /// Begins with an object; a chunk tells of one that was replaced.
    fn begin(&mut self, listed: ListedObject) -> Result<Option<LogChunk>, LogInputError> {
        let etag = number_of(&listed.tag);
        let before = self.known.get(&listed.key);
        let is_same = before.is_some_and(|before| before.etag == etag);
        let today = u16::try_from((self.now)().div_euclid(86_400)).unwrap_or(u16::MAX);
        let known = Known { etag, is_done: false, day: today, ..before.unwrap_or_default() };
        let file = match self.store.fetch(&listed) {
            Ok(Some(file)) => file,
            // It is gone, or another by now: the next listing says so.
            Ok(None) => return Ok(None),
            Err(error) => return Err(unreadable(&self.name(&listed), &error)),
        };
        match Content::open(&listed.key, file, known, is_same) {
            Ok(Opened::GoesOn(content)) => {
                self.current = Some((listed, content));
                Ok(None)
            }
            Ok(Opened::Replaced) => {
                let problem = "was replaced after it was read; what it holds now is not read";
                Ok(Some(self.ended(&listed, known, Some(problem.to_owned()))))
            }
            Err(problem) => Ok(Some(self.ended(&listed, known, Some(problem)))),
        }
    }

    /// The next lines of the object that is read; `None` at its end.
    fn next_of_current(&mut self) -> Option<LogChunk> {
        let (listed, mut content) = self.current.take()?;
        let before = content.known;
        match content.next() {
            Ok(Some(lines)) => {
                let chunk = self.chunk(&listed, before, content.known, lines);
                self.current = Some((listed, content));
                Some(chunk)
            }
            Ok(None) => {
                self.known.set(&listed.key, Known { is_done: true, ..content.known });
                None
            }
            Err(problem) => Some(self.ended(&listed, before, Some(problem))),
        }
    }

    /// Nothing more is read of an object; a chunk without lines says why.
    fn ended(&mut self, listed: &ListedObject, known: Known, problem: Option<String>) -> LogChunk {
        let known = Known { is_done: true, ..known };
        let mut chunk = self.chunk(listed, known, known, Lines::default());
        let line = (known.lines > 0).then_some(u64::from(known.lines) + 1);
        chunk.damaged.extend(problem.map(|problem| LogDamage { line, problem }));
        chunk
    }

    fn chunk(
        &mut self,
        listed: &ListedObject,
        before: Known,
        after: Known,
        lines: Lines,
    ) -> LogChunk {
        self.known.set(&listed.key, after);
        self.position.lines += lines.n;
        let first_line = u64::from(before.lines) + 1;
        let damage = LogDamage { line: Some(first_line), problem: too_long() };
        LogChunk {
            // Positions are asked for when all is stored.
            file: None,
            name: self.name(listed).into(),
            first_line,
            start: before.offset,
            bytes: lines.bytes,
            damaged: if lines.passed_over { vec![damage] } else { Vec::new() },
            left_out: 0,
            after: Box::default(),
        }
    }

    fn name(&self, listed: &ListedObject) -> String {
        format!("{}{}", self.root, listed.key)
    }
}

impl LogInput for ObjectLogs {
    fn read(&mut self) -> Result<LogRead, LogInputError> {
        loop {
            if let Some(chunk) = self.next_of_current() {
                return Ok(LogRead::Chunk(chunk));
            }
            if let Some(listed) = self.waiting.pop_front() {
                if let Some(chunk) = self.begin(listed)? {
                    return Ok(LogRead::Chunk(chunk));
                }
                continue;
            }
            let nothing = if self.follow { LogRead::Waiting } else { LogRead::End };
            let is_time = self.next_look.is_none_or(|at| self.follow && Instant::now() >= at);
            if !is_time {
                return Ok(nothing);
            }
            self.look()?;
            if self.waiting.is_empty() {
                return Ok(nothing);
            }
        }
    }

    fn positions(&self) -> Option<Vec<LogPosition>> {
        let own = LogPosition { cursor: self.known.to_text(), ..self.position.clone() };
        Some(self.others.iter().cloned().chain([own]).collect())
    }
}

fn unreadable(place: &str, error: &SourceError) -> LogInputError {
    let hint = match error {
        SourceError::Failed { hint: Some(hint), .. } => format!("; {hint}"),
        _ => String::new(),
    };
    LogInputError::Unreadable { place: place.to_owned(), reason: format!("{error}{hint}") }
}
