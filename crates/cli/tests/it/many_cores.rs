//! The files of a run have the same bytes, however many threads make them.

use std::fmt::Write;

use crate::setup::World;

/// So many that `scores.parquet` has more than one row group, and `samples.parquet` two.
const ITEMS: usize = 17_000;

const SUITE: &str = "\
name: test
dataset: { path: data.csv, id: id, target: label, cluster: user, slices: [channel] }
prompts: [{ name: plain, template: '{{ text }}' }]
models: [{ name: kept, provider: recorded, recorded: { column: answer } }]
metrics:
  - { name: exact, exact: {} }
  - { name: close, fuzzy: { algorithm: jaro_winkler } }
  - { name: form, regex: { pattern: '^[a-z]+$' } }
";

#[test]
fn files_have_the_same_bytes_on_any_number_of_threads() {
    let world = World::new(1);
    world.write("suite.yaml", SUITE);
    let mut data = "id,text,label,answer,user,channel\n".to_owned();
    for i in 0..ITEMS {
        let label = ["red", "green", "blue"][i % 3];
        let answer = if i % 7 == 0 { "Rather purple" } else { label };
        let (user, channel) = (i * 31 % 4_000, ["mail", "chat"][i % 2]);
        writeln!(data, "i{i},Which colour has lamp {i}?,{label},{answer},u{user},{channel}")
            .expect("memory");
    }
    world.write("data.csv", &data);
    let run = |threads: &str| {
        let arguments = ["run", "suite.yaml", "--run-id", "a", "--out", threads, "--new-baseline"];
        world.run_in(&arguments, &[("RAYON_NUM_THREADS", threads)]).expect(0);
        ["scores", "samples", "summary"]
            .map(|file| world.bytes(&format!("{threads}/test/a/{file}.parquet")))
    };
    let alone = run("1");
    for threads in ["2", "16"] {
        assert!(run(threads) == alone, "on {threads} threads");
    }
}
