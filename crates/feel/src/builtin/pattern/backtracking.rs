//! Patterns that refer back to their groups: matched by a machine that goes back and tries the next
//! way, without recursion and counted step by step, so that no pattern can hold the server.

use regex::Regex;

use super::automaton::build;
use super::xpath::{Flags, Node, Pattern};
use crate::limits::REGEX_STEPS_MAX;

/// Instructions of one program: repetitions are written out.
const INSTRUCTIONS_MAX: usize = 1_000;

/// Parts of a pattern that are written for one program.
const VISITS_MAX: usize = 10 * INSTRUCTIONS_MAX;

/// Places that one match may still have to go back to.
const WAYS_MAX: usize = 100_000;

#[derive(Debug)]
enum Instruction {
    /// One character of the class.
    Class(Regex),
    Start,
    End,
    /// Goes on at the first, and at the second if that fails.
    Either(usize, usize),
    Jump(usize),
    /// Keeps the place in a slot.
    Save(usize),
    /// Fails if nothing was matched since the place in the slot.
    Progress(usize),
    /// What is between two slots once more.
    Again(usize),
    Found,
}

/// A compiled pattern.
#[derive(Debug)]
pub(crate) struct Machine {
    instructions: Vec<Instruction>,
    flags: Flags,
    groups: usize,
    slots: usize,
    /// Parts of the pattern that were written.
    visits: usize,
}

/// Start and end of the whole match and of each group.
pub(super) type Groups = Vec<Option<(usize, usize)>>;

/// Bytes that a reference to a group compares in about the time of a step.
const COMPARED_BYTES_A_STEP: u64 = 16;

/// The machine takes more steps than [`REGEX_STEPS_MAX`].
#[derive(Debug)]
pub(super) struct TooManySteps;

impl Machine {
    /// The program of a pattern; none if it is too large.
    pub(super) fn of(pattern: &Pattern) -> Option<Machine> {
        let mut machine = Machine {
            instructions: Vec::new(),
            flags: pattern.flags,
            groups: pattern.groups,
            slots: 2 * (pattern.groups + 1),
            visits: 0,
        };
        machine.add(Instruction::Save(0))?;
        machine.write(&pattern.root)?;
        machine.add(Instruction::Save(1))?;
        machine.add(Instruction::Found)?;
        Some(machine)
    }

    fn add(&mut self, instruction: Instruction) -> Option<usize> {
        if self.instructions.len() >= INSTRUCTIONS_MAX {
            return None;
        }
        self.instructions.push(instruction);
        Some(self.instructions.len() - 1)
    }

    fn set(&mut self, at: usize, instruction: Instruction) {
        if let Some(place) = self.instructions.get_mut(at) {
            *place = instruction;
        }
    }

    /// Recurses no deeper than patterns nest.
    fn write(&mut self, node: &Node) -> Option<()> {
        // What writes nothing could be repeated without end.
        self.visits += 1;
        if self.visits > VISITS_MAX {
            return None;
        }
        match node {
            Node::Class(class) => {
                let class = build(&format!(r"\A(?:{class})\z"), self.flags)?;
                self.add(Instruction::Class(class))?;
            }
            Node::Start => {
                self.add(Instruction::Start)?;
            }
            Node::End => {
                self.add(Instruction::End)?;
            }
            Node::Group(number, inner) => {
                self.add(Instruction::Save(2 * number))?;
                self.write(inner)?;
                self.add(Instruction::Save(2 * number + 1))?;
            }
            Node::Sequence(nodes) => {
                for node in nodes {
                    self.write(node)?;
                }
            }
            Node::Alternatives(nodes) => self.write_alternatives(nodes)?,
            Node::Repeat { node, least, most, greedy } => {
                self.write_repeat(node, *least, *most, *greedy)?;
            }
            Node::Again(number) => {
                self.add(Instruction::Again(*number))?;
            }
        }
        Some(())
    }

    fn write_alternatives(&mut self, nodes: &[Node]) -> Option<()> {
        let mut jumps = Vec::new();
        for (position, node) in nodes.iter().enumerate() {
            if position + 1 == nodes.len() {
                self.write(node)?;
                break;
            }
            let either = self.add(Instruction::Jump(0))?;
            self.write(node)?;
            jumps.push(self.add(Instruction::Jump(0))?);
            let next = self.instructions.len();
            self.set(either, Instruction::Either(either + 1, next));
        }
        let end = self.instructions.len();
        for jump in jumps {
            self.set(jump, Instruction::Jump(end));
        }
        Some(())
    }

    fn write_repeat(
        &mut self,
        node: &Node,
        least: u32,
        most: Option<u32>,
        greedy: bool,
    ) -> Option<()> {
        for _ in 0..least {
            self.write(node)?;
        }
        let either = |inside, outside| match greedy {
            true => Instruction::Either(inside, outside),
            false => Instruction::Either(outside, inside),
        };
        let Some(most) = most else {
            let slot = self.slots;
            self.slots += 1;
            let start = self.add(Instruction::Jump(0))?;
            self.add(Instruction::Save(slot))?;
            self.write(node)?;
            self.add(Instruction::Progress(slot))?;
            self.add(Instruction::Jump(start))?;
            let end = self.instructions.len();
            self.set(start, either(start + 1, end));
            return Some(());
        };
        let mut starts = Vec::new();
        for _ in least..most {
            starts.push(self.add(Instruction::Jump(0))?);
            self.write(node)?;
        }
        let end = self.instructions.len();
        for start in starts {
            self.set(start, either(start + 1, end));
        }
        Some(())
    }

    /// How many groups the pattern has.
    pub(super) fn groups(&self) -> usize {
        self.groups
    }

    /// The first match from this place on.
    pub(super) fn find(
        &self,
        text: &str,
        from: usize,
        steps: &mut u64,
    ) -> Result<Option<Groups>, TooManySteps> {
        let starts = text.get(from..).unwrap_or("").char_indices().map(|(offset, _)| from + offset);
        for start in starts.chain([text.len()]) {
            if let Some(groups) = self.run(text, start, steps)? {
                return Ok(Some(groups));
            }
        }
        Ok(None)
    }

    /// The match that begins here.
    fn run(
        &self,
        text: &str,
        start: usize,
        steps: &mut u64,
    ) -> Result<Option<Groups>, TooManySteps> {
        let mut slots: Vec<Option<usize>> = vec![None; self.slots];
        // Where to go on if this way fails, and slots to put back before.
        let mut ways: Vec<Way> = vec![Way::Go { instruction: 0, place: start }];
        while let Some(way) = ways.pop() {
            let (mut instruction, mut place) = match way {
                Way::Restore { slot, value } => {
                    set_slot(&mut slots, slot, value);
                    continue;
                }
                Way::Go { instruction, place } => (instruction, place),
            };
            loop {
                *steps += 1;
                if *steps > REGEX_STEPS_MAX || ways.len() > WAYS_MAX {
                    return Err(TooManySteps);
                }
                let Some(current) = self.instructions.get(instruction) else { break };
                instruction += 1;
                match current {
                    Instruction::Class(class) => {
                        let rest = text.get(place..).unwrap_or("");
                        let Some(character) = rest.chars().next() else { break };
                        let length = character.len_utf8();
                        if !class.is_match(rest.get(..length).unwrap_or("")) {
                            break;
                        }
                        place += length;
                    }
                    Instruction::Start if self.is_start(text, place) => {}
                    Instruction::End if self.is_end(text, place) => {}
                    Instruction::Start | Instruction::End => break,
                    Instruction::Either(first, second) => {
                        ways.push(Way::Go { instruction: *second, place });
                        instruction = *first;
                    }
                    Instruction::Jump(target) => instruction = *target,
                    Instruction::Save(slot) => {
                        let value = slots.get(*slot).copied().flatten();
                        ways.push(Way::Restore { slot: *slot, value });
                        set_slot(&mut slots, *slot, Some(place));
                    }
                    Instruction::Progress(slot) => {
                        if slots.get(*slot).copied().flatten() == Some(place) {
                            break;
                        }
                    }
                    Instruction::Again(number) => {
                        let (start, end) = group(&slots, *number).unwrap_or_default();
                        let compared = (end - start).min(text.len().saturating_sub(place));
                        *steps += compared as u64 / COMPARED_BYTES_A_STEP;
                        match self.again(text, place, &slots, *number) {
                            Some(end) => place = end,
                            None => break,
                        }
                    }
                    Instruction::Found => {
                        return Ok(Some((0..=self.groups).map(|at| group(&slots, at)).collect()));
                    }
                }
            }
        }
        Ok(None)
    }

    fn is_start(&self, text: &str, place: usize) -> bool {
        place == 0
            || (self.flags.lines && text.get(..place).is_some_and(|text| text.ends_with('\n')))
    }

    fn is_end(&self, text: &str, place: usize) -> bool {
        let rest = text.get(place..).unwrap_or("");
        rest.is_empty() || (self.flags.lines && rest.starts_with('\n'))
    }

    /// Where what the group matched ends, if it is here once more. A group that matched nothing is
    /// the empty text.
    fn again(
        &self,
        text: &str,
        place: usize,
        slots: &[Option<usize>],
        number: usize,
    ) -> Option<usize> {
        let Some((start, end)) = group(slots, number) else { return Some(place) };
        let mut wanted = text.get(start..end)?.chars();
        let mut found = text.get(place..)?.chars();
        let mut length = 0;
        for wanted in wanted.by_ref() {
            let found = found.next()?;
            let same = wanted == found
                || (self.flags.caseless && wanted.to_lowercase().eq(found.to_lowercase()));
            if !same {
                return None;
            }
            length += found.len_utf8();
        }
        Some(place + length)
    }
}

enum Way {
    Go { instruction: usize, place: usize },
    Restore { slot: usize, value: Option<usize> },
}

fn set_slot(slots: &mut [Option<usize>], slot: usize, value: Option<usize>) {
    if let Some(place) = slots.get_mut(slot) {
        *place = value;
    }
}

fn group(slots: &[Option<usize>], number: usize) -> Option<(usize, usize)> {
    let start = slots.get(2 * number).copied().flatten()?;
    let end = slots.get(2 * number + 1).copied().flatten()?;
    (start <= end).then_some((start, end))
}
