//! The vocabulary of evalmark: what a suite says, what a run plans, what an answer and a score are.
//!
//! Begin with [`suite::Suite`], the checked form of a suite file, and [`plan::Plan`], which expands
//! it lazily into [`plan::Sample`]s. Everything else is a word that the other crates share.
//!
//! What is deliberately absent: network, clocks, threads, randomness, and any metric, model
//! or source of datasets by name. Reading files is here (suites, prompts, datasets); writing files is not:
//! what is kept of very many rows goes to a nameless temporary file, which is handed in ([`dataset::ScratchSpace`]).
//!
//! # Glossary
//!
//! One word for one concept, in code, files, messages and docs alike.
//!
//! | word | what it is |
//! | --- | --- |
//! | suite | a YAML file that names prompts, models, a dataset, metrics and a gate |
//! | prompt | a template of messages; an item's columns fill it in |
//! | model | a name at a provider, with its parameters and limits |
//! | provider | who serves models, and the wire protocol that they speak |
//! | variant | one prompt with one model |
//! | dataset | labelled rows, read from files |
//! | source | where a dataset comes from, other than a plain file: an address, a compressed file |
//! | snapshot | a source's data as a file of this machine, named by its content |
//! | item | one row of the dataset; its hash is its content address |
//! | target | a right answer to an item |
//! | label | what people say of an answer; judges are measured against it |
//! | slice | the items that share a column's value, reported by themselves |
//! | cluster | items that depend on each other, such as questions about one text |
//! | epoch | one of several repetitions of the same question |
//! | sample | one item, one variant, one epoch: what is asked once |
//! | request | a sample as it is asked: all that decides the answer; its hash is its address in the ledger |
//! | record | how a request ended: an answer, or a described failure |
//! | outcome | answered, refused, invalid or failed |
//! | ledger | every answer that was bought, kept in a cache between runs |
//! | metric | a function from an answer and its targets to a score; METRICS.md lists the kinds |
//! | score | what a metric gives one sample: a finite number, or a reason why there is none |
//! | corpus metric | a value of a whole run that is not the mean of its scores, such as BLEU |
//! | judge | a model that grades answers; its replies are asked and kept like answers |
//! | run | one execution of a suite; its folder holds `run.json`, the columns and the verdict |
//! | baseline | a run that later runs are compared with |
//! | history | a suite's scores over its runs |
//! | trend | what can be said of a score's course over the runs: its slope, and where it changed for good |
//! | margin | the largest change that does not matter |
//! | gate | which metrics may not get worse than the baseline by more than the margin |
//! | decision | one comparison, decided: improved, pass, regressed, inconclusive or incomparable |
//! | verdict | all decisions of a gate, and the worst of them |
//! | policy | which answers fail a command; it changes no verdict |

pub mod answer_details;
pub mod changes;
mod comparison_order;
pub mod comparison_text;
pub mod dataset;
pub mod drift;
pub mod drift_text;
pub mod embedding;
pub mod estimate;
mod examples;
pub mod executor;
pub mod expression;
pub mod feature;
pub mod feedback;
pub mod fields;
pub mod file_snapshot;
pub mod files;
pub mod finish_reason;
pub mod history;
pub mod imported_suite;
pub mod item;
pub mod key_hosts;
pub mod label;
pub mod logprobs;
pub mod logs;
mod media_template;
pub mod message;
pub mod metric;
pub mod model;
pub mod model_key;
pub mod model_quirk;
pub mod number_format;
pub mod plan;
pub mod policy;
pub mod price;
pub mod prices;
pub mod prompt;
mod prompt_hash;
pub mod prompt_library;
pub mod prompt_registry;
pub mod provider;
pub mod receiver;
pub mod record;
pub mod request;
pub mod score;
pub mod source;
pub mod source_place;
pub mod suite;
pub mod template;
pub mod tool_results;
pub mod tools;
pub mod verdict;
