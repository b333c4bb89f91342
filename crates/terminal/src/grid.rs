//! A table that fits its terminal: whole where there is room, then with long names cut in their
//! middle, and else with one block of lines for each row. No cell ever wraps.

use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, presets};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Names are cut to no fewer columns than this.
const SHORTEST_NAME: usize = 12;

/// A table of figures, whose first columns are names. Its texts are safe to print, on one line each.
#[derive(Clone, Debug, Default)]
pub(crate) struct Grid {
    pub(crate) header: Vec<String>,
    pub(crate) rows: Vec<Vec<String>>,
    /// How many of the first columns are names: they stand on the left, and may be cut.
    pub(crate) n_names: usize,
    /// Whether there is a line between rows.
    pub(crate) ruled: bool,
}

impl Grid {
    /// The table in so many columns, where they are limited.
    pub(crate) fn render(&self, columns: Option<usize>) -> String {
        self.whole(columns).unwrap_or_else(|| self.blocks(columns.unwrap_or(usize::MAX)))
    }

    /// The table with a line for each row; `None` where even short names leave no room for it.
    pub(crate) fn whole(&self, columns: Option<usize>) -> Option<String> {
        let Some(columns) = columns else { return Some(self.drawn()) };
        let table = self.drawn();
        let excess = widest(&table).saturating_sub(columns);
        if excess == 0 {
            return Some(table);
        }
        let cut = self.with_shorter_names(excess)?;
        Some(cut.drawn()).filter(|table| widest(table) <= columns)
    }

    fn drawn(&self) -> String {
        let mut table = Table::new();
        table.load_style(presets::UTF8_HORIZONTAL_ONLY);
        if !self.ruled {
            table.style_mut().row_separator = presets::NOTHING.row_separator;
        }
        table.set_content_arrangement(ContentArrangement::Disabled);
        table.set_header(self.cells(&self.header));
        for row in &self.rows {
            table.add_row(self.cells(row));
        }
        table.to_string()
    }

    fn cells(&self, row: &[String]) -> Vec<Cell> {
        let cell = |(column, text): (usize, &String)| {
            let is_name = column < self.n_names;
            let side = if is_name { CellAlignment::Left } else { CellAlignment::Right };
            Cell::new(shown_apart(text)).set_alignment(side)
        };
        row.iter().enumerate().map(cell).collect()
    }

    /// The same with names cut by so many columns together, the longest first; `None` where they are
    /// too short for that. Headers of figures are cut first where they are wider than those.
    fn with_shorter_names(&self, mut excess: usize) -> Option<Self> {
        let mut cut = self.clone();
        let figures = self.n_names..self.header.len();
        for column in figures {
            let figure = self.rows.iter().map(|row| row[column].width()).max().unwrap_or_default();
            let header = self.header[column].width();
            let room = figure.max(SHORTEST_NAME.min(header));
            let by = header.saturating_sub(room).min(excess);
            cut.header[column] = fitted(&self.header[column], header - by);
            excess -= by;
        }
        let mut widths: Vec<_> = (0..self.n_names).map(|column| self.width_of(column)).collect();
        while excess > 0 {
            let longest = widths.iter_mut().max_by_key(|width| **width)?;
            if *longest <= SHORTEST_NAME {
                return None;
            }
            *longest -= 1;
            excess -= 1;
        }
        for row in cut.rows.iter_mut().chain([&mut cut.header]) {
            for (cell, width) in row.iter_mut().zip(&widths) {
                *cell = fitted(cell, *width);
            }
        }
        Some(cut)
    }

    fn width_of(&self, column: usize) -> usize {
        let cells = self.rows.iter().chain([&self.header]).map(|row| row[column].width());
        cells.max().unwrap_or_default()
    }

    /// One block for each row: its names, and below them a line for each figure.
    fn blocks(&self, columns: usize) -> String {
        let (_, figures) = self.header.split_at(self.n_names);
        let blocks = self.rows.iter().map(|row| {
            let (names, values) = row.split_at(self.n_names);
            let lines = figures.iter().cloned().zip(values.iter().cloned()).collect::<Vec<_>>();
            block(&names.join(" · "), &lines, columns)
        });
        blocks.collect::<Vec<_>>().join("\n\n")
    }
}

/// A title, and below it names with their values, one a line.
pub(crate) fn block(title: &str, lines: &[(String, String)], columns: usize) -> String {
    let room = |value: &str| columns.saturating_sub(4 + value.width()).max(1);
    let name = |(name, value): &(String, String)| fitted(name, room(value)).width();
    let width = lines.iter().map(name).max().unwrap_or_default();
    let mut block = vec![shown_apart(&fitted(title, columns))];
    block.extend(lines.iter().map(|(name, value)| {
        let room = room(value);
        let name = fitted(name, room);
        let gap = width.min(room).saturating_sub(name.width());
        format!("  {}{}  {value}", shown_apart(&name), " ".repeat(gap))
    }));
    block.join("\n")
}

/// Columns of the widest line.
pub(crate) fn widest(text: &str) -> usize {
    text.lines().map(UnicodeWidthStr::width).max().unwrap_or_default()
}

/// A text in so many columns: what does not fit is cut out of its middle, as names that differ often
/// begin, or end, alike.
pub(crate) fn fitted(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let letters = letters(text);
    let room = columns.saturating_sub(1);
    let mut first = within(letters.iter().copied(), room.div_ceil(2));
    let last = within(letters.iter().rev().copied(), room - letters[..first].concat().width());
    loop {
        let text =
            format!("{}…{}", letters[..first].concat(), letters[letters.len() - last..].concat());
        // Letters may be wider together than one by one.
        if first == 0 || text.width() <= columns {
            return text;
        }
        first -= 1;
    }
}

/// How many of these letters fit into so many columns.
fn within<'a>(letters: impl Iterator<Item = &'a str>, columns: usize) -> usize {
    let mut used = 0;
    letters
        .take_while(|letter| {
            used += letter.width();
            used <= columns
        })
        .count()
}

/// The text in pieces that are seen as one: a character with the marks on it, or joined to it.
fn letters(text: &str) -> Vec<&str> {
    let mut starts: Vec<usize> = Vec::new();
    let mut before = None;
    for (at, c) in text.char_indices() {
        let is_joined = c.width() == Some(0) || before == Some('\u{200d}');
        if !is_joined || starts.is_empty() {
            starts.push(at);
        }
        before = Some(c);
    }
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    starts.iter().zip(ends).map(|(start, end)| &text[*start..end]).collect()
}

/// A text that is written from right to left is followed by a mark, so that terminals that turn such
/// text round do not turn round the figures behind it, too.
fn shown_apart(text: &str) -> String {
    let is_from_the_right = |c: char| {
        matches!(c, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{feff}'
            | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}')
    };
    if text.contains(is_from_the_right) { format!("{text}\u{200e}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(names: [&str; 2], figures: usize) -> Grid {
        let header = ["prompt", "model"].map(str::to_owned).into_iter();
        let numbers = (0..figures).map(|i| format!("metric {i}"));
        let row = names.map(str::to_owned).into_iter();
        let values = (0..figures).map(|i| format!("{i}.0 % [55.4, 67.6] a"));
        Grid {
            header: header.chain(numbers).collect(),
            rows: vec![row.chain(values).collect()],
            n_names: 2,
            ruled: true,
        }
    }

    #[test]
    fn names_are_cut_in_their_middle() {
        let check = |text: &str, columns: usize, expected: &str| {
            let cut = fitted(text, columns);
            assert_eq!(cut, expected);
            assert!(cut.width() <= columns, "{cut}");
        };
        check("short", 5, "short");
        check("support-intents-v1", 9, "supp…s-v1");
        check("日本語のとても長い名前", 9, "日本…名前");
        check("日本語のとても長い名前", 8, "日本…前");
        check("e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}", 3, "e\u{301}…e\u{301}");
        check("abc", 1, "…");
        check("שלום עולם וברכה", 7, "שלו…רכה");
    }

    #[test]
    fn a_table_fits_or_becomes_blocks() {
        let long = "a-prompt-whose-name-goes-on-and-on-and-on";
        for (names, figures) in
            [(["a", "b"], 1), ([long, long], 1), ([long, "b"], 2), (["a", "b"], 8)]
        {
            for columns in [40, 80, 120] {
                let text = grid(names, figures).render(Some(columns));
                assert!(widest(&text) <= columns, "{columns}:\n{text}");
                assert!(text.contains("0.0 % [55.4, 67.6] a"), "no figure is cut:\n{text}");
            }
            let text = grid(names, figures).render(None);
            assert!(!text.contains('…') && text.lines().count() == 5, "{text}");
        }
    }

    #[test]
    fn figures_stay_behind_names_from_the_right() {
        let text = grid(["תמיכה", "small"], 1).render(Some(80));
        assert!(text.contains("תמיכה\u{200e} "), "{text}");
        let widths: Vec<_> = text.lines().map(UnicodeWidthStr::width).collect();
        assert!(widths.iter().all(|width| *width == widths[0]), "{widths:?}\n{text}");
    }
}
