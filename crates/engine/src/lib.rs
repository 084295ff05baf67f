//! The engine as a pure function: commands to events.
