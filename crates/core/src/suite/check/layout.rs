//! How a dataset's rows stand in its file: what the suite says of it, and what the file shows.

use super::Checker;
use crate::{
    dataset::{
        FilePart, FileSpec, Format, RowLayout, TextEncoding, delimiter,
        encoding::{Shown, detect},
        rows_path,
    },
    suite::raw::RawDataset,
};

impl Checker<'_> {
    /// What the suite says; `None` where that is wrong.
    pub(super) fn layout(&mut self, raw: &RawDataset, format: Option<Format>) -> Option<RowLayout> {
        let n_mistakes = self.mistakes.len();
        let is = |formats: &[Format]| format.is_none_or(|format| formats.contains(&format));
        let of = |key: &'static str, is_there: bool, fits: bool, only: &'static str| {
            (is_there && !fits).then(|| (key, format!("only {only} files have a `{key}`")))
        };
        let text = format.is_none_or(Format::is_text);
        let (cells, nested) = ([Format::Csv, Format::Tsv], [Format::Json, Format::Yaml]);
        let misplaced = [
            of("delimiter", raw.delimiter.is_some(), is(&cells), "csv and tsv"),
            of("encoding", raw.encoding.is_some(), text, "text"),
            of("rows", raw.rows.is_some(), is(&nested), "json and yaml"),
            of("sheet", raw.sheet.is_some(), is(&[Format::Xlsx]), "xlsx"),
            of("header_row", raw.header_row.is_some(), is(&[Format::Xlsx]), "xlsx"),
        ];
        for (key, message) in misplaced.into_iter().flatten() {
            self.complain(&format!("/dataset/{key}"), message);
        }
        let layout = RowLayout {
            delimiter: raw.delimiter.as_ref().and_then(|text| self.declared_delimiter(text)),
            encoding: raw.encoding.as_ref().and_then(|name| self.declared_encoding(name)),
            rows: raw.rows.as_deref().map(rows_path).unwrap_or_default(),
            sheet: raw.sheet.clone(),
            header_row: raw.header_row,
        };
        (self.mistakes.len() == n_mistakes).then_some(layout)
    }

    fn declared_delimiter(&mut self, text: &str) -> Option<u8> {
        let parsed = delimiter::parse(text);
        if parsed.is_none() {
            let message = format!("`{}` is not a delimiter", text.escape_debug());
            let hint = "write one ASCII character, such as \";\" or \"|\", or `tab`".to_owned();
            self.complain_with_hint("/dataset/delimiter", message, hint);
        }
        parsed
    }

    fn declared_encoding(&mut self, name: &str) -> Option<TextEncoding> {
        let parsed = TextEncoding::parse(name);
        if parsed.is_none() {
            let message = format!("`{}` is not an encoding", name.escape_debug());
            let hint = "there are utf-8, utf-16, windows-1252, iso-8859-2, shift_jis, gb18030 and all others \
                        of the Encoding Standard (https://encoding.spec.whatwg.org/#names-and-labels)";
            self.complain_with_hint("/dataset/encoding", message, hint.to_owned());
        }
        parsed
    }

    /// Finds out what the suite leaves open, and tells what is a guess.
    pub(super) fn found(&mut self, file: &mut FileSpec) {
        if file.format.is_text() {
            self.found_encodings(file);
        }
        if matches!(file.format, Format::Csv | Format::Tsv) && file.layout.delimiter.is_none() {
            self.found_delimiters(file);
        }
        #[cfg(feature = "excel")]
        if file.format == Format::Xlsx && file.layout.sheet.is_none() {
            self.other_sheets(file);
        }
    }

    /// The same of a file that is told of otherwise.
    pub(super) fn found_quietly(&mut self, file: &mut FileSpec) {
        let told = self.notes.len();
        self.found(file);
        let notes = self.notes.split_off(told);
        // A guess is told, whatever it is about.
        self.notes.extend(notes.into_iter().filter(|note| note.contains("dataset.encoding")));
    }

    /// The encoding of each file, told where it is a guess.
    fn found_encodings(&mut self, file: &mut FileSpec) {
        let declared = file.layout.encoding;
        let mut parts = file.files();
        for part in &mut parts {
            part.encoding = declared.or_else(|| self.found_encoding(part));
        }
        match &*parts {
            [only] if file.parts.is_empty() => file.layout.encoding = only.encoding,
            _ => file.parts = parts.into(),
        }
    }

    fn found_encoding(&mut self, part: &FilePart) -> Option<TextEncoding> {
        // What cannot be read is told by whoever reads its rows.
        let shown = detect(part.access.open(&part.path).ok()?).ok()??;
        match shown {
            Shown::Marked(encoding) => Some(encoding),
            Shown::Guessed(encoding) => {
                self.notes.push(format!(
                    "dataset {}: the text is {}, as it seems; `dataset.encoding` says so for sure",
                    part.origin.display(),
                    encoding.name(),
                ));
                Some(encoding)
            }
        }
    }

    /// The delimiter that the files themselves show, told where it is not the format's own.
    fn found_delimiters(&mut self, file: &mut FileSpec) {
        let own = delimiter::of_format(file.format);
        let parts = file.files();
        for part in &parts {
            let Ok(opened) = part.access.open(&part.path) else { continue };
            let found = delimiter::of_file(&part.origin, opened, file.format, part.encoding);
            let Some(found) = found else { continue };
            if found != own {
                self.notes.push(format!(
                    "dataset {}: the cells are separated by {}, as it seems; `dataset.delimiter` says \
                     so for sure",
                    part.origin.display(),
                    delimiter::name(found),
                ));
            }
            // Each of several files may have its own.
            if let [_] = &*parts {
                file.layout.delimiter = Some(found);
            }
        }
    }

    /// Tells which sheet is read, where there are several.
    #[cfg(feature = "excel")]
    fn other_sheets(&mut self, file: &FileSpec) {
        for part in file.files() {
            let Ok(opened) = part.access.open(&part.path) else { continue };
            let names = crate::dataset::excel::sheet_names(opened);
            let Some((first, others)) = names.split_first().filter(|(_, rest)| !rest.is_empty())
            else {
                continue;
            };
            let others = others.iter().take(10).map(|name| format!("`{name}`"));
            self.notes.push(format!(
                "dataset {}: the sheet `{first}` is read; there are also {}; `dataset.sheet` names one",
                part.origin.display(),
                others.collect::<Vec<_>>().join(", "),
            ));
        }
    }
}
