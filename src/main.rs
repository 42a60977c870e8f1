//! The program: everything it does is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    baton::cli::run()
}

/// Many small pieces of text are made and dropped for each message; this one takes half the time over them that the
/// system's does.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
