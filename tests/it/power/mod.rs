//! What a disk does to the store: the power goes, the disk is full, read-only or broken.
//! Real port calls on the real store, over a disk in memory (`crates/crash-vfs`), and the
//! real service on a real disk that is full.

mod cuts;
mod faults;
mod full_disk;
mod oracle;
mod workload;
