//! The network of a cluster whose nodes have namespaces: a bridge, and a cable to each node.
//!
//! Made and removed with `ip` of iproute2, which needs CAP_NET_ADMIN (devices, routes) and
//! CAP_SYS_ADMIN (namespaces), in practice root. Everything is named with the prefix of the cluster,
//! so removing takes away what has that prefix, whoever made it and however far they came.

use std::io::Write;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::layout::{NetworkPlace, Seat};
use crate::failure::Failure;

/// Where `ip` keeps the namespaces.
const NAMESPACES: &str = "/run/netns";

/// How the interface is called that a node has in its namespace.
pub(super) const INTERFACE: &str = "eth0";

/// Places that are tried before the machine counts as full.
const PLACES: u8 = 64;

/// A place for the network of this folder whose addresses nobody has.
pub(crate) fn find_place(folder: &Path) -> Result<NetworkPlace, Failure> {
    let taken = destinations()?;
    (0..PLACES)
        .map(|attempt| NetworkPlace::of(folder, attempt))
        .find(|place| !taken.iter().any(|net| covers(net, place.host())))
        .ok_or_else(|| {
            Failure::guided(
                1,
                "every network that could be used here is routed elsewhere already".to_owned(),
                "Stop other clusters, or start without --netns: the nodes then use loopback ports.",
            )
        })
}

/// The networks that this machine has routes to, but not the default.
fn destinations() -> Result<Vec<String>, Failure> {
    let routes = ip_json(&["-4", "route", "show"])?;
    let all = routes.as_array().into_iter().flatten();
    Ok(all
        .filter_map(|route| route["dst"].as_str())
        .filter(|destination| *destination != "default")
        .map(ToOwned::to_owned)
        .collect())
}

/// Whether a network such as `10.1.2.0/24`, or a single address, has this address.
fn covers(network: &str, address: Ipv4Addr) -> bool {
    let (base, length) = network.split_once('/').unwrap_or((network, "32"));
    let (Ok(base), Ok(length)) = (base.parse::<Ipv4Addr>(), length.parse::<u32>()) else {
        return false;
    };
    let mask = u32::MAX.checked_shl(32 - length.min(32)).unwrap_or(0);
    u32::from(base) & mask == u32::from(address) & mask
}

/// Makes the bridge, and for each node its namespace, its cable and its address.
pub(super) fn make(place: &NetworkPlace, seats: &[Seat]) -> Result<(), Failure> {
    remove(place)?;
    let inside = |seat: &Seat| batch(&["-n", &place.namespace(*seat)], &inner(place, *seat));
    batch(&[], &outer(place, seats)).and_then(|()| seats.iter().try_for_each(inside)).inspect_err(
        |_| {
            // What was made until then has the prefix; the error that came first is the one to tell.
            let _ = remove(place);
        },
    )
}

/// Connects a further node.
pub(super) fn add(place: &NetworkPlace, seat: Seat) -> Result<(), Failure> {
    remove_node(place, seat)?;
    batch(&[], &cables(place, &[seat]))?;
    batch(&["-n", &place.namespace(seat)], &inner(place, seat))
}

/// Removes what belongs to one node. Nothing there is fine.
pub(super) fn remove_node(place: &NetworkPlace, seat: Seat) -> Result<(), Failure> {
    let (namespace, cable) = (place.namespace(seat), place.cable(seat));
    if own_links(&cable).contains(&cable) {
        ip(&["link", "del", &cable])?;
    }
    if namespace_file(&namespace).exists() {
        ip(&["netns", "del", &namespace])?;
    }
    Ok(())
}

/// The bridge, the namespaces and the cables, as commands of `ip -batch`.
fn outer(place: &NetworkPlace, seats: &[Seat]) -> String {
    let (bridge, host) = (place.bridge(), place.host());
    format!(
        "link add {bridge} type bridge\naddr add {host}/24 dev {bridge}\nlink set {bridge} up\n{}",
        cables(place, seats)
    )
}

/// The namespaces and the cables of nodes.
fn cables(place: &NetworkPlace, seats: &[Seat]) -> String {
    let bridge = place.bridge();
    let mut script = String::new();
    for seat in seats {
        let (namespace, cable) = (place.namespace(*seat), place.cable(*seat));
        script.push_str(&format!(
            "netns add {namespace}\n\
             link add {cable} type veth peer name {INTERFACE} netns {namespace}\n\
             link set {cable} master {bridge} up\n"
        ));
    }
    script
}

/// What is set inside a namespace.
fn inner(place: &NetworkPlace, seat: Seat) -> String {
    let (address, host) = (place.address(seat), place.host());
    format!(
        "addr add {address}/24 dev {INTERFACE}\nlink set lo up\nlink set {INTERFACE} up\n\
         route add default via {host}\n"
    )
}

/// Removes everything that has the prefix of this cluster. Nothing there is fine.
pub(super) fn remove(place: &NetworkPlace) -> Result<(), Failure> {
    let own = format!("{}-", place.prefix);
    let namespaces: Vec<String> = std::fs::read_dir(NAMESPACES)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.starts_with(&own))
        .collect();
    let links = own_links(&own);
    if namespaces.is_empty() && links.is_empty() {
        return Ok(());
    }
    for link in links {
        // One that is gone has been taken along by another.
        let removed = ip(&["link", "del", &link]);
        if removed.is_err() && own_links(&own).contains(&link) {
            return removed.map(|_| ());
        }
    }
    for namespace in namespaces {
        ip(&["netns", "del", &namespace])?;
    }
    Ok(())
}

/// Devices of the host with this prefix.
fn own_links(prefix: &str) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir("/sys/class/net") else { return Vec::new() };
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    names.filter(|name| name.starts_with(prefix)).collect()
}

/// The file of a namespace.
pub(super) fn namespace_file(namespace: &str) -> PathBuf {
    Path::new(NAMESPACES).join(namespace)
}

/// Runs `ip` and answers what it printed.
pub(super) fn ip(arguments: &[&str]) -> Result<String, Failure> {
    let output = Command::new("ip")
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| no_ip(&error))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(refused(&arguments.join(" "), &String::from_utf8_lossy(&output.stderr)))
}

/// Runs `ip -json` and answers what it printed.
pub(super) fn ip_json(arguments: &[&str]) -> Result<Value, Failure> {
    let text = ip(&[&["-json"], arguments].concat())?;
    if text.trim().is_empty() {
        return Ok(Value::Array(Vec::new()));
    }
    serde_json::from_str(&text)
        .map_err(|error| Failure::Local(format!("`ip` printed something that is no JSON: {error}")))
}

/// Runs many commands in one `ip`.
fn batch(options: &[&str], script: &str) -> Result<(), Failure> {
    let mut child = Command::new("ip")
        .args(options)
        .args(["-batch", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| no_ip(&error))?;
    if let Some(mut input) = child.stdin.take() {
        // When it ends early, what it says about that is told below.
        let _ = input.write_all(script.as_bytes());
    }
    let output = child
        .wait_with_output()
        .map_err(|error| Failure::Local(format!("`ip` has vanished: {error}")))?;
    if output.status.success() {
        return Ok(());
    }
    Err(refused("-batch", &String::from_utf8_lossy(&output.stderr)))
}

fn no_ip(error: &std::io::Error) -> Failure {
    Failure::guided(
        1,
        format!("cannot run `ip`: {error}"),
        "Network namespaces need iproute2. Without --netns the nodes use loopback ports.",
    )
}

fn refused(what: &str, errors: &str) -> Failure {
    let errors = errors.trim();
    if ["Operation not permitted", "Permission denied"].iter().any(|text| errors.contains(text)) {
        return Failure::guided(
            1,
            format!("network namespaces are not allowed here: {errors}"),
            "They need root, or CAP_NET_ADMIN and CAP_SYS_ADMIN. Without --netns the nodes use \
             loopback ports.",
        );
    }
    Failure::Local(format!("`ip {what}` failed: {errors}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_cover_their_addresses() {
        let address = Ipv4Addr::new(10, 70, 3, 1);
        for (network, is_covered) in [
            ("10.70.3.0/24", true),
            ("10.0.0.0/8", true),
            ("10.70.3.1", true),
            ("10.70.4.0/24", false),
            ("192.168.0.0/16", false),
            ("0.0.0.0/0", true),
            ("default", false),
        ] {
            assert_eq!(covers(network, address), is_covered, "{network}");
        }
    }

    #[test]
    fn what_is_not_allowed_names_the_way_out() {
        let failure = refused("netns add x", "mount --make-shared failed: Operation not permitted");
        let text = format!("{failure:?}");
        assert!(text.contains("CAP_SYS_ADMIN") && text.contains("loopback"), "{text}");
    }
}
