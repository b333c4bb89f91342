//! An imported suite: what was carried over in numbers, which files there are, and what was not carried over.

use evalmark_core::{
    imported_suite::{Carried, ImportedSuite, NotCarried},
    number_format::counted,
};
use evalmark_report::safe_text::printable_line;
use evalmark_runner::WrittenFile;

use crate::{Screen, Tone};

/// What was carried over, and what comes next.
pub fn render(imported: &[ImportedSuite], files: &[WrittenFile], screen: Screen) -> String {
    let heading = |text: &str| screen.paint(Tone::Strong, text);
    let mut lines = match imported {
        [one] => vec![heading(&format!("carried over: {}", numbers(one.carried)))],
        several => {
            let one = |one: &ImportedSuite| format!("  {}: {}", one.name, numbers(one.carried));
            let first = heading(&format!("carried over into {} suites", several.len()));
            std::iter::once(first).chain(several.iter().map(one)).collect()
        }
    };
    lines.extend([String::new(), heading("files")]);
    let shown = |file: &WrittenFile| printable_line(&file.path.display().to_string()).into_owned();
    lines.extend(files.iter().map(|file| format!("  {}", shown(file))));
    lines.extend([String::new(), heading("next")]);
    let is_suite =
        |file: &&WrittenFile| file.path.extension().is_some_and(|ending| ending == "yaml");
    let suites: Vec<_> = files.iter().filter(is_suite).map(shown).collect();
    lines.push(format!("  evalmark plan {}", suites.first().map_or("", String::as_str)));
    lines.push(format!("  evalmark run {}", suites.join(" ")));
    lines.join("\n")
}

fn numbers(carried: Carried) -> String {
    let Carried { prompts, models, items, metrics, checks } = carried;
    let count = |n: usize, what: &str| counted(n as u64, what);
    format!(
        "{}, {}, {}, {} for {}",
        count(prompts, "prompt"),
        count(models, "model"),
        count(items, "item"),
        count(metrics, "metric"),
        count(checks, "check"),
    )
}

/// What was not carried over, a line each; and what is scored in another way.
pub fn render_losses(imported: &[ImportedSuite], screen: Screen) -> Option<String> {
    let mut lines = Vec::new();
    for difference in imported.iter().flat_map(|one| &one.differences) {
        lines.extend(screen.wrap("", &format!("differs: {}", printable_line(difference))));
    }
    for NotCarried { place, what, why } in imported.iter().flat_map(|one| &one.not_carried) {
        let line = format!("not carried over: {place}: {what}: {why}");
        lines.push(printable_line(&line).into_owned());
    }
    (!lines.is_empty()).then(|| lines.join("\n"))
}
