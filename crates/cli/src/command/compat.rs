//! `skep compat feel`: holds a broker's FEEL against the tables of cases.

use std::io::IsTerminal;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use crate::compat::broker::Broker;
use crate::compat::run::verdicts;
use crate::compat::table::{self, Case};
use crate::compat::verdict::{Verdict, as_json};
use crate::connection::ConnectionArgs;
use crate::failure::Failure;
use crate::output::{Format, print_line};
use crate::variables;

#[derive(Debug, Subcommand)]
pub(crate) enum CompatCommand {
    /// Evaluate FEEL cases at a broker and list where it differs from the tables
    Feel(FeelArgs),
}

#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct FeelArgs {
    /// host:port of the broker's gRPC port; as --address if left out
    #[arg(long, value_name = "HOST:PORT")]
    against: Option<String>,

    /// A table of cases instead of the ones that come with Skep; may be given several times
    #[arg(long, value_name = "FILE")]
    cases: Vec<PathBuf>,
}

const AFTER_HELP: &str = "\
Each case becomes a probe: a process whose script tasks evaluate the expression, or a decision for
unary tests. The probes are deployed, run, and deleted; use a broker that is there for tests.
A table has one case a line: expression | variables (a FEEL context) | result. The result is what
string() shows, texts in JSON quotes, PARSE if the expression is refused, FAIL if it fails.

Exit code 0: no difference but the known ones; 8: the differences that are listed.

Examples:
  skep compat feel --against 127.0.0.1:26500
  skep --output json compat feel --against zeebe:26500 --cases mine.txt | jq .differences";

impl CompatCommand {
    pub(crate) async fn run(
        self,
        connection: &ConnectionArgs,
        format: Format,
    ) -> Result<(), Failure> {
        let Self::Feel(args) = self;
        let cases = args.read_cases()?;
        let connection = match &args.against {
            Some(address) => connection.to(address),
            None => connection.clone(),
        };
        let mut broker = Broker::new(connection.connect().await?);
        let bar = progress(cases.len());
        let outcome = verdicts(&mut broker, &cases, &bar).await;
        bar.finish_and_clear();
        broker.tidy().await;
        report(&connection.address(), &cases, &outcome?, format)
    }
}

impl FeelArgs {
    fn read_cases(&self) -> Result<Vec<Case>, Failure> {
        let mut cases = Vec::new();
        if self.cases.is_empty() {
            for (name, text) in table::TABLES {
                cases.extend(table::read(name, text).map_err(Failure::Local)?);
            }
        }
        for path in &self.cases {
            let text = String::from_utf8(variables::read_file(path)?)
                .map_err(|error| Failure::file("read", path, error))?;
            let name = path.display().to_string();
            cases.extend(table::read(&name, &text).map_err(Failure::Usage)?);
        }
        Ok(cases)
    }
}

fn progress(cases: usize) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    // Each case is deployed and asked.
    let bar = ProgressBar::new(2 * cases as u64);
    if let Ok(style) = ProgressStyle::with_template("{msg:9} {wide_bar} {percent}%") {
        bar.set_style(style);
    }
    bar
}

fn report(
    address: &str,
    cases: &[Case],
    verdicts: &[Verdict],
    format: Format,
) -> Result<(), Failure> {
    let (mut differences, mut known, mut skipped) = (Vec::new(), Vec::new(), Vec::new());
    for (case, verdict) in cases.iter().zip(verdicts) {
        match verdict {
            Verdict::Agrees => {}
            Verdict::Differs(found) => differences.push(as_json(case, found)),
            Verdict::Known(found) => known.push(as_json(case, found)),
            Verdict::Skipped(reason) => {
                skipped.push(json!({"place": case.place, "reason": reason}))
            }
        }
    }
    let agree = cases.len() - differences.len() - known.len() - skipped.len();
    let counts = format!(
        "{address}: {} cases, {agree} agree, {} differ as known, {} not asked, {} differ",
        cases.len(),
        known.len(),
        skipped.len(),
        differences.len()
    );
    match format {
        Format::Json => format.record(&json!({
            "address": address,
            "cases": cases.len(),
            "agree": agree,
            "differences": differences,
            "known": known,
            "notAsked": skipped,
        }))?,
        Format::Table => {
            listed("Not asked", &skipped, |it| {
                format!("{}: {}", text(it, "place"), text(it, "reason"))
            })?;
            listed("Known differences", &known, difference)?;
            listed("Differences", &differences, difference)?;
            print_line(&counts)?;
        }
    }
    if differences.is_empty() { Ok(()) } else { Err(Failure::Different(counts)) }
}

fn listed(title: &str, rows: &[Value], line: impl Fn(&Value) -> String) -> Result<(), Failure> {
    if rows.is_empty() {
        return Ok(());
    }
    print_line(&format!("{title}:"))?;
    rows.iter().try_for_each(|row| print_line(&format!("  {}", line(row))))?;
    print_line("")
}

fn difference(row: &Value) -> String {
    let variables = text(row, "variables");
    let with = if variables.is_empty() { String::new() } else { format!(" with {variables}") };
    format!(
        "{}: {}{with}\n    expected {}\n    found    {}",
        text(row, "place"),
        text(row, "expression").replace('\n', "⏎"),
        text(row, "expected"),
        text(row, "found"),
    )
}

fn text<'a>(row: &'a Value, name: &str) -> &'a str {
    row.get(name).and_then(Value::as_str).unwrap_or_default()
}
