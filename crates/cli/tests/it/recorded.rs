//! Recorded answers of several prompts, each in a column of its own.

use crate::setup::World;

const SUITE: &str = "\
name: test
dataset: { path: logs.csv, id: id, target: label }
prompts:
  - { name: plain, template: 'Colour of {{ text }}' }
  - { name: terse, template: '{{ text }}' }
models:
  - { name: logged, provider: recorded, recorded: COLUMNS }
metrics:
  - { name: exact, exact: {} }
";

fn world(columns: &str) -> World {
    let world = World::new(1);
    let rows =
        "id,text,label,said plainly,said tersely\n1,sky,blue,blue,green\n2,sun,red,red,red\n";
    world.write("logs.csv", rows);
    world.write("suite.yaml", &SUITE.replace("COLUMNS", columns));
    world
}

#[test]
fn each_prompt_may_have_a_column_of_its_own() {
    let world = world("{ columns: { plain: said plainly, terse: said tersely } }");
    let words = world.run_suite("r", &[]).expect(0).words();
    for row in ["plain logged 2 100.0 %", "terse logged 2 50.0 %"] {
        assert!(words.contains(row), "{words}");
    }
    // A prompt alone has its own column, too.
    let words = world.run_suite("s", &["--prompt", "terse"]).expect(0).words();
    assert!(words.contains("terse logged 2 50.0 %"), "{words}");
}

#[test]
fn a_prompt_without_a_column_is_a_mistake() {
    for (columns, message) in [
        ("{ columns: { plain: said plainly } }", "no column is named for the answers to prompt"),
        ("{ columns: { plain: a, terse: b, tarse: c } }", "`tarse` is not a prompt of this suite"),
        ("{ columns: { plain: said plainly, terse: sayd } }", "`sayd`"),
        ("{ columns: {}, column: label }", "exactly one of `column`, `columns` and `file`"),
    ] {
        let ran = world(columns).run(&["check", "suite.yaml"]).expect(2);
        assert!(ran.stderr.contains(message), "{columns}: {}", ran.stderr);
    }
}
