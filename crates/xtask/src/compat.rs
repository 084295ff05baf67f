//! `cargo xtask compat`: the official clients of the field against a real server.
//!
//! Each suite is a small program in `tests/compat/`, with its client from its own registry. Every suite gets a server of its own, so
//! that they run side by side and none sees what another does.

pub(crate) mod cluster;

use crate::server::{Ports, Server};
use crate::shell::{self, Outcome};
use crate::workspace;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// A client of the field: where its program is, what it needs, how it runs.
#[derive(Clone, Copy)]
struct Suite {
    name: &'static str,
    /// Programs that have to be installed, with the argument that makes them print their version.
    tools: &'static [(&'static str, &'static str)],
    prepare: fn(&Places) -> Outcome,
    run: fn(&Places) -> Command,
}

const SUITES: [Suite; 5] = [
    Suite {
        name: "java-8.5",
        tools: &[("java", "-version"), ("mvn", "-v")],
        prepare: maven_compile,
        run: maven_run,
    },
    Suite {
        name: "java-8.8",
        tools: &[("java", "-version"), ("mvn", "-v")],
        prepare: maven_compile,
        run: maven_run,
    },
    Suite {
        name: "node",
        tools: &[("node", "-v"), ("npm", "-v")],
        prepare: node_install,
        run: node_run,
    },
    Suite { name: "python", tools: &[("python3", "-V")], prepare: python_install, run: python_run },
    Suite { name: "go", tools: &[("go", "version")], prepare: go_build, run: go_run },
];

/// Where a suite finds its sources and keeps what it makes.
struct Places {
    sources: PathBuf,
    made: PathBuf,
}

/// An address of a server that is there already, instead of one that is started here.
#[derive(Clone)]
pub(crate) struct Against {
    pub(crate) grpc: String,
    pub(crate) rest: String,
}

/// How a suite ended.
enum Verdict {
    Ran { passed: u64, failed: u64, time: Duration },
    Broken(String),
    Skipped(String),
}

/// Runs the suites named, or all, and prints a table.
pub(crate) fn run(names: &[String], release: bool, against: Option<&Against>) -> Outcome {
    let suites = chosen(names)?;
    let root = workspace::root();
    let target = workspace::metadata(false)?.target_directory;
    let binary = if against.is_some() { PathBuf::new() } else { build(&root, &target, release)? };
    let terminal = Mutex::new(());
    let run_one = |suite: &Suite| {
        let verdict = run_suite(suite, &root, &target, &binary, against, &terminal);
        (suite.name, verdict)
    };
    // One server is shared by nobody else, and a server that is there already by one at a time.
    let verdicts: Vec<(&str, Verdict)> = if against.is_some() {
        suites.iter().map(run_one).collect()
    } else {
        std::thread::scope(|scope| {
            let threads: Vec<_> =
                suites.iter().map(|suite| scope.spawn(|| run_one(suite))).collect();
            threads.into_iter().filter_map(|thread| thread.join().ok()).collect()
        })
    };
    if verdicts.len() < suites.len() {
        return Err("a suite panicked".to_owned());
    }
    report(&verdicts)
}

fn chosen(names: &[String]) -> Result<Vec<Suite>, String> {
    if names.is_empty() {
        return Ok(SUITES.to_vec());
    }
    names
        .iter()
        .map(|name| {
            SUITES.into_iter().find(|suite| suite.name == name).ok_or_else(|| {
                let known: Vec<&str> = SUITES.iter().map(|suite| suite.name).collect();
                format!("no suite is called {name}; there are {}", known.join(", "))
            })
        })
        .collect()
}

/// Builds the server: with optimisation if asked for; the clients do not need it.
pub(crate) fn build(root: &Path, target: &Path, release: bool) -> Result<PathBuf, String> {
    let mut command = shell::cargo(root);
    command.args(["build", "--locked", "--package", "skep-cli"]);
    if release {
        command.arg("--release");
    }
    shell::run(&mut command)?;
    Ok(target.join(if release { "release" } else { "debug" }).join("skep"))
}

fn run_suite(
    suite: &Suite,
    root: &Path,
    target: &Path,
    binary: &Path,
    against: Option<&Against>,
    terminal: &Mutex<()>,
) -> Verdict {
    let missing = suite.tools.iter().find(|(tool, version)| !shell::is_installed(tool, version));
    if let Some((tool, _)) = missing {
        // Where the clients have to run, their absence is no excuse.
        return if std::env::var("CI").is_ok_and(|ci| ci == "true") {
            Verdict::Broken(format!("{tool} is not installed, and CI=true"))
        } else {
            Verdict::Skipped(format!("{tool} is not installed"))
        };
    }
    let places = Places {
        sources: root.join("tests/compat").join(suite.name),
        made: target.join("compat").join(suite.name),
    };
    let outcome = std::fs::create_dir_all(&places.made)
        .map_err(|error| format!("cannot create {}: {error}", places.made.display()))
        .and_then(|()| (suite.prepare)(&places))
        .and_then(|()| match against {
            Some(against) => execute(suite, &places, root, against),
            None => execute_on_own_server(suite, &places, root, binary),
        });
    let (text, verdict) = match outcome {
        Ok((text, time)) => match last_counts(&text) {
            Some((passed, failed)) => (text, Verdict::Ran { passed, failed, time }),
            None => (text, Verdict::Broken("it ended without a summary".to_owned())),
        },
        Err(message) => (String::new(), Verdict::Broken(message)),
    };
    // A suite's lines stay together.
    let _quiet = terminal.lock();
    println!("--- {}", suite.name);
    print!("{text}");
    verdict
}

fn execute_on_own_server(
    suite: &Suite,
    places: &Places,
    root: &Path,
    binary: &Path,
) -> Result<(String, Duration), String> {
    let data = places.made.join(format!("server-{}", std::process::id()));
    let log = places.made.join("server.log");
    let _ = std::fs::remove_file(&log);
    let outcome = Server::start(binary, &data, &log, Ports::free()?, &[]).and_then(|server| {
        let against = Against { grpc: server.grpc_address(), rest: server.rest_address() };
        execute(suite, places, root, &against)
    });
    let _ = std::fs::remove_dir_all(&data);
    outcome
}

/// Runs the suite's program; its output and how long it took.
fn execute(
    suite: &Suite,
    places: &Places,
    root: &Path,
    against: &Against,
) -> Result<(String, Duration), String> {
    let mut command = (suite.run)(places);
    command
        .env("SKEP_GRPC_ADDRESS", &against.grpc)
        .env("SKEP_REST_ADDRESS", &against.rest)
        .env("SKEP_COMPAT_MODELS", root.join("models/compat"))
        .stdin(Stdio::null());
    let started = Instant::now();
    let output = command
        .output()
        .map_err(|error| format!("cannot start `{}`: {error}", shell::shown(&command)))?;
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    if last_counts(&text).is_none_or(|(_, failed)| failed > 0) {
        text.push_str(&String::from_utf8_lossy(&output.stderr));
    }
    Ok((text, started.elapsed()))
}

/// The counts of the last line `N passed, N failed`.
fn last_counts(text: &str) -> Option<(u64, u64)> {
    text.lines().rev().find_map(|line| {
        let (passed, failed) = line.trim().split_once(" passed, ")?;
        Some((passed.parse().ok()?, failed.strip_suffix(" failed")?.parse().ok()?))
    })
}

fn report(verdicts: &[(&str, Verdict)]) -> Outcome {
    println!("\n{:<10} {:>7} {:>7} {:>8}", "client", "passed", "failed", "seconds");
    let mut wrong = Vec::new();
    for (name, verdict) in verdicts {
        match verdict {
            Verdict::Ran { passed, failed, time } => {
                println!("{name:<10} {passed:>7} {failed:>7} {:>8.1}", time.as_secs_f64());
                if *failed > 0 {
                    wrong.push(*name);
                }
            }
            Verdict::Broken(message) => {
                println!("{name:<10} BROKEN: {message}");
                wrong.push(*name);
            }
            Verdict::Skipped(reason) => println!("{name:<10} SKIPPED: {reason}"),
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(format!("{} failed", wrong.join(", "))) }
}

/// Runs a preparing command quietly; what it said is in the message when it fails.
fn prepare(command: &mut Command) -> Outcome {
    let text = shell::shown(command);
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("cannot start `{text}`: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let (out, err) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    Err(format!("`{text}` failed ({}):\n{out}{err}", output.status))
}

/// Whether what was installed from `recipe` is still that; `remember` is called after installing.
fn is_installed_from(recipe: &Path, made: &Path) -> bool {
    let stamp = made.join("installed-from");
    matches!((std::fs::read(recipe), std::fs::read(stamp)), (Ok(now), Ok(then)) if now == then)
}

fn remember(recipe: &Path, made: &Path) -> Outcome {
    std::fs::copy(recipe, made.join("installed-from"))
        .map(|_| ())
        .map_err(|error| format!("cannot write to {}: {error}", made.display()))
}

fn maven(places: &Places, goal: &str) -> Command {
    let mut command = Command::new("mvn");
    command
        .args(["-q", "-B", "-f"])
        .arg(places.sources.join("pom.xml"))
        .arg(format!("-Dcompat.directory={}", places.made.join("target").display()))
        .arg(goal);
    command
}

fn maven_compile(places: &Places) -> Outcome {
    prepare(&mut maven(places, "compile"))
}

fn maven_run(places: &Places) -> Command {
    maven(places, "exec:java")
}

/// npm installs beside the sources only, so they are copied to where things are made.
fn node_install(places: &Places) -> Outcome {
    let failed = |error| format!("cannot copy {}: {error}", places.sources.display());
    for entry in std::fs::read_dir(&places.sources).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if let Some(name) = path.file_name().filter(|_| path.is_file()) {
            std::fs::copy(&path, places.made.join(name)).map_err(failed)?;
        }
    }
    let lock = places.sources.join("package-lock.json");
    if is_installed_from(&lock, &places.made) {
        return Ok(());
    }
    prepare(
        Command::new("npm")
            .args(["ci", "--silent", "--no-audit", "--no-fund"])
            .current_dir(&places.made),
    )?;
    remember(&lock, &places.made)
}

fn node_run(places: &Places) -> Command {
    let mut command = Command::new("node");
    command.arg("main.mjs").current_dir(&places.made);
    command
}

fn python_install(places: &Places) -> Outcome {
    install_python(&places.sources.join("requirements.txt"), &places.made)
}

/// Makes a virtual environment in `made`, unless it was made from the same requirements before.
pub(crate) fn install_python(requirements: &Path, made: &Path) -> Outcome {
    if is_installed_from(requirements, made) {
        return Ok(());
    }
    prepare(Command::new("python3").args(["-m", "venv", "--clear"]).arg(made.join("venv")))?;
    prepare(
        Command::new(made.join("venv/bin/pip"))
            .args(["install", "--quiet", "--disable-pip-version-check", "-r"])
            .arg(requirements),
    )?;
    remember(requirements, made)
}

fn python_run(places: &Places) -> Command {
    let mut command = Command::new(places.made.join("venv/bin/python"));
    command.arg(places.sources.join("main.py")).env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

fn go_build(places: &Places) -> Outcome {
    let program = places.made.join("suite");
    prepare(
        Command::new("go").args(["build", "-o"]).arg(program).arg(".").current_dir(&places.sources),
    )
}

fn go_run(places: &Places) -> Command {
    Command::new(places.made.join("suite"))
}

#[cfg(test)]
mod tests {
    use super::last_counts;

    #[test]
    fn reads_the_summary_of_a_suite() {
        assert_eq!(last_counts("ok   a\n12 passed, 3 failed\n\x1b[0m"), Some((12, 3)));
        assert_eq!(last_counts("ok   a\n"), None);
    }
}
