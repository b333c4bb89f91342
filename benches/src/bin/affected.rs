//! Makes a repository of many suites, changes a fragment that a tenth of them reach, and prints how long
//! `evalmark affected --base HEAD` takes, from the start of the program to its end.
//!
//! `cargo build --release -p evalmark -p evalmark-benches`, then `target/release/affected [--evalmark PATH] [--suites N]`:
//!
//! - `--evalmark`: the program; default: the one in the folder of this one.
//! - `--suites`: how many there are; default: 2,000.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a figure for people to read")]

use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    time::Instant,
};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const USAGE: &str = "usage: affected [--evalmark PATH] [--suites N]";

fn main() -> ExitCode {
    match measured() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn measured() -> Result<()> {
    let (mut program, mut n_suites) = (beside(), 2_000_usize);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let value = arguments.next().ok_or("a value is missing")?;
        match argument.as_str() {
            "--evalmark" => program = fs::canonicalize(value)?,
            "--suites" => n_suites = value.parse()?,
            _ => return Err("an argument is unknown".into()),
        }
    }
    let folder = tempfile::tempdir()?;
    repository(folder.path(), n_suites)?;
    let mut seconds = Vec::new();
    for _ in 0..5 {
        let started = Instant::now();
        let arguments = ["affected", "--base", "HEAD"];
        let output = Command::new(&program).current_dir(folder.path()).args(arguments).output()?;
        seconds.push(started.elapsed().as_secs_f64());
        let found = String::from_utf8(output.stdout)?.matches("suites/").count();
        if !output.status.success() || found != n_suites / 10 {
            let told = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(format!("{found} suites were found: {told}").into());
        }
    }
    seconds.sort_by(f64::total_cmp);
    println!("{n_suites} suites, affected: {:.2} s (median of 5)", seconds[2]);
    Ok(())
}

fn git(folder: &Path, arguments: &[&str]) -> Result<()> {
    let status = Command::new("git")
        .args(["-c", "user.name=bench", "-c", "user.email=bench@example.org"])
        .args(arguments)
        .current_dir(folder)
        .status();
    if status?.success() { Ok(()) } else { Err(format!("git {arguments:?} failed").into()) }
}

/// Suites that use one of a hundred prompts, which include one of ten fragments.
fn repository(folder: &Path, n_suites: usize) -> Result<()> {
    let write = |path: String, text: String| -> Result<()> {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap_or(folder))?;
        Ok(fs::write(path, text)?)
    };
    for i in 0..10 {
        write(format!("prompts/fragments/{i}.j2"), format!("Tone {i}."))?;
    }
    for i in 0..100 {
        let text = format!(
            "---\nowner: bench\n---\n{{% include 'fragments/{}.j2' %}}\n{{{{ text }}}}\n",
            i % 10
        );
        write(format!("prompts/p{i}.md"), text)?;
    }
    for i in 0..n_suites {
        let text = format!(
            "name: s{i}\ndataset: {{ path: ../data/{i}.csv, id: id, target: label }}\n\
             prompts:\n  - {{ name: one, use: p{} }}\n  - {{ name: two, template: 'Sort {{{{ text }}}}' }}\n\
             models: [{{ name: m, provider: openai, model: gpt-4o-mini, params: {{ temperature: 0 }} }}]\n\
             metrics: [{{ name: exact, exact: {{}} }}]\ngate: {{ baseline: main }}\n",
            i % 100,
        );
        write(format!("suites/{i}.yaml"), text)?;
        write(format!("data/{i}.csv"), "id,text,label\n1,a,b\n".to_owned())?;
    }
    git(folder, &["init", "-q", "-b", "main"])?;
    git(folder, &["add", "-A"])?;
    git(folder, &["commit", "-q", "-m", "suites"])?;
    write("prompts/fragments/3.j2".to_owned(), "Another tone.".to_owned())
}

/// The program that was built into the same folder as this one.
fn beside() -> PathBuf {
    let name = format!("evalmark{}", std::env::consts::EXE_SUFFIX);
    std::env::current_exe().unwrap_or_default().with_file_name(name)
}
