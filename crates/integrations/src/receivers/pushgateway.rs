//! `pushgateway`: Prometheus' Pushgateway, which keeps the latest figures of each suite until Prometheus takes them.

use evalmark_core::{
    metric::ParamError,
    receiver::{Hears, ReceiverSection, SecretUse},
};
use evalmark_net::{HeaderValue, HttpRequest, Method};
use evalmark_report::{
    exposition::ExpositionFormat, run_message::MessageEvent, run_metrics::run_metrics,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{
    beside::{Beside, OnServer},
    courier::{Courier, DeliveryError, Outgoing},
    definition::{About, DefineReceiver, Letter},
    server::{Server, below},
};

/// Parameters of `pushgateway`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Params {
    /// The label `job` of all figures. Default: `evalmark`.
    #[serde(default)]
    job: Option<String>,
}

#[derive(Debug)]
pub(super) struct Pushgateway {
    server: Server,
    job: String,
}

impl DefineReceiver for Pushgateway {
    const ABOUT: About = About {
        name: "pushgateway",
        section: ReceiverSection::Export,
        hears: Hears::Runs,
        summary: "Prometheus' Pushgateway: the latest figures of each suite, until Prometheus takes them.",
        tells_repetitions: true,
        updates: false,
        check_template: None,
    };
    type Params = OnServer<Params>;

    fn open(Beside { shared, own }: OnServer<Params>) -> Result<Self, ParamError> {
        let job = own.job.unwrap_or_else(|| "evalmark".to_owned());
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if job.is_empty() || job.starts_with('.') || !job.chars().all(plain) {
            let message = "`job` must consist of letters, digits, `-`, `_`, `.`".to_owned();
            return Err(ParamError { pointer: "/job".to_owned(), message });
        }
        Ok(Self { server: Server::open(shared)?, job })
    }

    fn secrets(&self) -> Vec<SecretUse> {
        self.server.secrets()
    }

    fn deliver(
        &self,
        letter: &Letter<'_>,
        courier: &mut dyn Courier,
    ) -> Result<Option<Value>, DeliveryError> {
        let base = self.server.address(courier)?;
        let message = letter.message;
        let group = ["metrics", "job", &self.job, "suite", &message.suite];
        let url = match message.event {
            MessageEvent::RunEnded => below(&base, &group),
            // An alarm has a group of its own, so that the figures of the run stay.
            MessageEvent::Drift | MessageEvent::Released => {
                let alarm = message.run_id.replace('/', "_");
                below(&base, &[&group[..], &["alarm", &alarm]].concat())
            }
        };
        let figures = ExpositionFormat::Text.write(&run_metrics(&[message]));
        let mut request = HttpRequest::post_json(url, figures.into_bytes());
        // Whatever an earlier run left in the group goes.
        request.method = Method::PUT;
        let kind = HeaderValue::from_static(ExpositionFormat::Text.content_type());
        request.headers.insert("content-type", kind);
        let request = self.server.signed(request, courier)?;
        courier.send(Outgoing::alone(request))?;
        Ok(None)
    }
}
