//! The module's surface: what it exports to the executor, and what it asks of it.
//!
//! ```text
//!   exports   validate_block(address, length) -> address | length << 32, memory, __heap_base
//!   imports   ext_allocator_malloc, ext_allocator_free      memory, which the executor hands out above __heap_base
//!             ext_logging_log                               why a candidate is refused
//! ```
//!
//! The executor writes the parameters into memory that its own allocator gave, so the program has to use the same
//! allocator. A candidate is refused by a trap, as a PVF refuses; the reason goes to the log before.
#![allow(unsafe_code)] // The executor speaks in addresses.

use alloc::string::ToString;
use core::{
    alloc::{GlobalAlloc, Layout},
    arch::wasm32::unreachable,
    panic::PanicInfo,
    ptr, slice,
};

use zkpov_verifier::key::{MAX_KEY_BYTES, MAX_PREPARED_BYTES};

use crate::{
    Invalid,
    slot::{Contents, MARK, SLOT_BYTES},
    validate_embedded,
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

/// The key's place, as [`crate::slot`] describes it.
#[repr(C)]
struct Slot {
    mark: [u8; MARK.len()],
    lengths: [u8; 2 * size_of::<u32>()],
    keys: [u8; MAX_KEY_BYTES + MAX_PREPARED_BYTES],
}

const _: () = assert!(size_of::<Slot>() == SLOT_BYTES);

static SLOT: Slot = Slot { mark: MARK, lengths: [0; _], keys: [0; _] };

/// Where the slot is. The program reads this address as a volatile, so that the compiler cannot assume that the
/// slot holds what the source says.
static SLOT_ADDRESS: &Slot = &SLOT;

/// The slot as it is in the module.
fn slot() -> &'static [u8] {
    // SAFETY: a valid, aligned, initialised static.
    let slot: &'static Slot = unsafe { ptr::read_volatile(&raw const SLOT_ADDRESS) };
    // SAFETY: a `repr(C)` struct of byte arrays, without padding, of SLOT_BYTES bytes, never written.
    unsafe { slice::from_raw_parts(ptr::from_ref(slot).cast(), SLOT_BYTES) }
}

/// An address and a length in one number, as the executor takes byte strings.
fn packed(bytes: &[u8]) -> u64 {
    bytes.as_ptr().addr() as u64 | (bytes.len() as u64) << 32
}

fn log(message: &str) {
    // SAFETY: two byte strings that live through the call, which only reads them.
    unsafe { ext_logging_log_version_1(LOG_ERROR, packed(LOG_TARGET.as_bytes()), packed(message.as_bytes())) }
}

/// polkadot's entry point: SCALE-encoded `ValidationParams` in, `ValidationResult` out; a trap if the candidate is
/// not valid.
///
/// # Safety
///
/// `length` bytes at `address` are initialised and nobody writes them during the call.
#[unsafe(no_mangle)]
unsafe extern "C" fn validate_block(address: *const u8, length: usize) -> u64 {
    // SAFETY: the caller's promise.
    let params = unsafe { slice::from_raw_parts(address, length) };
    let embedded = match Contents::read(slot()) {
        Ok(embedded) => embedded,
        Err(error) => refuse(&error.to_string()),
    };
    match validate_embedded(embedded, params) {
        // The executor reads the result after the call, and throws the whole memory away.
        Ok(result) => packed(result.leak()),
        Err(error) => refuse_for(&error),
    }
}

fn refuse_for(reason: &Invalid) -> ! {
    refuse(&reason.to_string())
}

fn refuse(reason: &str) -> ! {
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
