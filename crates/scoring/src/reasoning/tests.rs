use proptest::prelude::*;

use super::*;

/// What is left, and `None` where the reasoning never ends.
fn left(text: &str) -> Option<String> {
    match answer(text) {
        Answer::Whole => Some(text.to_owned()),
        Answer::Rest(rest) => Some(rest.into_owned()),
        Answer::Endless => None,
    }
}

#[track_caller]
fn check(text: &str, expected: &str) {
    assert_eq!(left(text).as_deref(), Some(expected), "{text:?}");
}

#[test]
fn thoughts_are_cut_off() {
    for thoughts in [
        "<think>A? No.</think>\n\n",
        "\n<THINK>A</Think> ",
        "<thinking>A</thinking>",
        "<think>\n\n</think>\n\n",
        "<think>A</thinking>\n",
        "<thinking time=\"3\">A</thinking>\n",
        "<thought>A</thought>",
        "<reasoning>A\n\n- b</reasoning>\n",
        "<reflection>A</reflection>",
        "<scratchpad>A</scratchpad>",
        "<seed:think>A<seed:cot_budget_reflect>b</seed:cot_budget_reflect></seed:think>",
        "[THINK]A[/THINK]",
        "◁think▷A◁/think▷",
        "<|begin_of_thought|>A<|end_of_thought|>\n\n",
        "<|START_THINKING|>A<|END_THINKING|>",
        "<|channel>thought\nA<channel|>",
        // Several, and one within another.
        "<think>A</think><think>B</think>\n",
        "<thinking>A</thinking>\n<reflection>B</reflection>\n",
        "<thinking>A<reflection>B</reflection>C</thinking>",
        "<think>A <think>B</think> C</think>",
        // Code and tags that are only spoken of do not end a thought, or begin another.
        "<think>```py\nx = 1</think>\n",
        "<think>The user asks about <think> tags.</think>",
        "<think>It ends with `</think>`, so A.</think>",
        "<think>`</think>` ends it, \"</think>\" too.</think>",
        // Quotations and fences that touch a tag do not wrap it.
        "<antThinking>A</antThinking>",
        "<think>```json\n{}\n```</think>\n",
        // Without their beginning.
        "So it must be A.\n</think>\n\n",
        "A? No. </think> ",
        "A</thought>\n",
        "first</think>second</think>",
        "Here are my reasoning steps:\nA\n[BEGIN FINAL RESPONSE]\n",
        "Here is my thought process:\nA\nHere is my response:\n",
        // On channels.
        "<|channel|>analysis<|message|>A<|end|><|start|>assistant<|channel|>final<|message|>",
        "<|start|>assistant<|channel|>analysis<|message|>A<|channel|>final<|message|>",
        "<|channel|>analysis A <|channel|>final<|message|>",
        "A<|end|><|start|>assistant<|channel|>final<|message|>",
        "analysisThe user wants A.assistantfinal",
    ] {
        check(&format!("{thoughts}B"), "B");
    }
}

#[test]
fn thoughts_between_parts_of_an_answer() {
    check("One.\n<think>hm</think>\nTwo.", "One.\n\nTwo.");
    check("One. <think>hm</think> Two.", "One.  Two.");
    check("B<think>sure?</think>", "B");
    check("<think>a</think>One.\n<think>hm</think>\nTwo.", "One.\n\nTwo.");
    check("The answer is B.\n<think>Let me check ag", "The answer is B.\n");
    check(
        "<|begin_of_thought|>a<|end_of_thought|><|begin_of_solution|>\nB\n<|end_of_solution|>",
        "B",
    );
    check("a\n[BEGIN FINAL RESPONSE]\nB\n[END FINAL RESPONSE]\n", "B");
    check(
        "<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>final<|message|>B<|return|>",
        "B",
    );
    let call = "<|channel|>commentary to=functions.f<|message|>{}<|call|>";
    check(&format!("<|channel|>analysis<|message|>a<|end|><|start|>assistant{call}"), call);
    check("<think>a</think>", "");
    check("a</think>\n", "");
}

#[test]
fn quotations_on_both_sides_of_a_tag_do_not_wrap_it() {
    check("<think>I'd say \"A\"</think>\"B\"", "\"B\"");
    check("<think>He said 'A.'</think>'B'", "'B'");
    check("<think>Use `A`</think>`B`", "`B`");
    check("<think>```json\n{}\n```</think>```json\n1\n```", "```json\n1\n```");
}

#[test]
fn what_never_ends_is_no_answer() {
    for text in [
        "<think>The answer is A, hmm",
        " <Thinking>\nA",
        "<think>a</think><think>The answer is A",
        "<think>a <think>b</think> so A",
        "◁think▷A",
        "[THINK]A",
        "<|channel|>analysis<|message|>The answer is A",
        "<reasoning>A",
    ] {
        assert_eq!(left(text), None, "{text:?}");
    }
}

#[test]
fn what_is_only_spoken_of_stays() {
    for text in [
        "plain",
        "a < b [1] ◁",
        "Use `<think>` and `</think>`. B",
        "The \"<think>\" tag opens, \"</think>\" closes.",
        "Models wrap thoughts in <think> and </think> tags. B",
        "It ends with </think>. B",
        "Older ones forgot </think> at the end. B",
        "Some emit <think> first. B",
        "```xml\n<think>a</think>\n```\nB",
        "So: `<think>a</think>` B",
        "~~~\na</think>\n\nb\n~~~",
        "<grade>\n  <reasoning>fine</reasoning>\n  <score>4</score>\n</grade>",
        "<answer><thought>x</thought>B</answer>",
        "[think] of it",
        "<thinker>x</thinker>",
        "<thinking/>B",
        "gpt-oss writes `<|channel|>final<|message|>` before it. B",
        "```\n<|channel|>analysis<|message|>x<|end|>\n```",
        "analysis of the final",
        "Here is my thought process: A",
    ] {
        assert_eq!(answer(text), Answer::Whole, "{text:?}");
    }
    check("<think>a</think>Close with `</think>` then. B", "Close with `</think>` then. B");
}

#[test]
fn names() {
    for text in [
        "(?s)</think>(.*)",
        "<think",
        r"<\/think>",
        "</?(think|reasoning)>",
        "[<]x|<(?:think)>",
        r"\[/THINK\]",
        "◁/think▷",
        r"<\|channel\|>final",
        "The text within <Reasoning> must be sound.",
    ] {
        assert!(names_a_tag(text), "{text}");
    }
    for text in ["I think", "reasoning", "(thought)", "a<b", "<b>think</b>", "[think]"] {
        assert!(!names_a_tag(text), "{text}");
    }
}

proptest! {
    #[test]
    fn any_text_is_cut_once(pieces in prop::collection::vec(prop_oneof![
        Just("<think>"), Just("</think>"), Just("<reasoning>"), Just("</reasoning>"), Just("`"),
        Just("```\n"), Just("\n"), Just(" "), Just("b"), Just("A."), Just("<|channel|>final"),
        Just("<|channel|>analysis<|message|>"), Just("[THINK]"), Just("[/THINK]"), Just("é"),
    ], 0..14)) {
        let text = pieces.concat();
        if let Answer::Rest(rest) = answer(&text) {
            prop_assert!(rest.len() <= text.len());
        }
    }

    #[test]
    fn text_without_tags_stays(text in "[^<\\[◁aH]*") {
        prop_assert_eq!(answer(&text), Answer::Whole);
    }

    #[test]
    fn an_answer_stays_whatever_was_thought(thought in "[a-zA-Z .,\n]{0,40}", said in "[a-zA-Z .,]{0,20}") {
        let text = format!("<think>{thought}</think>{said}");
        prop_assert_eq!(left(&text), Some(said.trim_start().to_owned()));
    }
}
