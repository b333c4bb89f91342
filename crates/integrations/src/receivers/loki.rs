//! `loki`: Grafana Loki, which gets each run as one line of JSON in a stream of its suite.

use evalmark_core::{
    metric::ParamError,
    receiver::{Hears, ReceiverSection, SecretUse},
};
use evalmark_net::{HeaderValue, HttpRequest};
use evalmark_report::run_message::MessageEvent;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    beside::{Beside, OnServer},
    courier::{Courier, DeliveryError, Outgoing},
    definition::{About, DefineReceiver, Letter},
    server::{Server, below},
};

/// Comparisons of a line: Loki takes lines of 256 KB.
const MOST_COMPARISONS: usize = 100;

/// Parameters of `loki`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Params {
    /// The tenant, where there are several (`X-Scope-OrgID`).
    #[serde(default)]
    tenant: Option<String>,
}

#[derive(Debug)]
pub(super) struct Loki {
    server: Server,
    tenant: Option<HeaderValue>,
}

impl DefineReceiver for Loki {
    const ABOUT: About = About {
        name: "loki",
        section: ReceiverSection::Export,
        hears: Hears::RunsAndReleases,
        summary: "Grafana Loki: each run as one line of JSON, in a stream of its suite.",
        // A line that a stream has at a moment is there once.
        tells_repetitions: true,
        updates: false,
        check_template: None,
    };
    type Params = OnServer<Params>;

    fn open(Beside { shared, own }: OnServer<Params>) -> Result<Self, ParamError> {
        let tenant = own.tenant.map(|tenant| {
            let is_plain = !tenant.is_empty() && tenant.len() <= 150;
            let header = HeaderValue::from_str(&tenant).ok().filter(|_| is_plain);
            header.ok_or_else(|| ParamError {
                pointer: "/tenant".to_owned(),
                message: "`tenant` is a name of at most 150 characters".to_owned(),
            })
        });
        Ok(Self { server: Server::open(shared)?, tenant: tenant.transpose()? })
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
        let url = below(&base, &["loki", "api", "v1", "push"]);
        let mut request = HttpRequest::post_json(url, body(letter).to_string().into_bytes());
        if let Some(tenant) = &self.tenant {
            request.headers.insert("x-scope-orgid", tenant.clone());
        }
        let request = self.server.signed(request, courier)?;
        courier.send(Outgoing::alone(request))?;
        Ok(None)
    }
}

/// One line. The labels are few and of few values; what varies from run to run stands in the line.
fn body(letter: &Letter<'_>) -> Value {
    let message = letter.message;
    let moment = letter.created_at.parse::<Timestamp>().map_or(0, Timestamp::as_nanosecond);
    let level = match (&*message.answer, message.fails) {
        (_, true) => "error",
        ("pass" | "improved" | "not gated", false) => "info",
        _ => "warn",
    };
    let comparisons: Vec<_> = message.comparisons.iter().take(MOST_COMPARISONS).collect();
    let line = json!({
        "event": match message.event {
            MessageEvent::RunEnded => "run.ended",
            MessageEvent::Drift => "drift.alarm",
            MessageEvent::Released => "prompts.released",
        },
        "id": letter.id,
        "suite": message.suite,
        "run_id": message.run_id,
        "answer": message.answer,
        "says": message.says,
        "baseline": message.baseline,
        "commit": message.commit,
        "link": message.link,
        "started_at": message.started_at,
        "comparisons": comparisons,
    });
    let labels = json!({
        "service_name": "evalmark",
        "suite": message.suite,
        "answer": message.answer,
        "level": level,
    });
    json!({ "streams": [{ "stream": labels, "values": [[moment.to_string(), line.to_string()]] }] })
}
