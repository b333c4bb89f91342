//! Log files, read once or followed. A file is known again by its number and its first bytes, so that one that is
//! renamed, copied and cut, or packed after it was rotated, goes on where it stopped, and no line comes twice.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    fs,
    path::{Path, PathBuf},
};

use evalmark_core::{
    files::FileAccess,
    logs::{LogInput, LogInputError, LogPosition, LogRead},
};

use super::{
    identity::{FileNumber, Form, Likeness, Looked, Stamp, TELLING},
    lines::LastLine,
    places::{Places, names_in, unreadable},
    tracked::Tracked,
};

/// What is read, and from where on.
#[derive(Debug)]
pub struct LogFilesOptions<'a> {
    /// Files, folders and patterns.
    pub places: &'a [PathBuf],
    /// What may be opened.
    pub access: FileAccess,
    /// How far files have been read before.
    pub positions: Vec<LogPosition>,
    /// Whether there is more to come.
    pub follow: bool,
    /// What time it is: seconds since 1970.
    pub now: i64,
}

/// A file of which nothing has been found for so many seconds is forgotten.
const FORGOTTEN: i64 = 30 * 86_400;

/// Log files in one or several places.
pub struct LogFiles {
    places: Places,
    access: FileAccess,
    follow: bool,
    tracked: Vec<Tracked>,
    /// Files that were looked at, as they were then.
    seen: HashMap<FileNumber, Stamp>,
    /// Files with the content of one that is tracked, as they were when that was found out.
    copies: HashMap<FileNumber, (usize, Stamp)>,
    /// Files with lines to read, by their place among those that are tracked.
    ready: VecDeque<usize>,
    has_scanned: bool,
}

impl LogFiles {
    /// Looks for logs; there must be some.
    pub fn open(options: LogFilesOptions<'_>) -> Result<Self, LogInputError> {
        let LogFilesOptions { places, access, positions, follow, now } = options;
        let mut files = Self {
            places: Places::new(places, &access)?,
            access,
            follow,
            tracked: positions.into_iter().map(Tracked::known).collect(),
            seen: HashMap::new(),
            copies: HashMap::new(),
            ready: VecDeque::new(),
            has_scanned: false,
        };
        files.scan()?;
        if files.forget_lost(now) {
            files.scan()?;
        }
        if files.tracked.iter().all(|tracked| !tracked.is_found) {
            return Err(LogInputError::Nothing { place: files.places.told() });
        }
        Ok(files)
    }

    /// Forgets files of which nothing has been found for long where it should be; answers whether there are any. What a
    /// file is called is looked for in places of now alone: those of another command may still be there.
    fn forget_lost(&mut self, now: i64) -> bool {
        for tracked in &mut self.tracked {
            let lost = &mut tracked.position.lost_at;
            if tracked.is_found {
                *lost = None;
            } else if self.places.cover(&tracked.position.path) {
                *lost = Some(lost.map_or(now, |since| since.min(now)));
            }
        }
        let n_before = self.tracked.len();
        let is_lost = |at: i64| now.saturating_sub(at) > FORGOTTEN;
        self.tracked.retain(|one| !one.position.lost_at.is_some_and(is_lost));
        let has_forgotten = self.tracked.len() < n_before;
        if has_forgotten {
            // They name files by their places.
            self.copies.clear();
            self.seen.clear();
        }
        has_forgotten
    }

    /// Finds out which file is which, and which have lines to read.
    fn scan(&mut self) -> Result<(), LogInputError> {
        let mut by_number: HashMap<FileNumber, usize> = HashMap::new();
        for (i, tracked) in self.tracked.iter_mut().enumerate() {
            tracked.is_found = tracked.is_open();
            by_number.extend(tracked.number().map(|number| (number, i)));
        }
        let mut unknown = Vec::new();
        for path in self.places.files()? {
            unknown.extend(self.recognise(&path, &by_number)?.map(|looked| (looked, true)));
        }
        unknown.extend(self.siblings(&by_number)?.into_iter().map(|looked| (looked, false)));
        for (looked, is_wanted) in unknown {
            self.place_unknown(looked, is_wanted);
        }
        let has_more = |tracked: &Tracked| tracked.may_have_more && !tracked.is_closed();
        let ready = self.tracked.iter().enumerate().filter(|(_, tracked)| has_more(tracked));
        self.ready = ready.map(|(i, _)| i).collect();
        Ok(())
    }

    /// Finds the file of a path among those that are tracked, by its number; gives it back where it is
    /// none of them, or has become another.
    fn recognise(
        &mut self,
        path: &Path,
        by_number: &HashMap<FileNumber, usize>,
    ) -> Result<Option<Looked>, LogInputError> {
        let Ok(about) = fs::metadata(path) else { return Ok(None) };
        let (number, stamp) = (FileNumber::of(&about), Stamp::of(&about));
        let known = by_number.get(&number).copied();
        let is_unchanged = self.seen.get(&number) == Some(&stamp);
        if let Some(i) = known.filter(|_| is_unchanged)
            && self.tracked[i].number() == Some(number)
        {
            self.tracked[i].is_found = true;
            self.tracked[i].moved(path);
            return Ok(None);
        }
        let copy = self.copies.get(&number);
        let is_copy = |(i, then): &(usize, Stamp)| self.tracked[*i].is_found && *then == stamp;
        if copy.is_some_and(is_copy) {
            return Ok(None);
        }
        let looked = Looked::at(path, &self.access).map_err(|error| unreadable(path, &error))?;
        let Some(looked) = looked else { return Ok(None) };
        self.seen.insert(number, stamp);
        let Some(i) = known else { return Ok(Some(looked)) };
        let tracked = &mut self.tracked[i];
        if !looked.continues(&tracked.position) {
            tracked.detach();
            return Ok(Some(looked));
        }
        if tracked.is_closed() {
            tracked.attach(looked);
        } else {
            tracked.moved(path);
        }
        tracked.is_found = true;
        Ok(None)
    }

    /// What lies beside files that were read here and are not where they were: a file is renamed, copied or
    /// packed within its folder. Files with the number of one that is missed are taken at once.
    fn siblings(
        &mut self,
        by_number: &HashMap<FileNumber, usize>,
    ) -> Result<Vec<Looked>, LogInputError> {
        let mut folders: BTreeMap<PathBuf, Vec<String>> = BTreeMap::new();
        for tracked in &self.tracked {
            let (path, is_missed) =
                (tracked.path(), !tracked.is_found && !tracked.position.is_done);
            if is_missed
                && self.places.cover(path)
                && let (Some(folder), Some(name)) = (path.parent(), path.file_name())
            {
                let names = folders.entry(folder.to_owned()).or_default();
                names.push(name.to_string_lossy().into_owned());
            }
        }
        let mut unknown = Vec::new();
        for (folder, names) in folders {
            let here = if folder.as_os_str().is_empty() { Path::new(".") } else { &folder };
            for path in names_in(here).unwrap_or_default() {
                let path = folder.join(path.file_name().unwrap_or_default());
                let Ok(about) = fs::metadata(&path) else { continue };
                let number = FileNumber::of(&about);
                let missed = by_number.get(&number).filter(|i| !self.tracked[**i].is_found);
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                let is_later = names.iter().any(|earlier| is_later_name(&name, earlier));
                let is_new = self.seen.get(&number) != Some(&Stamp::of(&about))
                    || self.copies.contains_key(&number);
                if missed.is_some() || is_later && is_new && !by_number.contains_key(&number) {
                    unknown.extend(self.recognise(&path, by_number)?);
                }
            }
        }
        Ok(unknown)
    }

    /// A file of no known number goes on where one with its content stopped, is a copy, or is new.
    fn place_unknown(&mut self, looked: Looked, is_wanted: bool) {
        self.copies.remove(&looked.number);
        for i in 0..self.tracked.len() {
            match self.relation(&looked, i) {
                Relation::Other => {}
                Relation::Unknown => return,
                Relation::Successor => return self.tracked[i].attach(looked),
                Relation::Copy => {
                    self.copies.insert(looked.number, (i, looked.stamp));
                    return;
                }
            }
        }
        if is_wanted {
            self.tracked.push(Tracked::new(looked));
        }
    }

    /// What a file of no known number is to one that was read.
    fn relation(&self, looked: &Looked, i: usize) -> Relation {
        let tracked = &self.tracked[i];
        let is_kin = is_kin(&looked.path, tracked.path());
        if tracked.position.offset < TELLING && !is_kin {
            return Relation::Other;
        }
        let likeness = looked.likeness(&tracked.position);
        let is_plain = looked.form == Form::Plain;
        match (likeness, tracked.is_found) {
            (Likeness::Unfinished, _) if is_kin => Relation::Unknown,
            (Likeness::Other | Likeness::Unfinished, _) => Relation::Other,
            (Likeness::Whole, false) => Relation::Successor,
            (Likeness::Whole, true) if !is_plain => Relation::Copy,
            // Nothing has its content any more that could tell; what was read of it was more.
            (Likeness::Shorter, false)
                if is_named_after(&looked.path, tracked.path())
                    && looked.begins_as(&tracked.position) =>
            {
                Relation::Copy
            }
            (_, true) if !is_plain => Relation::Other,
            (_, true) if looked.len > 0 && self.is_beginning_of(looked, tracked) => Relation::Copy,
            _ => Relation::Other,
        }
    }

    /// Whether a file is the beginning of one that is read, wherever that lies by now.
    fn is_beginning_of(&self, looked: &Looked, tracked: &Tracked) -> bool {
        if let Some(file) = tracked.plain_file() {
            return looked.is_beginning_of(file);
        }
        let Ok(file) = self.access.open(tracked.path()) else { return false };
        let number = file.metadata().ok().map(|about| FileNumber::of(&about));
        number == tracked.number() && looked.is_beginning_of(&file)
    }

    /// What becomes of a half line.
    fn last_line(&self) -> LastLine {
        if self.follow { LastLine::Waits } else { LastLine::IfWhole }
    }
}

impl LogInput for LogFiles {
    fn read(&mut self) -> Result<LogRead, LogInputError> {
        if self.has_scanned && self.ready.is_empty() && self.follow {
            self.scan()?;
        }
        self.has_scanned = true;
        while let Some(&i) = self.ready.front() {
            let last = self.last_line();
            if let Some(mut chunk) = self.tracked[i].next(last) {
                chunk.file = Some(i);
                return Ok(LogRead::Chunk(chunk));
            }
            self.ready.pop_front();
        }
        Ok(if self.follow { LogRead::Waiting } else { LogRead::End })
    }

    fn positions(&self) -> Option<Vec<LogPosition>> {
        Some(self.tracked.iter().map(|tracked| tracked.position.clone()).collect())
    }
}

/// What a file of no known number is to one that was read.
enum Relation {
    /// Another file.
    Other,
    /// It cannot be told yet.
    Unknown,
    /// What became of it.
    Successor,
    /// A copy of it, or of a part of it, all of which has been read or will be there.
    Copy,
}

/// Whether one of two files may be what became of the other, by their names.
fn is_kin(one: &Path, other: &Path) -> bool {
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let (here, there) = (name(one), name(other));
    one.parent() == other.parent() && (is_later_name(&here, &there) || is_later_name(&there, &here))
}

/// Whether a file has the whole name of the other, and more: `app.log.1`.
fn is_named_after(path: &Path, other: &Path) -> bool {
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    is_kin(path, other) && name(path).starts_with(&name(other))
}

/// Whether a file may be what became of one of the other name: `app.log.1`, `app.log-20260102.gz`,
/// `app-2026.log`.
fn is_later_name(name: &str, earlier: &str) -> bool {
    let stem = earlier.split('.').next().unwrap_or(earlier);
    name != earlier && !stem.is_empty() && name.starts_with(stem)
}
