//! Spans and events that applications send by the OpenTelemetry protocol (OTLP), over HTTP as JSON and protobuf and over
//! gRPC, as lines of JSON: one for each answer of a model. The conventions for generative AI, earlier and later, and
//! `OpenInference` are known, so that nobody has to say where a span holds what.
//!
//! Begin with [`OtlpReceiver`]. [`server`] listens, [`json`] and [`protobuf`] read what comes into [`span`]s, [`answer`]
//! makes lines of them with what [`conventions`] knows, [`intake`] bounds and joins it all, and [`receiver`] hands it over.

mod answer;
mod body;
mod conventions;
mod grpc;
mod http;
mod intake;
mod joiner;
mod json;
mod messages;
mod protobuf;
mod reading;
mod receiver;
mod reply;
mod server;
mod span;
mod wire;

pub use self::{
    receiver::{OtlpOptions, OtlpReceiver},
    server::DEFAULT_PORTS as OTLP_PORTS,
};

/// What one request may hold, unpacked.
const MAX_BODY: usize = 16 << 20;

/// Values that a span may have; each takes more memory than it takes of a request.
const MAX_VALUES: usize = 1 << 17;

/// How deep values may lie in each other.
const MAX_DEPTH: usize = 32;
