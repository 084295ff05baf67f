//! Compiles `proto/gateway.proto` without protoc: protox parses it, tonic writes the client side.
//! The server side goes to a folder of its own that only `tests/` includes, for a fake gateway.

use std::error::Error;
use std::path::{Path, PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    let proto_dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proto");
    let proto = proto_dir.join("gateway.proto");
    println!("cargo::rerun-if-changed={}", proto.display());
    let files = protox::compile([&proto], [&proto_dir])?;
    tonic_prost_build::configure()
        .build_client(true)
        .build_server(false)
        .compile_fds(files.clone())?;

    let out_dir = std::env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR for build scripts")?;
    let fake_dir = PathBuf::from(out_dir).join("fake_gateway");
    std::fs::create_dir_all(&fake_dir)?;
    tonic_prost_build::configure()
        .build_client(false)
        .build_server(true)
        // RPCs that no test calls answer UNIMPLEMENTED.
        .generate_default_stubs(true)
        .out_dir(fake_dir)
        .compile_fds(files)?;
    Ok(())
}
