//! The body of a request, received within bounds of size and of time.

use std::time::Duration;

use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use tokio::time::timeout;

use super::{
    MAX_BODY,
    intake::{Held, Refusal},
};

/// A body comes whole within this time, or not at all.
const SLOWEST: Duration = Duration::from_mins(1);

/// The whole body.
pub(super) async fn receive(body: Incoming, held: &mut Held) -> Result<Vec<u8>, Refusal> {
    if body.size_hint().lower() > MAX_BODY as u64 {
        return Err(Refusal::TooLarge);
    }
    let received = timeout(SLOWEST, frames(body, held)).await;
    received.map_err(|_| Refusal::Bad("the body did not come in time".to_owned()))?
}

async fn frames(mut body: Incoming, held: &mut Held) -> Result<Vec<u8>, Refusal> {
    let (mut received, mut n, mut refused) = (Vec::new(), 0, None);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Refusal::Bad(format!("the body broke off: {error}")))?;
        let Ok(bytes) = frame.into_data() else { continue };
        n += bytes.len();
        if n > MAX_BODY {
            return Err(Refusal::TooLarge);
        }
        // One who is not read to the end does not hear why.
        if refused.is_none() {
            refused = held.grow(n).err();
            received.extend_from_slice(&bytes);
        }
        if refused.is_some() {
            received = Vec::new();
            held.release();
        }
    }
    refused.map_or(Ok(received), Err)
}
