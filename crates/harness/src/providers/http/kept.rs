//! What is known of a response beside its body: which statuses are answers, and which headers are kept.

use evalmark_core::provider::OptionProblem;
use evalmark_net::{HeaderName, StatusCode};
use schemars::JsonSchema;
use serde::Deserialize;

use super::settings::Settings;

/// What is known of a response beside its body.
#[derive(Debug, Default)]
pub(super) struct Kept {
    pub(super) statuses: Option<RawStatuses>,
    pub(super) headers: Vec<HeaderName>,
}

/// Statuses of responses that are answers.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum RawStatuses {
    Word(AnyStatus),
    Listed(Vec<u16>),
}

/// Every status.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum AnyStatus {
    Any,
}

impl RawStatuses {
    /// Whether a status that is no success is among them.
    pub(super) fn holds(&self, status: StatusCode) -> bool {
        match self {
            Self::Word(AnyStatus::Any) => status != StatusCode::TOO_MANY_REQUESTS,
            Self::Listed(listed) => listed.contains(&status.as_u16()),
        }
    }

    pub(super) fn problem(&self) -> Option<OptionProblem> {
        let Self::Listed(listed) = self else { return None };
        let is_odd = |status: &u16| !(100..600).contains(status) || (300..400).contains(status);
        let i = listed.iter().position(is_odd)?;
        let message = format!("{} cannot be the status of an answer", listed[i]);
        let hint =
            "a status is a number from 200 to 599, and redirects (300 to 399) are not followed";
        Some(OptionProblem::new(format!("/statuses/{i}"), message).hint(hint))
    }
}

impl Settings {
    /// What of a response is kept; an error is a header that there cannot be.
    pub(super) fn kept(&self) -> Result<Kept, OptionProblem> {
        let name = |(i, name): (usize, &String)| {
            let parsed = name.parse::<HeaderName>().ok().filter(|parsed| parsed.as_str() == name);
            parsed.ok_or_else(|| {
                let message = format!("`{name}` cannot be the name of a header in lower case");
                OptionProblem::new(format!("/keep_headers/{i}"), message)
            })
        };
        let headers = self.keep_headers.iter().enumerate().map(name).collect::<Result<_, _>>()?;
        Ok(Kept { statuses: self.statuses.clone(), headers })
    }
}
