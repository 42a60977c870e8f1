//! Puts libtorch's folder into the run path, so that the binary runs bare from
//! any folder without `LD_LIBRARY_PATH`.

use std::env;

fn main() {
    println!("cargo:rerun-if-env-changed=LIBTORCH");
    println!("cargo:rerun-if-changed=build.rs");
    // A release carries the pages inside, so a file added to them makes a new one. Other builds read them from disk.
    if env::var("PROFILE").is_ok_and(|profile| profile == "release") {
        println!("cargo:rerun-if-changed=static");
    }
    if env::var_os("CARGO_FEATURE_RUST_BERT").is_none() {
        return;
    }
    if let Ok(libtorch) = env::var("LIBTORCH") {
        println!("cargo:rustc-link-arg=-Wl,-rpath,{libtorch}/lib");
    }
}
