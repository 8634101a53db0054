//! The judge in Rust: the same lines as shm_judge.c, with nothing but std and C declarations.
use std::ffi::{c_char, c_int, c_void, CString};
use std::fs::File;
use std::io::{self, BufRead, Write};
use std::os::fd::{AsRawFd, FromRawFd};
use std::os::unix::fs::{MetadataExt, PermissionsExt};

extern "C" {
    fn shm_open(name: *const c_char, flags: c_int, mode: u32) -> c_int;
    fn shm_unlink(name: *const c_char) -> c_int;
    fn mmap(address: *mut c_void, length: usize, protection: c_int, flags: c_int, fd: c_int, offset: i64) -> *mut c_void;
    fn munmap(address: *mut c_void, length: usize) -> c_int;
}

const O_RDWR: c_int = 2;
const O_CREAT: c_int = 0o100;
const O_EXCL: c_int = 0o200;

fn open(name: &str, flags: c_int, mode: u32) -> io::Result<File> {
    let name = CString::new(name)?;
    match unsafe { shm_open(name.as_ptr(), flags, mode) } {
        -1 => Err(io::Error::last_os_error()),
        fd => Ok(unsafe { File::from_raw_fd(fd) }),
    }
}

fn map(file: &File, length: usize, write: bool) -> io::Result<&'static mut [u8]> {
    let address = unsafe { mmap(std::ptr::null_mut(), length, if write { 3 } else { 1 }, 1, file.as_raw_fd(), 0) };
    if address as isize == -1 {
        return Err(io::Error::last_os_error());
    }
    Ok(unsafe { std::slice::from_raw_parts_mut(address as *mut u8, length) })
}

fn unmap(bytes: &mut [u8]) {
    unsafe { munmap(bytes.as_mut_ptr() as *mut c_void, bytes.len()) };
}

fn pattern(at: usize, seed: usize) -> u8 {
    (seed + at * 31 + (at >> 8) * 7 + (at >> 16) * 13) as u8
}

fn text_of(hex: &str) -> String {
    let bytes = (0..hex.len() / 2).map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap()).collect();
    String::from_utf8(bytes).unwrap()
}

fn answer(word: &[&str]) -> io::Result<String> {
    let name = text_of(word[1]);
    let number = |at: usize| word[at].parse::<usize>().unwrap();
    match word[0] {
        "create" => {
            let file = open(&name, O_CREAT | O_EXCL | O_RDWR, 0o600)?;
            file.set_permissions(PermissionsExt::from_mode(u32::from_str_radix(word[3], 8).unwrap()))?;
            file.set_len(number(2) as u64)?;
            let bytes = map(&file, number(2), true)?;
            for (at, byte) in bytes.iter_mut().enumerate() {
                *byte = pattern(at, number(4));
            }
            unmap(bytes);
        }
        "verify" => {
            let file = open(&name, 0, 0)?;
            let size = file.metadata()?.len() as usize;
            if size != number(2) {
                return Ok(format!("size {size}"));
            }
            let bytes = map(&file, size, false)?;
            let differs = (0..size).find(|&at| bytes[at] != pattern(at, number(3)));
            unmap(bytes);
            if let Some(at) = differs {
                return Ok(format!("differs {at}"));
            }
        }
        "edit" => {
            let bytes = map(&open(&name, O_RDWR, 0)?, number(2) + 1, true)?;
            bytes[number(2)] = number(3) as u8;
            unmap(bytes);
        }
        "stat" => {
            let status = open(&name, 0, 0)?.metadata()?;
            return Ok(format!("ok {:o} {}", status.mode() & 0o7777, status.len()));
        }
        "unlink" => {
            let name = CString::new(name)?;
            if unsafe { shm_unlink(name.as_ptr()) } == -1 {
                return Err(io::Error::last_os_error());
            }
        }
        _ => return Ok("unknown".into()),
    }
    Ok("ok".into())
}

fn main() {
    for line in io::stdin().lock().lines() {
        let line = line.unwrap();
        let word: Vec<&str> = line.split_whitespace().collect();
        match answer(&word) {
            Ok(text) => println!("{text}"),
            Err(error) => println!("error {}", error.raw_os_error().unwrap_or(0)),
        }
        io::stdout().flush().unwrap();
    }
}
