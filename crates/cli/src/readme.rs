//! What README.md says of commands, options and exit codes, held against the program.

use clap::CommandFactory;

use crate::{args::Cli, exit::meanings};

const README: &str = include_str!("../../../README.md");

/// The rows of the table under this header, as cells.
fn table(header: &str) -> Vec<Vec<&'static str>> {
    let lines = README.lines().skip_while(|line| *line != header).skip(2);
    let rows = lines.take_while(|line| line.starts_with('|'));
    rows.map(|row| row.trim_matches('|').split('|').map(str::trim).collect()).collect()
}

/// Code within a text: between backticks.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The command that these words begin with, and what follows its name; `None` where they are none.
fn resolve<'a>(
    root: &clap::Command,
    words: &'a str,
) -> Option<(String, clap::Command, Vec<&'a str>)> {
    let (mut command, mut path) = (root.clone(), Vec::new());
    let mut rest: Vec<_> = words.split_whitespace().collect();
    while let Some(inner) = rest.first().and_then(|word| command.find_subcommand(word)).cloned() {
        path.push(inner.get_name().to_owned());
        command = inner;
        rest.remove(0);
    }
    (!path.is_empty()).then(|| (path.join(" "), command, rest))
}

/// Whether a command, or every command, has this option.
fn has_option(root: &clap::Command, command: &clap::Command, option: &str) -> bool {
    let name = option.trim_start_matches('-').trim_end_matches(|c: char| !c.is_alphanumeric());
    let all = command.get_arguments().chain(root.get_arguments().filter(|arg| arg.is_global_set()));
    all.into_iter().any(|arg| arg.get_long() == Some(name)) || name == "help"
}

/// The paths of all commands, of those with commands within them only those.
fn paths(command: &clap::Command, before: &str) -> Vec<String> {
    let inner = command.get_subcommands().filter(|inner| inner.get_name() != "help");
    let of = |inner: &clap::Command| {
        let path = format!("{before} {}", inner.get_name()).trim_start().to_owned();
        let within = paths(inner, &path);
        if within.is_empty() { vec![path] } else { within }
    };
    inner.flat_map(of).collect()
}

#[test]
fn the_table_of_commands_is_the_program() {
    let root = Cli::command();
    let mut told = Vec::new();
    for row in table("| command | what it does |") {
        let mut last = None;
        for words in code(row[0]) {
            let words = words.strip_prefix("evalmark ").unwrap_or(words);
            let group = last.as_ref().map(|(path, ..): &(String, _, _)| {
                path.rsplit_once(' ').map_or(path.clone(), |(group, _)| group.to_owned())
            });
            // `list` behind `baseline promote …` is `baseline list`; `samples` is a value.
            let sibling = group
                .and_then(|group| resolve(&root, &format!("{group} {words}")).map(|found| found.0));
            let sibling = sibling.filter(|path| path.contains(' ') && path.ends_with(words));
            if let Some(path) = sibling {
                told.push(path);
            } else if let Some((path, command, rest)) = resolve(&root, words) {
                let options = rest.iter().filter(|word| word.starts_with("--"));
                let options = options.copied().chain(code(row[1]).filter(|c| c.starts_with("--")));
                for option in options {
                    assert!(has_option(&root, &command, option), "{path} has no {option}");
                }
                told.push(path.clone());
                last = Some((path, command, ()));
            } else {
                assert!(last.is_some(), "`{words}` is not a command");
            }
        }
    }
    for path in paths(&root, "") {
        assert!(told.contains(&path), "README's table has no row for `evalmark {path}`");
    }
}

#[test]
fn the_table_of_exit_codes_is_the_program() {
    let rows = table("| exit code | meaning |");
    let rows: Vec<_> = rows.iter().map(|row| (row[0].to_owned(), row[1])).collect();
    let expected: Vec<_> = meanings().map(|(code, meaning)| (code.to_string(), meaning)).collect();
    assert_eq!(rows, expected);
}

/// `evalmark COMMAND --option` wherever it stands.
#[test]
fn commands_and_options_that_are_shown_exist() {
    let root = Cli::command();
    let lines = README.lines().filter_map(|line| line.strip_prefix("evalmark "));
    let spans = code(README).filter_map(|code| code.strip_prefix("evalmark "));
    let mut seen = 0;
    for words in lines.chain(spans) {
        let found = resolve(&root, words);
        let (path, command, rest) = found.unwrap_or_else(|| panic!("`evalmark {words}`"));
        for option in rest.iter().filter(|word| word.starts_with("--")) {
            assert!(has_option(&root, &command, option), "`evalmark {path}` has no {option}");
        }
        seen += 1;
    }
    assert!(seen > 20, "{seen}");
}
