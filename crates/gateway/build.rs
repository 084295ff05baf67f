//! Compiles `proto/gateway.proto` without protoc: protox parses it, tonic writes the server side.

use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let proto_dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proto");
    let proto = proto_dir.join("gateway.proto");
    println!("cargo::rerun-if-changed={}", proto.display());
    let files = protox::compile([&proto], [&proto_dir])?;
    tonic_prost_build::configure().build_client(false).build_server(true).compile_fds(files)?;
    Ok(())
}
