//! Sørensen–Dice over pairs of neighbouring characters.

/// 2 × shared bigrams / all bigrams. Our own, because strsim 0.11 divides by lengths in bytes, which
/// is wrong beyond ASCII.
pub(crate) fn sorensen_dice(a: &str, b: &str) -> f64 {
    let (a, b) = (bigrams(a), bigrams(b));
    match (a, b) {
        (Err(a), Err(b)) => f64::from(a == b),
        (Ok(a), Ok(b)) => 2.0 * shared(&a, &b) as f64 / (a.len() + b.len()) as f64,
        _ => 0.0,
    }
}

/// The sorted bigrams of a text without its white space; the text itself where it has none.
fn bigrams(text: &str) -> Result<Vec<(char, char)>, Option<char>> {
    let chars: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
    let mut bigrams: Vec<_> = chars.windows(2).map(|pair| (pair[0], pair[1])).collect();
    bigrams.sort_unstable();
    if bigrams.is_empty() { Err(chars.first().copied()) } else { Ok(bigrams) }
}

/// The size of the intersection of two sorted multisets.
fn shared<T: Ord>(a: &[T], b: &[T]) -> usize {
    let (mut a, mut b) = (a.iter().peekable(), b.iter().peekable());
    let mut count = 0;
    while let (Some(x), Some(y)) = (a.peek(), b.peek()) {
        let order = x.cmp(y);
        if order.is_le() {
            a.next();
        }
        if order.is_ge() {
            b.next();
        }
        count += usize::from(order.is_eq());
    }
    count
}
