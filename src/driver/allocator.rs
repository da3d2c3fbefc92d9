//! The allocator of the addon's Rust code: glibc's, but the system itself provides large blocks.
//!
//! glibc asks the system too, until the first such block is freed. From then on it cuts blocks of
//! that size from its heaps, and each thread's heap keeps the memory of those that were freed. An
//! unmapped block is gone at once. Node.js and the program keep their own allocator with all its
//! settings; this one touches only blocks that Rust code has allocated.
#![expect(unsafe_code, reason = "the trait of allocators and the functions of the system are unsafe")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::ptr;

use libc::{MAP_ANONYMOUS, MAP_FAILED, MAP_PRIVATE, MREMAP_MAYMOVE, PROT_READ, PROT_WRITE, c_void};

/// The size in bytes from which a block is large: that of the roster's blocks of names. The new
/// pages of one cost 55 µs, so smaller blocks, which come and go with requests, are left to glibc.
const LARGE: usize = 256 * 1024;
/// Alignment in bytes of the system's blocks: that of the smallest pages.
const PAGE: usize = 4096;

struct Allocator;

#[global_allocator]
static ALLOCATOR: Allocator = Allocator;

/// Gives the pages back to the system that glibc keeps without need. Threads that allocate wait
/// meanwhile.
pub(super) fn trim() {
    // SAFETY: the function may be called on any thread at any time, as it locks what it reads, and
    // it touches only memory that nobody uses. That there was nothing to give back is no failure.
    unsafe { libc::malloc_trim(0) };
}

/// Returns whether the system provides such a block. That depends on the layout alone, which a
/// block keeps, so a block is given back to where it comes from.
#[inline]
fn is_large(layout: Layout) -> bool {
    layout.size() >= LARGE && layout.align() <= PAGE
}

// SAFETY: blocks are those of glibc, whose allocator fulfils the contract, or private mappings of
// the requested size, which nothing else uses until they are unmapped. Mappings are aligned to
// pages, as large blocks need at most. No method unwinds or allocates by itself.
unsafe impl GlobalAlloc for Allocator {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if is_large(layout) {
            return map(layout.size());
        }
        // SAFETY: the caller's promises are the same.
        unsafe { System.alloc(layout) }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if is_large(layout) {
            // New pages are zero.
            return map(layout.size());
        }
        // SAFETY: the caller's promises are the same.
        unsafe { System.alloc_zeroed(layout) }
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if is_large(layout) {
            // SAFETY: the caller promises that the block has this layout, so `map` or `remap` has
            // returned it with this size, and that nobody uses it any longer.
            unsafe { unmap(block, layout.size()) };
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
            // SAFETY: as in `dealloc`; after a success, the caller uses only the returned block.
            (true, true) => unsafe { remap(block, layout.size(), new_size) },
            // SAFETY: the caller's promises are the same.
            _ => unsafe { self.move_block(block, layout, new_layout) },
        }
    }
}

impl Allocator {
    /// Moves a block that becomes large, or no longer is.
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
}

/// Returns new pages, or null if there is no memory.
#[cold]
fn map(size: usize) -> *mut u8 {
    let (protection, flags) = (PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
    // SAFETY: a new mapping at an address that the system chooses affects no other memory.
    block_at(unsafe { libc::mmap(ptr::null_mut(), size, protection, flags, -1, 0) })
}

/// Returns the block with another size, perhaps elsewhere, or null if there is no memory.
///
/// # Safety
///
/// `map` or this function has returned the block with the old size. After a success, only the
/// returned block is used.
#[cold]
unsafe fn remap(block: *mut u8, size: usize, new_size: usize) -> *mut u8 {
    // SAFETY: the caller promises that this mapping is only used through the block.
    block_at(unsafe { libc::mremap(block.cast(), size, new_size, MREMAP_MAYMOVE) })
}

/// # Safety
///
/// `map` or `remap` has returned the block with this size, and nobody uses it any longer.
#[cold]
unsafe fn unmap(block: *mut u8, size: usize) {
    // SAFETY: the caller promises that nobody uses this mapping. If the system refuses to split a
    // larger one, which freeing cannot report, the pages stay mapped.
    unsafe { libc::munmap(block.cast(), size) };
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
    }
}
