//! `evalmark init`: what a clone needs to run the suite, and datasets as spreadsheets export them.

use std::fs;

use crate::setup::World;

fn repository() -> World {
    let world = World { folder: tempfile::tempdir().expect("a folder") };
    fs::create_dir(world.path(".git")).expect("a repository");
    world
}

/// Twenty items, so that the suite has a gate.
fn rows() -> String {
    let row = |n: usize| format!("{n},text {n},{}\n", ["x", "y"][n % 2]);
    "id,text,label\n".to_owned() + &(0..20).map(row).collect::<String>()
}

fn read(world: &World, name: &str) -> String {
    fs::read_to_string(world.path(name)).expect(name)
}

const ASKED: [&str; 6] =
    ["--provider", "openai", "--model", "m", "--base-url", "http://127.0.0.1:9/v1"];

/// A job works on a clone: without the dataset and the recipe it would fail, or not run at all.
#[test]
fn the_dataset_and_the_recipe_are_added_to_git() {
    let world = repository();
    world.write("Team export (2).csv", &rows());
    let init = ["init", "--dataset", "Team export (2).csv", "--ci", "github"];
    let told = world.run(&[&init[..], &ASKED].concat()).expect(0);
    let add = "\n  git add .gitignore 'Team export (2).csv' suites reports/baselines \
               .github/workflows/evalmark.yml\n";
    assert!(told.stdout.contains(add), "{}", told.stdout);
}

#[test]
fn a_recipe_alone_is_added_to_suites_that_are_there() {
    let world = repository();
    world.run(&["init", "--example"]).expect(0);
    let suite = world.bytes("suites/messages.yaml");
    world.write("data.csv", &rows());
    world.run(&["init", "--dataset", "data.csv", "--provider", "groq", "--model", "m"]).expect(0);
    let told = world.run(&["init", ".", "--ci", "github"]).expect(0);
    let recipe = ".github/workflows/evalmark.yml";
    assert!(told.stdout.contains(&format!("new       {recipe}")), "{}", told.stdout);
    assert!(told.stdout.contains(&format!("  git add {recipe}")), "{}", told.stdout);
    assert!(told.stderr.contains("the job needs GROQ_API_KEY"), "{}", told.stderr);
    let recipe = read(&world, recipe);
    assert!(recipe.contains("GROQ_API_KEY: ${{ secrets.GROQ_API_KEY }}"), "{recipe}");
    assert_eq!(world.bytes("suites/messages.yaml"), suite);
    // A suite with mistakes does not keep the recipe away.
    world.write("suites/broken.yaml", "name: broken\n");
    let told = world.run(&["init", "--ci", "jenkins", "--format", "json"]).expect(0);
    assert!(told.stderr.contains("suites/broken.yaml has mistakes"), "{}", told.stderr);
    assert!(told.stdout.contains("\"path\": \"Jenkinsfile\""), "{}", told.stdout);
}

/// Without suites there is nothing that a recipe could run.
#[test]
fn a_recipe_needs_a_suite() {
    let world = repository();
    let told = world.run(&["init", "--ci", "github"]).expect(2);
    assert!(told.stderr.contains("the dataset is missing"), "{}", told.stderr);
    assert!(!world.path(".github").exists());
}

#[test]
fn labels_that_differ_by_case_are_one_class() {
    let world = repository();
    world.write("data.csv", &rows().replace("text 4,x", "text 4,X "));
    let told = world.run(&[&["init", "--dataset", "data.csv"][..], &ASKED].concat()).expect(0);
    let prompt = read(&world, "suites/prompts/data.j2");
    assert!(prompt.contains("nothing else:\n- x\n- y\n\n"), "{prompt}");
    let suite = read(&world, "suites/data.yaml");
    assert!(suite.contains("labels: [x, \"y\"]"), "{suite}");
    assert!(told.stdout.contains("`X`"), "{}", told.stdout);
}

/// Options with a column each repeat few values; that makes them no slices.
#[test]
fn options_in_columns_are_shown() {
    let row = |n: usize| {
        let right = ["A", "B", "C"][n % 3];
        format!("Which of all is number {n}?,lamp,{},tent,{right}\n", ["desk", "bed"][n % 2])
    };
    let rows: String = (0..24).map(row).collect();
    for [a, b, c] in [["A", "B", "C"], ["answer_a", "answer_b", "answer_c"]] {
        let world = repository();
        world.write("quiz.csv", &(format!("Question,{a},{b},{c},Correct\n") + &rows));
        world.run(&[&["init", "--dataset", "quiz.csv"][..], &ASKED].concat()).expect(0);
        let prompt = read(&world, "suites/prompts/quiz.j2");
        for option in [a, b, c] {
            assert!(prompt.contains(&format!("\n{option}: {{{{ {option} }}}}")), "{prompt}");
        }
        let suite = read(&world, "suites/quiz.yaml");
        assert!(suite.contains("choice: { options: 3 }") && !suite.contains("slices"), "{suite}");
    }
}

#[test]
fn a_model_s_answers_that_pass_for_right_ones_are_named() {
    let world = repository();
    world.write("log.csv", "request,response,human_verdict\na,x,good\nb,y,bad\nc,z,good\n");
    let told = world.run(&["init", "--dataset", "log.csv", "--provider", "recorded"]).expect(2);
    assert!(told.stderr.contains("`response` is taken for the right answers"), "{}", told.stderr);
}

/// Columns that say how rows are used, or which answer was worse, are not taken for right answers.
#[test]
fn splits_and_rejected_answers_are_no_right_answers() {
    let check = |header: &str, row: &dyn Fn(usize) -> String, target: &str, prompt: &str| {
        let world = repository();
        let rows: String = (0..24).map(|n| row(n) + "\n").collect();
        world.write("data.csv", &format!("{header}\n{rows}"));
        world.run(&[&["init", "--dataset", "data.csv"][..], &ASKED].concat()).expect(0);
        let suite = read(&world, "suites/data.yaml");
        assert!(suite.contains(&format!("target: {target}\n")), "{suite}");
        let text = read(&world, "suites/prompts/data.j2");
        assert!(text.contains(prompt) && !text.contains("rejected"), "{text}");
    };
    let tagged = |n: usize| format!("say {n},{},{}", ["x", "y"][n % 2], ["train", "test"][n % 2]);
    check("utterance,y_true,split", &tagged, "y_true", "{{ utterance }}");
    check("utterance,tag,split", &tagged, "tag", "{{ utterance }}");
    check("utterance,split", &|n| format!("say {n},{}", ["a", "b"][n % 2]), "split", "- a\n- b");
    let preferred = |n: usize| format!("Please write {n},text {n},bad {n}");
    check("prompt,chosen,rejected", &preferred, "chosen", "{{ prompt }}");
}
