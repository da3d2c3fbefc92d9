//! The allocator of the addon's Rust code: glibc's, but the system itself provides large blocks.
//!
//! glibc asks the system too, until the first such block is freed. From then on it cuts blocks of
//! that size from its heaps, and each thread's heap keeps the memory of those that were freed. An
//! unmapped block is gone at once. If the system refuses to map, as it does above its limit of
//! mappings, a large block comes from a heap too.
//!
//! Node.js and the program keep their own allocator with all its settings; this one touches only
//! blocks that Rust code has allocated.
#![expect(unsafe_code, reason = "the trait of allocators and the functions of the system are unsafe")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::ptr;

use libc::{
    MADV_DONTNEED, MAP_ANONYMOUS, MAP_FAILED, MAP_PRIVATE, MREMAP_MAYMOVE, PROT_READ, PROT_WRITE, c_void,
};

/// The size in bytes from which a block is large: that of the roster's blocks of names. New pages
/// take time, so smaller blocks, which come and go with requests, are left to glibc.
const LARGE: usize = 256 * 1024;
/// Alignment in bytes of the system's blocks: that of the smallest pages.
const PAGE: usize = 4096;
/// Smallest distance in bytes from the start of a page to a large block from the heap.
const HEAP_OFFSET: usize = 16;

/// The functions for large blocks. Each source returns null if it has no memory.
struct Allocator {
    map: fn(usize) -> *mut u8,
    remap: unsafe fn(*mut u8, usize, usize) -> *mut u8,
    /// Returns whether the block is unmapped.
    unmap: unsafe fn(*mut u8, usize) -> bool,
    /// Used if the system refuses to map: the heap may grow without a further mapping, whose number
    /// is limited.
    heap: fn(Layout) -> *mut u8,
}

#[global_allocator]
static ALLOCATOR: Allocator = Allocator { map, remap, unmap, heap };

/// Gives the pages back to the system that glibc keeps without need. Threads that allocate wait
/// meanwhile.
pub(super) fn trim() {
    // SAFETY: the function may be called on any thread at any time, as it locks what it reads, and
    // it touches only memory that nobody uses. That there was nothing to give back is no failure.
    unsafe { libc::malloc_trim(0) };
}

/// Returns whether the system provides such a block, as long as it does not refuse.
#[inline]
fn is_large(layout: Layout) -> bool {
    layout.size() >= LARGE && layout.align() < PAGE
}

/// Returns whether a large block is a mapping, which starts with a page. One from the heap never
/// does.
fn is_mapped(block: *mut u8) -> bool {
    block.addr().is_multiple_of(PAGE)
}

// SAFETY: blocks are those of glibc, whose allocator fulfils the contract, or private mappings of
// the requested size, which nothing else uses until they are unmapped. Mappings are aligned to
// pages, and large blocks need less. A block is given back to where it comes from: its layout tells
// whether it is large, and its address whether it is a mapping. No method unwinds or allocates by
// itself.
unsafe impl GlobalAlloc for Allocator {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if is_large(layout) {
            return self.large(layout);
        }
        // SAFETY: the caller's promises are the same.
        unsafe { System.alloc(layout) }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if is_large(layout) {
            return self.large(layout);
        }
        // SAFETY: the caller's promises are the same.
        unsafe { System.alloc_zeroed(layout) }
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if is_large(layout) {
            // SAFETY: the caller promises that the block has this layout, so one of the three
            // sources has returned it, and that nobody uses it any longer.
            unsafe { self.free_large(block, layout) };
        } else {
            // SAFETY: the caller's promises are the same, and glibc has provided the block.
            unsafe { System.dealloc(block, layout) };
        }
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: the caller promises that the new size is valid for this alignment.
        let new_layout = unsafe { Layout::from_size_align_unchecked(new_size, layout.align()) };
        match (is_large(layout), is_large(new_layout)) {
            // SAFETY: the caller's promises are the same, and glibc has provided the block.
            (false, false) => unsafe { System.realloc(block, layout, new_size) },
            // SAFETY: the caller's promises are the same, and both layouts are large.
            (true, true) => unsafe { self.resize(block, layout, new_layout) },
            // SAFETY: the caller's promises are the same.
            _ => unsafe { self.move_block(block, layout, new_layout) },
        }
    }
}

impl Allocator {
    /// Returns a new large block, which is zero.
    #[cold]
    fn large(&self, layout: Layout) -> *mut u8 {
        let block = (self.map)(layout.size());
        if block.is_null() { (self.heap)(layout) } else { block }
    }

    /// Changes the size of a block that is large and stays large. If the system refuses, the block
    /// is moved.
    ///
    /// # Safety
    ///
    /// As for `realloc`; both layouts are large.
    #[cold]
    unsafe fn resize(&self, block: *mut u8, layout: Layout, new_layout: Layout) -> *mut u8 {
        if is_mapped(block) {
            // SAFETY: the caller promises that the block has this layout, and that it uses only the
            // returned block after a success.
            let resized = unsafe { (self.remap)(block, layout.size(), new_layout.size()) };
            if !resized.is_null() {
                return resized;
            }
        }
        // SAFETY: the caller's promises are the same.
        let moved = unsafe { self.move_block(block, layout, new_layout) };
        // A vector that cannot shrink would abort the process, so it keeps its block. The part that
        // a mapping loses here is never unmapped.
        if moved.is_null() && new_layout.size() <= layout.size() { block } else { moved }
    }

    /// Moves a block. Returns null if there is no memory, even if the block would become small: if
    /// glibc has no small block left, all other callers fail too.
    ///
    /// # Safety
    ///
    /// As for `realloc`.
    #[cold]
    unsafe fn move_block(&self, block: *mut u8, layout: Layout, new_layout: Layout) -> *mut u8 {
        // SAFETY: the caller promises that the new size is not zero.
        let new_block = unsafe { self.alloc(new_layout) };
        if !new_block.is_null() {
            // SAFETY: both blocks have at least this size, and the new one is another one. The
            // caller gives up the old one, which has this layout.
            unsafe {
                ptr::copy_nonoverlapping(block, new_block, layout.size().min(new_layout.size()));
                self.dealloc(block, layout);
            }
        }
        new_block
    }

    /// # Safety
    ///
    /// One of the sources has returned the block, with this alignment and with this size or a
    /// larger one, and nobody uses it any longer.
    #[cold]
    unsafe fn free_large(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller promises that nobody uses the block. A mapping has at least this size.
        // Otherwise, `heap` has returned the block, so the memory of glibc starts this far before
        // it.
        unsafe {
            if !is_mapped(block) {
                libc::free(block.sub(heap_offset(layout)).cast());
            } else if !(self.unmap)(block, layout.size()) {
                // Freeing cannot fail, so the addresses are lost, but not the memory.
                libc::madvise(block.cast(), layout.size(), MADV_DONTNEED);
            }
        }
    }
}

/// Returns new pages, which are zero.
fn map(size: usize) -> *mut u8 {
    let (protection, flags) = (PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
    // SAFETY: a new mapping at an address that the system chooses affects no other memory.
    block_at(unsafe { libc::mmap(ptr::null_mut(), size, protection, flags, -1, 0) })
}

/// Returns the block with another size, perhaps elsewhere.
///
/// # Safety
///
/// `map` or this function has returned the block with the old size or a larger one. After a
/// success, only the returned block is used.
unsafe fn remap(block: *mut u8, size: usize, new_size: usize) -> *mut u8 {
    // SAFETY: the caller promises that this mapping is only used through the block.
    block_at(unsafe { libc::mremap(block.cast(), size, new_size, MREMAP_MAYMOVE) })
}

/// Unmaps the block. At its limit of mappings, the system refuses to split a larger one.
///
/// # Safety
///
/// `map` or `remap` has returned the block with this size or a larger one, and nobody uses it any
/// longer.
unsafe fn unmap(block: *mut u8, size: usize) -> bool {
    // SAFETY: the caller promises that nobody uses this mapping.
    unsafe { libc::munmap(block.cast(), size) == 0 }
}

/// Returns a block from glibc's heap, which is zero and does not start with a page.
fn heap(layout: Layout) -> *mut u8 {
    let offset = heap_offset(layout);
    let Some(size) = layout.size().checked_add(offset) else { return ptr::null_mut() };
    // SAFETY: the function takes any size, and any power of two as alignment.
    let start: *mut u8 = unsafe { libc::memalign(PAGE, size) }.cast();
    if start.is_null() {
        return start;
    }
    // SAFETY: the block ends with the memory that starts here, which nobody else uses.
    unsafe {
        let block = start.add(offset);
        block.write_bytes(0, layout.size());
        block
    }
}

/// The distance in bytes from the start of a page to a block from the heap. It is less than a page,
/// and keeps the alignment.
fn heap_offset(layout: Layout) -> usize {
    layout.align().max(HEAP_OFFSET)
}

fn block_at(address: *mut c_void) -> *mut u8 {
    if address == MAP_FAILED { ptr::null_mut() } else { address.cast() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_keeps_its_contents_while_its_size_crosses_the_limit() {
        let mut numbers: Vec<u32> = Vec::new();
        for bytes in [LARGE - 4, LARGE, 3 * LARGE, 64 * LARGE, LARGE + 4, LARGE, LARGE - 4, 4] {
            numbers.truncate(bytes / 4);
            numbers.shrink_to_fit();
            numbers.reserve_exact(bytes / 4 - numbers.len());
            numbers.extend((0..).take(bytes / 4).skip(numbers.len()));
            assert_eq!(numbers.len() * 4, bytes);
            assert!(numbers.iter().copied().eq((0..).take(bytes / 4)));
        }
    }

    #[test]
    fn large_blocks_are_zeroed_and_aligned() {
        assert!(vec![0u64; LARGE].iter().all(|number| *number == 0));
        for align in [1, 64, PAGE, 4 * PAGE] {
            let layout = Layout::from_size_align(2 * LARGE, align).unwrap();
            // SAFETY: the size is not zero, and the block is freed with its layout.
            unsafe {
                let block = ALLOCATOR.alloc(layout);
                assert_eq!(block.addr() % align, 0);
                block.write_bytes(1, layout.size());
                ALLOCATOR.dealloc(block, layout);
            }
        }
    }

    #[test]
    fn a_block_that_is_too_large_is_refused() {
        assert!(Vec::<u8>::new().try_reserve_exact(isize::MAX as usize).is_err());
        assert!(heap(Layout::from_size_align(isize::MAX as usize, 1).unwrap()).is_null());
    }

    #[test]
    fn blocks_change_their_size_where_the_system_refuses_to_remap() {
        change_sizes(&Allocator { remap: |_, _, _| ptr::null_mut(), ..ALLOCATOR }, true);
    }

    #[test]
    fn large_blocks_come_from_the_heap_where_the_system_refuses_to_map() {
        let refusing = Allocator { map: |_| ptr::null_mut(), remap: |_, _, _| ptr::null_mut(), ..ALLOCATOR };
        change_sizes(&refusing, false);
    }

    #[test]
    fn a_block_shrinks_where_no_memory_is_left() {
        let exhausted = Allocator {
            map: |_| ptr::null_mut(),
            remap: |_, _, _| ptr::null_mut(),
            heap: |_| ptr::null_mut(),
            ..ALLOCATOR
        };
        let [layout, shorter] = [2 * LARGE, LARGE].map(|size| Layout::from_size_align(size, 8).unwrap());
        for block in [map(layout.size()), heap(layout)] {
            // SAFETY: the block has the layout, and after a failure the same one as before.
            unsafe {
                block.write_bytes(7, layout.size());
                assert!(exhausted.realloc(block, layout, 3 * LARGE).is_null());
                assert_eq!(exhausted.realloc(block, layout, LARGE), block);
                assert!(bytes(block, LARGE).iter().all(|byte| *byte == 7));
                exhausted.dealloc(block, shorter);
            }
        }
    }

    #[test]
    fn the_memory_of_a_freed_block_is_gone_where_the_system_refuses_to_unmap() {
        let refusing = Allocator { unmap: |_, _| false, ..ALLOCATOR };
        let layout = Layout::from_size_align(LARGE + 1, 8).unwrap();
        // SAFETY: the block has the layout. Its addresses stay mapped, and nobody else gets them.
        unsafe {
            let block = refusing.alloc(layout);
            block.write_bytes(7, layout.size());
            refusing.dealloc(block, layout);
            assert!(bytes(block, layout.size()).iter().all(|byte| *byte == 0));
            ALLOCATOR.dealloc(block, layout);
        }
    }

    /// Resizes blocks of all alignments, which are mapped or not while they are large.
    fn change_sizes(allocator: &Allocator, are_mapped: bool) {
        for align in [1, 64, PAGE / 2] {
            let mut layout = Layout::from_size_align(LARGE, align).unwrap();
            // SAFETY: the sizes are not zero, each block is used with its layout, and only the
            // latest one is used.
            unsafe {
                let mut block = allocator.alloc_zeroed(layout);
                assert!(bytes(block, LARGE).iter().all(|byte| *byte == 0));
                for (round, size) in (1..).zip([3 * LARGE, 4, 2 * LARGE, LARGE, LARGE - 1]) {
                    block.write_bytes(round, layout.size());
                    let kept = layout.size().min(size);
                    block = allocator.realloc(block, layout, size);
                    layout = Layout::from_size_align(size, align).unwrap();
                    assert!(bytes(block, kept).iter().all(|byte| *byte == round));
                    assert_eq!(block.addr() % align, 0);
                    assert!(!is_large(layout) || is_mapped(block) == are_mapped);
                }
                allocator.dealloc(block, layout);
            }
        }
    }

    unsafe fn bytes<'a>(block: *mut u8, size: usize) -> &'a [u8] {
        // SAFETY: the caller promises that so many bytes are initialised, and not written
        // meanwhile.
        unsafe { std::slice::from_raw_parts(block, size) }
    }
}
