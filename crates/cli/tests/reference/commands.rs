//! The reference of commands and exit codes, generated from the arguments, as a module of the program's own tests: a page of the book and two
//! tables of README.md. `UPDATE=1 cargo test -p evalmark --bin evalmark reference` writes them.

use std::{collections::BTreeMap, env, fmt::Write, fs, path::Path};

use clap::{Arg, CommandFactory};

use crate::{args::Cli, exit::meanings};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
const PAGE: &str = "docs/src/reference/commands.md";
const OPTIONS: &str = "docs/src/reference/options.md";
const MADE: &str = "<!-- Generated from crates/cli/src: UPDATE=1 cargo test -p evalmark --bin evalmark reference -->";

/// A text of this repository.
fn read(name: &str) -> String {
    fs::read_to_string(Path::new(ROOT).join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Holds a file against what the code says, or writes it.
#[track_caller]
fn hold(name: &str, generated: &str) {
    if env::var_os("UPDATE").is_some() {
        fs::write(Path::new(ROOT).join(name), generated).expect("written");
    }
    let advice = "run `UPDATE=1 cargo test -p evalmark --bin evalmark reference`";
    assert!(read(name) == generated, "{name} is not what the program says: {advice}");
}

/// The file with `generated` between the two comments that name it.
fn with_part(name: &str, part: &str, generated: &str) -> String {
    let text = read(name);
    let (opening, closing) =
        (format!("<!-- generated: {part} -->"), format!("<!-- /generated: {part} -->"));
    let (before, rest) =
        text.split_once(&opening).unwrap_or_else(|| panic!("{name} has no {opening}"));
    let (_, after) = rest.split_once(&closing).expect("its end");
    format!("{before}{opening}\n{generated}{closing}{after}")
}

/// The whole program, and every command with its path, those within others behind them.
fn commands() -> (clap::Command, Vec<(String, clap::Command)>) {
    let mut root = Cli::command();
    root.build();
    let mut found = Vec::new();
    within(&root, "", &mut found);
    (root, found)
}

fn within(command: &clap::Command, before: &str, found: &mut Vec<(String, clap::Command)>) {
    for inner in command.get_subcommands().filter(|inner| inner.get_name() != "help") {
        let path = format!("{before} {}", inner.get_name()).trim_start().to_owned();
        found.push((path.clone(), inner.clone()));
        within(inner, &path, found);
    }
}

/// A cell of a table: one line, in which bars do not end the cell.
fn cell(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

/// What an option means, with its values, its default and its variable.
fn meaning(arg: &Arg) -> String {
    let mut text =
        arg.get_long_help().or(arg.get_help()).map(ToString::to_string).unwrap_or_default();
    let values = arg.get_possible_values();
    if arg.get_action().takes_values() && !values.is_empty() {
        let value = |value: &clap::builder::PossibleValue| {
            let help = value.get_help().map(|help| format!(" ({help})")).unwrap_or_default();
            format!("`{}`{help}", value.get_name())
        };
        let values = values.iter().map(value).collect::<Vec<_>>().join(", ");
        write!(text, ": {values}").expect("a text");
    }
    let defaults: Vec<_> =
        arg.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
    if arg.get_action().takes_values() && !defaults.is_empty() {
        write!(text, " [default: `{}`]", defaults.join(" ")).expect("a text");
    }
    if let Some(variable) = arg.get_env() {
        write!(text, " [variable: `{}`]", variable.to_string_lossy()).expect("a text");
    }
    text
}

/// A table of arguments; empty where there are none.
fn table<'a>(args: impl Iterator<Item = &'a Arg>) -> String {
    let row = |arg: &Arg| {
        let short = arg.get_short().map(|short| format!("`-{short}`, ")).unwrap_or_default();
        format!("| {short}`{}` | {} |\n", cell(&arg.to_string()), cell(&meaning(arg)))
    };
    let rows: String = args.map(row).collect();
    if rows.is_empty() { rows } else { format!("\n| argument | meaning |\n| --- | --- |\n{rows}") }
}

fn is_own(arg: &Arg) -> bool {
    !arg.is_global_set()
        && !arg.is_hide_set()
        && !["help", "version"].contains(&arg.get_id().as_str())
}

/// The page of all commands.
fn page() -> String {
    let (root, commands) = commands();
    let mut page = format!("# Commands\n\n{MADE}\n\n")
        + "\
        What `evalmark COMMAND --help` says, on one page. Wherever a `RUN_DIR` is taken, so is `latest` or\n\
        `SUITE:latest`, the run below `--out` that began last, and `latest~1`, the one before it; a folder that\n\
        is called `latest` is `./latest`. Every command ends with one of the [exit codes](exit-codes.md).\n";
    for (path, command) in commands {
        let about = command.get_long_about().or(command.get_about()).expect("a line for `--help`");
        let usage = command.clone().render_usage().to_string();
        let usage = usage.trim_start_matches("Usage: ");
        let table = table(command.get_arguments().filter(|arg| is_own(arg)));
        write!(page, "\n## evalmark {path}\n\n{about}.\n\n```text\n{usage}\n```\n{table}")
            .expect("a text");
    }
    let globals = root.get_arguments().filter(|arg| arg.is_global_set());
    write!(page, "\n## Options of every command\n{}", table(globals)).expect("a text");
    page.replace("..\n", ".\n")
}

/// The page of all options by name, each with the commands that take it.
fn options_page() -> String {
    let (root, commands) = commands();
    let mut options: BTreeMap<String, BTreeMap<String, Vec<String>>> = BTreeMap::new();
    let mut add = |arg: &Arg, command: &str| {
        if let Some(name) = arg.get_long() {
            options
                .entry(name.into())
                .or_default()
                .entry(meaning(arg))
                .or_default()
                .push(command.into());
        }
    };
    for (path, command) in &commands {
        for arg in command.get_arguments().filter(|arg| is_own(arg)) {
            add(arg, &format!("[`{path}`](commands.md#evalmark-{})", path.replace(' ', "-")));
        }
    }
    for arg in root.get_arguments().filter(|arg| arg.is_global_set()) {
        add(arg, "[every command](commands.md#options-of-every-command)");
    }
    let mut page = format!(
        "# Options by name\n\n{MADE}\n\nWhich commands take an option, and what it means there.\n"
    );
    for (name, meanings) in options {
        writeln!(page, "\n## --{name}\n").expect("a text");
        for (meaning, commands) in meanings {
            let meaning = meaning.split_whitespace().collect::<Vec<_>>().join(" ");
            writeln!(page, "- {}: {meaning}.", commands.join(", ")).expect("a text");
        }
    }
    page
}

#[test]
fn the_pages_of_commands_are_current() {
    hold(PAGE, &page());
    hold(OPTIONS, &options_page());
}

/// A line for each command, and the exit codes.
#[test]
fn the_tables_of_the_readme_are_current() {
    let mut rows = "| command | what it does |\n| --- | --- |\n".to_owned();
    for (path, command) in commands().1.iter().filter(|(_, command)| !command.has_subcommands()) {
        let about = command.get_about().expect("a line for `--help`").to_string();
        let anchor = format!("{PAGE}#evalmark-{}", path.replace(' ', "-"));
        writeln!(rows, "| [`evalmark {path}`]({anchor}) | {} |", cell(&about)).expect("a text");
    }
    hold("README.md", &with_part("README.md", "commands", &rows));
    let mut codes = "| exit code | meaning |\n| --- | --- |\n".to_owned();
    for (code, meaning) in meanings() {
        writeln!(codes, "| {code} | {} |", cell(meaning)).expect("a text");
    }
    for name in ["README.md", "docs/src/reference/exit-codes.md"] {
        hold(name, &with_part(name, "exit codes", &codes));
    }
}

/// README and every page of the book.
fn texts() -> Vec<(String, String)> {
    let mut names =
        vec!["README.md".to_owned(), "CONTRIBUTING.md".to_owned(), "SECURITY.md".to_owned()];
    for folder in ["docs/src", "docs/src/reference"] {
        for entry in fs::read_dir(Path::new(ROOT).join(folder)).expect("the book") {
            let name = entry.expect("an entry").file_name().into_string().expect("UTF-8");
            if name.rsplit('.').next() == Some("md") {
                names.push(format!("{folder}/{name}"));
            }
        }
    }
    names
        .into_iter()
        .map(|name| {
            let text = read(&name);
            (name, text)
        })
        .collect()
}

/// The command that these words begin with, and what follows its name; `None` where they are none.
fn resolve<'a>(root: &clap::Command, words: &'a str) -> Option<(clap::Command, Vec<&'a str>)> {
    let mut command = root.clone();
    let mut rest: Vec<_> = words.split_whitespace().collect();
    while let Some(inner) = rest.first().and_then(|word| command.find_subcommand(word)).cloned() {
        command = inner;
        rest.remove(0);
    }
    (command.get_name() != root.get_name()).then_some((command, rest))
}

fn has_option(command: &clap::Command, option: &str) -> bool {
    let name = option.trim_start_matches('-').split('=').next().unwrap_or_default();
    let name = name.trim_end_matches(|c: char| !c.is_alphanumeric());
    command.get_arguments().any(|arg| arg.get_long() == Some(name)) || name == "help"
}

/// `evalmark COMMAND --option` exists wherever it is written.
#[test]
fn commands_and_options_that_are_shown_exist() {
    let (root, _) = commands();
    let (mut seen, mut wrong) = (0, Vec::new());
    for (name, text) in texts() {
        let blocks = text.split("\n```").skip(1).step_by(2).flat_map(str::lines);
        let lines = blocks.filter_map(|line| {
            line.trim_start().trim_start_matches("$ ").strip_prefix("evalmark ")
        });
        let spans = text.lines().flat_map(|line| line.split('`').skip(1).step_by(2));
        for words in lines.chain(spans.filter_map(|code| code.strip_prefix("evalmark "))) {
            let words = words.split(['|', '>', '&', ';', '#']).next().unwrap_or_default();
            seen += 1;
            let Some((command, rest)) = resolve(&root, words) else {
                // An option of the program itself, and `evalmark COMMAND`, stand for any command.
                if !words.starts_with(['-', 'C']) {
                    wrong.push(format!("{name}: `evalmark {words}`"));
                }
                continue;
            };
            let options = rest.iter().filter(|word| word.starts_with("--") && word.len() > 2);
            wrong.extend(
                options
                    .filter(|option| !has_option(&command, option))
                    .map(|option| format!("{name}: `evalmark {words}`: no {option}")),
            );
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(seen > 100, "{seen}");
}
