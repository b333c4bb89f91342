//! Commands that follow each other, and all that they print, as one text for a snapshot.

use std::{fmt::Write, fs};

use crate::setup::{Ran, World};

/// A folder, and what was told in it so far.
pub(crate) struct Narrative {
    pub(crate) world: World,
    told: String,
    /// What the commands have in their environment.
    variables: Vec<(String, String)>,
}

impl Narrative {
    pub(crate) fn new(world: World) -> Self {
        Self { world, told: String::new(), variables: Vec::new() }
    }

    /// The same, with variables for all of its commands.
    pub(crate) fn with(self, variables: Vec<(String, String)>) -> Self {
        Self { variables, ..self }
    }

    /// Changes what the next commands have in their environment.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.variables.retain(|(known, _)| known != name);
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    /// What a reader should know before the next commands.
    pub(crate) fn chapter(&mut self, title: &str) {
        let _ = writeln!(self.told, "\n## {title}");
    }

    /// What is seen elsewhere than in the output of a command.
    pub(crate) fn tell(&mut self, what: &str) {
        self.told.push_str(what);
        if !self.told.ends_with('\n') {
            self.told.push('\n');
        }
    }

    /// Runs a command, whose output joins the text.
    #[track_caller]
    pub(crate) fn run(&mut self, line: &str, code: i32) -> Ran {
        // Single quotes hold a text of several words.
        let parts = line.split('\'').enumerate();
        let words =
            parts.map(
                |(n, part)| if n % 2 == 1 { vec![part] } else { part.split_whitespace().collect() },
            );
        let arguments = words.collect::<Vec<_>>().concat();
        let variables: Vec<_> =
            self.variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let ran = self.world.run_in(&arguments, &variables).expect(code);
        let _ = write!(self.told, "\n$ evalmark {line}\n{}{}", ran.stdout, ran.stderr);
        if !self.told.ends_with('\n') {
            self.told.push('\n');
        }
        if code != 0 {
            let _ = writeln!(self.told, "[exit code {code}]");
        }
        ran
    }

    /// Holds what was told against the snapshot: hashes of texts stay, and what the clock and the machine make is left out.
    pub(crate) fn check(&self, name: &str, change: impl Fn(String) -> String) {
        let folder = fs::canonicalize(self.world.folder.path()).expect("a folder");
        let told = change(self.told.replace(&format!("{}/", folder.display()), ""));
        let mut settings = insta::Settings::clone_current();
        settings.add_filter(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "[time]");
        settings.add_filter(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "[time]");
        settings.add_filter(r"\[day -?\d+\][ T]\d\d:\d\d:\d\d(\.\d+)?Z?", "[time]");
        settings.add_filter(r"\d{8}-\d{6}-[0-9a-f]{4}", "[run]");
        settings.add_filter(r"\d+ (second|minute)s? old", "[age]");
        settings.add_filter(r"since [0-9a-f]{10}", "since [commit]");
        settings.add_filter(r"  [0-9a-f]{10}  ", "  [commit]  ");
        settings.add_filter(r"revision [0-9a-f]{40}", "revision [commit]");
        settings.add_filter(r" as [0-9a-f]{16};", " as [proposal];");
        settings.add_filter(r"digest [0-9a-f]{12}", "digest [digest]");
        settings.add_filter(r"[0-9a-f]{64}", "[sha256]");
        settings.add_filter(r"\d+(\.\d+)? m?s\b", "[duration]");
        // The widths of columns follow from what was left out.
        settings.add_filter(r"─+", "──");
        settings.add_filter(r"═+", "══");
        settings.add_filter(r" {2,}", "  ");
        settings.bind(|| insta::assert_snapshot!(name, told));
    }
}
