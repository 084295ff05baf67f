//! Segmented journal, byte tables with checkpoints, snapshots.
