//! Expressions and decisions in Skep and in dsntk 0.3: the same work, on one core, in one run.
//!
//! Prints a table in Markdown. `--plot FILE` writes it as SVG too, `--kit FOLDER` names the conformance kit,
//! `--only TEXT` leaves out rows without the text, `--count ROW TIMES` just does Skep's part of a row so often,
//! for tools that count instructions.

mod cases;
mod kit;
mod measure;
mod plot;
mod rival;
mod skep;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use cases::CASES;
use plot::Bars;

/// The allocator of the server, for both engines.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What one engine did with the kit.
pub struct Figure {
    elapsed: Duration,
    evaluated: usize,
    agreeing: usize,
}

#[derive(Default)]
struct Arguments {
    plot: Option<PathBuf>,
    kit: Option<PathBuf>,
    only: Option<String>,
    count: Option<(String, u32)>,
}

fn arguments() -> Result<Arguments, String> {
    let mut given = std::env::args().skip(1);
    let mut arguments = Arguments::default();
    while let Some(name) = given.next() {
        let mut value = || given.next().ok_or(format!("{name} needs a value"));
        match &*name {
            "--plot" => arguments.plot = Some(value()?.into()),
            "--kit" => arguments.kit = Some(value()?.into()),
            "--only" => arguments.only = Some(value()?),
            "--count" => {
                let row = value()?;
                let times = value()?.parse().map_err(|_| "--count ROW TIMES")?;
                arguments.count = Some((row, times));
            }
            _ => return Err(format!("{name}: not an argument")),
        }
    }
    Ok(arguments)
}

fn main() -> ExitCode {
    match arguments().and_then(|arguments| run(&arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), String> {
    let variables = cases::variables();
    let skep = skep::Skep::new(&variables)?;
    if let Some((row, times)) = &arguments.count {
        let case = CASES.iter().find(|case| case.name == row).ok_or("no such row")?;
        let call = skep.work(&case.work)?;
        (0..*times).for_each(|_| call());
        return Ok(());
    }
    let rival = rival::Rival::new(&variables)?;
    let machine = format!(
        "{}; 1 000 dependent multiplications: {:.0} ns",
        measure::processor(),
        measure::yardstick()
    );
    println!("{machine}\n\n| work | Skep | dsntk 0.3 | ratio | target |\n|---|---|---|---|---|");
    let mut rows = Vec::new();
    for case in &CASES {
        if arguments.only.as_ref().is_some_and(|text| !case.name.contains(text.as_str())) {
            continue;
        }
        let of_skep = skep.work(&case.work).map(|call| measure::nanoseconds(call));
        let of_rival = rival.work(&case.work).map(|call| measure::nanoseconds(call));
        let bars = row(case.name, of_skep, of_rival, case.target_ns);
        let values = (skep.value(&case.work), rival.value(&case.work));
        if let (Ok(one), Ok(other)) = &values
            && normal(one) != normal(other)
        {
            eprintln!("{}: another value: {}, {}", case.name, short(one), short(other));
        }
        rows.extend(bars);
    }
    if arguments.only.is_none() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/tck");
        let folder = arguments.kit.clone().unwrap_or(here);
        if folder.exists() {
            rows.extend(run_kit(&folder)?);
        } else {
            eprintln!("{}: not there, the conformance kit is left out", folder.display());
        }
    }
    if let Some(file) = &arguments.plot {
        let svg = plot::svg(&rows, &machine);
        std::fs::write(file, svg).map_err(|error| format!("{}: {error}", file.display()))?;
    }
    Ok(())
}

/// Prints a row; gives its bars if Skep can do it.
fn row(
    name: &str,
    skep: Result<f64, String>,
    rival: Result<f64, String>,
    target_ns: Option<f64>,
) -> Option<Bars> {
    let shown = |measured: &Result<f64, String>| match measured {
        Ok(nanoseconds) => plot::shown(*nanoseconds),
        Err(message) => format!("- ({})", message.lines().next().unwrap_or("")),
    };
    let ratio = match (&skep, &rival) {
        (Ok(skep), Ok(rival)) => format!("{:.1}", rival / skep),
        _ => "-".to_owned(),
    };
    let target = target_ns.map_or(String::new(), plot::shown);
    println!("| {name} | {} | {} | {ratio} | {target} |", shown(&skep), shown(&rival));
    Some(Bars { name: name.to_owned(), skep_ns: skep.ok()?, rival_ns: rival.ok(), target_ns })
}

/// Rounds of the whole kit, of which the best counts.
const KIT_ROUNDS: usize = 5;

fn run_kit(folder: &Path) -> Result<Option<Bars>, String> {
    let folders = kit::read(folder)?;
    let best = |run: &dyn Fn(&[kit::Folder]) -> Figure| {
        (0..KIT_ROUNDS).map(|_| run(&folders)).min_by_key(|figure| figure.elapsed)
    };
    let cases: usize = folders.iter().map(|folder| folder.cases.len()).sum();
    let name = format!("conformance kit: {} folders, {cases} results", folders.len());
    let of = |figure: Option<Figure>| match figure {
        Some(Figure { elapsed, evaluated, agreeing }) if evaluated > 0 => {
            let rate = evaluated as f64 / elapsed.as_secs_f64();
            Ok((elapsed, format!("{evaluated} evaluated, {agreeing} as expected, {rate:.0}/s")))
        }
        _ => Err("no model could be read".to_owned()),
    };
    let (skep, rival) = (of(best(&skep::kit)), of(best(&rival::kit)));
    let time = |figure: &Result<(Duration, String), String>| {
        figure.as_ref().map(|(elapsed, _)| elapsed.as_nanos() as f64).map_err(Clone::clone)
    };
    let bars = row(&name, time(&skep), time(&rival), Some(1e9));
    for (engine, figure) in [("Skep", skep), ("dsntk 0.3", rival)] {
        println!("\n{engine}: {}", figure.map_or_else(|message| message, |(_, text)| text));
    }
    // A second does not fit on the scale of the others.
    Ok(bars.filter(|_| false))
}

/// A text without what engines write differently: blanks, and quotes of keys.
fn normal(text: &str) -> String {
    text.chars().filter(|character| !character.is_whitespace() && *character != '"').collect()
}

fn short(text: &str) -> String {
    text.chars().take(80).collect()
}
