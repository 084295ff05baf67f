//! The only door to the machine: clock, disk, tasks, randomness.
