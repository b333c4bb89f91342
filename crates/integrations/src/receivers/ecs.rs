//! `ecs`: lines of JSON in the Elastic Common Schema, one file a message, for Filebeat, the Elastic Agent or any shipper of logs.

use evalmark_core::{
    metric::ParamError,
    receiver::{Hears, ReceiverSection, SecretUse},
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{
    courier::{Courier, DeliveryError},
    definition::{About, DefineReceiver, Letter},
    ecs_documents::documents,
};

/// Parameters of `ecs`: none.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Params {}

#[derive(Debug)]
pub(super) struct Ecs;

impl DefineReceiver for Ecs {
    const ABOUT: About = About {
        name: "ecs",
        section: ReceiverSection::Export,
        hears: Hears::RunsAndReleases,
        summary: "Files of JSON lines in the Elastic Common Schema, for a shipper of logs such as Filebeat.",
        // The same message is the same file.
        tells_repetitions: true,
        updates: false,
        check_template: None,
    };
    type Params = Params;

    fn open(_: Params) -> Result<Self, ParamError> {
        Ok(Self)
    }

    fn secrets(&self) -> Vec<SecretUse> {
        Vec::new()
    }

    fn deliver(
        &self,
        letter: &Letter<'_>,
        courier: &mut dyn Courier,
    ) -> Result<Option<Value>, DeliveryError> {
        let text =
            documents(letter).iter().enumerate().fold(String::new(), |mut text, (at, one)| {
                let mut line = one.clone();
                // Whoever reads a file twice can tell.
                line["event"]["id"] = format!("{}-{at}", letter.id).into();
                text.push_str(&line.to_string());
                text.push('\n');
                text
            });
        courier.keep("ecs", &format!("{}.ndjson", letter.id), text.as_bytes())?;
        Ok(None)
    }
}
