//! The unwinder of a program without tables for unwinding.
//!
//! The released program ends where it panics, and is linked without the tables that a backtrace is made from
//! (build.rs of cli). What the standard library would do with a backtrace (reading DWARF, demangling names) is a
//! twentieth of a static binary; with these in the place of the system's unwinder none of it is linked.
//! Names and numbers: Itanium C++ ABI, "Exception Handling", level I, and what GCC adds.

use std::ffi::{c_int, c_void};

/// `_URC_END_OF_STACK`.
const END_OF_STACK: c_int = 5;

/// A stack without frames: the callback is never called.
#[unsafe(no_mangle)]
extern "C" fn _Unwind_Backtrace(_callback: *const c_void, _data: *mut c_void) -> c_int {
    END_OF_STACK
}

/// Functions that are only for who has a frame or an exception: there is none.
macro_rules! never_called {
    ($($name:ident)*) => {$(
        #[unsafe(no_mangle)]
        extern "C" fn $name() {
            std::process::abort();
        }
    )*};
}

never_called! {
    _Unwind_DeleteException _Unwind_FindEnclosingFunction _Unwind_ForcedUnwind _Unwind_GetCFA
    _Unwind_GetDataRelBase _Unwind_GetGR _Unwind_GetIP _Unwind_GetIPInfo
    _Unwind_GetLanguageSpecificData _Unwind_GetRegionStart _Unwind_GetTextRelBase
    _Unwind_RaiseException _Unwind_Resume _Unwind_Resume_or_Rethrow _Unwind_SetGR _Unwind_SetIP
}
