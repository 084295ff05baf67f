//! How fast deployments reach every partition.

use super::{Measured, fresh, ms};
use crate::models;
use crate::settings::{Mode, Settings};
use crate::versions::start_everywhere;
use crate::work;
use futures::StreamExt;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::{Duration, Instant};

/// Deployments of the measurement.
const DEPLOYMENTS: u64 = 1_000;

/// Deployments under way at once.
const IN_FLIGHT: usize = 32;

/// How long they may take before the measurement is given up.
const PATIENCE: Duration = Duration::from_secs(120);

/// Versions that are deployed while two leaders are cut.
const VERSIONS: i32 = 5;

const PROCESS: &str = "cluster-deployed";

/// From the first call until the newest version can be started on every partition.
pub(super) fn a_thousand(settings: &Settings) -> Measured {
    let cluster = fresh(settings, "deployments", false)?;
    let runtime = work::runtime();
    let _inside = runtime.enter();
    let clients: Vec<_> = cluster.gateways().iter().map(|address| work::client(address)).collect();
    let newest = Arc::new(AtomicI32::new(0));
    let began = Instant::now();
    runtime.block_on(async {
        let calls = (0..DEPLOYMENTS).map(|number| {
            let client = clients[number as usize % clients.len()].clone();
            let newest = newest.clone();
            async move {
                let model = models::rolled_out(PROCESS, number);
                let version = work::deploy(&client, &[("deployed.bpmn", &model)]).await?;
                newest.fetch_max(version, Ordering::Relaxed);
                Ok::<(), skep_client::Error>(())
            }
        });
        let mut calls = futures::stream::iter(calls).buffer_unordered(IN_FLIGHT);
        while let Some(call) = calls.next().await {
            call.map_err(|error| format!("a deployment failed: {error}"))?;
        }
        Ok::<(), String>(())
    })?;
    let answered = began.elapsed();
    let newest = newest.load(Ordering::Relaxed);
    let missing = runtime.block_on(start_everywhere(
        &clients,
        PROCESS,
        newest,
        cluster.partitions(),
        Instant::now() + PATIENCE,
    ));
    let everywhere = began.elapsed();
    cluster.delete()?;
    if !missing.is_empty() || newest != DEPLOYMENTS as i32 {
        return Err(format!("version {newest} is missing on {missing:?}"));
    }
    let cell = format!(
        "{:.2} s (answered after {:.2} s)",
        everywhere.as_secs_f64(),
        answered.as_secs_f64()
    );
    Ok((vec![cell], json!({"answeredMs": ms(answered), "everywhereMs": ms(everywhere)})))
}

/// The leader of partition 1 cannot send to the leader of partition 3 for 30 s; five versions are deployed meanwhile.
pub(super) fn while_cut(settings: &Settings) -> Measured {
    let cluster = fresh(settings, "cut", true)?;
    if !cluster.has_namespaces() {
        return Err("no network namespaces here".to_owned());
    }
    let runtime = work::runtime();
    let _inside = runtime.enter();
    let clients: Vec<_> = cluster.gateways().iter().map(|address| work::client(address)).collect();
    let rounds = if settings.mode == Mode::Full { 3 } else { 1 };
    let hold = Duration::from_secs(if settings.mode == Mode::Full { 30 } else { 5 });
    let (mut deploys, mut heals, mut far_while_cut) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..rounds {
        let process = format!("{PROCESS}-{round}");
        let (one, three) = crate::scenario::apart(&cluster, 1, 3)?;
        cluster.run(&["net", "block", &one, &three])?;
        let cut = Instant::now();
        for version in 1..=VERSIONS {
            let model = models::rolled_out(&process, version as u64);
            let began = Instant::now();
            runtime
                .block_on(work::deploy(&clients[0], &[("cut.bpmn", &model)]))
                .map_err(|error| format!("version {version} is not deployed: {error}"))?;
            deploys.push(ms(began.elapsed()));
        }
        std::thread::sleep(hold.saturating_sub(cut.elapsed()));
        let everywhere = |patience| {
            runtime.block_on(start_everywhere(
                &clients,
                &process,
                VERSIONS,
                cluster.partitions(),
                Instant::now() + patience,
            ))
        };
        // Evidence that the cut was one: whether the far partition had it all the time.
        far_while_cut.push(everywhere(Duration::from_millis(300)).is_empty());
        let healed = Instant::now();
        cluster.run(&["net", "unblock", &one, &three])?;
        let missing = everywhere(PATIENCE);
        if !missing.is_empty() {
            return Err(format!("version {VERSIONS} never reached partitions {missing:?}"));
        }
        heals.push(ms(healed.elapsed()));
        cluster.wait_until_it_serves(PATIENCE)?;
    }
    cluster.delete()?;
    let largest = |times: &[u64]| times.iter().max().copied().unwrap_or_default();
    let note = if far_while_cut.contains(&true) {
        "; the far partition had it before the heal"
    } else {
        ""
    };
    let cells = vec![
        format!("{} ms", largest(&deploys)),
        format!("{} ms ({rounds} cuts{note})", largest(&heals)),
    ];
    Ok((cells, json!({"deployMs": deploys, "healMs": heals, "hadItWhileCut": far_while_cut})))
}
