//! The figures that Skep is held to, in the order of the table.

/// A line of the table.
#[derive(Clone, Copy)]
pub(super) struct Figure {
    pub(super) name: &'static str,
    pub(super) must: &'static str,
    pub(super) aim: &'static str,
}

const fn figure(name: &'static str, must: &'static str, aim: &'static str) -> Figure {
    Figure { name, must, aim }
}

pub(super) const ONE_TASK_GRPC: [Figure; 4] = [
    figure("`one_task` gRPC, 128 in flight", "7 000 PI/s", "15 000 PI/s"),
    figure("server CPU per instance", "160 us", "80 us"),
    figure("log per instance", "6 KB", "3 KB"),
    figure("RSS under that load", "200 MB", "120 MB"),
];

pub(super) const CREATE_ALONE: [Figure; 1] =
    [figure("create, 1 in flight, p50", "0.8 ms", "0.5 ms")];

pub(super) const CREATE_TOGETHER: [Figure; 1] =
    [figure("create, 16 in flight, p99", "5 ms", "3 ms")];

pub(super) const ONE_TASK_REST: [Figure; 1] =
    [figure("`one_task` REST, 128 in flight", "6 000 PI/s", "12 000 PI/s")];

pub(super) const IDLE: [Figure; 2] = [
    figure("start to serving, empty data folder", "300 ms", "100 ms"),
    figure("RSS idle with 3 partitions", "60 MB", "30 MB"),
];

pub(super) const WAITING: [Figure; 2] = [
    figure("1 M waiting instances: next instances slower by", "25 %", "5 %"),
    figure("restart with 1 M waiting instances", "15 s", "2 s"),
];

pub(super) const KILLED: [Figure; 1] = [figure(
    "kill -9 with 100 K waiting instances: start to first successful create",
    "2 s",
    "0.3 s",
)];
