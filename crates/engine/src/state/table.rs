//! A typed ordered table.
