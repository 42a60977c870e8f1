//! The disk as a VFS of SQLite: C on one side, [`Disk`] on the other, and no decision in
//! between. The one file with `unsafe`.

use crate::disk::{Answer, Disk};
use libsqlite3_sys as ffi;
use std::collections::HashMap;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

/// The name it is registered under.
pub(crate) const NAME: &str = "crash";
const C_NAME: &CStr = c"crash";

/// How many disks there were, and those that are in use by their number, which begins the names of their files.
type Disks = (u64, Option<HashMap<u64, Weak<Disk>>>);

static DISKS: Mutex<Disks> = Mutex::new((0, None));
static METHODS: OnceLock<Methods> = OnceLock::new();

/// The table of calls, which SQLite only reads.
struct Methods(ffi::sqlite3_io_methods);

/// What SQLite allocates for an open file.
#[repr(C)]
struct File {
    base: ffi::sqlite3_file,
    handle: *mut Handle,
}

/// An open file.
struct Handle {
    disk: Arc<Disk>,
    inode: usize,
    id: u64,
    remove_on_close: Option<String>,
}

/// Gives a disk its number, and registers the VFS with the first one.
pub(crate) fn enlist(make: impl FnOnce(u64) -> Arc<Disk>) -> Arc<Disk> {
    let mut disks = DISKS.lock().unwrap_or_else(PoisonError::into_inner);
    if disks.0 == 0 {
        register();
    }
    disks.0 += 1;
    let disk = make(disks.0);
    let all = disks.1.get_or_insert_default();
    all.retain(|_, disk| disk.strong_count() > 0);
    all.insert(disk.id(), Arc::downgrade(&disk));
    disk
}

/// The disk and the name on it, of a path like `/7/baton.db`.
fn find(path: &CStr) -> Option<(Arc<Disk>, String)> {
    let (id, name) = path.to_str().ok()?.trim_start_matches('/').split_once('/')?;
    let disks = DISKS.lock().unwrap_or_else(PoisonError::into_inner);
    let disk = disks.1.as_ref()?.get(&id.parse().ok()?)?.upgrade()?;
    Some((disk, name.to_owned()))
}

fn register() {
    METHODS.get_or_init(|| {
        Methods(ffi::sqlite3_io_methods {
            iVersion: 2,
            xClose: Some(close),
            xRead: Some(read),
            xWrite: Some(write),
            xTruncate: Some(truncate),
            xSync: Some(sync),
            xFileSize: Some(file_size),
            xLock: Some(lock),
            xUnlock: Some(unlock),
            xCheckReservedLock: Some(check_reserved_lock),
            xFileControl: Some(file_control),
            xSectorSize: Some(sector_size),
            xDeviceCharacteristics: Some(device_characteristics),
            xShmMap: Some(shm_map),
            xShmLock: Some(shm_lock),
            xShmBarrier: Some(shm_barrier),
            xShmUnmap: Some(shm_unmap),
            xFetch: None,
            xUnfetch: None,
        })
    });
    // SAFETY: the default VFS lives as long as the process; what is not about files is left to it. The copy is leaked,
    // because SQLite keeps the pointer.
    unsafe {
        ffi::sqlite3_initialize();
        let default = ffi::sqlite3_vfs_find(std::ptr::null());
        let mut vfs = std::ptr::read(default);
        vfs.iVersion = 2;
        vfs.szOsFile = size_of::<File>() as c_int;
        vfs.mxPathname = 512;
        vfs.pNext = std::ptr::null_mut();
        vfs.zName = C_NAME.as_ptr();
        vfs.pAppData = std::ptr::null_mut();
        vfs.xOpen = Some(open);
        vfs.xDelete = Some(delete);
        vfs.xAccess = Some(access);
        vfs.xFullPathname = Some(full_pathname);
        ffi::sqlite3_vfs_register(Box::into_raw(Box::new(vfs)), 0);
    }
}

fn code<T>(answer: Answer<T>) -> c_int {
    answer.map_or_else(|code| code, |_| ffi::SQLITE_OK)
}

/// The handle that `open` has put there.
///
/// # Safety
///
/// `file` was opened by [`open`] and is not closed.
unsafe fn handle<'a>(file: *mut ffi::sqlite3_file) -> &'a Handle {
    // SAFETY: as the caller says.
    unsafe { &*(*file.cast::<File>()).handle }
}

unsafe extern "C" fn open(
    _: *mut ffi::sqlite3_vfs,
    name: ffi::sqlite3_filename,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    // SAFETY: SQLite gives room for `szOsFile` bytes, and a name that ends with 0 or none.
    unsafe {
        let file = file.cast::<File>();
        (*file).base.pMethods = std::ptr::null();
        if name.is_null() {
            return ffi::SQLITE_CANTOPEN;
        }
        let Some((disk, name)) = find(CStr::from_ptr(name)) else { return ffi::SQLITE_CANTOPEN };
        let may_create = flags & ffi::SQLITE_OPEN_CREATE != 0;
        let is_journal = flags
            & (ffi::SQLITE_OPEN_MAIN_JOURNAL | ffi::SQLITE_OPEN_SUPER_JOURNAL | ffi::SQLITE_OPEN_WAL)
            != 0;
        match disk.open(&name, may_create, is_journal) {
            Err(code) => code,
            Ok((inode, id)) => {
                let remove_on_close = (flags & ffi::SQLITE_OPEN_DELETEONCLOSE != 0).then_some(name);
                (*file).handle = Box::into_raw(Box::new(Handle { disk, inode, id, remove_on_close }));
                (*file).base.pMethods =
                    METHODS.get().map_or(std::ptr::null(), |methods| &raw const methods.0);
                if !out.is_null() {
                    *out = flags;
                }
                ffi::SQLITE_OK
            }
        }
    }
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: SQLite closes an open file once.
    let handle = unsafe { Box::from_raw((*file.cast::<File>()).handle) };
    handle.disk.close(handle.inode, handle.id);
    if let Some(name) = &handle.remove_on_close {
        let _ = handle.disk.delete(name, false);
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn read(file: *mut ffi::sqlite3_file, to: *mut c_void, len: c_int, offset: i64) -> c_int {
    // SAFETY: SQLite gives a buffer of `len` bytes.
    let (handle, buffer) =
        unsafe { (handle(file), std::slice::from_raw_parts_mut(to.cast::<u8>(), len as usize)) };
    match handle.disk.read(handle.inode, buffer, offset as usize) {
        Ok(there) if there == buffer.len() => ffi::SQLITE_OK,
        Ok(_) => ffi::SQLITE_IOERR_SHORT_READ,
        Err(code) => code,
    }
}

unsafe extern "C" fn write(
    file: *mut ffi::sqlite3_file,
    from: *const c_void,
    len: c_int,
    offset: i64,
) -> c_int {
    // SAFETY: SQLite gives `len` bytes.
    let (handle, data) =
        unsafe { (handle(file), std::slice::from_raw_parts(from.cast::<u8>(), len as usize)) };
    code(handle.disk.write(handle.inode, data, offset as usize))
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, len: i64) -> c_int {
    // SAFETY: an open file.
    let handle = unsafe { handle(file) };
    code(handle.disk.truncate(handle.inode, len as usize))
}

unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, _: c_int) -> c_int {
    // SAFETY: an open file.
    let handle = unsafe { handle(file) };
    code(handle.disk.sync(handle.inode, handle.id))
}

unsafe extern "C" fn file_size(file: *mut ffi::sqlite3_file, len: *mut i64) -> c_int {
    // SAFETY: an open file, and room for the answer.
    unsafe {
        let handle = handle(file);
        match handle.disk.len(handle.inode) {
            Ok(found) => {
                *len = found as i64;
                ffi::SQLITE_OK
            }
            Err(code) => code,
        }
    }
}

unsafe extern "C" fn lock(file: *mut ffi::sqlite3_file, level: c_int) -> c_int {
    // SAFETY: an open file.
    let handle = unsafe { handle(file) };
    code(handle.disk.lock(handle.inode, handle.id, level))
}

unsafe extern "C" fn unlock(file: *mut ffi::sqlite3_file, level: c_int) -> c_int {
    // SAFETY: an open file.
    let handle = unsafe { handle(file) };
    handle.disk.unlock(handle.inode, handle.id, level);
    ffi::SQLITE_OK
}

unsafe extern "C" fn check_reserved_lock(file: *mut ffi::sqlite3_file, out: *mut c_int) -> c_int {
    // SAFETY: an open file, and room for the answer.
    unsafe {
        let handle = handle(file);
        *out = c_int::from(handle.disk.is_reserved(handle.inode));
    }
    ffi::SQLITE_OK
}

/// Where a disk is set to `synchronous=NORMAL`: what the program sets becomes NORMAL, and what it asks is answered
/// with FULL.
unsafe extern "C" fn file_control(file: *mut ffi::sqlite3_file, what: c_int, argument: *mut c_void) -> c_int {
    if what != ffi::SQLITE_FCNTL_PRAGMA {
        return ffi::SQLITE_NOTFOUND;
    }
    // SAFETY: SQLite gives the answer, the name and the value of the pragma, and the value is a copy of its own that
    // is as long as the word in it; `1` and the 0 behind it fit.
    unsafe {
        let argument = argument.cast::<*mut c_char>();
        let name = CStr::from_ptr(*argument.add(1));
        if !handle(file).disk.is_normal() || !name.to_bytes().eq_ignore_ascii_case(b"synchronous") {
            return ffi::SQLITE_NOTFOUND;
        }
        let value = *argument.add(2);
        if value.is_null() {
            *argument = ffi::sqlite3_mprintf(c"2".as_ptr());
            return ffi::SQLITE_OK;
        }
        *value = b'1' as c_char;
        *value.add(1) = 0;
        ffi::SQLITE_NOTFOUND
    }
}

unsafe extern "C" fn sector_size(_: *mut ffi::sqlite3_file) -> c_int {
    4_096
}

unsafe extern "C" fn device_characteristics(_: *mut ffi::sqlite3_file) -> c_int {
    // As the file system of Unix says: a write changes nothing beside it.
    ffi::SQLITE_IOCAP_POWERSAFE_OVERWRITE
}

unsafe extern "C" fn shm_map(
    file: *mut ffi::sqlite3_file,
    region: c_int,
    len: c_int,
    extend: c_int,
    out: *mut *mut c_void,
) -> c_int {
    // SAFETY: an open file, and room for the answer. The region stays where it is until the last handle unmaps.
    unsafe {
        let handle = handle(file);
        match handle.disk.map(handle.inode, handle.id, region as usize, len as usize, extend != 0) {
            Ok(found) => {
                *out = found.map_or(std::ptr::null_mut(), |found| found.cast::<c_void>());
                ffi::SQLITE_OK
            }
            Err(code) => {
                *out = std::ptr::null_mut();
                code
            }
        }
    }
}

unsafe extern "C" fn shm_lock(file: *mut ffi::sqlite3_file, offset: c_int, n: c_int, flags: c_int) -> c_int {
    // SAFETY: an open file.
    let handle = unsafe { handle(file) };
    let mask = (1_u32 << (offset + n)) - (1_u32 << offset);
    code(handle.disk.shared_lock(handle.inode, handle.id, mask, flags))
}

unsafe extern "C" fn shm_barrier(_: *mut ffi::sqlite3_file) {
    std::sync::atomic::fence(std::sync::atomic::Ordering::SeqCst);
}

unsafe extern "C" fn shm_unmap(file: *mut ffi::sqlite3_file, _: c_int) -> c_int {
    // SAFETY: an open file.
    let handle = unsafe { handle(file) };
    handle.disk.unmap(handle.inode, handle.id);
    ffi::SQLITE_OK
}

unsafe extern "C" fn delete(_: *mut ffi::sqlite3_vfs, name: *const c_char, syncs_folder: c_int) -> c_int {
    // SAFETY: a name that ends with 0.
    match find(unsafe { CStr::from_ptr(name) }) {
        Some((disk, name)) => code(disk.delete(&name, syncs_folder != 0)),
        None => ffi::SQLITE_IOERR_DELETE_NOENT,
    }
}

unsafe extern "C" fn access(
    _: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    _: c_int,
    out: *mut c_int,
) -> c_int {
    // SAFETY: a name that ends with 0, and room for the answer.
    unsafe { *out = c_int::from(find(CStr::from_ptr(name)).is_some_and(|(disk, name)| disk.exists(&name))) };
    ffi::SQLITE_OK
}

unsafe extern "C" fn full_pathname(
    _: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    len: c_int,
    out: *mut c_char,
) -> c_int {
    // SAFETY: a name that ends with 0, and room for `len` bytes.
    unsafe {
        let bytes = CStr::from_ptr(name).to_bytes_with_nul();
        if bytes.len() > len as usize {
            return ffi::SQLITE_CANTOPEN;
        }
        std::ptr::copy_nonoverlapping(bytes.as_ptr().cast::<c_char>(), out, bytes.len());
    }
    ffi::SQLITE_OK
}
