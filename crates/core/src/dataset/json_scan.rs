//! Where values of JSON begin and end, without reading what is in them.

/// Where in its structure a scan is.
#[derive(Default)]
pub(super) struct Scan {
    depth: usize,
    in_string: bool,
    is_escaped: bool,
}

impl Scan {
    /// The place behind the string that `at` is within, or the end of the bytes.
    fn string(&mut self, bytes: &[u8], at: usize) -> usize {
        if std::mem::take(&mut self.is_escaped) {
            return at + 1;
        }
        match memchr::memchr2(b'"', b'\\', &bytes[at..]) {
            None => bytes.len(),
            Some(found) => {
                let is_end = bytes[at + found] == b'"';
                (self.in_string, self.is_escaped) = (!is_end, !is_end);
                at + found + 1
            }
        }
    }

    /// How many of these bytes belong to the value, where it ends among them. A value that is neither
    /// in quotes nor in brackets ends before a comma, a bracket or white space.
    pub(super) fn end(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = 0;
        while at < bytes.len() {
            if self.in_string {
                at = self.string(bytes, at);
                if !self.in_string && self.depth == 0 {
                    return Some(at);
                }
                continue;
            }
            at += 1;
            match bytes[at - 1] {
                b'"' => self.in_string = true,
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' | b',' | b':' | b' ' | b'\t' | b'\n' | b'\r' if self.depth == 0 => {
                    return Some(at - 1);
                }
                b'}' | b']' => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        return Some(at);
                    }
                }
                _ => {}
            }
        }
        None
    }
}

/// The paths, of one key or two, to lists of objects in the object that begins here.
pub(super) fn lists_in(head: &[u8]) -> Vec<String> {
    let mut lists = Vec::new();
    keys(head, "", &mut lists);
    lists.truncate(5);
    lists
}

fn keys(object: &[u8], above: &str, lists: &mut Vec<String>) {
    let mut rest = object.trim_ascii_start().strip_prefix(b"{").unwrap_or_default();
    loop {
        rest = rest.trim_ascii_start();
        rest = rest.strip_prefix(b",").unwrap_or(rest).trim_ascii_start();
        let Some(end) = rest.starts_with(b"\"").then(|| Scan::default().end(rest)).flatten() else {
            return;
        };
        let Ok(key) = serde_json::from_slice::<String>(&rest[..end]) else { return };
        let path = if above.is_empty() { key } else { format!("{above}.{key}") };
        let Some(value) = rest[end..].trim_ascii_start().strip_prefix(b":") else { return };
        let value = value.trim_ascii_start();
        if value.starts_with(b"{") && above.is_empty() {
            keys(value, &path, lists);
        } else if let Some(list) = value.strip_prefix(b"[")
            && list.trim_ascii_start().starts_with(b"{")
        {
            lists.push(path);
        }
        let Some(end) = Scan::default().end(value) else { return };
        rest = &value[end..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_objects_are_found() {
        let check = |json: &str, expected: &[&str]| {
            assert_eq!(lists_in(json.as_bytes()), expected, "{json}");
        };
        check(r#"{"a": 1, "data": [{"x": 1}]}"#, &["data"]);
        check(
            r#"{"meta": {"n": [1]}, "out": {"rows": [ {"x": "}]"} ], "b": null}}"#,
            &["out.rows"],
        );
        check(r#"{"a": [{}], "b": [{"#, &["a", "b"]);
        check(r#"{"a": [1, 2], "b": "[{""#, &[]);
        check("[]", &[]);
        check("", &[]);
    }
}
