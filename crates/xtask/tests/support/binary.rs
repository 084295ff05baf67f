//! The binary under test, for every test that starts processes of it.

use std::path::PathBuf;
use std::process::Command;

/// The binary that the variable names, or a debug build of this source.
pub(crate) fn binary(variable: &str) -> PathBuf {
    if let Some(binary) = std::env::var_os(variable) {
        return PathBuf::from(binary);
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo)
        .args(["build", "--quiet", "--locked", "--package", "skep-cli"])
        .status()
        .expect("cargo can be started");
    assert!(built.success(), "the binary does not build");
    // This test runs from `<target>/<profile>/deps`; cargo's own profile for builds is `debug`.
    let test = std::env::current_exe().expect("this test has a path");
    let target = test.ancestors().nth(3).expect("cargo put this test into its target folder");
    target.join("debug").join("skep")
}
