//! How long a thread's turns of the processor are.
//!
//! A thread that wakes up waits for the turn of the one that computes to be over. Linux, from 6.12 on, lets a thread with
//! shorter turns go first, and takes nothing of the share of either: whoever computes has the same time in longer pieces.
//! `sched_setattr(2)`, `sched_runtime` of a thread that is not of real time. Older kernels do not listen.

use std::io::Result;
use std::time::Duration;

/// `struct sched_attr` of linux/sched/types.h.
#[cfg(target_os = "linux")]
#[repr(C)]
#[derive(Default)]
struct Attributes {
    size: u32,
    policy: u32,
    flags: u64,
    nice: i32,
    priority: u32,
    runtime: u64,
    deadline: u64,
    period: u64,
    util_min: u32,
    util_max: u32,
}

#[cfg(target_os = "linux")]
const SIZE: u32 = size_of::<Attributes>() as u32;

/// Short turns for the calling thread, which does a little for many: as soon as there is something to do it goes before
/// one that computes. Where the kernel does not know of it, or refuses, nothing changes.
pub fn short() {
    let _ = take(Duration::from_micros(100));
}

/// Turns as long as they get for the calling thread, which computes for long: it is interrupted by those with shorter
/// ones.
pub fn long() {
    let _ = take(Duration::from_millis(100));
}

/// Asks for turns of this length for the calling thread; the kernel keeps them between 0.1 and 100 ms. A thread of real
/// time, or one that an operator has made idle, keeps what it has.
#[cfg(target_os = "linux")]
fn take(length: Duration) -> Result<()> {
    let mut attributes = Attributes { size: SIZE, ..Attributes::default() };
    // SAFETY: the kernel writes at most `SIZE` bytes into `attributes`, which is as large and outlives the call; 0 is the
    // calling thread.
    let got = unsafe { libc::syscall(libc::SYS_sched_getattr, 0, &raw mut attributes, SIZE, 0) };
    if got != 0 {
        return Err(std::io::Error::last_os_error());
    }
    if !matches!(attributes.policy.cast_signed(), libc::SCHED_OTHER | libc::SCHED_BATCH) {
        return Ok(());
    }
    attributes.size = SIZE;
    attributes.runtime = u64::try_from(length.as_nanos()).unwrap_or(u64::MAX);
    // SAFETY: the kernel reads `attributes.size` bytes of it and keeps no pointer.
    match unsafe { libc::syscall(libc::SYS_sched_setattr, 0, &raw const attributes, 0) } {
        0 => Ok(()),
        _ => Err(std::io::Error::last_os_error()),
    }
}

/// Elsewhere nobody asks.
#[cfg(not(target_os = "linux"))]
fn take(_: Duration) -> Result<()> {
    Ok(())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #[test]
    fn a_thread_without_rights_may_ask_and_keeps_its_nice_value() {
        std::thread::spawn(|| {
            // SAFETY: it takes and returns numbers.
            let before = unsafe { libc::nice(3) };
            super::take(std::time::Duration::from_micros(100)).unwrap();
            super::take(std::time::Duration::from_millis(100)).unwrap();
            // SAFETY: as above.
            assert_eq!(unsafe { libc::nice(0) }, before);
        })
        .join()
        .unwrap();
    }
}
