//! Where allocations lie.
//!
//! glibc gives each thread a region of its own, `arena`, so that they need not wait for each other. What one thread
//! allocates and another one keeps or frees leaves gaps in the region of the first, which nobody else fills: a server
//! whose threads hand everything on to each other takes more and more, though it holds no more.

/// Makes all threads share one region: `mallopt(3)`, `M_ARENA_MAX`. To be called before there are threads. False where the
/// system's allocator is another one, or refuses.
pub fn share() -> bool {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        // SAFETY: it takes and returns numbers, and is called before there are threads.
        unsafe { libc::mallopt(libc::M_ARENA_MAX, 1) == 1 }
    }
    #[cfg(not(all(target_os = "linux", target_env = "gnu")))]
    {
        false
    }
}

/// Gives back what is free, wherever it lies: `malloc_trim(3)`. What a start needs for a moment would be kept otherwise.
pub fn give_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: it takes a number, and may be called at any time from any thread.
    unsafe {
        libc::malloc_trim(0);
    }
}

#[cfg(all(test, target_os = "linux", target_env = "gnu"))]
mod tests {
    #[test]
    fn the_allocator_takes_it() {
        assert!(super::share());
        super::give_back();
    }
}
