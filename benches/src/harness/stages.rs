//! What each thread of a program has used of the machine's time, as Linux tells while it runs.

use std::{collections::BTreeMap, fs, time::Duration};

/// Of Linux's clock, as programs see it.
const TICK: Duration = Duration::from_millis(10);

/// The threads of one process, by their numbers, as last seen.
#[derive(Debug, Default)]
pub(super) struct Stages(BTreeMap<String, (String, u32)>);

impl Stages {
    /// Looks at a process; sees nothing where nobody tells.
    pub(super) fn look(&mut self, pid: u32) {
        let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else { return };
        for thread in threads.filter_map(Result::ok) {
            let stat = fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
            let number = thread.file_name().to_string_lossy().into_owned();
            if let Some((name, ticks)) = name_and_ticks(&stat) {
                // Others have its name, too: those that share out pieces of work have none of their own.
                let is_main = number == pid.to_string();
                let name = if is_main { "main".to_owned() } else { name };
                self.0.insert(number, (name, ticks));
            }
        }
    }

    /// CPU time by the threads' names, most first: of all that have the name.
    pub(super) fn by_name(&self) -> Vec<(&str, Duration)> {
        let mut by_name: BTreeMap<&str, u32> = BTreeMap::new();
        for (name, ticks) in self.0.values() {
            *by_name.entry(name).or_default() += ticks;
        }
        let mut named: Vec<_> =
            by_name.into_iter().map(|(name, ticks)| (name, TICK * ticks)).collect();
        named.sort_by_key(|(_, time)| std::cmp::Reverse(*time));
        named
    }
}

/// Out of `NUMBER (NAME) STATE …`: user time is the 12th word behind the name, and system time the next.
fn name_and_ticks(stat: &str) -> Option<(String, u32)> {
    let (before, rest) = stat.rsplit_once(") ")?;
    let (_, name) = before.split_once(" (")?;
    let mut words = rest.split(' ').skip(11);
    let mut ticks = || words.next()?.parse::<u32>().ok();
    Some((name.to_owned(), ticks()? + ticks()?))
}

#[cfg(test)]
mod tests {
    use super::name_and_ticks;

    #[test]
    fn names_may_hold_anything() {
        let stat = "17 (a) (b) R 1 2 3 4 5 6 7 8 9 10 250 50 0 0 20";
        assert_eq!(name_and_ticks(stat), Some(("a) (b".to_owned(), 300)));
        assert_eq!(name_and_ticks(""), None);
    }
}
