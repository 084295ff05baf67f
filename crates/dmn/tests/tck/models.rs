//! The models of a folder; they may import one another.

use std::collections::BTreeMap;
use std::path::PathBuf;

use skep_dmn::{Model, Options, Violations};
use skep_feel::Dialect;

/// The models by the names of their files.
pub fn read(files: &[PathBuf]) -> BTreeMap<String, Result<Model, Violations>> {
    let mut waiting: Vec<(String, String)> = files
        .iter()
        .filter(|path| path.extension().is_some_and(|found| found == "dmn"))
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read_to_string(path).unwrap())
        })
        .collect();
    let mut options = Options { dialect: Dialect::Dmn, imports: Vec::new() };
    let mut models = BTreeMap::new();
    loop {
        let before = waiting.len();
        waiting.retain(|(name, text)| {
            // With what could be read so far; another round if something was missing.
            let model = skep_dmn::parse(text, &options);
            let done = model.is_ok();
            if let Ok(model) = &model {
                options.imports.push(model.clone());
            }
            models.insert(name.clone(), model);
            !done
        });
        if waiting.len() == before || waiting.is_empty() {
            return models;
        }
    }
}
