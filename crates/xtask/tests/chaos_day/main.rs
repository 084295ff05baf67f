//! The tutorial of the chaos day does what it says: its commands are run, and print what stands below them.
#![allow(
    clippy::disallowed_methods,
    reason = "starts processes and reads its settings from the environment"
)]

#[path = "../support/binary.rs"]
mod binary;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const TUTORIAL: &str = include_str!("../../../../docs/chaos/chaos-day.md");

/// Stands for any number of lines.
const ANYTHING: &str = "...";

/// A command, and the lines that it prints.
#[derive(Debug, PartialEq)]
struct Example<'a> {
    command: &'a str,
    expected: Vec<&'a str>,
}

/// The commands of all `console` blocks.
fn examples(text: &str) -> Vec<Example<'_>> {
    let mut examples: Vec<Example<'_>> = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        match (inside, line) {
            (false, "```console") => inside = true,
            (true, "```") => inside = false,
            (true, line) => match (line.strip_prefix("$ "), examples.last_mut()) {
                (Some(command), _) => examples.push(Example { command, expected: Vec::new() }),
                (None, Some(example)) => example.expected.push(line),
                (None, None) => panic!("output without a command: {line}"),
            },
            (false, _) => {}
        }
    }
    examples
}

/// A line without its time.
fn timeless(line: &str) -> String {
    match line
        .strip_prefix('[')
        .and_then(|rest| rest.split_at_checked("2022-08-02 09:35:25 ".len()))
    {
        Some((time, rest)) if time.as_bytes()[4] == b'-' && time.as_bytes()[13] == b':' => {
            format!("[{rest}")
        }
        _ => line.trim_end().to_owned(),
    }
}

/// Whether the lines are those expected.
fn matches(expected: &[&str], got: &[String]) -> bool {
    match expected.split_first() {
        None => got.is_empty(),
        Some((&ANYTHING, rest)) => (0..=got.len()).any(|skipped| matches(rest, &got[skipped..])),
        Some((line, rest)) => got.first() == Some(&timeless(line)) && matches(rest, &got[1..]),
    }
}

/// A folder to work in; the cluster in it is stopped when it is dropped.
struct Folder {
    binary: PathBuf,
    path: PathBuf,
}

impl Folder {
    fn new() -> Self {
        let name = format!("chaos-day-{}", std::process::id());
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir_all(&path).expect("a folder");
        let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let experiments = repository.join("experiments").canonicalize().expect("they are there");
        let _ = std::fs::remove_file(path.join("experiments"));
        std::os::unix::fs::symlink(experiments, path.join("experiments")).expect("a link");
        Self { binary: binary::binary("SKEP_CLUSTER_TEST_BINARY"), path }
    }

    /// What a command of the tutorial prints, and whether it succeeds.
    fn run(&self, command: &str) -> (bool, String) {
        let folder = self.binary.parent().expect("the binary is in a folder");
        let path = std::env::var("PATH").unwrap_or_default();
        let output = Command::new("sh")
            .args(["-c", &format!("{command} 2>&1")])
            .current_dir(&self.path)
            .env("PATH", format!("{}:{path}", folder.display()))
            .env_remove("SKEP_CLUSTER_DIR")
            .stdin(Stdio::null())
            .output()
            .expect("a shell");
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        self.run("skep cluster stop --wipe --grace 0s");
        if !std::thread::panicking() {
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

#[test]
fn the_tutorial_of_the_chaos_day_does_what_it_says() {
    let folder = Folder::new();
    for example in examples(TUTORIAL) {
        let (good, text) = folder.run(example.command);
        assert!(good, "{}:\n{text}", example.command);
        let lines: Vec<String> = text.lines().map(timeless).collect();
        assert!(matches(&example.expected, &lines), "{example:#?} printed\n{text}");
    }
}

#[test]
fn examples_are_commands_with_what_they_print() {
    let text = "a\n```console\n$ one\nx\n...\ny\n$ two\n```\n$ not this\n";
    let one = Example { command: "one", expected: vec!["x", ANYTHING, "y"] };
    assert_eq!(examples(text), [one, Example { command: "two", expected: vec![] }]);
    let lines = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    assert!(matches(&["x", ANYTHING, "y"], &lines("x a b y")));
    assert!(matches(&["x", ANYTHING, "y"], &lines("x y")));
    assert!(!matches(&["x", ANYTHING, "y"], &lines("x y z")));
    assert_eq!(timeless("[2022-08-02 09:35:25 INFO] Probe: a"), "[INFO] Probe: a");
    assert_eq!(timeless("Node      |Partition 1"), "Node      |Partition 1");
}
