//! A first suite: what was guessed and why, which files there are, and what comes next.

use evalmark_core::number_format::counted;
use evalmark_report::safe_text::printable_line;
use evalmark_runner::{AddedRecipe, FileOutcome, FirstSuite, WrittenFile};

use crate::{Screen, Tone};

/// What was guessed, written, and comes next.
pub fn render(suite: &FirstSuite, screen: Screen) -> String {
    let heading = |text: &str| screen.paint(Tone::Strong, text);
    let mut lines = vec![heading(&format!(
        "guessed from {}; what is wrong is changed where it says",
        counted(suite.n_items, "item")
    ))];
    let width = suite.guesses.iter().map(|guess| guess.what.len()).max().unwrap_or_default();
    for guess in &suite.guesses {
        let is = printable_line(&guess.is);
        lines.extend(screen.wrap("  ", &format!("{:width$}  {is}", guess.what)));
        let why = format!("{}; to change it: {}", guess.because, guess.change);
        lines.extend(screen.wrap("    ", &printable_line(&why)));
    }
    lines.push(String::new());
    lines.extend(files_and_next(&suite.files, &suite.next, screen));
    lines.join("\n")
}

/// The recipe that was added to suites that were there, and what comes next.
pub fn render_recipe(added: &AddedRecipe, screen: Screen) -> String {
    files_and_next(&added.files, &added.next, screen).join("\n")
}

fn files_and_next(files: &[WrittenFile], next: &[String], screen: Screen) -> Vec<String> {
    let heading = |text: &str| screen.paint(Tone::Strong, text);
    let mut lines = vec![heading("files")];
    for file in files {
        let outcome = match file.outcome {
            FileOutcome::New => "new",
            FileOutcome::Replaced => "replaced",
            FileOutcome::Extended => "extended",
            FileOutcome::Kept => "kept",
        };
        lines.push(format!("  {outcome:8}  {}", printable_line(&file.path.display().to_string())));
    }
    lines.extend([String::new(), heading("next")]);
    lines.extend(next.iter().map(|step| format!("  {}", printable_line(step))));
    lines
}
