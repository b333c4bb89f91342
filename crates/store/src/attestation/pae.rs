//! What is signed: DSSE's encoding of a payload and its type, in which neither can pass for the other.

/// `DSSEv1 LEN(type) type LEN(payload) payload`.
pub fn pae(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let head = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len());
    [head.as_bytes(), payload].concat()
}
