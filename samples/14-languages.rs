// The Rust side of 14-languages.cs, without a crate: rustc --edition=2021 -O 14-languages.rs; ./14-languages FRAME ANSWER
// On Linux the object NAME is the file /dev/shm/NAME. In a project, use the crates rustix and memmap2 for what `extern` declares here.
use std::ffi::{c_int, c_void};
use std::fs::{File, OpenOptions};
use std::io::{Error, Result};
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;

extern "C" {
    fn mmap(address: *mut c_void, length: usize, protection: c_int, flags: c_int, fd: c_int, offset: i64) -> *mut c_void;
    fn posix_fallocate(fd: c_int, offset: i64, length: i64) -> c_int;
}

/// Maps the whole file until the process ends. Sound only while no other process writes the bytes or shortens the object.
fn map(file: &File, length: usize) -> Result<&'static mut [u8]> {
    const READ_WRITE: c_int = 1 | 2;
    const SHARED: c_int = 1;
    let address = unsafe { mmap(std::ptr::null_mut(), length, READ_WRITE, SHARED, file.as_raw_fd(), 0) };
    if address as isize == -1 {
        return Err(Error::last_os_error());
    }
    Ok(unsafe { std::slice::from_raw_parts_mut(address.cast(), length) })
}

fn main() -> Result<()> {
    let names: Vec<String> = std::env::args().skip(1).map(|name| format!("/dev/shm/{name}")).collect();
    let file = OpenOptions::new().read(true).write(true).open(&names[0])?;
    let length = file.metadata()?.len() as usize;
    let frame = map(&file, length)?;
    if length < 16 {
        return Err(Error::other("the object is too short for a frame"));
    }
    // Check what the other program wrote against the object's length, before creating anything.
    let word = |at: usize| u64::from(u32::from_le_bytes(frame[at..at + 4].try_into().unwrap()));
    let count = word(0) * word(4);
    if count > (length - 16) as u64 {
        return Err(Error::other("the frame ends past the end of the object"));
    }
    let end = 16 + count as usize;

    // A new object: create_new, so that it is ours, with its memory reserved, so that no store is a bus error.
    let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&names[1])?;
    match unsafe { posix_fallocate(file.as_raw_fd(), 0, length as i64) } {
        0 => {}
        error => {
            std::fs::remove_file(&names[1])?;    // Do not leave an incomplete answer.
            return Err(Error::from_raw_os_error(error));
        }
    }

    let answer = map(&file, length)?;
    answer[..16].copy_from_slice(&frame[..16]);
    let mut sum = 0u64;
    for (to, from) in answer[16..end].iter_mut().zip(&frame[16..end]) {
        *to = !from;
        sum += u64::from(*from);
    }

    frame[8..16].copy_from_slice(&sum.to_le_bytes());
    Ok(())
}
