//! `csv`: two files for spreadsheets, one of the run's scores and one of its samples. No cell in them is a formula.

use csv::{Terminator, WriterBuilder};
use evalmark_core::{
    metric::ParamError,
    number_format::exact,
    receiver::{Hears, ReceiverSection, SecretUse},
    suite::file_name,
};
use evalmark_report::{
    run_message::RunMessage,
    safe_text::printable,
    samples::SampleRecord,
    spreadsheet::{clipped, is_formula},
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    courier::{Courier, DeliveryError},
    definition::{About, DefineReceiver, Letter},
    samples::{question, samples_of, unreadable},
};

/// Bytes of a file at most: more than any spreadsheet opens.
const MOST_BYTES: usize = 256 << 20;

/// Parameters of `csv`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Params {
    /// Whether `samples.csv` has the texts of requests, answers and targets, too, and not only ids and scores.
    #[serde(default)]
    texts: bool,
    /// Whether files begin with a byte order mark, by which Excel knows UTF-8.
    #[serde(default)]
    bom: bool,
}

#[derive(Debug)]
pub(super) struct CsvFiles(Params);

impl DefineReceiver for CsvFiles {
    const ABOUT: About = About {
        name: "csv",
        section: ReceiverSection::Export,
        hears: Hears::Runs,
        summary: "Two CSV files for spreadsheets, of the run's scores and its samples, in which no cell is a formula.",
        tells_repetitions: true,
        updates: false,
        check_template: None,
    };
    type Params = Params;

    fn open(params: Params) -> Result<Self, ParamError> {
        Ok(Self(params))
    }

    fn secrets(&self) -> Vec<SecretUse> {
        Vec::new()
    }

    fn deliver(
        &self,
        letter: &Letter<'_>,
        courier: &mut dyn Courier,
    ) -> Result<Option<Value>, DeliveryError> {
        let RunMessage { suite, run_id, .. } = letter.message;
        for name in [suite, run_id] {
            file_name(name).map_err(DeliveryError::refused)?;
        }
        let folder = format!("csv/{suite}/{run_id}");
        let mut samples = Table::new(self.0.bom);
        self.write_samples(letter, &mut samples)?;
        let mut scores = Table::new(self.0.bom);
        write_scores(letter.message, &mut scores)?;
        courier.keep(&folder, "samples.csv", &samples.finish()?)?;
        courier.keep(&folder, "scores.csv", &scores.finish()?)?;
        let files = ["scores.csv", "samples.csv"].map(|name| format!("outbox/{folder}/{name}"));
        Ok(Some(json!({ "files": files })))
    }
}

impl CsvFiles {
    fn write_samples(&self, letter: &Letter<'_>, table: &mut Table) -> Result<(), DeliveryError> {
        let samples = samples_of(letter)?;
        let metrics = samples.metrics().to_vec();
        let fixed = [
            "item_id",
            "prompt",
            "model",
            "epoch",
            "outcome",
            "error",
            "latency_ms",
            "input_tokens",
            "output_tokens",
            "cost_usd",
        ];
        let mut head: Vec<_> = fixed.into_iter().map(Cell::text).collect();
        head.extend(metrics.iter().map(|metric| Cell::text(&format!("score.{metric}"))));
        if self.0.texts {
            head.extend(["targets", "request", "output"].map(Cell::text));
        }
        table.row(&head)?;
        for sample in samples {
            table.row(&self.sample(&sample.map_err(unreadable)?))?;
        }
        Ok(())
    }

    fn sample(&self, sample: &SampleRecord) -> Vec<Cell> {
        let record = &sample.record;
        let error = record.failure.as_ref().map_or("", |failure| &*failure.message);
        let mut cells = vec![
            Cell::text(&sample.item_id),
            Cell::text(&sample.prompt),
            Cell::text(&sample.model),
            Cell::number(Some(f64::from(sample.epoch))),
            Cell::text(sample.outcome.as_str()),
            Cell::text(error),
            Cell::number(record.timing.latency_ms),
            Cell::number(record.usage.input_tokens.map(|n| n as f64)),
            Cell::number(record.usage.output_tokens.map(|n| n as f64)),
            Cell::number(sample.cost_usd),
        ];
        cells.extend(sample.scores.iter().map(|score| Cell::number(*score)));
        if self.0.texts {
            let output = record.output.as_deref().unwrap_or_default();
            let targets = sample.targets.join(" | ");
            cells.extend([&*targets, &question(sample).to_string(), output].map(Cell::text));
        }
        cells
    }
}

fn write_scores(message: &RunMessage, table: &mut Table) -> Result<(), DeliveryError> {
    let head = [
        "suite",
        "run_id",
        "started_at",
        "commit",
        "verdict",
        "prompt",
        "model",
        "metric",
        "score",
        "lower",
        "upper",
        "n_scored",
        "n_missing",
        "baseline",
        "comparison",
        "change",
    ];
    table.row(&head.map(Cell::text))?;
    for one in &message.scores {
        let key = (&one.prompt, &one.model, &one.metric);
        let mut comparisons = message.comparisons.iter();
        let compared =
            comparisons.find(|other| (&other.prompt, &other.model, &other.metric) == key);
        let baseline = compared.and(message.baseline.as_deref()).unwrap_or_default();
        table.row(&[
            Cell::text(&message.suite),
            Cell::text(&message.run_id),
            Cell::text(&message.started_at),
            Cell::text(message.commit.as_deref().unwrap_or_default()),
            Cell::text(&message.answer),
            Cell::text(&one.prompt),
            Cell::text(&one.model),
            Cell::text(&one.metric),
            Cell::number(Some(one.value)),
            Cell::number(one.lower),
            Cell::number(one.upper),
            Cell::number(Some(one.n_scored as f64)),
            Cell::number(Some(one.n_missing as f64)),
            Cell::text(baseline),
            Cell::text(compared.map_or("", |compared| &*compared.answer)),
            Cell::number(compared.and_then(|compared| compared.change_value)),
        ])?;
    }
    Ok(())
}

/// A cell that no spreadsheet takes for a formula.
struct Cell(String);

impl Cell {
    /// A text that fits. Where it would act, an apostrophe stands before it, which says that it is text; what would act on
    /// a screen is shown by its number.
    fn text(text: &str) -> Self {
        let is_acting = is_formula(text);
        let shown = printable(text);
        let clipped = clipped(&shown);
        Self(if is_acting || is_formula(&clipped) { format!("'{clipped}") } else { clipped })
    }

    /// A number, or nothing where there is none.
    fn number(number: Option<f64>) -> Self {
        let number = number.filter(|number| number.is_finite());
        Self(number.map(exact).unwrap_or_default())
    }
}

/// A table that becomes a file.
struct Table(csv::Writer<Vec<u8>>);

impl Table {
    fn new(has_mark: bool) -> Self {
        let begin = if has_mark { "\u{feff}".as_bytes().to_vec() } else { Vec::new() };
        Self(WriterBuilder::new().terminator(Terminator::CRLF).from_writer(begin))
    }

    fn row(&mut self, cells: &[Cell]) -> Result<(), DeliveryError> {
        self.0.write_record(cells.iter().map(|cell| &*cell.0)).map_err(unwritten)?;
        if self.0.get_ref().len() > MOST_BYTES {
            let message = format!("the table has more than {} MiB", MOST_BYTES >> 20);
            return Err(DeliveryError::refused(message));
        }
        Ok(())
    }

    fn finish(self) -> Result<Vec<u8>, DeliveryError> {
        self.0.into_inner().map_err(unwritten)
    }
}

fn unwritten(error: impl std::fmt::Display) -> DeliveryError {
    DeliveryError::refused(format!("the table cannot be written: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula() {
        let check = |text: &str, expected: &str| assert_eq!(Cell::text(text).0, expected);
        check("plain", "plain");
        check("", "");
        check("=SUM(A1)", "'=SUM(A1)");
        check("+1+cmd|' /C calc'!A0", "'+1+cmd|' /C calc'!A0");
        check("-2+3", "'-2+3");
        check("@here", "'@here");
        check("\t=1", "'\t=1");
        check("\r=1", "'\\r=1");
        check("\u{1b}[2J red", "'\\u{1b}[2J red");
        check("a\0b\u{202e}", "a\\u{0}b\\u{202e}");
        check("  =1", "'  =1");
        check("＝1", "'＝1");
        check("-0.5", "-0.5");
        check("+1e-3", "+1e-3");
        check("-inf", "'-inf");
        check("a=b", "a=b");
    }

    #[test]
    fn no_cell_is_longer_than_excel_holds() {
        for text in ["=".repeat(40_000), "👍".repeat(32_000), "\u{1b}".repeat(9_000)] {
            let cell = Cell::text(&text).0;
            assert!(cell.encode_utf16().count() <= 32_767 && cell.ends_with('…'), "{}", cell.len());
        }
        assert_eq!(Cell::number(Some(1e308)).0, "1e308");
        assert_eq!(Cell::number(Some(-0.25)).0, "-0.25");
    }

    #[test]
    fn what_is_written_is_read_back() {
        let mut table = Table::new(true);
        let texts = ["a\"b", "x,y", "two\nlines", "=1"];
        table.row(&texts.map(Cell::text)).expect("a row");
        let bytes = table.finish().expect("a file");
        assert_eq!(&bytes[..3], "\u{feff}".as_bytes());
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(&bytes[3..]);
        let row = reader.records().next().expect("a row").expect("CSV");
        assert_eq!(row.iter().collect::<Vec<_>>(), ["a\"b", "x,y", "two\nlines", "'=1"]);
    }
}
