// Rust's part of 55-rust.cs: answers each number with its square. 55-rust.c is linked to it.
use std::ffi::{c_char, c_int, c_void, CString};
use std::process::exit;

extern "C" {
    fn channel_open(path: *const c_char, is_reader: c_int, label: *const c_char) -> *mut c_void;
    fn channel_wait(end: *mut c_void, length: u32) -> c_int;
    fn channel_try_write(end: *mut c_void, bytes: *const u8, length: u32, kind: u16) -> c_int;
    fn channel_try_read(end: *mut c_void, bytes: *mut u8, room: u32) -> i64;
    fn channel_complete(end: *mut c_void);
    fn channel_close(end: *mut c_void);
}

/// One end of a channel. It stays on the thread that opened it: a raw pointer is neither Send nor Sync.
struct End(*mut c_void);

impl End {
    fn open(path: &str, is_reader: bool) -> End {
        let (path, label) = (CString::new(path).unwrap(), CString::new("rust").unwrap());
        // SAFETY: both texts end with a NUL and live until the call returns.
        let end = unsafe { channel_open(path.as_ptr(), is_reader.into(), label.as_ptr()) };
        if end.is_null() { exit(2) }
        End(end)
    }

    /// True: there is a message, or room for one; false: no more will come.
    fn wait(&self, length: u32) -> bool {
        // SAFETY: the end is open until it is dropped, as in all calls below.
        match unsafe { channel_wait(self.0, length) } { 0 => false, 1 => true, _ => exit(3) }
    }

    fn try_read(&self, bytes: &mut [u8]) -> Option<usize> {
        usize::try_from(unsafe { channel_try_read(self.0, bytes.as_mut_ptr(), bytes.len() as u32) }).ok()
    }

    fn try_write(&self, bytes: &[u8]) -> bool {
        unsafe { channel_try_write(self.0, bytes.as_ptr(), bytes.len() as u32, 0) == 1 }
    }
}

impl Drop for End {
    fn drop(&mut self) { unsafe { channel_close(self.0) } }
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let (numbers, squares) = (End::open(&arguments[1], true), End::open(&arguments[2], false));
    let mut bytes = [0u8; 8];
    while numbers.wait(0) {
        while numbers.try_read(&mut bytes) == Some(8) {
            let number = i64::from_le_bytes(bytes);
            while !squares.try_write(&(number * number).to_le_bytes()) {
                if !squares.wait(8) { exit(4) }
            }
        }
    }
    unsafe { channel_complete(squares.0) }
}
