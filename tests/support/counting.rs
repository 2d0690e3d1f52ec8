//! An allocator that counts while it is told to.
#![allow(unsafe_code, reason = "an allocator cannot be written without")]
#![allow(dead_code, reason = "each test that counts looks at something else")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

/// The system's allocator, counting between [`Counting::start`] and [`Counting::stop`].
pub(crate) struct Counting {
    counts: AtomicBool,
    allocations: AtomicU64,
    held: AtomicI64,
}

impl Counting {
    pub(crate) const fn new() -> Counting {
        Counting { counts: AtomicBool::new(false), allocations: AtomicU64::new(0), held: AtomicI64::new(0) }
    }

    pub(crate) fn start(&self) {
        self.counts.store(true, Ordering::Relaxed);
    }

    pub(crate) fn stop(&self) {
        self.counts.store(false, Ordering::Relaxed);
    }

    /// What was allocated while it counted.
    pub(crate) fn allocations(&self) -> u64 {
        self.allocations.load(Ordering::Relaxed)
    }

    /// Bytes that were allocated while it counted, and not freed while it did.
    pub(crate) fn held(&self) -> i64 {
        self.held.load(Ordering::Relaxed)
    }

    /// Whether it counts at all: that a zero means something.
    pub(crate) fn proves_itself(&self) -> bool {
        let before = self.allocations();
        self.start();
        let boxed = std::hint::black_box(Box::new(1));
        self.stop();
        *boxed == 1 && self.allocations() > before
    }

    /// An allocation of so many bytes more than there were.
    fn count(&self, bytes: i64) {
        if self.counts.load(Ordering::Relaxed) {
            self.allocations.fetch_add(1, Ordering::Relaxed);
            self.held.fetch_add(bytes, Ordering::Relaxed);
        }
    }

    fn free(&self, bytes: i64) {
        if self.counts.load(Ordering::Relaxed) {
            self.held.fetch_sub(bytes, Ordering::Relaxed);
        }
    }
}

// SAFETY: every call goes on to the system's allocator with the caller's own promises; counting touches no memory of it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.count(layout.size().cast_signed() as i64);
        // SAFETY: as promised by the caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        self.free(layout.size().cast_signed() as i64);
        // SAFETY: as promised by the caller.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        self.count(size.cast_signed() as i64 - layout.size().cast_signed() as i64);
        // SAFETY: as promised by the caller.
        unsafe { System.realloc(pointer, layout, size) }
    }
}
