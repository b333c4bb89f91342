//! `email`: a message as an `.eml` file (RFC 5322) in the outbox, for a mail program of one's own to send.

use std::fmt::Write;

use base64::{Engine, engine::general_purpose::STANDARD};
use evalmark_core::{
    metric::ParamError,
    receiver::{Hears, ReceiverSection, SecretUse},
};
use evalmark_report::{run_message::RunMessage, safe_text::markup_escaped};
use jiff::{Timestamp, fmt::rfc2822, tz::TimeZone};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{
    courier::{Courier, DeliveryError},
    definition::{About, DefineReceiver, Letter},
    message_template,
};

/// The folder below the outbox.
const FOLDER: &str = "mail";

/// Parameters of `email`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Params {
    /// Address that the message is from.
    from: String,
    /// Addresses that it goes to.
    #[schemars(length(min = 1, max = 100))]
    to: Vec<String>,
}

#[derive(Debug)]
pub(super) struct Email {
    from: String,
    to: Vec<String>,
}

impl DefineReceiver for Email {
    const ABOUT: About = About {
        name: "email",
        section: ReceiverSection::Notify,
        hears: Hears::RunsAndReleases,
        summary: "An .eml file in the outbox, for a mail program of your own to send.",
        tells_repetitions: true,
        updates: false,
        check_template: Some(message_template::check_text),
    };
    type Params = Params;

    fn open(params: Params) -> Result<Self, ParamError> {
        let wrong = |pointer: String| ParamError {
            pointer,
            message: "an address is written `name@host`, without display name, blanks or commas"
                .to_owned(),
        };
        if !is_mail_address(&params.from) {
            return Err(wrong("/from".to_owned()));
        }
        if let Some(i) = params.to.iter().position(|to| !is_mail_address(to)) {
            return Err(wrong(format!("/to/{i}")));
        }
        Ok(Self { from: params.from, to: params.to })
    }

    fn secrets(&self) -> Vec<SecretUse> {
        Vec::new()
    }

    fn deliver(
        &self,
        letter: &Letter<'_>,
        courier: &mut dyn Courier,
    ) -> Result<Option<Value>, DeliveryError> {
        let mail = self.mail(letter)?;
        courier.keep(FOLDER, &format!("{}.eml", letter.id), mail.as_bytes())?;
        Ok(None)
    }
}

impl Email {
    /// The file: headers of ASCII alone, and both parts in base64, so that no text in it can be a header or an end.
    fn mail(&self, letter: &Letter<'_>) -> Result<String, DeliveryError> {
        let message = letter.message;
        let (text, html) = match letter.template {
            Some(template) => {
                let message = serde_json::to_value(message).unwrap_or_default();
                let text = message_template::text(template, &message);
                (text.map_err(DeliveryError::refused)?, None)
            }
            None => (message.plain_text(), Some(html(message))),
        };
        let domain = self.from.rsplit('@').next().unwrap_or("localhost");
        let moment: Timestamp = letter.created_at.parse().unwrap_or(Timestamp::UNIX_EPOCH);
        let date = rfc2822::to_string(&moment.to_zoned(TimeZone::UTC));
        let date = date.map_err(|error| DeliveryError::refused(error.to_string()))?;
        let mut mail = String::new();
        let headers = [
            ("From", self.from.clone()),
            ("To", self.to.join(",\r\n ")),
            ("Subject", encoded_words(&format!("[evalmark] {}", message.headline()))),
            ("Date", date),
            ("Message-ID", format!("<{}@{domain}>", letter.id)),
            ("Auto-Submitted", "auto-generated".to_owned()),
            ("MIME-Version", "1.0".to_owned()),
        ];
        for (name, value) in headers {
            let _ = write!(mail, "{name}: {value}\r\n");
        }
        match html {
            None => push_part(&mut mail, "text/plain", &text),
            Some(html) => {
                let boundary = format!("evalmark-{}", letter.id);
                let _ = write!(
                    mail,
                    "Content-Type: multipart/alternative; boundary=\"{boundary}\"\r\n\r\n"
                );
                for (kind, content) in [("text/plain", text), ("text/html", html)] {
                    let _ = write!(mail, "--{boundary}\r\n");
                    push_part(&mut mail, kind, &content);
                }
                let _ = write!(mail, "--{boundary}--\r\n");
            }
        }
        Ok(mail)
    }
}

fn push_part(mail: &mut String, kind: &str, content: &str) {
    let _ = write!(
        mail,
        "Content-Type: {kind}; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    );
    let encoded = STANDARD.encode(content.replace('\n', "\r\n"));
    for line in encoded.as_bytes().chunks(76) {
        let _ = write!(mail, "{}\r\n", String::from_utf8_lossy(line));
    }
}

/// The message as a page without anything that acts or is fetched.
fn html(message: &RunMessage) -> String {
    let escaped = |text: &str| markup_escaped(text);
    let mut page = format!(
        "<!doctype html><html><body><h2>{} {}</h2><p>{}</p>",
        message.mark(),
        escaped(&message.headline()),
        escaped(&message.says)
    );
    if !message.comparisons.is_empty() {
        page.push_str("<table cellpadding=\"4\"><tr align=\"left\"><th>Metric</th><th>Prompt</th><th>Model</th><th>Verdict</th><th>Values</th></tr>");
        for one in &message.comparisons {
            let cells = [&one.metric, &one.prompt, &one.model, &one.answer, &one.values()];
            let cells = cells.map(|cell| format!("<td>{}</td>", escaped(cell)));
            let _ = write!(page, "<tr>{}</tr>", cells.concat());
        }
        page.push_str("</table>");
    } else if !message.scores.is_empty() {
        let lines = message.scores.iter().map(|one| format!("<li>{}</li>", escaped(&one.line())));
        let _ = write!(page, "<ul>{}</ul>", lines.collect::<String>());
    }
    for (name, value) in message.facts() {
        let _ = write!(page, "<div>{name}: {}</div>", escaped(&value));
    }
    page + "</body></html>\n"
}

/// A header's text as RFC 2047 writes it, whatever is in it: no line of it can begin another header.
fn encoded_words(text: &str) -> String {
    let mut words: Vec<String> = vec![String::new()];
    for c in text.chars() {
        let last = words.last_mut().filter(|word| word.len() + c.len_utf8() <= 42);
        match last {
            Some(word) => word.push(c),
            None => words.push(c.to_string()),
        }
    }
    let words = words.iter().map(|word| format!("=?utf-8?B?{}?=", STANDARD.encode(word)));
    words.collect::<Vec<_>>().join("\r\n ")
}

/// Whether this is a bare address: nothing in it can be another header or another receiver.
fn is_mail_address(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || ".!#$%&'*+/=?^_`{|}~-".contains(c);
    let host = |c: char| c.is_ascii_alphanumeric() || ".-".contains(c);
    text.len() <= 254
        && text.split_once('@').is_some_and(|(name, at)| {
            !name.is_empty() && name.chars().all(plain) && !at.is_empty() && at.chars().all(host)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_bare() {
        let check =
            |text: &str, expected: bool| assert_eq!(is_mail_address(text), expected, "{text}");
        check("team@example.org", true);
        check("a.b+c@mail.example.org", true);
        for wrong in ["team", "@example.org", "a@", "a@b, c@d", "A <a@b>", "a@b\r\nBcc: c@d", "ä@b"]
        {
            check(wrong, false);
        }
    }

    #[test]
    fn a_subject_is_one_header() {
        let subject =
            encoded_words("grün: über\r\nBcc: x@y, a long name that goes on for several words");
        for line in subject.split("\r\n ") {
            assert!(
                line.starts_with("=?utf-8?B?") && line.len() <= 75 && line.is_ascii(),
                "{line}"
            );
        }
    }
}
