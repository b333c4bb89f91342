//! Why no first suite was written. Nothing is left behind then.

use std::path::PathBuf;

use crate::error::Advised;

/// Why no first suite was written.
#[derive(Debug, thiserror::Error)]
pub enum FirstSuiteError {
    /// Nobody says what is to be evaluated, or who answers.
    #[error("{what} is missing")]
    Missing {
        /// What.
        what: &'static str,
        /// What to pass.
        pass: String,
    },
    /// The dataset cannot be read.
    #[error("the dataset {}: {problem}", path.display())]
    Dataset {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
        /// What to do.
        advice: Option<String>,
    },
    /// There is no column of that name.
    #[error("the dataset has no column `{name}`")]
    NoColumn {
        /// The name.
        name: String,
        /// The nearest, and what there is.
        advice: Option<String>,
    },
    /// No column looks like right answers.
    #[error("no column of the dataset looks like right answers")]
    NoTarget {
        /// What to pass.
        advice: String,
    },
    /// Rows without a right answer.
    #[error(
        "right answers (`{column}`) are missing in {rows} of the dataset, first in row {first}"
    )]
    EmptyTargets {
        /// How many, with the word.
        rows: String,
        /// The first of them.
        first: u64,
        /// The column.
        column: String,
    },
    /// There is no column with answers that were recorded.
    #[error("no column of the dataset looks like a model's answers")]
    NoRecordedAnswers {
        /// The column of right answers, where its name fits a model's answers as well.
        taken: Option<String>,
    },
    /// The provider does not exist.
    #[error("there is no provider `{name}`")]
    NoProvider {
        /// The name.
        name: String,
        /// The nearest, and what there is.
        advice: Option<String>,
    },
    /// The suite's name cannot be one.
    #[error("the suite's name {0}")]
    Name(String),
    /// A file is there already.
    #[error("{} is there already", .0.display())]
    Exists(PathBuf),
    /// A file is there already, where an import would put one.
    #[error("{} is there already", .0.display())]
    InTheWay(PathBuf),
    /// The recipe would stand where its service does not look.
    #[error("{} is not the root of its repository, which is {}", folder.display(), root.display())]
    NotTheRoot {
        /// Where the suite was to go.
        folder: PathBuf,
        /// Where services look for recipes.
        root: PathBuf,
    },
    /// The suite that was written has mistakes; it was taken away again.
    #[error("a suite over this dataset would not pass `evalmark check`: {problem}")]
    Mistaken {
        /// What is wrong.
        problem: String,
        /// What to do.
        advice: Option<String>,
    },
    /// The suite that was imported has mistakes; it was taken away again.
    #[error("the imported suite would not pass `evalmark check`, and was not written: {problem}")]
    ImportMistaken {
        /// What is wrong.
        problem: String,
        /// What to do.
        advice: Option<String>,
    },
    /// A file cannot be written; none was.
    #[error("{} cannot be written", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl Advised for FirstSuiteError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Missing { pass, .. } => pass.clone(),
            Self::Dataset { advice, .. }
            | Self::NoColumn { advice, .. }
            | Self::NoProvider { advice, .. }
            | Self::Mistaken { advice, .. }
            | Self::ImportMistaken { advice, .. } => return advice.clone(),
            Self::NoTarget { advice } => advice.clone(),
            Self::EmptyTargets { .. } => {
                "fill them in or remove the rows, also those that are blank: an answer without a right \
                 one cannot be scored (rows are counted without the header); `--target COLUMN` names \
                 another column"
                    .to_owned()
            }
            Self::NoRecordedAnswers { taken: Some(column) } => format!(
                "`{column}` is taken for the right answers; `--target COLUMN` names the column that has them"
            ),
            Self::NoRecordedAnswers { taken: None } => {
                "call the column `model_answer`, or name who answers with `--provider NAME`"
                    .to_owned()
            }
            Self::Name(_) => "choose another with `--name NAME`".to_owned(),
            Self::Exists(_) => {
                "`--force` replaces it; `--name NAME` gives the new suite another name".to_owned()
            }
            Self::InTheWay(_) => "`--name NAME` gives the imported suite another name, and \
                                  `--out DIR` another folder; an import replaces nothing"
                .to_owned(),
            Self::NotTheRoot { root, .. } => {
                format!("a CI recipe belongs there: `evalmark init {} --ci …`", root.display())
            }
            Self::Unwritable { .. } => return None,
        })
    }
}
