//! A script: blocks of commands, `---`, and what came out.

use super::commands;
use super::world::{Mode, World};

/// Commands and what they gave.
pub(crate) struct Block {
    /// As written, comments and empty lines too.
    pub(crate) input: Vec<String>,
    pub(crate) output: Vec<String>,
}

/// Takes a script apart. The output of a block ends at the first empty line.
pub(crate) fn parse(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut block = Block { input: Vec::new(), output: Vec::new() };
    let mut in_output = false;
    for line in text.lines().map(str::trim_end) {
        if in_output {
            if line.is_empty() {
                blocks.push(std::mem::replace(
                    &mut block,
                    Block { input: Vec::new(), output: Vec::new() },
                ));
                in_output = false;
            } else {
                block.output.push(line.to_owned());
            }
        } else if line == "---" {
            in_output = true;
        } else {
            block.input.push(line.to_owned());
        }
    }
    if in_output || block.input.iter().any(|line| !line.is_empty()) {
        blocks.push(block);
    }
    blocks
}

/// Writes a script with what came out.
pub(crate) fn render(blocks: &[Block], outputs: &[Vec<String>]) -> String {
    let mut text = String::new();
    for (block, output) in blocks.iter().zip(outputs) {
        if !text.is_empty() {
            text += "\n";
        }
        let first = block.input.iter().position(|line| !line.is_empty()).unwrap_or(0);
        for line in block.input[first..].iter().map(String::as_str).chain(["---"]) {
            text += line;
            text += "\n";
        }
        for line in output {
            text += line;
            text += "\n";
        }
    }
    text
}

/// Whether a script is too long for all modes.
pub(crate) fn runs_once(blocks: &[Block]) -> bool {
    blocks.iter().flat_map(|block| &block.input).any(|line| line == "once")
}

/// Runs all blocks in one world and gives what came out of each.
pub(crate) fn run(blocks: &[Block], mode: Mode) -> Vec<Vec<String>> {
    let mut world = World::new(mode);
    blocks
        .iter()
        .map(|block| {
            for command in commands::parse(&block.input) {
                commands::run(&mut world, &command);
            }
            world.take_output()
        })
        .collect()
}
