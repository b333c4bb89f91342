//! Ids of traces and spans: the same of a run whenever it is sent.

use evalmark_report::samples::SampleRecord;

/// The id of a run's trace: 16 bytes, of which one is not 0.
pub(super) fn trace_id(suite: &str, run_id: &str) -> Vec<u8> {
    hashed(&["evalmark trace v1", suite, run_id], 16)
}

/// The id of the span of the run itself.
pub(super) fn root_id(suite: &str, run_id: &str) -> Vec<u8> {
    hashed(&["evalmark run span v1", suite, run_id], 8)
}

/// The id of the span of a sample.
pub(super) fn sample_id(suite: &str, run_id: &str, sample: &SampleRecord) -> Vec<u8> {
    let epoch = sample.epoch.to_string();
    let of_sample = [&*sample.item_id, &sample.prompt, &sample.model, &epoch];
    hashed(&[&["evalmark sample span v1", suite, run_id][..], &of_sample].concat(), 8)
}

fn hashed(parts: &[&str], length: usize) -> Vec<u8> {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    let mut id = hasher.finalize().as_bytes()[..length].to_vec();
    // An id of nothing but 0 is none.
    id[0] |= 1;
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_those_of_a_run() {
        assert_eq!(trace_id("s", "r").len(), 16);
        assert_eq!(root_id("s", "r").len(), 8);
        assert_eq!(trace_id("s", "r"), trace_id("s", "r"));
        assert_ne!(trace_id("s", "r"), trace_id("sr", ""));
    }
}
