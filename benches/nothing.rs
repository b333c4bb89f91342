//! Cargo wants a target beside the benches; there is nothing to see here.
