//! A release of prompts as the message that receivers are told.

use evalmark_core::receiver::Occasion;
use serde::{Deserialize, Serialize};

use crate::run_message::{MessageEvent, RunMessage, is_address, line};

/// What an environment got, or was taken back to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageRelease {
    /// The environment.
    pub environment: String,
    /// The release's number, from 1.
    pub number: u64,
    /// `promote` or `rollback`.
    pub action: String,
    /// The release whose state came back, of a rollback.
    pub back_to: Option<u64>,
    /// The prompts that changed, by name.
    pub prompts: Vec<MessagePrompt>,
    /// Who released.
    pub released_by: String,
    /// When: RFC 3339, UTC.
    pub released_at: String,
    /// Why, where somebody said so.
    pub reason: Option<String>,
}

/// A prompt that a release changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessagePrompt {
    /// Its name.
    pub name: String,
    /// The hash of its content now; `None` where the environment has it no longer.
    pub hash: Option<String>,
    /// The hash of what the environment had before; `None` where it had none.
    pub previous_hash: Option<String>,
    /// The model that it is released for.
    pub model: Option<String>,
}

impl RunMessage {
    /// The message about a release.
    pub fn of_release(release: &MessageRelease, link: Option<&str>) -> Self {
        let release = release.cleaned();
        Self {
            event: MessageEvent::Released,
            suite: release.environment.clone(),
            run_id: format!("release {}", release.number),
            answer: release.answer().to_owned(),
            says: line(&release.says()),
            started_at: release.released_at.clone(),
            link: link.filter(|link| is_address(link)).map(str::to_owned),
            release: Some(release),
            ..Self::default()
        }
    }

    /// The occasions on which a release is told.
    pub fn release_occasions() -> [Occasion; 2] {
        [Occasion::Released, Occasion::Always]
    }
}

impl MessageRelease {
    /// The same, in which nothing acts.
    fn cleaned(&self) -> Self {
        let prompts = self.prompts.iter().map(|prompt| MessagePrompt {
            name: line(&prompt.name),
            hash: prompt.hash.as_deref().map(line),
            previous_hash: prompt.previous_hash.as_deref().map(line),
            model: prompt.model.as_deref().map(line),
        });
        Self {
            environment: line(&self.environment),
            number: self.number,
            action: line(&self.action),
            back_to: self.back_to,
            prompts: prompts.collect(),
            released_by: line(&self.released_by),
            released_at: line(&self.released_at),
            reason: self.reason.as_deref().map(line),
        }
    }

    fn answer(&self) -> &'static str {
        if self.back_to.is_some() { "rolled back" } else { "released" }
    }

    /// All of it in a sentence.
    fn says(&self) -> String {
        let Self { environment, released_by, number, .. } = self;
        let names: Vec<_> = self.prompts.iter().map(MessagePrompt::says).collect();
        let names = names.join(", ");
        match self.back_to {
            Some(0) => format!(
                "{environment} has nothing released again, as before its first release: {names}; release {number}, by {released_by}"
            ),
            Some(to) => format!(
                "{environment} has what it had after release {to} again: {names}; release {number}, by {released_by}"
            ),
            None => format!("{environment} has {names}; release {number}, by {released_by}"),
        }
    }

    /// What there is to know beside the sentence, by name.
    pub(crate) fn facts(&self) -> Vec<(&'static str, String)> {
        let mut facts = vec![("Environment", self.environment.clone())];
        facts.extend(self.reason.clone().map(|reason| ("Reason", reason)));
        facts
    }
}

impl MessagePrompt {
    fn says(&self) -> String {
        let short = |hash: &str| hash.chars().take(12).collect::<String>();
        match (&self.hash, &self.model) {
            (None, _) => format!("{} no longer", self.name),
            (Some(hash), None) => format!("{} ({})", self.name, short(hash)),
            (Some(hash), Some(model)) => format!("{} ({}, for {model})", self.name, short(hash)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn release() -> MessageRelease {
        let prompt = |name: &str, hash: Option<&str>, model: Option<&str>| MessagePrompt {
            name: name.to_owned(),
            hash: hash.map(str::to_owned),
            previous_hash: None,
            model: model.map(str::to_owned),
        };
        MessageRelease {
            environment: "production".to_owned(),
            number: 4,
            action: "promote".to_owned(),
            prompts: vec![
                prompt("reply", Some("0123456789abcdef"), Some("small")),
                prompt("old\u{1b}[31m", None, None),
            ],
            released_by: "Ada".to_owned(),
            released_at: "2026-01-02T03:04:05Z".to_owned(),
            ..MessageRelease::default()
        }
    }

    #[test]
    fn a_release_is_told_in_a_sentence_in_which_nothing_acts() {
        let message = RunMessage::of_release(&release(), Some("javascript:alert(1)"));
        assert_eq!(message.headline(), "production: released");
        assert!(!message.says.contains('\u{1b}'), "{}", message.says);
        assert!(message.says.starts_with("production has reply (0123456789ab, for small), old"));
        assert!(message.says.ends_with(" no longer; release 4, by Ada"), "{}", message.says);
        assert_eq!(message.link, None);
        let back = MessageRelease { back_to: Some(2), ..release() };
        let message = RunMessage::of_release(&back, Some("https://example.org/4"));
        assert_eq!(message.answer, "rolled back");
        assert!(message.says.starts_with("production has what it had after release 2 again: "));
        assert_eq!(message.link.as_deref(), Some("https://example.org/4"));
    }
}
