//! From a node to its process: the command line, the start, and finding it again.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use skep_env::process::ProcessIdentity;

use super::layout::{NetworkPlace, NodeKind};
use super::state::{ClusterState, Node, Process};
use crate::failure::Failure;

/// What `skep` is called with to be this node.
pub(super) fn arguments(cluster: &ClusterState, node: &Node) -> Vec<String> {
    let mut arguments: Vec<String> = Vec::new();
    let mut add = |name: &str, value: String| arguments.extend([name.to_owned(), value]);
    let addresses = &node.addresses;
    add("--bind", addresses.grpc.ip().to_string());
    add("--grpc-port", addresses.grpc.port().to_string());
    add("--rest-port", addresses.rest.port().to_string());
    add("--management-port", addresses.management.port().to_string());
    if let Some(folder) = &node.data_dir {
        add("--data-dir", folder.display().to_string());
        if !node.joins {
            add("--partitions", cluster.partitions.to_string());
        }
    }
    // Those that came later are known from those that were there first.
    let brokers = || cluster.of_kind(NodeKind::Broker).filter(|node| !node.joins);
    let is_alone = cluster.nodes.iter().filter(|node| !node.joins).count() == 1;
    if !is_alone {
        add("--cluster-id", cluster.cluster_id.clone());
        match node.kind {
            NodeKind::Broker => {
                add("--node-id", node.id.to_string());
                add(
                    "--peers",
                    joined(brokers().map(|node| format!("{}={}", node.id, node.addresses.cluster))),
                );
                if !node.joins {
                    add("--replication-factor", cluster.replication_factor.to_string());
                }
                add("--cluster-bind", addresses.cluster.to_string());
            }
            NodeKind::Gateway => {
                add("--brokers", joined(brokers().map(|node| node.addresses.cluster.to_string())));
            }
        }
    }
    if let Some(token) = &cluster.chaos_token {
        // A flag and a value, so that a value of the environment cannot say otherwise.
        add("--chaos", "true".to_owned());
        add("--chaos-token-file", token.display().to_string());
    }
    let command = match node.kind {
        NodeKind::Broker => "serve",
        NodeKind::Gateway => "gateway",
    };
    arguments.insert(0, command.to_owned());
    if node.joins && node.kind == NodeKind::Broker {
        arguments.push("--join".to_owned());
    }
    if let (NodeKind::Broker, Some(folder)) = (node.kind, &cluster.evidence) {
        arguments.push(format!("--evidence={}", folder.display()));
    }
    if node.kind == NodeKind::Broker {
        arguments.extend(cluster.broker_options.iter().cloned());
    }
    arguments
}

fn joined(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(",")
}

/// Starts the process of a node: in its namespace, without the terminal, its output into its log.
pub(super) fn spawn(cluster: &ClusterState, node: &Node) -> Result<Process, Failure> {
    if let Some(folder) = &node.data_dir {
        fs::create_dir_all(folder).map_err(|error| Failure::file("make", folder, error))?;
    }
    let arguments = arguments(cluster, node);
    let command = in_namespace(node.namespace.as_deref(), &cluster.binary, &arguments);
    detached(command, &node.log_file)
}

/// The command, run in a network namespace if there is one.
pub(crate) fn in_namespace(
    namespace: Option<&str>,
    binary: &Path,
    arguments: &[String],
) -> Command {
    let mut command = match namespace {
        None => Command::new(binary),
        Some(namespace) => {
            let mut command = Command::new("ip");
            // `ip` becomes the program: the process keeps its id.
            command.args(["netns", "exec", namespace]).arg(binary);
            command
        }
    };
    command.args(arguments);
    command
}

/// Starts a process that outlives this one and its terminal.
pub(crate) fn detached(mut command: Command, log_file: &Path) -> Result<Process, Failure> {
    let unwritable = |error| Failure::file("write", log_file, error);
    let log = File::options().create(true).append(true).open(log_file).map_err(unwritable)?;
    let errors = log.try_clone().map_err(unwritable)?;
    let program = Path::new(command.get_program()).display().to_string();
    let child = command
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(errors)
        // A group of its own: ctrl-c in this terminal is not for it.
        .process_group(0)
        .spawn()
        .map_err(|error| Failure::Local(format!("cannot start {program}: {error}")))?;
    // The process may have ended by now, but its id is not used again before this one asks for it.
    let identity = ProcessIdentity::of(child.id())
        .ok_or_else(|| Failure::Local(format!("{program} has vanished")))?;
    Ok(identity.into())
}

/// The process of a node that was started by a launcher that died before it could write down which.
pub(super) fn find(cluster: &ClusterState, node: &Node) -> Option<Process> {
    let wanted = arguments(cluster, node);
    processes(|line| has_arguments(line, &wanted)).into_iter().next()
}

/// The processes of slow wires that begin in a namespace of this cluster.
pub(super) fn wires(network: &NetworkPlace) -> Vec<Process> {
    let own = format!("{}-", network.prefix);
    processes(|line| {
        matches!(words(line).as_slice(), [program, b"cluster", b"wire", from, ..]
            if is_skep(program) && from.starts_with(own.as_bytes()))
    })
}

/// Workers and load that chaos commands started for the cluster of this folder.
pub(super) fn helpers(folder: &Path) -> Vec<Process> {
    let own = format!("--dir={}", folder.display());
    processes(|line| {
        matches!(words(line).as_slice(), [program, b"zbchaos", b"work" | b"burn", dir, ..]
            if is_skep(program) && *dir == own.as_bytes())
    })
}

/// The processes of this machine with a command line such as `/proc` shows it.
fn processes(is_wanted: impl Fn(&[u8]) -> bool) -> Vec<Process> {
    let entries = fs::read_dir("/proc").into_iter().flatten();
    let ids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    ids.filter_map(|id| {
        // Looked at before the command line, so that it is this process's command line.
        let identity = ProcessIdentity::of(id)?;
        let line = fs::read(Path::new("/proc").join(id.to_string()).join("cmdline")).ok()?;
        is_wanted(&line).then(|| identity.into())
    })
    .collect()
}

/// Whether a command line is a program with exactly these arguments; `ip netns exec` before it
/// counts too, which is the process a moment earlier.
fn has_arguments(line: &[u8], wanted: &[String]) -> bool {
    let words = words(line);
    let Some(first) = words.len().checked_sub(wanted.len()) else { return false };
    let (program, arguments) = words.split_at(first);
    let program = match program {
        [program] | [_, b"netns", b"exec", _, program] => program,
        _ => return false,
    };
    is_skep(program) && arguments.iter().zip(wanted).all(|(is, wanted)| *is == wanted.as_bytes())
}

fn words(line: &[u8]) -> Vec<&[u8]> {
    line.strip_suffix(b"\0").unwrap_or(line).split(|byte| *byte == 0).collect()
}

fn is_skep(program: &[u8]) -> bool {
    let path = Path::new(OsStr::from_bytes(program));
    path.file_name().is_some_and(|name| name.as_bytes().starts_with(b"skep"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_known_by_its_whole_command_line() {
        let wanted = ["serve".to_owned(), "--node-id".to_owned(), "1".to_owned()];
        for (line, is_it) in [
            (&b"/x/skep\0serve\0--node-id\x001\0"[..], true),
            (b"ip\0netns\0exec\0sk-1\0/x/skep\0serve\0--node-id\x001\0", true),
            (b"/x/skep\0serve\0--node-id\x002\0", false),
            (b"/x/skep\0serve\0--node-id\x001\0--more\0", false),
            (b"vim\0serve\0--node-id\x001\0", false),
            (b"skep\0", false),
            (b"", false),
        ] {
            assert_eq!(has_arguments(line, &wanted), is_it, "{}", String::from_utf8_lossy(line));
        }
    }
}
