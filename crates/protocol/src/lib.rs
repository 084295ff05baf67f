//! Every record, intent and key of Skep, and their bytes.
