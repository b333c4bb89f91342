//! What a page shows of a command's output, beside what the command prints. `…` alone on a line stands for
//! any lines, and within a line for anything.

/// Whether the output is as shown.
pub(super) fn is_as_shown(shown: &str, output: &str) -> bool {
    let lines = |text: &str| -> Vec<String> {
        text.trim_matches('\n').lines().map(|line| line.trim_end().to_owned()).collect()
    };
    let (shown, output) = (lines(shown), lines(output));
    // What of the output can be explained by the lines shown so far: all lengths of it.
    let mut explained = vec![false; output.len() + 1];
    explained[0] = true;
    for line in &shown {
        let mut next = vec![false; output.len() + 1];
        for n in (0..=output.len()).filter(|n| explained[*n]) {
            if line.trim() == "…" {
                next[n..].fill(true);
            } else if output.get(n).is_some_and(|printed| is_like(line, printed)) {
                next[n + 1] = true;
            }
        }
        explained = next;
    }
    explained[output.len()]
}

/// One line; `…` stands for any text.
fn is_like(shown: &str, printed: &str) -> bool {
    let mut parts = shown.split('…');
    let Some(mut rest) = parts.next().and_then(|first| printed.strip_prefix(first)) else {
        return false;
    };
    let parts: Vec<_> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

#[test]
fn what_is_left_out_may_be_anything() {
    let output = "first\nsecond line\nthird\n";
    for shown in ["first\nsecond line\nthird", "…\nthird", "first\n…", "first\nsec…\nthird", "…"]
    {
        assert!(is_as_shown(shown, output), "{shown}");
    }
    for shown in ["", "first", "first\nthird", "first\n…\nsecond line", "first\nsec…x\nthird"] {
        assert!(!is_as_shown(shown, output), "{shown}");
    }
}
