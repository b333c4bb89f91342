//! Datasets on a terminal: what they hold, what is wrong with them, what differs between two.

use evalmark_core::number_format::count;
use evalmark_report::safe_text::printable_line;
use evalmark_runner::{
    ColumnDescription, DatasetChanges, DatasetDescription, DatasetFlaws, Deduped, DividedPart,
    FlawKind, LabelDoubts, WrittenRows,
};

use crate::{Screen, grid::Grid};

/// How many things of a kind are shown; `--format json` has more.
const SHOWN: usize = 10;

/// How many classes are shown.
const SHOWN_CLASSES: usize = 20;

/// The longest cell of a list, in characters.
const CELL: usize = 60;

/// What a dataset holds.
pub fn description(found: &DatasetDescription, screen: Screen) -> String {
    let items = count(found.n_items);
    let clusters =
        found.n_clusters.map_or_else(String::new, |n| format!(" in {} clusters", count(n)));
    let mut lines =
        vec![format!("{}: {items} items{clusters}", line(&found.dataset)), String::new()];
    let row = |column: &ColumnDescription| {
        let kinds: Vec<_> = column.kinds.keys().copied().collect();
        vec![
            line(&column.name),
            if kinds.is_empty() { "–".to_owned() } else { kinds.join(", ") },
            count(column.n_missing),
            column.n_distinct.map_or_else(|| "many".to_owned(), count),
            count(column.lengths.median),
            count(column.lengths.p95),
            count(column.lengths.max),
        ]
    };
    let header = ["column", "type", "missing", "distinct", "median", "p95", "longest"];
    let grid = Grid {
        header: header.map(str::to_owned).into(),
        rows: found.columns.iter().map(row).collect(),
        n_names: 2,
        ruled: false,
    };
    lines.push(grid.render(screen.columns));
    lines.extend(screen.wrap("", "median, p95 and longest: characters"));
    let lengths = &found.lengths;
    let asked = format!(
        "what is asked: {} characters at the median, {} at most; about {} tokens in all, estimated at four \
         characters a token",
        count(lengths.median),
        count(lengths.max),
        count(lengths.estimated_tokens)
    );
    lines.extend(screen.wrap("", &asked));
    if !found.classes.is_empty() {
        lines.push(String::new());
        lines.push(classes(found, screen));
    }
    lines.join("\n")
}

fn classes(found: &DatasetDescription, screen: Screen) -> String {
    let n: u64 = found.n_items.max(1);
    let rows = found.classes.iter().take(SHOWN_CLASSES).map(|class| {
        let share = format!("{:.1} %", 100.0 * class.n as f64 / n as f64);
        vec![line(&class.class), count(class.n), share]
    });
    let grid = Grid {
        header: ["right answer", "items", "share"].map(str::to_owned).into(),
        rows: rows.collect(),
        n_names: 1,
        ruled: false,
    };
    let text = grid.render(screen.columns);
    let Some(n) = found.n_classes.filter(|n| *n > SHOWN_CLASSES as u64) else { return text };
    let more = count(n - SHOWN_CLASSES as u64);
    let is_whole = found.classes.len() as u64 == n;
    let rarest = found.classes.last().filter(|_| is_whole);
    let rarest =
        rarest.map_or_else(String::new, |class| format!("; the rarest has {}", count(class.n)));
    format!("{text}\nand {more} more{rarest}")
}

/// What a kind of flaw is called.
fn kind_words(kind: FlawKind) -> &'static str {
    match kind {
        FlawKind::Schema => "values against the schema",
        FlawKind::DuplicateId => "duplicate ids",
        FlawKind::LabelConflict => "label conflicts",
        FlawKind::Leak => "leaks",
        FlawKind::EmptyTarget => "empty targets",
        FlawKind::FrozenGone => "frozen items that are gone",
        FlawKind::Duplicate => "duplicates",
        FlawKind::NearDuplicate => "near duplicates",
        FlawKind::TargetSpelling => "targets spelled in two ways",
        FlawKind::RareClass => "classes with one item",
        FlawKind::OddCharacters => "odd characters",
    }
}

/// What is wrong with a dataset, the first of each kind.
pub fn flaws(found: &DatasetFlaws, screen: Screen) -> String {
    let mut lines = vec![format!("{}: {} items", line(&found.dataset), count(found.n_items))];
    for (kind, n) in &found.counts {
        let level = if kind.is_error() { "error" } else { "warning" };
        lines.push(format!("{level}: {}: {}", kind_words(*kind), count(*n)));
        let of_kind = found.flaws.iter().filter(|flaw| flaw.kind == *kind);
        for flaw in of_kind.take(SHOWN) {
            let id =
                if flaw.id.is_empty() { String::new() } else { format!(" ({})", line(&flaw.id)) };
            let near = flaw.similarity.filter(|s| *s < 1.0);
            let near = near.map_or_else(String::new, |s| format!(", {s:.2} alike"));
            let text =
                format!("{}{id}: {}{near}", line(&flaw.place), printable_line(&flaw.message));
            lines.extend(screen.wrap("    ", &text));
        }
        if *n > SHOWN as u64 {
            lines.push(format!("    and {} more", count(n - SHOWN as u64)));
        }
    }
    lines.extend(
        found.not_checked.iter().flat_map(|what| screen.wrap("", &format!("not checked: {what}"))),
    );
    if found.counts.is_empty() && found.not_checked.is_empty() {
        lines.push("nothing is wrong".to_owned());
    }
    lines.join("\n")
}

/// Items whose right answers look wrong.
pub fn doubts(found: &LabelDoubts, screen: Screen) -> String {
    let head = format!(
        "right answers of {} items against {} variants: {} look wrong",
        count(found.n_items),
        found.variants.len(),
        count(found.n_suspicious)
    );
    let rows = found.items.iter().map(|item| {
        vec![
            line(&item.id),
            line(&item.target),
            item.instead.as_deref().map_or_else(|| "–".to_owned(), line),
            format!("{} of {}", item.n_instead, item.n_answers),
            format!("{:.2}", item.probability),
            item.discrimination.map_or_else(|| "–".to_owned(), |value| format!("{value:.2}")),
        ]
    });
    let header = ["item", "right answer", "answered instead", "by", "wrong", "discrimination"];
    let grid = Grid {
        header: header.map(str::to_owned).into(),
        rows: rows.collect(),
        n_names: 3,
        ruled: false,
    };
    let mut lines = vec![head, String::new(), grid.render(screen.columns)];
    lines.extend(screen.wrap(
        "",
        "wrong: the probability that the right answer is another, by how far each variant is to be trusted",
    ));
    lines.join("\n")
}

/// What differs between two datasets.
pub fn changes(found: &DatasetChanges, screen: Screen) -> String {
    let mut lines = vec![format!(
        "{} added, {} removed, {} changed, {} the same",
        count(found.n_added),
        count(found.n_removed),
        count(found.n_changed),
        count(found.n_same)
    )];
    for (what, ids, n) in
        [("added", &found.added, found.n_added), ("removed", &found.removed, found.n_removed)]
    {
        lines.extend(ids.iter().take(SHOWN).map(|id| format!("{what}: {}", line(id))));
        if n > SHOWN as u64 {
            lines.push(format!("    and {} more", count(n - SHOWN as u64)));
        }
    }
    for row in found.changed.iter().take(SHOWN) {
        for (column, [before, after]) in &row.values {
            let [before, after] = [before, after].map(|text| {
                text.as_deref()
                    .map_or_else(|| "nothing".to_owned(), |text| format!("`{}`", line(text)))
            });
            let text =
                format!("changed: {}, `{}`: {before} is {after} now", line(&row.id), line(column));
            lines.extend(screen.wrap("", &text));
        }
    }
    if found.n_changed > SHOWN as u64 {
        lines.push(format!("    and {} more", count(found.n_changed - SHOWN as u64)));
    }
    lines.join("\n")
}

/// What was left out of a dataset.
pub fn deduped(found: &Deduped, screen: Screen) -> String {
    let n = found.dropped.len() as u64;
    let kept = count(found.n_items - n);
    let mut lines = vec![format!(
        "{} of {} items repeat another; {kept} are kept",
        count(n),
        count(found.n_items)
    )];
    for item in found.dropped.iter().take(SHOWN) {
        let other = if item.has_other_target { ", with another right answer" } else { "" };
        let text = format!(
            "{} ({}) repeats {} ({}), {:.2} alike{other}",
            line(&item.place),
            line(&item.id),
            line(&item.kept_place),
            line(&item.kept_id),
            item.similarity
        );
        lines.extend(screen.wrap("    ", &text));
    }
    if n > SHOWN as u64 {
        lines.push(format!("    and {} more", count(n - SHOWN as u64)));
    }
    lines.extend(found.written.iter().map(written));
    lines.join("\n")
}

/// What was written.
pub fn written(rows: &WrittenRows) -> String {
    let path = line(&rows.path.display().to_string());
    let n = count(rows.n_formulas);
    let formulas = match (rows.n_formulas, rows.escaped) {
        (0, _) => String::new(),
        (_, true) => format!("; {n} cells that a spreadsheet would compute begin with a quote (')"),
        (_, false) => format!(
            "; {n} cells would be computed by a spreadsheet: add `--escape-formulas` if it is for one"
        ),
    };
    format!("{path}: {} rows{formulas}", count(rows.n_rows))
}

/// The parts of a dataset.
pub fn parts(parts: &[DividedPart]) -> String {
    parts.iter().map(|part| written(&part.written)).collect::<Vec<_>>().join("\n")
}

/// A text from a dataset, on one line and not too long.
fn line(text: &str) -> String {
    let text = printable_line(text);
    let short: String = text.chars().take(CELL).collect();
    if short.len() < text.len() { format!("{short}…") } else { short }
}
