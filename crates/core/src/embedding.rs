//! A text's embedding as text, so that it is kept where answers are: base64 of 32-bit floats.

use base64::{Engine, prelude::BASE64_STANDARD};

/// The vector as base64 of its little-endian 32-bit floats.
pub fn encode(vector: &[f32]) -> String {
    let bytes: Vec<u8> = vector.iter().flat_map(|number| number.to_le_bytes()).collect();
    BASE64_STANDARD.encode(bytes)
}

/// The vector that [`encode`] wrote; `None` where the text is none, or a number is not finite.
pub fn decode(text: &str) -> Option<Vec<f32>> {
    let bytes = BASE64_STANDARD.decode(text).ok()?;
    let (numbers, rest) = bytes.as_chunks::<4>();
    let vector: Vec<f32> = numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    let is_sound = rest.is_empty() && !vector.is_empty();
    (is_sound && vector.iter().all(|number| number.is_finite())).then_some(vector)
}

#[cfg(test)]
mod tests {
    use super::{decode, encode};

    #[test]
    fn a_vector_comes_back() {
        for vector in [vec![0.0], vec![1.5, -2.25, f32::MIN_POSITIVE], vec![0.1; 384]] {
            assert_eq!(decode(&encode(&vector)), Some(vector));
        }
        assert_eq!(encode(&[1.0]), "AACAPw==");
    }

    #[test]
    fn what_is_no_vector_is_none() {
        for text in ["", "AAA", "AAAA", "hello there", "[0.1, 0.2]", &encode(&[f32::NAN, 1.0])] {
            assert_eq!(decode(text), None, "{text}");
        }
    }
}
