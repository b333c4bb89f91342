//! Every command that a page shows is run, in a folder that holds what a clone does, and prints what is shown.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use evalmark_loopback::Server;

use super::{
    blocks::{Block, blocks},
    pages::{Page, all},
    shown::is_as_shown,
    stand_in,
    suites::changed,
};
use crate::setup::{World, root};

/// One command of a block, and what the block shows behind it.
struct Step {
    command: String,
    shown: Option<String>,
}

/// The commands of a block: lines behind `$`, or all lines where there is none.
fn steps(block: &Block) -> Vec<Step> {
    if block.language != "console" {
        return vec![Step { command: format!("set -e\n{}", block.text), shown: None }];
    }
    let has_prompts = block.text.lines().any(|line| line.starts_with("$ "));
    let mut steps: Vec<Step> = Vec::new();
    let mut goes_on = false;
    for line in block.text.lines() {
        let typed = if has_prompts { line.strip_prefix("$ ") } else { Some(line) };
        match (steps.last_mut(), typed) {
            (Some(step), _) if goes_on => step.command = format!("{}\n{line}", step.command),
            (_, Some(typed)) => steps.push(Step { command: typed.to_owned(), shown: None }),
            (Some(step), None) => {
                let shown = step.shown.get_or_insert_default();
                shown.push_str(line);
                shown.push('\n');
                continue;
            }
            (None, None) => panic!("{}: output before a command", block.place),
        }
        goes_on = line.ends_with('\\');
    }
    steps
}

/// Where a page's commands are run: in a repository that holds what of a clone they need, or, where the page says
/// `<!-- folder: project -->`, in an empty one beside such a clone, which is called `evalmark`.
struct Place {
    world: World,
    folder: PathBuf,
}

impl Place {
    fn of(page: &Page) -> Self {
        let world = World::new(0);
        fs::remove_file(world.path("data.csv")).expect("a clone has none");
        let root_of_all = world.folder.path().to_owned();
        let is_beside = page.text.contains("<!-- folder: project -->");
        let clone = if is_beside { world.path("evalmark") } else { root_of_all.clone() };
        for folder in ["suites", "datasets", "reports/baselines", "ci", ".github"] {
            copy(&root().join(folder), &clone.join(folder));
        }
        fs::copy(root().join(".gitignore"), clone.join(".gitignore")).expect("copied");
        let folder = if is_beside { world.path("support") } else { root_of_all };
        fs::create_dir_all(&folder).expect("a folder");
        let git = |arguments: &[&str]| {
            let done = Command::new("git").args(arguments).current_dir(&folder).output();
            assert!(done.expect("git").status.success(), "{arguments:?}");
        };
        git(&["init", "-q", "-b", "main"]);
        git(&["config", "user.email", "someone@example.com"]);
        git(&["config", "user.name", "Someone"]);
        git(&["add", "."]);
        git(&["commit", "-q", "--allow-empty", "-m", "The beginning"]);
        Self { world, folder }
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.folder.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("written");
    }
}

fn copy(from: &Path, to: &Path) {
    let Ok(entries) = fs::read_dir(from) else { return };
    fs::create_dir_all(to).expect("a folder");
    for entry in entries {
        let entry = entry.expect("an entry");
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).expect("copied");
        }
    }
}

/// Runs a command as a shell does; both outputs together, as a terminal has them.
fn run(place: &Place, command: &str) -> (Option<i32>, String) {
    let program = Path::new(env!("CARGO_BIN_EXE_evalmark"));
    let path = std::env::var("PATH").unwrap_or_default();
    let path = format!("{}:{path}", program.parent().expect("a folder").display());
    let command = command.replace("cargo run --release -- ", "evalmark ");
    let home = place.world.folder.path();
    let mut shell = Command::new("bash");
    shell.args(["-c", &format!("exec 2>&1\n{command}")]).current_dir(&place.folder);
    for name in
        ["CI", "GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "COLUMNS", "NO_COLOR", "EVALMARK_CACHE_DIR"]
    {
        shell.env_remove(name);
    }
    shell.env("PATH", path).env("HOME", home).env("XDG_CACHE_HOME", home.join("cache"));
    shell.env("OPENAI_API_KEY", "of-the-stand-in").stdin(Stdio::null());
    let output = shell.output().expect("a shell");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    (output.status.code(), text.replace(&format!("{}/", place.folder.display()), ""))
}

/// Runs what a block shows; what is not as shown is told.
fn try_block(block: &Block, place: &Place, server: &Server, wrong: &mut Vec<String>) -> usize {
    let left_out = block.mark("not run");
    let only = left_out.and_then(|why| why.strip_prefix('`')?.split('`').next());
    if left_out.is_some() && only.is_none() {
        return 0;
    }
    let steps = steps(block);
    for (n, step) in steps.iter().enumerate().filter(|(_, step)| only != Some(&step.command)) {
        stand_in::redirect(&place.folder, &server.url());
        let (code, output) = run(place, &step.command);
        // Shows the output to authors of a page.
        if std::env::var_os("SHOW").is_some() {
            wrong.push(format!("{}: `{}` prints:\n{output}", block.place, step.command));
        }
        let is_last = n + 1 == steps.len();
        let expected =
            block.mark("exit").filter(|_| is_last).map_or(0, |c| c.parse().expect("a code"));
        if code != Some(expected) {
            wrong
                .push(format!("{}: `{}` ends with {code:?}:\n{output}", block.place, step.command));
        } else if step.shown.as_ref().is_some_and(|shown| !is_as_shown(shown, &output)) {
            wrong.push(format!("{}: `{}` prints:\n{output}", block.place, step.command));
        }
    }
    steps.len()
}

/// Runs a page from its beginning to its end.
fn try_page(page: &Page, wrong: &mut Vec<String>) -> usize {
    let blocks = blocks(page);
    if !blocks.iter().any(|block| block.is_commands() && block.mark("not run").is_none()) {
        return 0;
    }
    let (place, server) = (Place::of(page), stand_in::start());
    let mut n = 0;
    for block in &blocks {
        if let Some(name) = block.mark("file") {
            place.write(name, &block.text);
        } else if let Some(name) = block.mark("change") {
            let text = fs::read_to_string(place.folder.join(name));
            let text = text.unwrap_or_else(|error| panic!("{}: {error}", block.place));
            place.write(name, &changed(&text, &block.text));
        } else if block.is_commands() {
            n += try_block(block, &place, &server, wrong);
        }
    }
    n
}

/// Who reads a page sees no comments: the text says where a block belongs.
#[test]
fn files_are_named_where_they_are_shown() {
    let mut unnamed = Vec::new();
    for page in all() {
        for block in blocks(&page) {
            let file = block.mark("file").or(block.mark("change"));
            let is_named =
                |file: &str| page.prose().any(|(_, line)| line.contains(&format!("`{file}`")));
            unnamed.extend(
                file.filter(|file| !is_named(file)).map(|file| format!("{}: {file}", block.place)),
            );
        }
    }
    assert!(unnamed.is_empty(), "{unnamed:#?}");
}

/// `PAGE=judges` tries those whose name has this in it alone, and `SHOW=1` fails with what
/// each command prints.
#[test]
fn every_command_does_what_is_shown() {
    let only = std::env::var("PAGE").unwrap_or_default();
    let pages: Vec<_> = all().into_iter().filter(|page| page.name.contains(&only)).collect();
    let (mut n, mut wrong) = (0, Vec::new());
    std::thread::scope(|scope| {
        let half = pages.len().div_ceil(2);
        let parts = pages.chunks(half.max(1)).map(|pages| {
            scope.spawn(move || {
                let mut wrong = Vec::new();
                let n: usize = pages.iter().map(|page| try_page(page, &mut wrong)).sum();
                (n, wrong)
            })
        });
        for part in parts.collect::<Vec<_>>() {
            let (tried, found) = part.join().expect("a thread that ends");
            n += tried;
            wrong.extend(found);
        }
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    assert!(n > 30 || !only.is_empty(), "{n} commands");
}
