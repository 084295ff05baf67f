//! `cargo xtask bench`: the table of `docs/benchmarks.md`, measured here: on Skep, on a real Zeebe, or on whatever serves already.
//!
//! Starts, loads, stops and kills the server; the load itself and its figures are those of `skep bench`.
//! With `--decisions`: expressions and decisions beside a rival, which needs no server.

mod figures;
mod load;
mod system;

use crate::compat;
use crate::shell::{self, Outcome};
use crate::workspace;
use figures::Figure;
use load::{Load, Run};
use std::path::{Path, PathBuf};
use std::time::Duration;
use system::{Instance, System};

/// What to measure, and for how long.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Measure expressions and decisions beside dsntk 0.3 (the crate `benches/decisions`) instead of a server
    #[arg(long, conflicts_with_all = ["zeebe", "against"])]
    decisions: bool,
    /// Draw what `--decisions` measured into this file, as SVG
    #[arg(long, value_name = "FILE", requires = "decisions")]
    plot: Option<PathBuf>,
    /// Measure the real Zeebe unpacked in this folder (its JAVA_HOME is taken from the environment)
    #[arg(long, value_name = "DIR", conflicts_with = "against")]
    zeebe: Option<PathBuf>,
    /// Measure what serves gRPC here, without starting or killing it
    #[arg(long, value_name = "HOST:PORT")]
    against: Option<String>,
    /// Where that serves REST
    #[arg(long, value_name = "HOST:PORT", requires = "against")]
    against_rest: Option<String>,
    /// The id of its process, for CPU and memory
    #[arg(long, value_name = "PID", requires = "against")]
    against_pid: Option<u32>,
    /// Seconds that each load is measured
    #[arg(long, default_value_t = 20)]
    seconds: u32,
    /// Seconds of load before that; a JVM needs more of them to get to its speed
    #[arg(long, default_value_t = 5)]
    warm_up_seconds: u32,
    /// Partitions of a server that is started here; the idle one has 3
    #[arg(long, default_value_t = 1)]
    partitions: u32,
    /// Instances that wait while others run
    #[arg(long, default_value_t = 1_000_000)]
    waiting: u64,
    /// Instances that wait when the server is killed
    #[arg(long, default_value_t = 100_000)]
    waiting_killed: u64,
    /// Only figures whose name contains this; may be given several times
    #[arg(long, value_name = "TEXT")]
    only: Vec<String>,
    /// Write the table into this file too
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// A group of figures that one setting gives.
type Group = (&'static [Figure], fn(&Bench) -> Result<Vec<String>, String>);

const GROUPS: [Group; 7] = [
    (&figures::ONE_TASK_GRPC, one_task_grpc),
    (&figures::CREATE_ALONE, create_alone),
    (&figures::CREATE_TOGETHER, create_together),
    (&figures::ONE_TASK_REST, one_task_rest),
    (&figures::IDLE, idle),
    (&figures::WAITING, waiting),
    (&figures::KILLED, killed),
];

/// Starts before the middle one is believed.
const STARTS: usize = 5;

/// How long an idle server is left alone before its memory is read.
const IDLE: Duration = Duration::from_secs(3);

/// Everything that a group needs.
struct Bench {
    system: System,
    load: Load,
    options: Options,
}

/// Runs the crate that knows the rival; it is none of the workspace, so that nobody else builds it.
fn decisions(root: &Path, options: &Options) -> Outcome {
    let mut command = shell::cargo(root);
    command.args(["run", "--release", "--locked"]);
    command.args(["--manifest-path", "benches/decisions/Cargo.toml", "--"]);
    if let Some(only) = options.only.first() {
        command.args(["--only", only]);
    }
    if let Some(plot) = &options.plot {
        command.arg("--plot").arg(plot);
    }
    shell::run(&mut command)
}

/// Measures and prints a table in Markdown.
pub(crate) fn run(options: Options) -> Outcome {
    let root = workspace::root();
    if options.decisions {
        return decisions(&root, &options);
    }
    let target = workspace::metadata(false)?.target_directory;
    let binary = compat::build(&root, &target, true)?;
    let system = match (&options.zeebe, &options.against) {
        (Some(folder), _) => System::Zeebe { folder: folder.clone() },
        (None, Some(grpc)) => System::Running {
            grpc: grpc.clone(),
            rest: options.against_rest.clone(),
            process_id: options.against_pid,
        },
        (None, None) => System::Skep { binary: binary.clone() },
    };
    let folder = target.join("bench");
    std::fs::create_dir_all(&folder)
        .map_err(|error| format!("cannot create {}: {error}", folder.display()))?;
    let load = Load::new(binary, folder, options.warm_up_seconds);
    let bench = Bench { system, load, options };
    let mut table =
        format!("| figure | must | aim | {} |\n|---|---|---|---|\n", bench.system.name());
    for (figures, measure) in GROUPS {
        let wanted: Vec<usize> =
            (0..figures.len()).filter(|i| bench.wants(figures[*i].name)).collect();
        if wanted.is_empty() {
            continue;
        }
        eprintln!(
            "measuring {} ...",
            wanted.iter().map(|i| figures[*i].name).collect::<Vec<_>>().join("; ")
        );
        // One figure that cannot be had does not take the others away.
        let values = measure(&bench).unwrap_or_else(|message| {
            eprintln!("{message}");
            vec![format!("- ({})", message.lines().next().unwrap_or("")); figures.len()]
        });
        for index in wanted {
            let Figure { name, must, aim } = figures[index];
            let row = format!("| {name} | {must} | {aim} | {} |\n", values[index]);
            eprint!("{row}");
            table.push_str(&row);
        }
    }
    println!("{table}");
    match &bench.options.output {
        Some(file) => std::fs::write(file, table)
            .map_err(|error| format!("cannot write {}: {error}", file.display())),
        None => Ok(()),
    }
}

impl Bench {
    fn wants(&self, name: &str) -> bool {
        self.options.only.is_empty() || self.options.only.iter().any(|part| name.contains(part))
    }

    /// A server with an empty data folder.
    fn start(&self) -> Result<Instance, String> {
        self.system.start(&self.load.folder, self.options.partitions)
    }

    fn seconds(&self) -> u32 {
        self.options.seconds
    }
}

fn one_task_grpc(bench: &Bench) -> Result<Vec<String>, String> {
    let instance = bench.start()?;
    let run = Run { in_flight: 128, seconds: bench.seconds(), ..Run::default() };
    let report = bench.load.run(&instance, &run)?;
    Ok(vec![report.throughput(), report.server_cpu(), report.log_bytes(), report.memory_peak()])
}

fn create_alone(bench: &Bench) -> Result<Vec<String>, String> {
    let instance = bench.start()?;
    let run = Run { in_flight: 1, seconds: bench.seconds(), ..Run::default() };
    Ok(vec![bench.load.run(&instance, &run)?.create("p50Ms")])
}

fn create_together(bench: &Bench) -> Result<Vec<String>, String> {
    let instance = bench.start()?;
    let run = Run { in_flight: 16, seconds: bench.seconds(), ..Run::default() };
    Ok(vec![bench.load.run(&instance, &run)?.create("p99Ms")])
}

fn one_task_rest(bench: &Bench) -> Result<Vec<String>, String> {
    let instance = bench.start()?;
    let run = Run { in_flight: 128, seconds: bench.seconds(), rest: true, ..Run::default() };
    Ok(vec![bench.load.run(&instance, &run)?.throughput()])
}

fn idle(bench: &Bench) -> Result<Vec<String>, String> {
    let mut times = Vec::new();
    for _ in 0..STARTS {
        times.push(bench.system.start(&bench.load.folder, 3)?.start_time()?);
    }
    times.sort();
    let instance = bench.system.start(&bench.load.folder, 3)?;
    std::thread::sleep(IDLE);
    let memory = instance.memory_mb()?;
    Ok(vec![format!("{} ms", times[STARTS / 2].as_millis()), format!("{memory} MB")])
}

fn waiting(bench: &Bench) -> Result<Vec<String>, String> {
    let mut instance = bench.start()?;
    let probe = Run { in_flight: 16, seconds: bench.seconds(), ..Run::default() };
    let empty = bench.load.run(&instance, &probe)?;
    bench.load.run(&instance, &Run::filling(bench.options.waiting))?;
    // What filling left for the disk to write would slow down whoever comes next, waiting or not.
    let _ = std::process::Command::new("sync").status();
    let full = bench.load.run(&instance, &probe)?;
    let slower = (empty.number("instancesPerS")? / full.number("instancesPerS")? - 1.0) * 100.0;
    instance.stop()?;
    let restarted = bench.system.start_again(instance)?;
    let count = bench.options.waiting;
    Ok(vec![
        format!("{:.0} % ({count} waiting)", slower.max(0.0)),
        format!("{:.2} s ({count} waiting)", restarted.start_time()?.as_secs_f64()),
    ])
}

fn killed(bench: &Bench) -> Result<Vec<String>, String> {
    let mut instance = bench.start()?;
    bench.load.run(&instance, &Run::filling(bench.options.waiting_killed))?;
    instance.kill()?;
    let time = bench.system.time_to_first_create(instance, &bench.load)?;
    Ok(vec![format!("{:.2} s ({} waiting)", time.as_secs_f64(), bench.options.waiting_killed)])
}
