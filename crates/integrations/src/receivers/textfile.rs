//! `textfile`: a file of figures that Prometheus' `node_exporter` shows, with what it knows of its machine.

use evalmark_core::{
    metric::ParamError,
    receiver::{Hears, ReceiverSection, SecretGoes, SecretUse},
};
use evalmark_report::{
    exposition::ExpositionFormat,
    run_message::{MessageEvent, RunMessage},
    run_metrics::run_metrics,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{
    courier::{Courier, DeliveryError},
    definition::{About, DefineReceiver, Letter},
    variable::variable,
};

/// What the names of variables end with that may hold the folder: a suite cannot have its file written to any other.
const ENDING: &str = "TEXTFILE_DIR";

/// Parameters of `textfile`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Params {
    /// NAME of the environment variable that holds the folder which `node_exporter` reads; it ends in `TEXTFILE_DIR`. Default:
    /// `EVALMARK_TEXTFILE_DIR`.
    #[serde(default)]
    dir_env: Option<String>,
}

#[derive(Debug)]
pub(super) struct Textfile {
    folder: SecretUse,
}

impl DefineReceiver for Textfile {
    const ABOUT: About = About {
        name: "textfile",
        section: ReceiverSection::Export,
        hears: Hears::Runs,
        summary: "A file of the suite's latest figures, which Prometheus' node_exporter shows.",
        tells_repetitions: true,
        updates: false,
        check_template: None,
    };
    type Params = Params;

    fn open(params: Params) -> Result<Self, ParamError> {
        let name = params.dir_env.unwrap_or_else(|| format!("EVALMARK_{ENDING}"));
        variable(&name, "/dir_env")?;
        if !name.ends_with(ENDING) {
            let message = format!("the name of the variable must end in `{ENDING}`");
            return Err(ParamError { pointer: "/dir_env".to_owned(), message });
        }
        let folder = SecretUse { variable: name, goes_to: SecretGoes::Folder, owners: &[] };
        Ok(Self { folder })
    }

    fn secrets(&self) -> Vec<SecretUse> {
        vec![self.folder.clone()]
    }

    fn deliver(
        &self,
        letter: &Letter<'_>,
        courier: &mut dyn Courier,
    ) -> Result<Option<Value>, DeliveryError> {
        let folder = courier.folder(&self.folder)?;
        let figures = ExpositionFormat::Text.write(&run_metrics(&[letter.message]));
        let RunMessage { event, suite, run_id, .. } = letter.message;
        let name = match event {
            MessageEvent::RunEnded => file_name(suite),
            // An alarm has a file of its own, so that the figures of the run stay.
            MessageEvent::Drift | MessageEvent::Released => file_name(&format!("{suite} {run_id}")),
        };
        courier.write(&folder, &name, figures.as_bytes())?;
        Ok(None)
    }
}

/// The file of a suite: one name a suite, whatever it is called.
fn file_name(suite: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let plain: String = suite.chars().filter(|c| is_plain(*c)).take(100).collect();
    if plain == suite {
        return format!("evalmark_{plain}.prom");
    }
    let hash = blake3::hash(suite.as_bytes()).to_hex();
    format!("evalmark_{plain}-{}.prom", &hash[..8])
}

#[cfg(test)]
mod tests {
    use super::file_name;

    #[test]
    fn no_name_leaves_the_folder() {
        let check = |suite: &str, expected: &str| assert_eq!(file_name(suite), expected);
        check("support", "evalmark_support.prom");
        check(
            "../../etc/x",
            &format!("evalmark_etcx-{}.prom", &blake3::hash(b"../../etc/x").to_hex()[..8]),
        );
        assert_ne!(file_name("a b"), file_name("a.b"));
        assert!(file_name(&"x".repeat(1_000)).len() < 200);
    }
}
