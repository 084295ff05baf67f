//! FEEL: parse once, evaluate many times, under a step budget.
