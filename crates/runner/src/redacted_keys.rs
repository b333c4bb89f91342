//! The keys that this process has read, so that nothing it writes or says shows one, wherever it came
//! from: a dataset may hold a key by mistake.

use std::{
    borrow::Cow,
    sync::{PoisonError, RwLock},
};

use evalmark_core::request::Message;
use evalmark_harness::Secret;

static KEYS: RwLock<Vec<Secret>> = RwLock::new(Vec::new());

/// Remembers a key.
pub fn remember(key: &Secret) {
    let mut keys = KEYS.write().unwrap_or_else(PoisonError::into_inner);
    if !keys.iter().any(|known| known.expose() == key.expose()) {
        keys.push(key.clone());
    }
}

/// Whether there is anything to hide.
pub fn any_known() -> bool {
    !KEYS.read().unwrap_or_else(PoisonError::into_inner).is_empty()
}

/// The text without the keys.
pub fn hide(text: &str) -> Cow<'_, str> {
    let keys = KEYS.read().unwrap_or_else(PoisonError::into_inner);
    keys.iter().fold(Cow::Borrowed(text), |text, key| match key.redact(&text) {
        Cow::Borrowed(_) => text,
        Cow::Owned(hidden) => Cow::Owned(hidden),
    })
}

/// Takes the keys out of a text that is kept.
pub fn hide_in(text: &mut String) {
    if let Cow::Owned(hidden) = hide(text) {
        *text = hidden;
    }
}

/// Messages without the keys; `None` where there is none in them.
pub fn hide_in_messages(messages: &[Message]) -> Option<Vec<Message>> {
    let shows = |message: &Message| matches!(hide(&message.text()), Cow::Owned(_));
    messages.iter().any(shows).then(|| {
        let hidden = |message: &Message| message.map_text(|text| hide(text).into_owned());
        messages.iter().map(hidden).collect()
    })
}
