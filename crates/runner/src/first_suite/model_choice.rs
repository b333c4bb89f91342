//! Who answers a first suite: a provider of the catalog with one of its models, or nobody, where the
//! dataset holds answers.

use evalmark_core::{provider::ProviderKind, suite::near_and_known};
use evalmark_harness::providers;

use super::{
    column_words::names_recorded, error::FirstSuiteError, guess::Guess, yaml_text::scalar,
};

/// The provider of answers that are there already.
const RECORDED: &str = "recorded";

/// A provider that a first suite can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FirstProvider {
    /// The word under `provider`.
    pub name: &'static str,
    /// The variable that holds its key; `None` where it wants none.
    pub key_variable: Option<&'static str>,
    /// A cheap model of it that is known to exist.
    pub model: Option<&'static str>,
    /// Whether the suite must say where it is.
    pub wants_base_url: bool,
}

/// The providers of the catalog.
pub fn first_providers() -> Vec<FirstProvider> {
    let provider = |kind: &ProviderKind| FirstProvider {
        name: kind.name,
        key_variable: kind.key_variables.first().copied(),
        model: kind.first_model,
        wants_base_url: kind.base_url.is_none(),
    };
    providers::catalog().iter().map(provider).collect()
}

/// Who answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ModelChoice {
    /// Nobody: this column holds the answers.
    Recorded(String),
    /// A provider's model.
    Asked {
        provider: &'static str,
        model: String,
        base_url: Option<String>,
        /// `None` where it wants no key.
        key_variable: Option<&'static str>,
        output_limit: &'static str,
    },
}

/// What the user said of who answers.
#[derive(Clone, Copy, Debug)]
pub(super) struct WantedModel<'a> {
    pub(super) provider: Option<&'a str>,
    pub(super) model: Option<&'a str>,
    pub(super) base_url: Option<&'a str>,
    /// The dataset's column of answers, where there is one.
    pub(super) recorded: Option<&'a str>,
    /// The column of right answers.
    pub(super) target: &'a str,
}

impl ModelChoice {
    /// Checks what the user said, and completes it from the catalog.
    pub(super) fn of(wanted: WantedModel<'_>) -> Result<Self, FirstSuiteError> {
        let Some(name) = wanted.provider else {
            return Err(FirstSuiteError::Missing {
                what: "the provider, whose model answers,",
                pass: format!(
                    "pass `--provider NAME`: {}, or `recorded` for answers that the dataset holds",
                    names().join(", ")
                ),
            });
        };
        if name == RECORDED {
            let column = wanted.recorded.ok_or_else(|| {
                let taken = names_recorded(wanted.target).then(|| wanted.target.to_owned());
                FirstSuiteError::NoRecordedAnswers { taken }
            })?;
            return Ok(Self::Recorded(column.to_owned()));
        }
        let Some(kind) = providers::catalog().iter().find(|kind| kind.name == name) else {
            let known: Vec<_> = names().into_iter().chain([RECORDED]).collect();
            let advice = near_and_known(name, &known, "there are");
            return Err(FirstSuiteError::NoProvider { name: name.to_owned(), advice });
        };
        if kind.base_url.is_none() && wanted.base_url.is_none() {
            return Err(FirstSuiteError::Missing {
                what: "the server's address",
                pass: format!("pass `--base-url URL`: {}", kind.summary),
            });
        }
        let model = wanted.model.or(kind.first_model).ok_or_else(|| FirstSuiteError::Missing {
            what: "the model",
            pass: format!(
                "pass `--model NAME`, one of {}: evalmark knows no list of its models",
                kind.summary
            ),
        })?;
        Ok(Self::Asked {
            provider: kind.name,
            model: model.to_owned(),
            base_url: wanted.base_url.map(str::to_owned),
            key_variable: kind.key_variables.first().copied().filter(|_| wanted.base_url.is_none()),
            output_limit: kind.output_limits.first().copied().unwrap_or("max_tokens"),
        })
    }

    /// What was taken from the catalog, where the user did not say it.
    pub(super) fn guess(&self, wanted: WantedModel<'_>) -> Option<Guess> {
        let change = "`models`";
        Some(match self {
            Self::Recorded(column) => {
                Guess::new("answers", column, "its name says that a model wrote them", change)
            }
            Self::Asked { model, provider, .. } if wanted.model.is_none() => Guess::new(
                "model",
                model,
                format!("a cheap model of {provider} that its price list has"),
                "`--model NAME`, or `models`",
            ),
            Self::Asked { .. } => return None,
        })
    }

    /// The variable that holds its key; `None` where it wants none.
    pub(super) fn key_variable(&self) -> Option<&'static str> {
        match self {
            Self::Recorded(_) => None,
            Self::Asked { key_variable, .. } => *key_variable,
        }
    }

    /// The model as lines of YAML.
    pub(super) fn lines(&self, max_tokens: u64) -> Vec<String> {
        match self {
            Self::Recorded(column) => vec![
                "  - name: recorded".to_owned(),
                format!("    recorded: {{ column: {} }}", scalar(column)),
            ],
            Self::Asked { provider, model, base_url, key_variable, output_limit } => {
                let mut lines = vec![
                    format!("  - name: {}", scalar(model)),
                    format!("    provider: {provider}"),
                    format!("    model: {}", scalar(model)),
                ];
                lines.extend(base_url.iter().map(|url| format!("    base_url: {}", scalar(url))));
                let key = |name| {
                    format!("    api_key_env: {name}   # the variable's name; never the key itself")
                };
                lines.extend(key_variable.iter().map(key));
                lines.push(format!(
                    "    params: {{ temperature: 0, {output_limit}: {max_tokens} }}"
                ));
                lines
            }
        }
    }
}

/// The names of all providers.
fn names() -> Vec<&'static str> {
    providers::catalog().iter().map(|kind| kind.name).collect()
}
