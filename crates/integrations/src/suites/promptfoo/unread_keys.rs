//! Keys of tests and of their options that nothing is made of: each is told, with the reason.

use super::Import;
use crate::suites::node::Node;

impl Import<'_> {
    /// Keys of a test that nothing is made of.
    pub(super) fn other_keys_of(&mut self, layers: &[Node]) {
        for layer in layers {
            for (key, node) in layer.entries() {
                let why = match key.as_str() {
                    "vars" | "assert" | "description" | "metadata" | "options"
                    | "providerOutput" => continue,
                    "threshold" => {
                        "evalmark has no score of a whole test: every metric is gated by itself"
                    }
                    "prompts" => "every prompt is asked about every item",
                    "provider" | "providers" => "every model is asked about every item",
                    "assertScoringFunction" => "it is code, and an import runs none",
                    _ => "the importer does not know it",
                };
                self.draft.lose(&node, format!("`{key}` of a test"), why);
            }
        }
    }

    /// Options of a test that nothing is made of.
    pub(super) fn other_options_of(&mut self, options: &[Node]) {
        const READ: [&str; 9] = [
            "prefix",
            "suffix",
            "provider",
            "transform",
            "postprocess",
            "rubricPrompt",
            "disableVarExpansion",
            "disableDefaultAsserts",
            "disableConversationVar",
        ];
        for (key, node) in options.iter().flat_map(Node::entries) {
            let why = match key.as_str() {
                key if READ.contains(&key) => continue,
                "storeOutputAs" => {
                    "evalmark asks each item by itself, and no answer is a variable of another"
                }
                "runSerially" => {
                    "evalmark asks each item by itself; see `limits: { concurrency: 1 }`"
                }
                "transformVars" => "it is code, and an import runs none",
                _ => "the importer does not know it",
            };
            self.draft.lose(&node, format!("`options.{key}` of a test"), why);
        }
    }
}
