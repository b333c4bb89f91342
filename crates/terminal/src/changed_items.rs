//! Items that changed, for a terminal: what was asked, what was right, and the answers word by word.

use evalmark_core::{
    changes::{DiffPart, PartOf, SHORT, excerpt, shortened},
    number_format::item_scores,
};

use evalmark_report::{
    changed_item::{BrokenItems, ChangedItem},
    safe_text::printable_line,
};

use crate::{Screen, Tone, verdict::INDENT};

/// Characters of a question that are shown: its beginning, and its end, where the item's own text
/// tends to be.
const QUESTION: (usize, usize) = (40, 160);

/// Characters of a target or a lone answer.
const TEXT: (usize, usize) = (160, 40);

/// Right answers that are shown of one item.
const MOST_TARGETS: usize = 3;

/// The items one below the other.
pub fn changed_items(items: &[ChangedItem], screen: Screen) -> String {
    let blocks = items.iter().map(|item| block(item, screen).join("\n"));
    blocks.collect::<Vec<_>>().join("\n")
}

/// The first few items that broke, below a verdict.
pub(crate) fn broken_items(broken: &BrokenItems, screen: Screen) -> Vec<String> {
    if broken.shown.is_empty() {
        return Vec::new();
    }
    let n = broken.shown.len();
    let which = if broken.are_more { format!(" (the first {n})") } else { String::new() };
    let mut lines = vec![String::new(), format!("newly broken{which}")];
    if let Some(why) = &broken.left_out {
        let why = format!("the earlier answers cannot be shown: {}", printable_line(why));
        lines.extend(screen.wrap("  ", &why));
    }
    lines.extend(broken.shown.iter().flat_map(|item| block(item, screen)));
    if let Some(command) = broken.command.as_ref().filter(|_| broken.are_more) {
        lines.extend(screen.wrap("  ", &format!("all of them: `{}`", printable_line(command))));
    }
    lines
}

fn block(item: &ChangedItem, screen: Screen) -> Vec<String> {
    let name = [&item.item_id, &item.prompt, &item.model, &item.metric];
    let name = name.map(|name| printable_line(name)).join(" · ");
    let [before, after] = item_scores([item.before_score, item.after_score], item.range);
    let tone = if item.is_worse { Tone::Bad } else { Tone::Good };
    let scores = screen.paint(tone, &format!("{before} -> {after}"));
    let mut lines = screen.wrap("  ", &format!("{name}: {scores}"));
    let parts = [
        ("asked", item.question.as_deref().map(|text| one_line(text, QUESTION))),
        ("target", targets(&item.targets)),
        ("answer", answer(item, screen)),
    ];
    for (word, text) in parts {
        let line =
            text.map(|text| format!("{}{text}", screen.paint(Tone::Faint, &format!("{word:<8}"))));
        lines.extend(line.iter().flat_map(|line| screen.wrap(INDENT, line)));
    }
    lines
}

fn targets(targets: &[String]) -> Option<String> {
    let shown = targets.iter().take(MOST_TARGETS).map(|target| one_line(target, TEXT));
    let mut shown: Vec<_> = shown.collect();
    if let Some(more) = targets.len().checked_sub(MOST_TARGETS).filter(|more| *more > 0) {
        shown.push(format!("{more} more"));
    }
    (!shown.is_empty()).then(|| shown.join(" | "))
}

/// The two answers word by word, or the one that there is.
fn answer(item: &ChangedItem, screen: Screen) -> Option<String> {
    match (&item.before, &item.after) {
        (Some(before), Some(after)) if before == after => {
            Some(format!("{} (unchanged)", one_line(after, TEXT)))
        }
        (Some(_), Some(_)) => Some(word_diff(&item.diff, screen)),
        (None, Some(after)) => Some(one_line(after, TEXT)),
        (Some(before), None) => Some(format!("none; before: {}", one_line(before, TEXT))),
        (None, None) => None,
    }
}

/// A text on one line that acts on nothing, with what is too long cut out.
fn one_line(text: &str, (first, last): (usize, usize)) -> String {
    printable_line(&shortened(text.trim(), first, last)).replace("\\n", "↵")
}

/// `Answer [-with-]{+in+} one word`, on one line, with what did not change cut short.
pub(crate) fn word_diff(diff: &[DiffPart], screen: Screen) -> String {
    let marked = |part: &DiffPart| {
        let text = printable_line(&part.text).replace("\\n", "↵");
        match part.op {
            PartOf::Both => text,
            PartOf::Removed => screen.paint(Tone::Bad, &format!("[-{text}-]")),
            PartOf::Added => screen.paint(Tone::Good, &format!("{{+{text}+}}")),
        }
    };
    excerpt(diff, SHORT).iter().map(marked).collect()
}
