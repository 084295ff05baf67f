//! `corpus expand`: writes the seeds of every target into `fuzz/target/corpus/TARGET`, from the case tables,
//! the models, the conformance kit beside the repository (if it is there), and `fuzz/corpus/TARGET.hex`.
//!
//! `corpus collect TARGET FOLDER`: writes the inputs of a folder (that `cargo fuzz cmin` made small) into
//! `fuzz/corpus/TARGET.hex`, one a line, shortest first, as many as fit: the repository has text only.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

/// Bytes of the text of one target's corpus.
const CORPUS_BYTES_MAX: usize = 300 * 1024;

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

fn main() -> Outcome {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["expand"] => expand(),
        ["collect", target, folder] => collect(target, Path::new(folder)),
        _ => Err("corpus expand | corpus collect TARGET FOLDER".into()),
    }
}

fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn expand() -> Outcome {
    let expressions = expressions()?;
    let of = |prefix: &str, unary: &str| -> Vec<Vec<u8>> {
        let seed = |(text, is_unary): &(String, bool)| {
            let prefix = if *is_unary { unary } else { prefix };
            format!("{prefix}{text}").into_bytes()
        };
        expressions.iter().map(seed).collect()
    };
    write("feel_parse", of("", ""))?;
    write("feel_evaluate", of("=", "?"))?;
    write("dmn_xml", models()?)
}

/// The seeds and the collected inputs of the target.
fn write(target: &str, mut inputs: Vec<Vec<u8>>) -> Outcome {
    let collected = fs::read_to_string(here().join("corpus").join(target).with_extension("hex"));
    for line in collected.unwrap_or_default().lines() {
        inputs.push(from_hexadecimal(line).ok_or("a line is not hexadecimal")?);
    }
    inputs.sort();
    inputs.dedup();
    let folder = here().join("target/corpus").join(target);
    fs::create_dir_all(&folder)?;
    for (index, input) in inputs.iter().enumerate() {
        fs::write(folder.join(format!("seed-{index:05}")), input)?;
    }
    println!("{}: {} inputs", folder.display(), inputs.len());
    Ok(())
}

fn collect(target: &str, folder: &Path) -> Outcome {
    let mut inputs = Vec::new();
    for path in files(folder)? {
        inputs.push(fs::read(path)?);
    }
    inputs.sort_by(|one, other| (one.len(), one).cmp(&(other.len(), other)));
    let mut text = String::new();
    for input in &inputs {
        let line: String = input.iter().map(|byte| format!("{byte:02x}")).collect();
        if text.len() + line.len() >= CORPUS_BYTES_MAX {
            break;
        }
        text.push_str(&line);
        text.push('\n');
    }
    let file = here().join("corpus").join(target).with_extension("hex");
    println!("{}: {} of {} inputs", file.display(), text.lines().count(), inputs.len());
    Ok(fs::write(file, text)?)
}

/// The expressions of the case tables, the models and the kit, and whether they are unary tests.
fn expressions() -> Outcome<Vec<(String, bool)>> {
    let mut found = Vec::new();
    for path in files(&here().join("../crates/feel/tests/cases"))? {
        let mut unary = false;
        for line in fs::read_to_string(path)?.lines() {
            match line.split(" | ").next().map(str::trim) {
                Some("unary tests") => unary = true,
                Some(text) if !text.starts_with('#') => {
                    found.push((text.replace('⏎', "\n"), unary))
                }
                _ => {}
            }
        }
    }
    for model in models()? {
        let model = String::from_utf8_lossy(&model).into_owned();
        let mut rest = &*model;
        while let Some((_, after)) = rest.split_once("text>") {
            let Some((text, after)) = after.split_once("</") else { break };
            let before = rest.len() - after.len();
            let unary = rest.get(..before).is_some_and(|read| read.contains("<inputEntry"));
            found.push((unescaped(text), unary));
            rest = after.split_once("text>").map_or("", |(_, after)| after);
        }
    }
    found.retain(|(text, _)| text.len() < 1_000);
    found.sort();
    found.dedup();
    Ok(found)
}

fn unescaped(text: &str) -> String {
    let text = text.trim().replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"");
    text.replace("&apos;", "'").replace("&amp;", "&")
}

/// The DMN files of the repository, of the crates' tests and of the kit.
fn models() -> Outcome<Vec<Vec<u8>>> {
    let mut models = Vec::new();
    for folder in ["../models", "../crates/dmn/tests", "../../shared/tck"] {
        let folder = here().join(folder);
        if !folder.exists() {
            println!("{}: not there, left out", folder.display());
            continue;
        }
        for path in files(&folder)? {
            if path.extension().is_some_and(|extension| extension == "dmn") {
                models.push(fs::read(path)?);
            }
        }
    }
    Ok(models)
}

/// The files below a folder, in order.
fn files(folder: &Path) -> Outcome<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in
            fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?
        {
            let path = entry?.path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    Ok(found)
}

fn from_hexadecimal(line: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        line.trim().chars().map(|digit| Some(digit.to_digit(16)? as u8)).collect();
    Some(
        digits?
            .chunks(2)
            .map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit))
            .collect(),
    )
}
