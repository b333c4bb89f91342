//! How a body that nobody asked to be streamed is known.

/// Whether a body looks like an event stream.
pub(crate) fn is_event_stream(body: &str) -> bool {
    let body = body.trim_start_matches(['\u{feff}', ' ', '\r', '\n', '\t']);
    ["data:", "event:", "id:", "retry:", ":"].iter().any(|field| body.starts_with(field))
}

#[cfg(test)]
mod tests {
    use super::is_event_stream;

    #[test]
    fn a_stream_is_known_by_its_beginning() {
        assert!(
            is_event_stream("data: {}")
                && is_event_stream("\u{feff}\n: x")
                && is_event_stream("event: a")
        );
        assert!(
            !is_event_stream("{\"data\":1}")
                && !is_event_stream("")
                && !is_event_stream("<p>data:")
        );
    }
}
