//! The lines of `.gitignore` that keep run folders out of git and let baselines in.

/// What is to be left out and in, in this order.
const LINES: [&str; 2] = ["/reports/*", "!/reports/baselines/"];

/// Lines that leave baselines out, too: git looks into no folder that is left out itself.
const LEAVES_ALL_OUT: [&str; 4] = ["reports", "reports/", "/reports", "/reports/"];

/// What `.gitignore` is to be.
pub(super) struct Gitignore {
    /// The whole new text; `None` where it needs no change.
    pub(super) text: Option<String>,
    /// A line that leaves baselines out.
    pub(super) hides_baselines: Option<String>,
}

impl Gitignore {
    /// The file with the lines that it lacks.
    pub(super) fn extended(old: &str) -> Self {
        let has = |line: &str| old.lines().any(|other| other.trim() == line);
        let missing: Vec<_> = LINES.into_iter().filter(|line| !has(line)).collect();
        let hides = LEAVES_ALL_OUT.into_iter().find(|line| has(line)).map(str::to_owned);
        if missing.is_empty() {
            return Self { text: None, hides_baselines: hides };
        }
        let mut text = old.to_owned();
        if !text.is_empty() {
            text.push_str(if text.ends_with('\n') { "\n" } else { "\n\n" });
        }
        text.push_str("# evalmark: runs are not for git; the baselines among them are.\n");
        for line in missing {
            text.push_str(line);
            text.push('\n');
        }
        Self { text: Some(text), hides_baselines: hides }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_added_once() {
        let first = Gitignore::extended("/target").text.expect("lines are missing");
        assert!(first.starts_with("/target\n\n# evalmark"), "{first}");
        assert!(first.ends_with("\n/reports/*\n!/reports/baselines/\n"), "{first}");
        assert_eq!(Gitignore::extended(&first).text, None);
    }

    #[test]
    fn a_line_that_hides_baselines_is_found() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(Gitignore::extended(text).hides_baselines.as_deref(), expected);
        };
        check("reports/\n", Some("reports/"));
        check("/reports/*\n", None);
    }
}
