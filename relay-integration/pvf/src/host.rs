//! What a validation function asks of its executor: memory, a log, and a trap in place of an answer.
//!
//! ```text
//!   imports   ext_allocator_malloc, ext_allocator_free      memory, which the executor hands out above __heap_base
//!             ext_logging_log                               why a candidate is refused
//! ```
//!
//! The executor writes the parameters into memory that its own allocator gave, so the program has to use the same
//! allocator.
#![allow(unsafe_code)] // The executor speaks in addresses.

use alloc::string::ToString;
use core::{
    alloc::{GlobalAlloc, Layout},
    arch::wasm32::unreachable,
    panic::PanicInfo,
    ptr,
};

/// Alignment of what the executor's allocator gives.
const HOST_ALIGNMENT: usize = 8;

/// Bytes in front of an address of a larger alignment: the address that the executor gave.
const ADDRESS_BYTES: usize = size_of::<u32>();

/// `RuntimeInterfaceLogLevel::Error`.
const LOG_ERROR: u32 = 1;

/// What the log lines are filed under.
const LOG_TARGET: &str = "zkpov";

#[link(wasm_import_module = "env")]
unsafe extern "C" {
    fn ext_allocator_malloc_version_1(bytes: u32) -> u32;
    fn ext_allocator_free_version_1(address: u32);
    fn ext_logging_log_version_1(level: u32, target: u64, message: u64);
}

/// An address and a length in one number, as the executor takes byte strings.
pub(crate) fn packed(bytes: &[u8]) -> u64 {
    bytes.as_ptr().addr() as u64 | (bytes.len() as u64) << 32
}

fn log(message: &str) {
    // SAFETY: two byte strings that live through the call, which only reads them.
    unsafe { ext_logging_log_version_1(LOG_ERROR, packed(LOG_TARGET.as_bytes()), packed(message.as_bytes())) }
}

/// Ends the program: the candidate is not valid, and why.
pub(crate) fn refuse(reason: &str) -> ! {
    log(reason);
    unreachable()
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    refuse(&info.to_string())
}

/// The executor's allocator. Memory of an alignment above its own is taken with room to move up, and the
/// executor's address is kept in front.
struct HostAllocator;

#[global_allocator]
static ALLOCATOR: HostAllocator = HostAllocator;

// SAFETY: `alloc` gives memory of the layout's size and alignment, or null; `dealloc` gives back to the executor
// the address that it gave. The executor traps where it has no memory, and its blocks do not overlap.
unsafe impl GlobalAlloc for HostAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let (size, alignment) = (layout.size(), layout.align());
        if alignment <= HOST_ALIGNMENT {
            // SAFETY: the import takes any size.
            return unsafe { ext_allocator_malloc_version_1(size as u32) } as *mut u8;
        }
        let Some(room) = size.checked_add(alignment) else { return ptr::null_mut() };
        // SAFETY: the import takes any size.
        let given = unsafe { ext_allocator_malloc_version_1(room as u32) };
        let moved = (given as usize + alignment) & !(alignment - 1);
        // SAFETY: at least HOST_ALIGNMENT bytes above `given`, at most `alignment`: the address and `size` bytes fit.
        unsafe { ((moved - ADDRESS_BYTES) as *mut u32).write(given) };
        moved as *mut u8
    }

    unsafe fn dealloc(&self, address: *mut u8, layout: Layout) {
        let given = if layout.align() <= HOST_ALIGNMENT {
            address.addr() as u32
        } else {
            // SAFETY: `alloc` wrote it there.
            unsafe { ((address.addr() - ADDRESS_BYTES) as *const u32).read() }
        };
        // SAFETY: an address that the executor gave and that was not given back.
        unsafe { ext_allocator_free_version_1(given) }
    }
}
