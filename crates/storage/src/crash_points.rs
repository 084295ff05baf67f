//! The places of this crate at which a crash can be armed.

use skep_env::fault::CrashPoint;

/// All of them, in the order in which an entry meets them.
pub const CRASH_POINTS: [CrashPoint; 6] = [
    CrashPoint {
        name: "journal.before-append",
        place: "entries of all partitions are about to be written to the journal",
    },
    CrashPoint {
        name: "journal.appended",
        place: "they are written, and not flushed: a lost machine would lose them",
    },
    CrashPoint { name: "journal.synced", place: "they are flushed, and nobody has heard of it" },
    CrashPoint {
        name: "journal.before-segment",
        place: "the journal is about to begin its next segment",
    },
    CrashPoint {
        name: "vote.before-sync",
        place: "a vote or a term is written, and not flushed: nobody may have heard of it",
    },
    CrashPoint {
        name: "snapshot.receiving",
        place: "a piece of a snapshot of the leader is about to be written",
    },
];
