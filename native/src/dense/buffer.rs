//! Memory of states and tables: zeroed, aligned to cache lines, on huge pages where it is large.

use std::alloc::{alloc_zeroed, dealloc, handle_alloc_error, Layout};
use std::ops::{Deref, DerefMut};

use super::lanes::Real;

const LINE: usize = 64;
const HUGE: usize = 2 << 20;

/// A fixed number of reals, all 0 at first.
pub struct Buffer<R: Real> {
    at: *mut R,
    len: usize,
    layout: Layout,
}

// SAFETY: a buffer owns its memory, and reals are plain numbers.
unsafe impl<R: Real> Send for Buffer<R> {}
// SAFETY: as above; shared access only reads.
unsafe impl<R: Real> Sync for Buffer<R> {}

impl<R: Real> Buffer<R> {
    pub fn zeroed(len: usize) -> Buffer<R> {
        let bytes = len.max(1).checked_mul(size_of::<R>()).expect("a buffer's size was checked against the limit");
        let layout = Layout::from_size_align(bytes, if bytes >= 2 * HUGE { HUGE } else { LINE })
            .expect("a buffer's size was checked against the limit");
        // SAFETY: the layout is not empty.
        let at = unsafe { alloc_zeroed(layout) }.cast::<R>();
        if at.is_null() {
            handle_alloc_error(layout);
        }
        advise_huge(at.cast(), bytes);
        Buffer { at, len, layout }
    }
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

    pub fn from(&self, at: usize) -> &[R] {
        &self.all()[at..]
    }

    pub fn from_mut(&mut self, at: usize) -> &mut [R] {
        let len = self.lines.len() * 16;
        // SAFETY: lines are 16 reals each without gaps (16 reals are a multiple of 64 bytes), borrowed alone.
        unsafe { &mut std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast::<R>(), len)[at..] }
    }

    fn all(&self) -> &[R] {
        // SAFETY: lines are 16 reals each without gaps (16 reals are a multiple of 64 bytes).
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast::<R>(), self.lines.len() * 16) }
    }
}

/// Asks for huge pages, since touching small ones first costs as much as a pass over the state.
#[cfg(target_os = "linux")]
fn advise_huge(at: *mut u8, bytes: usize) {
    extern "C" {
        fn madvise(at: *mut core::ffi::c_void, bytes: usize, advice: core::ffi::c_int) -> core::ffi::c_int;
    }
    const MADV_HUGEPAGE: core::ffi::c_int = 14;
    if bytes >= 2 * HUGE {
        // SAFETY: the range lies in one allocation of ours that starts on a page; the advice changes no content, and
        // whether it is taken does not matter.
        unsafe { madvise(at.cast(), bytes / HUGE * HUGE, MADV_HUGEPAGE) };
    }
}

#[cfg(not(target_os = "linux"))]
fn advise_huge(_at: *mut u8, _bytes: usize) {}

impl<R: Real> Drop for Buffer<R> {
    fn drop(&mut self) {
        // SAFETY: allocated with this layout.
        unsafe { dealloc(self.at.cast(), self.layout) }
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
