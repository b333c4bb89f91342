//! Reasoning that stands in an answer's text, kept apart from it.

use evalmark_core::{
    answer_details::{AnswerDetails, SplitReasoning},
    record::Record,
};

use crate::reasoning::{Answer, answer, thoughts};

/// Takes reasoning off a record's text and keeps it among what else is known of the answer, behind what
/// the server told apart. Does nothing a second time.
pub fn split_reasoning(record: &mut Record) {
    let details = record.details.as_deref();
    let is_split = details.is_some_and(|details| details.split_reasoning.is_some());
    let calls_only = details.is_some_and(|details| !details.tool_calls.is_empty())
        && record.output.as_ref().is_some_and(|output| output.starts_with("[{"));
    let Some(text) = record.output.as_deref().filter(|_| !is_split && !calls_only) else { return };
    let found = answer(text);
    let (rest, ended) = match &found {
        Answer::Whole => return,
        Answer::Endless => (String::new(), SplitReasoning::Endless),
        Answer::Rest(rest) => (rest.to_string(), SplitReasoning::Ended),
    };
    let own = thoughts(text, &found);
    let details = record.details.get_or_insert_default();
    details.reasoning = match details.reasoning.take() {
        Some(told) if own.is_empty() => Some(told),
        Some(told) => Some(format!("{told}\n\n{own}")),
        None => Some(own).filter(|own| !own.is_empty()),
    };
    details.split_reasoning = Some(ended);
    record.output = Some(rest);
}

/// The text of an answer with the reasoning that was split off it.
pub(crate) fn rejoined(text: &str, details: &AnswerDetails) -> Option<String> {
    let (reasoning, ended) = (details.reasoning.as_deref()?, details.split_reasoning?);
    Some(match ended {
        SplitReasoning::Ended => format!("<think>{reasoning}</think>\n\n{text}"),
        SplitReasoning::Endless => format!("<think>{reasoning}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, output: &str, reasoning: Option<&str>) {
        let mut record = Record::recorded(text.to_owned());
        split_reasoning(&mut record);
        let once = record.clone();
        split_reasoning(&mut record);
        assert_eq!(record, once, "split once");
        assert_eq!(record.output.as_deref(), Some(output));
        let details = record.details.as_deref();
        assert_eq!(details.and_then(|details| details.reasoning.as_deref()), reasoning);
        let is_split = details.is_some_and(|details| details.split_reasoning.is_some());
        assert_eq!(is_split, text != output);
    }

    #[test]
    fn reasoning_is_split_off() {
        check("<think>Could be A. No: B.</think>\n\nB", "B", Some("Could be A. No: B."));
        check("So it is C...\n</think>\n**D**", "**D**", Some("So it is C..."));
        check("[THINK]hm[/THINK]B", "B", Some("hm"));
        check("<thinking>\nhm\n</thinking>\n\nB", "B", Some("hm"));
        check("<reasoning>hm</reasoning>B", "B", Some("hm"));
        check("\u{25c1}think\u{25b7}hm\u{25c1}/think\u{25b7}B", "B", Some("hm"));
        check("<think>\n\n</think>\n\nB", "B", None);
        check("<think>The answer is A, let me", "", Some("The answer is A, let me"));
        check("<think>only</think>", "", Some("only"));
        check("<think>one</think>A\n<think>two</think>B", "A\nB", Some("one\n\ntwo"));
        check("Use `<think>` tags.", "Use `<think>` tags.", None);
        check("B", "B", None);
        check("", "", None);
    }

    #[test]
    fn what_the_server_told_apart_stays() {
        let mut record = Record::recorded("<think>more</think>B".to_owned());
        record.details.get_or_insert_default().reasoning = Some("first".to_owned());
        split_reasoning(&mut record);
        let details = record.details.expect("details");
        assert_eq!(details.reasoning.as_deref(), Some("first\n\nmore"));
        assert_eq!(rejoined("B", &details).as_deref(), Some("<think>first\n\nmore</think>\n\nB"));
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "(?s)(<think>|</think>|\\[THINK\\]|\\[/THINK\\]|`|\n| |<|\u{e9}|a|\u{1f600}){0,30}") {
            let mut record = Record::recorded(text.clone());
            split_reasoning(&mut record);
            let output = record.output.unwrap_or_default();
            proptest::prop_assert!(output.len() <= text.len());
        }
    }
}
