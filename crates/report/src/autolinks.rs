//! Where a forge makes links, mentions or emoji of plain text.

/// Places in a text at which a break keeps it plain, ascending: within every mention, address,
/// issue number, commit hash and emoji code that GitHub or GitLab would turn into something else.
pub(crate) fn references(text: &str) -> Vec<usize> {
    let mut places = Vec::new();
    let mut run = 0;
    for (at, c) in text.char_indices() {
        let (next, rest) = (at + c.len_utf8(), &text[at..]);
        if c.is_ascii_alphanumeric() {
            run += 1;
        } else {
            run = 0;
        }
        if run == 1 && is_commit(rest) {
            places.push(at + 20);
        }
        if starts_reference(c, &rest[c.len_utf8()..]) {
            places.push(next);
        } else if is_prefix(rest, "gh-") && rest[3..].starts_with(|c: char| c.is_ascii_digit()) {
            places.push(at + 3);
        } else if is_prefix(rest, "www.") {
            places.push(at + 1);
        }
    }
    places.sort_unstable();
    places.dedup();
    places
}

fn is_prefix(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

/// Whether a word of 40 hexadecimal digits begins here.
fn is_commit(rest: &str) -> bool {
    let word = rest.bytes().take_while(u8::is_ascii_alphanumeric).take(41);
    word.clone().count() == 40 && word.clone().all(|byte| byte.is_ascii_hexdigit())
}

/// Whether something special begins with this character.
fn starts_reference(c: char, rest: &str) -> bool {
    match c {
        '@' => true,
        // Issues and pull requests; GitLab's merge requests, epics and milestones.
        '#' | '!' | '&' | '%' => rest.starts_with(|after: char| after.is_ascii_digit()),
        ':' => rest.starts_with('/') || is_emoji(rest),
        _ => false,
    }
}

/// Whether the rest of `:name:` follows.
fn is_emoji(rest: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '+' | '-');
    let end = rest.find(|c: char| !is_plain(c));
    end.is_some_and(|end| (1..=64).contains(&end) && rest[end..].starts_with(':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_forge_would_link_is_broken() {
        let hash = "0123456789abcdef0123456789abcdef01234567";
        let check = |text: &str, expected: &str| {
            let mut shown = text.to_owned();
            references(text).into_iter().rev().for_each(|place| shown.insert(place, '|'));
            assert_eq!(shown, expected);
        };
        check("plain text, 5 %, a & b, 10:30", "plain text, 5 %, a & b, 10:30");
        check("@all a@b.org", "@|all a@|b.org");
        check("#12 !3 &4 %5 # 6", "#|12 !|3 &|4 %|5 # 6");
        check("http://x ftp://y", "http:|//x ftp:|//y");
        check("www.x.org WWW.y", "w|ww.x.org W|WW.y");
        check("GH-1 gh-22 gh-x", "GH-|1 gh-|22 gh-x");
        check(hash, &format!("{}|{}", &hash[..20], &hash[20..]));
        check(&hash[..32], &hash[..32]);
        check(&format!("{hash}0"), &format!("{hash}0"));
        check(&format!("übel {hash}."), &format!("übel {}|{}.", &hash[..20], &hash[20..]));
        check(":tada: a:b::c:", ":|tada: a:|b::|c:");
    }
}
