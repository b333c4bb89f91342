//! What a suite selects of its dataset: computed columns, filter, split, sample, limit, and its schema.

use std::{collections::BTreeSet, fmt::Write, fs};

use evalmark_core::{
    dataset::ScratchSpace,
    plan::Plan,
    source::Sources,
    suite::{Readers, Suite},
};

use super::{METRICS, no_columnar};

/// The ids of the items, in order, and the hash of the dataset.
fn plan(csv: &str, dataset: &str) -> Result<(Vec<String>, String), String> {
    let (plan, ids) = planned(csv, dataset)?;
    Ok((ids, plan.profile.hash))
}

/// What the pass over all rows warns of.
fn warnings(dataset: &str) -> Vec<String> {
    planned(&csv(&rows()), dataset).expect(dataset).0.warnings.to_vec()
}

fn planned(csv: &str, dataset: &str) -> Result<(Plan, Vec<String>), String> {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("d.csv"), csv).expect("written");
    let suite = format!(
        "name: rows\ndataset:\n  path: d.csv\n  id: id\n{dataset}\n\
         prompts: [{{ name: p, template: '{{{{ text }}}}' }}]\n\
         models: [{{ name: m, recorded: {{ column: answer }} }}]\nmetrics: [{{ name: e, valid: {{}} }}]\n"
    );
    let path = folder.path().join("suite.yaml");
    fs::write(&path, suite).expect("written");
    let readers = Readers {
        kinds: METRICS,
        providers: &[],
        columnar: no_columnar,
        // What is drawn does not depend on what memory holds.
        scratch: ScratchSpace { open: tempfile::tempfile, most_held: 100 },
        roots: &[],
        sources: Sources::NONE,
        receivers: &[],
    };
    let suite = Suite::read(&path, readers).map_err(|error| error.to_string())?;
    let plan = Plan::new(&suite).map_err(|error| error.to_string())?;
    let ids = plan.in_report_order().map(|sample| sample.expect("planned").item.id.to_string());
    let ids = ids.collect();
    Ok((plan, ids))
}

/// A thousand rows: a language in five, and clusters of four.
fn rows() -> Vec<String> {
    let language = |i: usize| ["de", "en", "en", "fr", "en"][i % 5];
    (0..1000).map(|i| format!("i{i},text {i},{},c{},{i},x\n", language(i), i / 4)).collect()
}

fn csv(rows: &[String]) -> String {
    format!("id,text,language,customer,n,answer\n{}", rows.concat())
}

#[track_caller]
fn ids(dataset: &str) -> Vec<String> {
    plan(&csv(&rows()), dataset).expect(dataset).0
}

#[test]
fn filters_and_computed_columns_are_expressions() {
    assert_eq!(ids("  filter: language == 'de'").len(), 200);
    assert_eq!(
        ids("  filter: n | int < 10 and language in ['fr', 'de']"),
        ["i0", "i3", "i5", "i8"]
    );
    assert_eq!(ids("  filter: matches(item.text, '^text 99')").len(), 11);
    assert_eq!(
        ids(
            "  columns: { long: 'text | length > 7', more: 'long and n | int > 997' }\n  filter: more"
        ),
        ["i998", "i999"]
    );
    assert_eq!(
        ids("  columns: { group: 'language ~ \"-\" ~ customer' }\n  slices: [group]\n  limit: 2"),
        ["i0", "i1"]
    );
    let wrong = |dataset: &str, expected: &str| {
        let error = plan(&csv(&rows()), dataset).expect_err(dataset);
        assert!(error.contains(expected), "`{expected}` is not in {error}");
    };
    wrong("  filter: langage == 'de'", "no name `langage`; did you mean `language`?");
    wrong("  filter: n | int", "`dataset.filter` gives a number");
    wrong("  filter: n | int / (n | int - 3) > 1", "row 4: `dataset.filter`: ");
    wrong("  filter: n | flaot > 1", "suite.yaml:5:");
    wrong("  filter: language == 'es'", "has no row that is selected");
    wrong("  columns: { text: 'n' }", "the dataset has a column `text` already");
    wrong("  columns: { a: 'item.nothing' }", "the computed column `a`");
    wrong("  target: nothing", "no column `nothing`");
}

#[test]
fn samples_are_the_same_whatever_the_order_of_the_rows() {
    let sample = "  sample: { n: 100, seed: 7, stratify: language }";
    let chosen: BTreeSet<String> = ids(sample).into_iter().collect();
    let mut reversed = rows();
    reversed.reverse();
    let (again, _) = plan(&csv(&reversed), sample).expect("valid");
    assert_eq!(chosen, again.into_iter().collect());
    let of = |rest: usize| {
        chosen.iter().filter(|id| id[1..].parse::<usize>().expect("a number") % 5 == rest).count()
    };
    assert_eq!([of(0), of(3)], [20, 20]);
    assert_eq!(chosen.len(), 100);
    let other: BTreeSet<String> = ids("  sample: { n: 100, seed: 8 }").into_iter().collect();
    assert!(chosen.intersection(&other).count() < 40);
    assert_eq!(ids("  sample: { share: 0.25 }").len(), 250);
    assert_eq!(ids("  sample: { n: 5000 }").len(), 1000);
    assert_eq!(ids("  filter: language == 'de'\n  sample: { n: 50 }").len(), 50);
    assert_eq!(ids("  sample: { n: 50 }\n  limit: 10").len(), 10);
    // A row that comes to the dataset takes the place of one, and moves no other.
    let mut more = rows();
    more.push("new,text,es,c,0,x\n".to_owned());
    let (more, _) = plan(&csv(&more), "  sample: { n: 100, seed: 7 }").expect("valid");
    let before: BTreeSet<String> = ids("  sample: { n: 100, seed: 7 }").into_iter().collect();
    assert!(more.iter().filter(|id| !before.contains(*id)).count() <= 1);
}

#[test]
fn splits_are_by_column_or_by_hash_and_hold_clusters_together() {
    assert_eq!(ids("  split: { column: language, take: [de, fr] }").len(), 400);
    let part = |take: &str| {
        let split =
            format!("  split: {{ parts: {{ train: 0.8, test: 0.2 }}, take: {take}, seed: 1 }}");
        ids(&split).into_iter().collect::<BTreeSet<_>>()
    };
    let (train, test) = (part("train"), part("test"));
    assert_eq!((train.len() + test.len(), train.intersection(&test).count()), (1000, 0));
    assert!((150..250).contains(&test.len()), "{}", test.len());
    assert_eq!(part("[train, test]").len(), 1000);
    let clustered =
        ids("  cluster: customer\n  split: { parts: { train: 0.8, test: 0.2 }, take: test }");
    let mut of_cluster = std::collections::BTreeMap::<usize, usize>::new();
    for id in &clustered {
        *of_cluster.entry(id[1..].parse::<usize>().expect("a number") / 4).or_default() += 1;
    }
    assert!(!of_cluster.is_empty() && of_cluster.values().all(|n| *n == 4), "{of_cluster:?}");
}

#[test]
fn what_a_selection_cannot_be_is_told_with_its_place() {
    let wrong = |dataset: &str, expected: &str| {
        let error = plan(&csv(&rows()), dataset).expect_err(dataset);
        assert!(error.contains(expected), "`{expected}` is not in {error}");
    };
    wrong("  split: { take: a }", "needs exactly one of `column` and `parts`");
    wrong("  split: { column: langage, take: de }", "did you mean `language`?");
    wrong("  split: { parts: { a: 0.5, b: 0.6 }, take: a }", "add up to 1");
    wrong("  split: { parts: { train: 0.5, test: 0.5 }, take: tset }", "did you mean `test`?");
    wrong("  sample: { seed: 1 }", "needs exactly one of `n` and `share`");
    wrong("  sample: { share: 0.0 }", "more than 0");
    wrong("  sample: { n: 3, stratify: kind }", "no column `kind`");
    wrong("  limit: 0", "limit");
    wrong("  schema: { n: { pattern: '(' } }", "`(` is not a pattern");
    wrong("  schema: { n: { min: 3, max: 1 } }", "is larger than the largest");
}

#[test]
fn all_violations_of_a_schema_are_told_at_once() {
    let schema = "  schema:\n    language: { values: [de, en] }\n    n: { type: integer, max: 997 }\n    text: { required: true }";
    let error = plan(&csv(&rows()), schema).expect_err("violated");
    let mut expected = String::from("202 values are not what `dataset.schema` says\n");
    for row in [4, 9] {
        writeln!(expected, "  row {row}, `language`: `fr` is none of the values there may be")
            .expect("text");
    }
    assert!(error.contains(&expected), "{error}");
    assert!(error.contains("and 182 more"), "{error}");
    let lenient = schema.replace("[de, en]", "[de, en, fr]").replace("997", "999");
    assert_eq!(ids(&lenient).len(), 1000);
    // Rows that are not selected may hold anything.
    assert_eq!(ids(&format!("  filter: language != 'fr' and n | int < 900\n{schema}")).len(), 720);
    let error = plan(&csv(&rows()), "  schema: { langage: { type: text } }").expect_err("absent");
    assert!(error.contains("no row has a column `langage`; did you mean `language`?"), "{error}");
}

/// A contract: what suites without a selection know their items by stays the same, and what one with a
/// selection chooses, too.
#[test]
fn selections_and_hashes_stay_the_same() {
    let (all, hash) = plan(&csv(&rows()), "").expect("valid");
    assert_eq!(all.len(), 1000);
    assert_eq!(plan(&csv(&rows()), "  schema: { n: { type: integer } }").expect("valid").1, hash);
    assert_eq!(ids("  sample: { n: 5, seed: 1 }"), SAMPLED);
}

const SAMPLED: [&str; 5] = ["i213", "i224", "i657", "i805", "i810"];

#[test]
fn text_is_not_compared_with_a_number() {
    let wrong = |dataset: &str, expected: &str| {
        let error = plan(&csv(&rows()), dataset).expect_err(dataset);
        assert!(error.contains(expected), "`{expected}` is not in {error}");
    };
    let told = "row 1: `dataset.filter`: `n` is text, and `n > 3` compares it with a number; write `n | float > 3`";
    wrong("  filter: n > 3", told);
    wrong("  filter: language == 'de' or item.n >= 3", "write `item.n | float >= 3`");
    wrong("  filter: 3 == n", "write `3 == (n | float)`");
    wrong("  columns: { late: n > 990 }", "the computed column `late`: `n` is text");
    assert_eq!(ids("  filter: n | float > 997"), ["i998", "i999"]);
    // What is no number is different from one.
    assert_eq!(ids("  filter: language != 3\n  limit: 1"), ["i0"]);
}

#[test]
fn a_selection_that_finds_less_than_it_names_is_told() {
    let check = |dataset: &str, expected: &[&str]| {
        let warnings = warnings(dataset);
        assert_eq!(warnings.len(), expected.len(), "{dataset}: {warnings:?}");
        for (warning, expected) in warnings.iter().zip(expected) {
            assert!(warning.contains(expected), "{dataset}: {warning}");
        }
    };
    check("  split: { column: language, take: de }", &[]);
    check(
        "  split: { column: language, take: [de, ne] }",
        &[
            "`dataset.split` takes `ne`, which no row has in `language`; did you mean `de`? there are: `de`, `en`, `fr`",
        ],
    );
    check("  sample: { n: 1000 }", &[]);
    check(
        "  sample: { n: 5000 }",
        &[
            "`dataset.sample` asks for 5,000 rows, and there are 1,000 to draw from: all of them are taken",
        ],
    );
    let error = plan(&csv(&rows()), "  split: { column: language, take: es }").expect_err("none");
    assert!(error.contains("no row that is selected: `dataset.split` takes `es`"), "{error}");
}

#[test]
fn a_column_with_blanks_around_its_name_is_told() {
    let wrong = |dataset: &str, expected: &str| {
        let error = plan("id, label,text,answer\ni,x,y,z\n", dataset).expect_err(dataset);
        assert!(error.contains(expected), "`{expected}` is not in {error}");
    };
    wrong("  target: label", "did you mean ` label`?");
    wrong(
        "  filter: matches(item.text, 'x')\n  split: { column: label, take: x }",
        "did you mean ` label`?",
    );
}
