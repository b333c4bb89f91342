//! Tables of figures with a heading for each variant.

use evalmark_report::safe_text::printable_line;

use crate::{
    Screen,
    grid::{Grid, fitted},
};

/// One table of figures for each group of rows: so many names first, then numbers.
pub(crate) fn figures(
    header: &[&str],
    n_names: usize,
    groups: &[(String, Vec<Vec<String>>)],
    screen: Screen,
) -> String {
    let line = |texts: &[String]| -> Vec<String> {
        texts.iter().map(|text| printable_line(text).into_owned()).collect()
    };
    let header: Vec<_> = header.iter().map(|&name| name.to_owned()).collect();
    let tables = groups.iter().map(|(title, rows)| {
        let rows = rows.iter().map(|row| line(row)).collect();
        let grid = Grid { header: line(&header), rows, n_names, ruled: false };
        let title = fitted(&printable_line(title), screen.columns.unwrap_or(usize::MAX));
        format!("\n{title}\n{}", grid.render(screen.columns))
    });
    tables.collect::<Vec<_>>().join("\n")
}

/// Rows by the variant that they are about, in their order.
pub(crate) fn by_variant<T>(
    rows: &[T],
    variant: impl Fn(&T) -> String,
    row: impl Fn(&T) -> Vec<String>,
) -> Vec<(String, Vec<Vec<String>>)> {
    let mut groups: Vec<(String, Vec<Vec<String>>)> = Vec::new();
    for one in rows {
        let title = variant(one);
        match groups.iter_mut().find(|group| group.0 == title) {
            Some(group) => group.1.push(row(one)),
            None => groups.push((title, vec![row(one)])),
        }
    }
    groups
}
