//! Google Cloud's Vertex AI, which speaks as the Gemini API does.

use super::{Wire, gemini};

pub(super) const WIRE: Wire = Wire {
    provider: "vertex",
    path: "/v1/publishers/google/models/m:generateContent",
    key: ("authorization", "Bearer "),
    ..gemini::WIRE
};
