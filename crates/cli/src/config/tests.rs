use super::*;

fn environment(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn file(text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    file
}

#[test]
fn the_defaults_are_the_documented_ones() {
    let config = ServerConfig::resolve(&ServerOptions::default(), &environment(&[]), None).unwrap();
    assert_eq!(config.data_dir, PathBuf::from("skep-data"));
    assert_eq!((config.rest_port, config.grpc_port, config.management_port), (8080, 26_500, 9600));
    assert!(config.bind.is_loopback());
    assert_eq!((config.partitions, config.memory_bytes), (1, 1 << 30));
    assert!(!config.virtual_time && !config.in_memory);
}

#[test]
fn flags_win_over_environment_over_file_over_defaults() {
    let file = file("rest-port: 1\ngrpc-port: 1\nmanagement-port: 1\nmemory: 2GB\n");
    let environment = environment(&[("SKEP_REST_PORT", "2"), ("SKEP_GRPC_PORT", "2")]);
    let flags = ServerOptions { rest_port: Some(3), ..ServerOptions::default() };
    let config = ServerConfig::resolve(&flags, &environment, Some(file.path())).unwrap();
    assert_eq!((config.rest_port, config.grpc_port, config.management_port), (3, 2, 1));
    assert_eq!(config.memory_bytes, 2 << 30);
}

#[test]
fn the_file_knows_every_option() {
    let file = file(
        "data-dir: /tmp/x\nbind: 0.0.0.0\nmemory: 134217728\npartitions: 3\nvirtual-time: true\n\
         in-memory: false\nlog-format: json\nlog-level: off\n",
    );
    let config =
        ServerConfig::resolve(&ServerOptions::default(), &environment(&[]), Some(file.path()))
            .unwrap();
    assert_eq!(config.data_dir, PathBuf::from("/tmp/x"));
    assert_eq!((config.partitions, config.virtual_time), (3, true));
    assert_eq!((config.log_format, config.log_level), (LogFormat::Json, LogLevel::Off));
    assert_eq!(config.memory_bytes, 128 << 20);
}

#[test]
fn names_of_zeebe_deployments_are_understood() {
    let config = ServerConfig::resolve(
        &ServerOptions::default(),
        &environment(&[
            ("ZEEBE_BROKER_CLUSTER_PARTITIONSCOUNT", "4"),
            ("ZEEBE_BROKER_DATA_DIRECTORY", "/data"),
            ("ZEEBE_BROKER_NETWORK_HOST", "0.0.0.0"),
            ("ZEEBE_BROKER_GATEWAY_NETWORK_PORT", "26600"),
            ("ZEEBE_CLOCK_CONTROLLED", "true"),
            ("ZEEBE_LOG_APPENDER", "Stackdriver"),
            ("SKEP_PARTITIONS", "2"),
        ]),
        None,
    )
    .unwrap();
    assert_eq!((config.partitions, config.grpc_port), (2, 26_600));
    assert_eq!(config.data_dir, PathBuf::from("/data"));
    assert!(config.virtual_time && !config.bind.is_loopback());
    assert_eq!(config.log_format, LogFormat::Json);
}

#[test]
fn mistakes_name_their_place() {
    let error = |environment: &[(&str, &str)], text: &str| {
        let file = file(text);
        let failure = ServerConfig::resolve(
            &ServerOptions::default(),
            &self::environment(environment),
            Some(file.path()),
        );
        format!("{:?}", failure.unwrap_err())
    };
    assert!(error(&[("SKEP_REST_PORT", "many")], "").contains("SKEP_REST_PORT"));
    assert!(error(&[], "rest-prot: 1\n").contains("rest-prot"));
    assert!(error(&[], "memory: much\n").contains("512MB"));
    assert!(error(&[("SKEP_PARTITIONS", "0")], "").contains("partitions"));
    assert!(error(&[("SKEP_MEMORY", "1KB")], "").contains("at least 64MB"));
    let missing = ServerConfig::resolve(
        &ServerOptions::default(),
        &environment_of_nothing(),
        Some(Path::new("/nowhere/skep.yaml")),
    );
    assert!(format!("{:?}", missing.unwrap_err()).contains("/nowhere/skep.yaml"));
}

fn environment_of_nothing() -> BTreeMap<String, String> {
    BTreeMap::new()
}

#[test]
fn misspelt_variables_are_found() {
    let config = ServerConfig::resolve(
        &ServerOptions::default(),
        &environment(&[("SKEP_PORTITIONS", "3"), ("SKEP_ADDRESS", "x"), ("HOME", "/")]),
        None,
    )
    .unwrap();
    assert_eq!(config.unknown_variables, ["SKEP_PORTITIONS"]);
}

#[test]
fn a_cluster_is_configured_like_everything_else() {
    let file = file("peers: 0=a:1,1=b:1\nreplication-factor: 2\ncluster-id: bees\n");
    let environment = environment(&[("SKEP_NODE_ID", "1"), ("SKEP_CLUSTER_BIND", "0.0.0.0:1")]);
    let config =
        ServerConfig::resolve(&ServerOptions::default(), &environment, Some(file.path())).unwrap();
    assert_eq!(config.node_id, 1);
    let cluster = config.cluster.unwrap();
    assert_eq!((cluster.cluster_id.as_str(), cluster.replication_factor), ("bees", 2));
    assert_eq!((cluster.peers.len(), cluster.bind.as_deref()), (2, Some("0.0.0.0:1")));
}

#[test]
fn a_cluster_that_cannot_be_is_refused() {
    let refused = |pairs: &[(&str, &str)]| {
        let failure = ServerConfig::resolve(&ServerOptions::default(), &environment(pairs), None);
        format!("{:?}", failure.unwrap_err())
    };
    assert!(refused(&[("SKEP_PEERS", "0=a:1,1=b:1"), ("SKEP_NODE_ID", "2")]).contains("node 2"));
    assert!(refused(&[("SKEP_PEERS", "a:1")]).contains("0=127.0.0.1:26502"));
    let moved = [("SKEP_PEERS", "0=a:1,1=b:1"), ("SKEP_VIRTUAL_TIME", "true")];
    assert!(refused(&moved).contains("--virtual-time"));
}

#[test]
fn backups_need_data_on_a_disk() {
    let both = [("SKEP_BACKUP_DIR", "/share"), ("SKEP_IN_MEMORY", "true")];
    let resolve = |pairs: &[(&str, &str)]| {
        ServerConfig::resolve(&ServerOptions::default(), &environment(pairs), None)
    };
    let Err(Failure::Usage(text)) = resolve(&both) else { panic!("refused") };
    assert!(text.contains("--backup-dir"), "{text}");
    assert_eq!(resolve(&both[..1]).unwrap().backup_dir, Some(PathBuf::from("/share")));
}
