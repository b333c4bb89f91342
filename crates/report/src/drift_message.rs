//! An alarm about production as the message that receivers are told.

use evalmark_core::{
    drift::{DriftReport, StreamDrift},
    drift_text::AlarmText,
    receiver::Occasion,
};

use crate::run_message::{MessageComparison, MessageEvent, RunMessage, is_address, line};

/// What a message about an alarm says that the stream does not know.
#[derive(Clone, Copy, Debug)]
pub struct AlarmContext<'a> {
    /// The suite.
    pub suite: &'a str,
    /// What production is held against.
    pub reference: Option<&'a str>,
    /// Where people see more.
    pub link: Option<&'a str>,
    /// The name of a look.
    pub look: fn(i64) -> String,
}

impl RunMessage {
    /// The message about a stream's alarm; `None` where it has none.
    pub fn of_alarm(
        report: &DriftReport,
        stream: &StreamDrift,
        context: &AlarmContext<'_>,
    ) -> Option<Self> {
        let alarm = stream.alarm.as_ref()?;
        let text = AlarmText::of(report, stream, alarm, context.look);
        let comparison = MessageComparison {
            metric: line(&text.what),
            answer: "drift".to_owned(),
            says: line(&text.says),
            baseline: Some(text.before),
            candidate: Some(text.now),
            change_value: Some(alarm.now.mean - alarm.before.mean).filter(|by| by.is_finite()),
            ..MessageComparison::default()
        };
        Some(Self {
            event: MessageEvent::Drift,
            suite: line(context.suite),
            run_id: line(&format!("{} {}", stream.shown_name(), (context.look)(alarm.at))),
            answer: "drift".to_owned(),
            says: line(&format!("{}. {}", text.says, text.alongside)),
            fails: true,
            baseline: context.reference.map(line),
            started_at: format!("{}T00:00:00Z", line(&(context.look)(alarm.began))),
            link: context.link.filter(|link| is_address(link)).map(str::to_owned),
            comparisons: vec![comparison],
            ..Self::default()
        })
    }

    /// The occasions on which an alarm is told.
    pub fn alarm_occasions() -> [Occasion; 2] {
        [Occasion::Drift, Occasion::Always]
    }
}
