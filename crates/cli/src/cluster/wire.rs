//! A slow wire from one namespace to another: packets are read from a device in the one, held for a
//! while, and written to a device in the other.
//!
//! The kernel's own `netem` does this where it is built in, which many kernels of virtual machines
//! lack; this works wherever there is `/dev/net/tun`. One direction is one process, `skep cluster
//! wire`, and when it ends the devices and the routes through them go with it.

use std::fs::File;
use std::io::{self, Read, Write};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant};

use skep_env::tunnel::open_tunnel;

use super::network;
use crate::failure::Failure;

/// Packets on the wire at most: more than a link of one gigabit holds in a second of delay with
/// usual packets; beyond it packets are lost, as on any wire.
const PACKETS_MAX: usize = 65_536;

/// Largest packet that IP has, with the header that the device puts before it, bytes.
const PACKET_BYTES_MAX: usize = 65_536 + 64;

/// Packets that the kernel keeps for a reader that is busy.
const DEVICE_QUEUE: &str = "10000";

/// How much longer a wire lives than its fault, so that whoever ends faults is there first.
const ENDED_BY_OTHERS: Duration = Duration::from_secs(10);

/// What a wire does to packets.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct WireSettings {
    pub(crate) delay: Duration,
    /// Share of packets that are lost, 0 to 1.
    pub(crate) loss: f64,
    /// Decides which.
    pub(crate) seed: u64,
}

/// Carries packets until it is killed.
pub(crate) fn run(
    from: &str,
    to: &str,
    device: &str,
    settings: WireSettings,
    ttl: Option<Duration>,
) -> Result<(), Failure> {
    let open = |namespace: &str| -> Result<File, Failure> {
        let opened = open_tunnel(&network::namespace_file(namespace), device).map_err(|error| {
            Failure::Local(format!("cannot make the device {device} in {namespace}: {error}"))
        })?;
        network::ip(&["-n", namespace, "link", "set", device, "up", "txqueuelen", DEVICE_QUEUE])?;
        Ok(opened)
    };
    let (near, far) = (open(from)?, open(to)?);
    let (sender, receiver) = sync_channel(PACKETS_MAX);
    let reader = std::thread::Builder::new()
        .name("skep-wire".to_owned())
        .spawn(move || take(near, &sender, settings))
        .map_err(|error| Failure::Local(format!("cannot start a thread: {error}")))?;
    if let Some(ttl) = ttl {
        end_after(ttl)?;
    }
    give(far, &receiver);
    match reader.join() {
        Ok(Err(error)) => Err(Failure::Local(format!("the wire is broken: {error}"))),
        _ => Ok(()),
    }
}

/// Ends this process when its fault is over, should nobody do it: its devices go with it, and the routes
/// through them.
fn end_after(ttl: Duration) -> Result<(), Failure> {
    std::thread::Builder::new()
        .name("skep-wire-end".to_owned())
        .spawn(move || {
            std::thread::sleep(ttl.saturating_add(ENDED_BY_OTHERS));
            std::process::exit(0);
        })
        .map(|_| ())
        .map_err(|error| Failure::Local(format!("cannot start a thread: {error}")))
}

/// A packet, and when it comes out.
type Held = (Instant, Vec<u8>);

fn take(mut near: File, wire: &SyncSender<Held>, settings: WireSettings) -> io::Result<()> {
    let mut losses = Losses::new(settings);
    let mut packet = vec![0; PACKET_BYTES_MAX];
    loop {
        let length = near.read(&mut packet)?;
        let due = Instant::now() + settings.delay;
        if losses.next() {
            continue;
        }
        let held = packet.get(..length).unwrap_or_default().to_vec();
        if let Err(TrySendError::Disconnected(_)) = wire.try_send((due, held)) {
            return Ok(());
        }
    }
}

fn give(mut far: File, wire: &Receiver<Held>) {
    for (due, packet) in wire {
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        // A packet that the other side does not take is lost, as on any wire.
        let _ = far.write_all(&packet);
    }
}

/// Decides which packets are lost: splitmix64, the same for the same seed.
struct Losses {
    state: u64,
    below: u64,
}

impl Losses {
    fn new(settings: WireSettings) -> Self {
        // A share of u64::MAX; a share of one loses all but one in 2^64.
        Self {
            state: settings.seed,
            below: (settings.loss.clamp(0.0, 1.0) * u64::MAX as f64) as u64,
        }
    }

    fn next(&mut self) -> bool {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) < self.below
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_have_their_share_and_their_seed() {
        let lost = |loss, seed| {
            let settings = WireSettings { delay: Duration::ZERO, loss, seed };
            let mut losses = Losses::new(settings);
            (0..10_000).map(|_| losses.next()).collect::<Vec<_>>()
        };
        let count = |losses: &[bool]| losses.iter().filter(|lost| **lost).count();
        assert_eq!(count(&lost(0.0, 1)), 0);
        assert_eq!(count(&lost(1.0, 1)), 10_000);
        let tenth = lost(0.1, 1);
        assert!((900..1_100).contains(&count(&tenth)), "{}", count(&tenth));
        assert_eq!(tenth, lost(0.1, 1));
        assert_ne!(tenth, lost(0.1, 2));
    }
}
