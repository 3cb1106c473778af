//! Memory for a program that starts, decides and is done within milliseconds.
//!
//! musl's allocator is made for small programs that run for long: it gives memory back to the kernel as soon
//! as it can, so that a launch spends as much time in `mmap`, `munmap` and the page faults after them as in
//! reading libraries. This one takes memory in large pieces, keeps what is freed in lists by size, and gives
//! nothing back. Large blocks are left to the system's allocator, which can grow them by moving pages.

use std::alloc::{GlobalAlloc, Layout, System};
use std::ptr::null_mut;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The allocator, for `#[global_allocator]`.
pub struct Heap;

/// Larger blocks are the system's, in bytes.
const LARGEST: usize = 32 << 10;
/// Every block is aligned to this; whoever needs more gets it from the system.
const ALIGN: usize = 16;
/// Up to this size there is a class for every multiple of [`ALIGN`], above it four for each doubling.
const FINE: usize = 128;
const FINE_CLASSES: usize = FINE / ALIGN;
const CLASSES: usize = FINE_CLASSES + 4 * (LARGEST.ilog2() - FINE.ilog2()) as usize;
/// How much is taken from the system at once, in bytes.
const PIECE: usize = 256 << 10;

struct State {
    /// What is left of the newest piece.
    next: usize,
    end: usize,
    /// The first free block of each class; each begins with the address of the next one.
    free: [usize; CLASSES],
}

static STATE: Mutex<State> = Mutex::new(State { next: 0, end: 0, free: [0; CLASSES] });

/// Keeps other threads out, as around a fork, after which the child could not wait for them.
pub(super) fn hold() -> MutexGuard<'static, impl Sized> {
    state()
}

// Built for size, the program would call each of these by itself, a quarter million times in a cold launch.
#[inline(always)]
fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The class of a block and the size of its blocks. `None`: it is the system's.
#[inline(always)]
fn class(layout: Layout) -> Option<(usize, usize)> {
    let size = layout.size().max(1);
    if size > LARGEST || layout.align() > ALIGN {
        return None;
    }
    if size <= FINE {
        let class = size.div_ceil(ALIGN) - 1;
        return Some((class, (class + 1) * ALIGN));
    }
    let last = size - 1;
    let doubling = last.ilog2();
    let shift = doubling - 2;
    let quarter = (last >> shift) & 3;
    let class = FINE_CLASSES + 4 * (doubling - FINE.ilog2()) as usize + quarter;
    Some((class, ((last >> shift) + 1) << shift))
}

impl State {
    #[inline(always)]
    fn take(&mut self, class: usize, size: usize) -> *mut u8 {
        let first = self.free[class];
        if first != 0 {
            // SAFETY: a free block of this class begins with the address of the next one, written by
            // `give` with the provenance of its block exposed.
            self.free[class] = unsafe { *std::ptr::with_exposed_provenance::<usize>(first) };
            return std::ptr::with_exposed_provenance_mut(first);
        }
        if self.end - self.next < size {
            let layout = Layout::from_size_align(PIECE, ALIGN);
            // SAFETY: the size is not zero.
            let piece = layout.map_or(null_mut(), |layout| unsafe { System.alloc(layout) });
            if piece.is_null() {
                return null_mut();
            }
            self.next = piece.expose_provenance();
            self.end = self.next + PIECE;
        }
        let block = self.next;
        self.next += size;
        std::ptr::with_exposed_provenance_mut(block)
    }

    #[inline(always)]
    fn give(&mut self, class: usize, block: *mut u8) {
        // SAFETY: the block is ours, no longer used, and has room for an address at its aligned start.
        unsafe { block.cast::<usize>().write(self.free[class]) };
        self.free[class] = block.expose_provenance();
    }
}

// SAFETY: a block is given out once until it is freed: it comes from a list from which it is removed, or from
// a piece of which nothing is given out twice. Its class's size is not less than the layout's, and its start
// is aligned, because every size is a multiple of `ALIGN`. A layout says whose a block is.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        match class(layout) {
            Some((class, size)) => state().take(class, size),
            // SAFETY: the caller's promises are passed on.
            None => unsafe { System.alloc(layout) },
        }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        let Some((class, size)) = class(layout) else {
            // SAFETY: the caller's promises are passed on.
            return unsafe { System.alloc_zeroed(layout) };
        };
        let block = state().take(class, size);
        if !block.is_null() {
            // SAFETY: the block has at least as many bytes.
            unsafe { block.write_bytes(0, layout.size()) };
        }
        block
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        match class(layout) {
            Some((class, _)) => state().give(class, block),
            // SAFETY: the caller's promises are passed on; the system made it (see `alloc`).
            None => unsafe { System.dealloc(block, layout) },
        }
    }

    unsafe fn realloc(&self, block: *mut u8, old: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller promises that the size does not overflow with this alignment.
        let new = unsafe { Layout::from_size_align_unchecked(size, old.align()) };
        match (class(old), class(new)) {
            (Some(a), Some(b)) if a == b => block,
            // SAFETY: the caller's promises are passed on; the system made it.
            (None, None) => unsafe { System.realloc(block, old, size) },
            _ => {
                // SAFETY: the new block is another one, and both have at least the lesser of the sizes.
                unsafe {
                    let moved = self.alloc(new);
                    if !moved.is_null() {
                        moved.copy_from_nonoverlapping(block, old.size().min(size));
                        self.dealloc(block, old);
                    }
                    moved
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn classes_are_dense_and_hold_what_they_should() {
        let mut seen = BTreeMap::new();
        for size in 0..=LARGEST {
            let layout = Layout::from_size_align(size, 8).unwrap();
            let (class, block) = class(layout).unwrap();
            assert!(block >= size && block % ALIGN == 0, "{size} in {block}");
            assert!(size <= FINE || block - size < block / 4, "{size} wastes {}", block - size);
            assert_eq!(*seen.entry(class).or_insert(block), block, "{size}");
        }
        assert_eq!(seen.into_keys().collect::<Vec<_>>(), (0..CLASSES).collect::<Vec<_>>());
        for (size, align) in [(LARGEST + 1, 8), (8, 32)] {
            assert_eq!(class(Layout::from_size_align(size, align).unwrap()), None);
        }
    }

    /// Blocks do not overlap, keep their content when they grow and shrink, and are used again.
    #[test]
    fn blocks_are_kept_apart() {
        let layout = |size| Layout::from_size_align(size, 8).unwrap();
        let mut blocks: Vec<(*mut u8, usize, u8)> = vec![];
        let mut random = 1_u32;
        for round in 0..20_000_u32 {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let size = 1 + (random >> 8) as usize % [40, 700, 9_000, 70_000][round as usize % 4];
            let mark = (round % 251) as u8;
            let at = (random >> 16) as usize % 64;
            // SAFETY: every block is used with the layout that it was made with, within its size.
            unsafe {
                if let Some((block, old, mark)) = blocks.get_mut(at) {
                    let moved = Heap.realloc(*block, layout(*old), size);
                    let kept = std::slice::from_raw_parts(moved, size.min(*old));
                    assert!(kept.iter().all(|byte| byte == mark));
                    moved.write_bytes(*mark, size);
                    (*block, *old) = (moved, size);
                } else {
                    let block = Heap.alloc_zeroed(layout(size));
                    assert!(std::slice::from_raw_parts(block, size).iter().all(|byte| *byte == 0));
                    block.write_bytes(mark, size);
                    blocks.push((block, size, mark));
                }
                if round % 3 == 0 {
                    let (block, size, _) = blocks.swap_remove(at % blocks.len());
                    Heap.dealloc(block, layout(size));
                }
            }
        }
        let layout = layout(48);
        // SAFETY: as above.
        let (first, second) = unsafe {
            let first = Heap.alloc(layout);
            Heap.dealloc(first, layout);
            (first, Heap.alloc(layout))
        };
        assert!(!second.is_null() && first.cast_const() == second.cast_const());
    }
}
