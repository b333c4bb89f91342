//! Metrics of lm-evaluation-harness, each behind each chain of filters.

use serde_json::{Map, Value, json};

use super::Task;
use crate::suites::{draft::SuiteDraft, node::Node};

/// What lm-eval takes where a filter names no pattern.
const DEFAULT: &str = r"#### (\-?[0-9\.\,]+)";

/// An answer without blanks around it.
const STRIPPED: &str = r"(?s)^\s*(.*?)\s*$";

/// A pattern of tasks that takes blanks off the end of what has none any more.
const STRIPPED_BEHIND: &str = r"^(.*?)\s*$";

/// The part of an answer that a chain of filters takes.
#[derive(Clone, Default)]
struct Narrowing {
    extract: Option<Value>,
    /// Whether blanks around that part are taken off.
    strips: bool,
}

/// A filter's name, and the part of an answer that it takes.
type FilterChain = (String, Result<Narrowing, String>);

/// Each metric behind each filter.
pub(super) fn metrics(task: &Task, draft: &mut SuiteDraft) {
    let kinds = task.get("metric_list").map(|node| node.elements()).unwrap_or_default();
    let filters = task.get("filter_list").map(|node| node.elements()).unwrap_or_default();
    let plain = vec![(String::new(), Ok(Narrowing::default()))];
    let chains: Vec<FilterChain> = if filters.is_empty() {
        plain
    } else {
        filters
            .iter()
            .map(|filter| (filter.text("name").unwrap_or_default(), narrowing(filter)))
            .collect()
    };
    for ((name, narrowing), node) in
        chains.iter().zip(filters.iter().map(Some).chain(std::iter::repeat(None)))
    {
        let narrowing = match narrowing {
            Ok(narrowing) => narrowing,
            Err(why) => {
                draft.lose(
                    node.unwrap_or(&task.parts[0]),
                    format!("the filter `{name}`"),
                    why.clone(),
                );
                continue;
            }
        };
        for kind in &kinds {
            match metric(kind, narrowing.strips) {
                Ok((what, metric)) => {
                    let mut entry = Map::new();
                    entry.extend(
                        narrowing.extract.clone().map(|extract| ("extract".to_owned(), extract)),
                    );
                    entry.extend(metric);
                    let name = if name.is_empty() || name == "none" {
                        what
                    } else {
                        format!("{what} ({name})")
                    };
                    draft.checks += draft.rows.len();
                    draft.metric(&name, entry);
                }
                Err(why) => {
                    let what = kind.text("metric").unwrap_or_else(|| kind.value().to_string());
                    draft.lose(kind, format!("the metric `{what}`"), why);
                }
            }
        }
    }
    if draft.metrics.is_empty() {
        let root = task.parts[0].clone();
        draft.lose(&root, "metrics", "none could be carried over; answers are measured by length");
        draft.metric("length", Map::from_iter([("length".to_owned(), json!({}))]));
    }
}

/// The part of an answer that a chain of filters takes.
fn narrowing(filter: &Node) -> Result<Narrowing, String> {
    let mut taken = Narrowing::default();
    for step in filter.get("filter").map(|node| node.elements()).unwrap_or_default() {
        let function = step.text("function").unwrap_or_default();
        match function.as_str() {
            "remove_whitespace" if taken.extract.is_none() => {
                taken.extract = Some(json!({ "regex": STRIPPED }));
            }
            // What a pattern takes is stripped already, and each answer is one.
            "take_first" | "remove_whitespace" => {}
            "regex"
                if step.text("regex_pattern").as_deref() == Some(STRIPPED_BEHIND)
                    && taken.strips => {}
            "regex" if !taken.strips => {
                let pattern = step.text("regex_pattern").unwrap_or_else(|| DEFAULT.to_owned());
                if taken.extract.is_some() && pattern.contains(['^', '$']) {
                    return Err(
                        "its pattern looks at the ends of what another filter made".to_owned()
                    );
                }
                taken.extract = Some(extract(&step, &pattern)?);
                taken.strips = true;
            }
            "regex" => return Err("evalmark narrows an answer once".to_owned()),
            "majority_vote" | "take_first_k" => {
                return Err("it looks at several answers together; evalmark scores each".to_owned());
            }
            other => return Err(format!("evalmark has no counterpart of `{other}`")),
        }
    }
    Ok(taken)
}

fn extract(step: &Node, pattern: &str) -> Result<Value, String> {
    let select = step.get("group_select").map_or(json!(0), |node| node.value().clone());
    let which = match select.as_i64() {
        Some(0) => None,
        Some(-1) => Some("last"),
        _ => {
            return Err(format!(
                "evalmark takes the first or the last match, and not number {select}"
            ));
        }
    };
    // Of the first match what stands around it may as well be a part of it.
    let plain = if which.is_none() { without_looking_around(pattern) } else { pattern.to_owned() };
    let compiled = regex::Regex::new(&plain).map_err(|error| {
        let text = error.to_string();
        let last = text.lines().last().unwrap_or_default();
        format!("evalmark's patterns take linear time and lack what it has: {last}")
    })?;
    let mut extract = json!({ "regex": plain });
    if let Some(which) = which {
        extract["which"] = which.into();
    }
    match compiled.captures_len() - 1 {
        0 | 1 => {}
        // Of alternatives that are a group each, the one that matches is the whole match.
        _ if is_alternatives(&plain) => extract["group"] = 0.into(),
        _ => return Err("it takes the first of several groups that matches".to_owned()),
    }
    Ok(extract)
}

/// A pattern whose look-behind at its beginning and look-ahead at its end are matched, too, with a group around
/// what is left.
fn without_looking_around(pattern: &str) -> String {
    let ahead = pattern
        .strip_suffix(')')
        .and_then(|rest| rest.rfind("(?=").map(|at| (&rest[..at], &rest[at + 3..])));
    let ahead = ahead.filter(|(_, inner)| !inner.contains(['(', ')', '\\']) || *inner == "\\n|$");
    let (middle, behind) = ahead.unwrap_or((pattern, ""));
    let before = middle.strip_prefix("(?<=").and_then(|rest| rest.split_once(')'));
    let before = before.filter(|(inner, _)| !inner.contains(['(', '\\', '[']));
    let (before, middle) = before.unwrap_or(("", middle));
    if before.is_empty() && behind.is_empty() {
        return pattern.to_owned();
    }
    let has_group = regex::Regex::new(middle).is_ok_and(|regex| regex.captures_len() > 1);
    let middle = if has_group { middle.to_owned() } else { format!("({middle})") };
    let part = |text: &str| if text.is_empty() { String::new() } else { format!("(?:{text})") };
    format!("{}{middle}{}", part(before), part(behind))
}

/// Whether a pattern is groups with `|` between them and nothing else.
fn is_alternatives(pattern: &str) -> bool {
    let parts: Vec<_> = pattern.split(")|(").collect();
    let is_whole = pattern.starts_with('(') && pattern.ends_with(')') && !pattern.ends_with("\\)");
    is_whole && !parts.iter().any(|part| part.trim_matches(['(', ')']).contains(['(', ')']))
}

/// A metric's name, and what stands for it.
fn metric(kind: &Node, strips: bool) -> Result<(String, Map<String, Value>), String> {
    let name = kind.text("metric").ok_or("it is code, and an import runs none")?;
    let entry = match name.as_str() {
        "exact_match" => {
            let mut preset = json!({ "name": "lm_eval" });
            for flag in ["ignore_case", "ignore_punctuation", "ignore_numbers", "regexes_to_ignore"]
            {
                if let Some(node) = kind.get(flag) {
                    preset[flag] = node.value().clone();
                }
            }
            if strips {
                // What a pattern took is compared without the blanks around it.
                let more = preset["regexes_to_ignore"].as_array().cloned().unwrap_or_default();
                let all: Vec<Value> = std::iter::once(json!("^\\s+|\\s+$")).chain(more).collect();
                preset["regexes_to_ignore"] = all.into();
            }
            json!({ "preset": preset })
        }
        "bleu" => json!({ "bleu": {} }),
        "chrf" => json!({ "chrf": {} }),
        "ter" => json!({ "ter": {} }),
        _ if name.contains('.') => return Err("it is code, and an import runs none".to_owned()),
        _ => return Err("evalmark has no counterpart".to_owned()),
    };
    Ok((name, entry.as_object().cloned().unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_that_look_around() {
        let check =
            |pattern: &str, expected: &str| assert_eq!(without_looking_around(pattern), expected);
        check("(?<=the answer is )(.*)(?=.)", "(?:the answer is )(.*)(?:.)");
        check("(?<=is )[A-D]", "(?:is )([A-D])");
        check(r"^(.*?)(?=\n|$)", r"^(.*?)(?:\n|$)");
        check(r"#### (\-?[0-9]+)", r"#### (\-?[0-9]+)");
        check("a(?=b)c", "a(?=b)c");
        check("(?<=(a|b))c", "(?<=(a|b))c");
    }
}
