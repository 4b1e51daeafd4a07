//! Memory of states and tables: zeroed, aligned to cache lines, on huge pages where it is large.

use std::alloc::{alloc_zeroed, dealloc, handle_alloc_error, Layout};
use std::ops::{Deref, DerefMut};

use super::lanes::Real;

const LINE: usize = 64;
/// From this size on memory comes in huge pages straight from the system: touching small pages first costs as much as
/// a pass over the state.
const LARGE: usize = 4 << 20;

/// A fixed number of reals, all 0 at first.
pub struct Buffer<R: Real> {
    at: *mut R,
    len: usize,
    layout: Layout,
    /// Memory of `pages`, not of the allocator.
    mapped: bool,
}

// SAFETY: a buffer owns its memory, and reals are plain numbers.
unsafe impl<R: Real> Send for Buffer<R> {}
// SAFETY: as above; shared access only reads.
unsafe impl<R: Real> Sync for Buffer<R> {}

impl<R: Real> Buffer<R> {
    pub fn zeroed(len: usize) -> Buffer<R> {
        let bytes = len.max(1).checked_mul(size_of::<R>()).expect("a buffer's size was checked against the limit");
        let layout = Layout::from_size_align(bytes, LINE).expect("a buffer's size was checked against the limit");
        if bytes >= LARGE {
            if let Some(at) = pages::map(bytes) {
                return Buffer { at: at.cast(), len, layout, mapped: true };
            }
        }
        // SAFETY: the layout is not empty.
        let at = unsafe { alloc_zeroed(layout) }.cast::<R>();
        if at.is_null() {
            handle_alloc_error(layout);
        }
        Buffer { at, len, layout, mapped: false }
    }
}

/// Zeroed memory from the system, in huge pages where it has them.
#[cfg(target_os = "linux")]
mod pages {
    use core::ffi::{c_int, c_long, c_void};

    extern "C" {
        fn mmap(
            at: *mut c_void,
            bytes: usize,
            protection: c_int,
            flags: c_int,
            file: c_int,
            offset: c_long,
        ) -> *mut c_void;
        fn munmap(at: *mut c_void, bytes: usize) -> c_int;
        fn madvise(at: *mut c_void, bytes: usize, advice: c_int) -> c_int;
    }
    const READ_WRITE: c_int = 1 | 2;
    const PRIVATE_ANONYMOUS: c_int = 2 | 0x20;
    const HUGEPAGE: c_int = 14;

    pub fn map(bytes: usize) -> Option<*mut u8> {
        // SAFETY: a new private mapping touches no memory that is in use.
        let at = unsafe { mmap(core::ptr::null_mut(), bytes, READ_WRITE, PRIVATE_ANONYMOUS, -1, 0) };
        if at as isize == -1 {
            return None;
        }
        // SAFETY: the range is the new mapping; the advice changes no content, whether it is taken or not.
        unsafe { madvise(at, bytes, HUGEPAGE) };
        Some(at.cast())
    }

    /// # Safety
    /// `at` came from `map(bytes)` and is not used afterwards.
    pub unsafe fn unmap(at: *mut u8, bytes: usize) {
        // SAFETY: handed on from the caller.
        unsafe { munmap(at.cast(), bytes) };
    }
}

#[cfg(not(target_os = "linux"))]
mod pages {
    pub fn map(_bytes: usize) -> Option<*mut u8> {
        None
    }

    /// # Safety
    /// Never called: nothing is mapped.
    pub unsafe fn unmap(_at: *mut u8, _bytes: usize) {}
}

/// Reals that grow by whole cache lines: tables and coefficients of many kernel calls in one piece of memory.
pub struct Lines<R: Real> {
    lines: Vec<Line<R>>,
}

#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line<R>([R; 16]);

impl<R: Real> Lines<R> {
    pub fn new() -> Lines<R> {
        Lines { lines: vec![] }
    }

    /// Room for `len` reals, all 0; gives their number.
    pub fn add(&mut self, len: usize) -> usize {
        let at = self.lines.len();
        self.lines.resize(at + len.div_ceil(16), Line([R::of(0.0); 16]));
        at * 16
    }

    pub fn clear(&mut self) {
        self.lines.clear();
    }

    /// Everything from `at` on.
    pub fn tail(&self, at: usize) -> &[R] {
        &self.all()[at..]
    }

    pub fn tail_mut(&mut self, at: usize) -> &mut [R] {
        let len = self.lines.len() * 16;
        // SAFETY: lines are 16 reals each without gaps (16 reals are a multiple of 64 bytes), borrowed alone.
        unsafe { &mut std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast::<R>(), len)[at..] }
    }

    fn all(&self) -> &[R] {
        // SAFETY: lines are 16 reals each without gaps (16 reals are a multiple of 64 bytes).
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast::<R>(), self.lines.len() * 16) }
    }
}

impl<R: Real> Drop for Buffer<R> {
    fn drop(&mut self) {
        // SAFETY: it came from `map` with this size, or else from the allocator with this layout.
        unsafe {
            if self.mapped {
                pages::unmap(self.at.cast(), self.layout.size());
            } else {
                dealloc(self.at.cast(), self.layout);
            }
        }
    }
}

impl<R: Real> Deref for Buffer<R> {
    type Target = [R];
    fn deref(&self) -> &[R] {
        // SAFETY: `len` reals, initialised (zeroed), owned.
        unsafe { std::slice::from_raw_parts(self.at, self.len) }
    }
}

impl<R: Real> DerefMut for Buffer<R> {
    fn deref_mut(&mut self) -> &mut [R] {
        // SAFETY: `len` reals, initialised (zeroed), owned and borrowed alone.
        unsafe { std::slice::from_raw_parts_mut(self.at, self.len) }
    }
}
