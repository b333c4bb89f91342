//! `evalmark check --watch`: it checks again when a suite, or a file that it names, changes.

use std::{
    fs,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::{Duration, Instant},
};

use crate::setup::World;

/// Nothing takes as long, unless it never comes.
const PATIENCE: Duration = Duration::from_secs(30);

const WATCH: [&str; 3] = ["check", "suite.yaml", "--watch"];

/// The program at work, and its lines as they come.
struct Watching {
    program: Child,
    lines: Receiver<String>,
}

impl Watching {
    fn start(world: &World) -> Self {
        Self::start_as(&mut world.command(&WATCH))
    }

    fn start_as(command: &mut Command) -> Self {
        let mut program = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let (sender, lines) = channel();
        let out = program.stdout.take().expect("stdout");
        let err = program.stderr.take().expect("stderr");
        let own = sender.clone();
        thread::spawn(move || {
            BufReader::new(out).lines().map_while(Result::ok).try_for_each(|line| own.send(line))
        });
        thread::spawn(move || {
            BufReader::new(err).lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        Self { program, lines }
    }

    /// Waits for a line that holds this.
    #[track_caller]
    fn until(&self, expected: &str) {
        let (end, mut seen) = (Instant::now() + PATIENCE, Vec::new());
        while let Ok(line) = self.lines.recv_timeout(end.saturating_duration_since(Instant::now()))
        {
            if line.contains(expected) {
                return;
            }
            seen.push(line);
        }
        panic!("`{expected}` is not among {seen:#?}");
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        drop(self.program.kill());
        drop(self.program.wait());
    }
}

fn world() -> World {
    let world = World::new(3);
    let suite = crate::setup::suite("http://127.0.0.1:1/v1", "");
    let inline = "- { name: terse, template: '{{ text }}' }";
    assert!(suite.contains(inline));
    let suite = suite.replace(inline, "- { name: terse, file: prompt.j2 }");
    world.write("suite.yaml", &suite);
    world.write("prompt.j2", "{% include 'part.j2' %} {{ text }}");
    world.write("part.j2", "Colour of");
    world
}

#[test]
fn every_file_of_a_suite_is_watched() {
    let world = world();
    let watching = Watching::start(&world);
    watching.until("watching 4 files; Ctrl-C ends");
    world.write("part.j2", "{{ nothing }}");
    watching.until("part.j2 changed");
    watching.until("nothing");
    world.write("part.j2", "Colour of");
    watching.until("= 6 samples");
    // An editor that writes beside a file and puts that in its place.
    world.write("prompt.new", "{{ txt }}");
    fs::rename(world.path("prompt.new"), world.path("prompt.j2")).expect("renamed");
    watching.until("prompt.j2 changed");
    watching.until("txt");
    world.write("prompt.j2", "{{ text }}");
    watching.until("= 6 samples");
    world.data(0..5);
    watching.until("data.csv changed");
    watching.until("= 10 samples");
    let suite = fs::read_to_string(world.path("suite.yaml")).expect("the suite");
    world.write("suite.yaml", &suite.replace("metrics:", "metricz:"));
    watching.until("did you mean `metrics`?");
    world.write("suite.yaml", &suite);
    watching.until("= 10 samples");
}

#[test]
fn a_file_that_comes_back_is_seen() {
    let world = world();
    fs::remove_file(world.path("prompt.j2")).expect("removed");
    let watching = Watching::start(&world);
    watching.until("prompt.j2 cannot be read");
    watching.until("watching");
    world.write("prompt.j2", "{{ text }}");
    watching.until("= 6 samples");
}

#[test]
#[cfg(target_os = "linux")]
fn an_interrupt_ends_it() {
    use std::os::unix::process::ExitStatusExt;

    use nix::{
        sys::signal::{Signal, kill},
        unistd::Pid,
    };

    let world = world();
    let plain = world.command(&WATCH);
    // Jobs in the background ignore interrupts, and so does what they start.
    let mut command = Command::new("env");
    command.arg("--default-signal=INT").arg(plain.get_program()).args(plain.get_args());
    command.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.current_dir(world.folder.path());
    let mut watching = Watching::start_as(&mut command);
    watching.until("watching");
    let id = i32::try_from(watching.program.id()).expect("an id");
    kill(Pid::from_raw(id), Signal::SIGINT).expect("sent");
    let end = Instant::now() + PATIENCE;
    let ended = loop {
        match watching.program.try_wait().expect("its state") {
            Some(ended) => break ended,
            None => assert!(Instant::now() < end, "it does not end"),
        }
        thread::yield_now();
    };
    // A shell calls this 130.
    assert_eq!(ended.signal(), Some(Signal::SIGINT as i32));
}
