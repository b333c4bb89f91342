//! The keys of a model's server: none, one, several that share the requests, or one that a program
//! gives and gives anew when it expires.
//!
//! Several keys share requests by what each one's headers say is left. A key that is refused, or has
//! nothing left, rests while others go on: only what all of them lack is lacking.

mod fetched;
mod several;
#[cfg(test)]
mod tests;

use std::{borrow::Cow, fmt, sync::Arc, time::Duration};

use evalmark_core::record::ErrorKind;
use evalmark_net::{Secret, Sign, SignError};
use tokio::time::Instant;

use self::{fetched::Fetched, several::Several};
use crate::{
    congestion::Quota,
    providers::{Speaker, Vendor},
    reply::{Answer, AttemptError, FaultScope},
};

/// The keys that a model's server takes.
#[derive(Clone, Debug, Default)]
pub enum Keys {
    /// It wants none.
    #[default]
    None,
    /// These, at least one; several share the requests.
    Fixed(Vec<Secret>),
    /// One that is fetched again when it expires.
    Fetched(FetchedKey),
    /// It is a program, and sees these variables.
    Variables(Vec<(String, String)>),
}

/// A key that expires.
#[derive(Clone, Debug)]
pub struct FetchedKey {
    /// The key as it was fetched first.
    pub first: Secret,
    /// How long a key is used; `None`: until the server refuses it.
    pub lifetime: Option<Duration>,
    /// Where it comes from.
    pub source: Arc<dyn KeySource>,
}

/// Where a key comes from that expires. It may take its time: it is asked on a thread of its own.
pub trait KeySource: fmt::Debug + Send + Sync {
    /// A key that is valid from now on, or why there is none.
    fn fetch(&self) -> Result<Secret, String>;
}

impl From<Option<Secret>> for Keys {
    fn from(key: Option<Secret>) -> Self {
        key.map_or(Self::None, |key| Self::Fixed(vec![key]))
    }
}

/// Whoever signs with one of the keys.
#[derive(Clone, Debug)]
pub(crate) struct Signer {
    sign: Arc<dyn Sign>,
    /// The key, where it is known beforehand.
    key: Option<Arc<Secret>>,
    /// Which key it is: its place among several, or how many came before it.
    number: usize,
}

impl Signer {
    pub(crate) fn key(&self) -> Option<&Secret> {
        self.key.as_deref()
    }

    pub(crate) fn as_sign(&self) -> &dyn Sign {
        &*self.sign
    }
}

/// Makes signers of keys, as the vendor wants them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SignerMaker {
    speaker: &'static Speaker,
    vendor: &'static Vendor,
}

impl SignerMaker {
    fn make(self, key: &Secret, number: usize) -> Result<Signer, SignError> {
        let sign = (self.speaker.signer)(self.vendor, key)?.into();
        Ok(Signer { sign, key: Some(Arc::new(key.clone())), number })
    }
}

/// The keys of one server, and how each of them fares.
#[derive(Debug)]
pub(crate) enum KeyRing {
    None,
    One {
        key: Secret,
        signer: Signer,
    },
    /// What the signer finds itself, such as a cloud's credentials.
    Chain(Signer),
    Several(Several),
    Fetched(Box<Fetched>),
}

/// What became of one request's tries so far.
#[derive(Debug, Default)]
pub(crate) struct Tries {
    /// The numbers of the keys that were tried.
    numbers: Vec<usize>,
}

/// What to do after an exchange.
#[derive(Debug)]
pub(crate) enum After {
    /// The result stands. With it comes what limits the server as a whole.
    Stands(Option<Quota>),
    /// Another key may do better, and nothing was bought.
    TryAnother,
}

impl KeyRing {
    pub(crate) fn new(
        keys: Keys,
        (speaker, vendor): (&'static Speaker, &'static Vendor),
    ) -> Result<Self, SignError> {
        let maker = SignerMaker { speaker, vendor };
        Ok(match keys {
            Keys::None | Keys::Variables(_) => Self::None,
            Keys::Fixed(mut keys) if keys.len() <= 1 => match keys.pop() {
                Some(key) => Self::One { signer: maker.make(&key, 0)?, key },
                None => Self::None,
            },
            Keys::Fixed(keys) => Self::Several(Several::new(keys, maker)?),
            Keys::Fetched(key) => Self::Fetched(Box::new(Fetched::new(key, maker)?)),
        })
    }

    /// Of a signer that finds its keys itself.
    pub(crate) fn chain(sign: Box<dyn Sign>) -> Self {
        Self::Chain(Signer { sign: sign.into(), key: None, number: 0 })
    }

    /// The key to use next for a request; `None` where there is none to use. `last` is what came of
    /// the try before this one.
    pub(crate) async fn take(
        &self,
        tries: &mut Tries,
        last: Option<AttemptError>,
    ) -> Result<Option<Signer>, AttemptError> {
        let signer = match self {
            Self::None => return Ok(None),
            Self::One { signer, .. } | Self::Chain(signer) => return Ok(Some(signer.clone())),
            Self::Several(several) => several.take(tries, Instant::now()),
            Self::Fetched(fetched) => fetched.take(tries, last).await?,
        };
        tries.numbers.push(signer.number);
        Ok(Some(signer))
    }

    /// The key to use for what belongs to an account rather than to a request: of several keys always
    /// the first, and one that expires as it is now.
    pub(crate) async fn take_first(
        &self,
        tries: &mut Tries,
        last: Option<AttemptError>,
    ) -> Result<Option<Signer>, AttemptError> {
        match self {
            Self::Several(several) => Ok(Some(several.first())),
            _ => self.take(tries, last).await,
        }
    }

    /// Whether another key, fetched anew, may do better than the one of [`KeyRing::take_first`].
    pub(crate) fn has_expired(
        &self,
        signer: Option<&Signer>,
        tries: &Tries,
        error: &AttemptError,
    ) -> bool {
        match (self, signer) {
            (Self::Fetched(fetched), Some(signer)) => fetched.has_expired(signer, tries, error),
            _ => false,
        }
    }

    /// Learns from an exchange with a key.
    pub(crate) fn ended(
        &self,
        signer: Option<&Signer>,
        tries: &Tries,
        result: &mut Result<Answer, AttemptError>,
        quota: Option<Quota>,
    ) -> After {
        match (self, signer) {
            (Self::Several(several), Some(signer)) => {
                several.ended(signer.number, tries, result, quota, Instant::now())
            }
            (Self::Fetched(fetched), Some(signer)) => fetched.ended(signer, tries, result, quota),
            _ => After::Stands(quota),
        }
    }

    /// The text without any of the keys.
    pub(crate) fn redact(&self, text: String) -> String {
        match self {
            Self::None => text,
            Self::One { key, .. } => redacted(text, std::slice::from_ref(key)),
            Self::Chain(signer) => signer.sign.redact(text),
            Self::Several(several) => redacted(text, several.keys()),
            Self::Fetched(fetched) => redacted(text, &fetched.keys()),
        }
    }

    /// Whether there is anything to hide.
    pub(crate) fn has_keys(&self) -> bool {
        !matches!(self, Self::None)
    }
}

fn redacted(text: String, keys: &[Secret]) -> String {
    keys.iter().fold(text, |text, key| match key.redact(&text) {
        Cow::Owned(hidden) => hidden,
        Cow::Borrowed(_) => text,
    })
}

/// Whether the server will not have the key, whatever is asked.
fn is_refusal(error: &AttemptError) -> bool {
    error.failure.kind == ErrorKind::Auth && error.fault_scope == FaultScope::Key
}
