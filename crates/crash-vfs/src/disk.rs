//! The disk: names, bytes, what of both is durable, locks, and the moment when the power
//! goes. Knows nothing of C.

use crate::fault::{Armed, Call, Fault};
use crate::tear::{Fate, Outcome, Tearing};
use crate::vfs;
use libsqlite3_sys as ffi;
use std::collections::{BTreeMap, HashMap};
use std::ffi::c_int;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Files by name, as they lie on a disk at rest.
pub type Files = BTreeMap<String, Vec<u8>>;

/// What a sync is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sync {
    /// What was written before it is on the disk after it.
    #[default]
    Honest,
    /// It says so, and nothing is.
    Lies,
    /// Honest; but what a failed sync had to write is forgotten, as on Linux: the next sync of each other handle of the
    /// file that was open then fails too, once, and those after it say that all is well.
    ForgetsOnFailure,
}

/// A page of the system's memory, which goes to the disk as a whole.
const PAGE: usize = 4_096;

enum Op {
    Write { offset: usize, data: Vec<u8> },
    Truncate { len: usize },
}

struct Inode {
    live: Vec<u8>,
    durable: Vec<u8>,
    pending: Vec<(u64, Op)>,
    /// Its first sync makes the names in the folder durable too: so SQLite does with journals it made.
    syncs_folder: bool,
    /// How many syncs failed and forgot, and of how many of them each open handle knows.
    n_forgotten: u64,
    told: HashMap<u64, u64>,
    locks: HashMap<u64, c_int>,
    shared: Shared,
}

/// Memory that the connections to one file share.
#[derive(Default)]
struct Shared {
    regions: Vec<Box<[u64]>>,
    /// By handle: shared and exclusive locks as bits.
    locks: HashMap<u64, (u32, u32)>,
}

enum NameOp {
    Put(String, usize),
    Remove(String),
}

#[derive(Default)]
struct State {
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    pending_names: Vec<(u64, NameOp)>,
    inodes: Vec<Inode>,
    n_operations: u64,
    n_handles: u64,
    cut_at: Option<u64>,
    is_cut: bool,
    faults: Vec<Armed>,
    n_failed: u64,
    sync: Sync,
    is_normal: bool,
}

/// A disk in memory, with files of SQLite on it. It is gone with its last handle.
pub struct Disk {
    id: u64,
    state: Mutex<State>,
}

impl Disk {
    /// An empty disk.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Self::with_files(Files::new())
    }

    /// A disk with these files on it, all durable.
    #[must_use]
    pub fn with_files(files: Files) -> Arc<Self> {
        let mut state = State::default();
        for (name, bytes) in files {
            let inode = state.add(bytes.clone());
            state.inodes[inode].durable = bytes;
            state.names.insert(name.clone(), inode);
            state.durable_names.insert(name, inode);
        }
        vfs::enlist(|id| Arc::new(Self { id, state: Mutex::new(state) }))
    }

    /// How a connection opens a file of this disk.
    #[must_use]
    pub fn uri(&self, name: &str) -> PathBuf {
        format!("file:/{}/{name}?vfs={}", self.id, vfs::NAME).into()
    }

    /// Cuts the power at the operation of this number, counted from 1 over the life of the disk: a write, a sync, a
    /// truncation, a file made or removed. A sync at which it happens has not happened.
    pub fn cut_at(&self, number: u64) {
        self.state().cut_at = Some(number);
    }

    /// Cuts the power now.
    pub fn cut(&self) {
        self.state().is_cut = true;
    }

    /// Whether the power is gone.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.state().is_cut
    }

    /// Operations so far.
    #[must_use]
    pub fn n_operations(&self) -> u64 {
        self.state().n_operations
    }

    /// What a sync is worth from now on.
    pub fn set_sync(&self, sync: Sync) {
        self.state().sync = sync;
    }

    /// Sets every database on this disk to `synchronous=NORMAL`, and lets it say FULL to whoever asks.
    pub fn set_normal(&self) {
        self.state().is_normal = true;
    }

    /// Makes a call fail.
    pub fn fail(&self, fault: Fault) {
        self.state().faults.push(Armed::new(fault));
    }

    /// No call fails any more; the calls that did.
    pub fn heal(&self) -> u64 {
        let mut state = self.state();
        state.faults.clear();
        std::mem::take(&mut state.n_failed)
    }

    /// The files as they stand on the disk after a cut at this moment, in which the unsynced fared so.
    #[must_use]
    pub fn files_after_cut(&self, tearing: Tearing, seed: u64) -> Files {
        self.state().after_cut(tearing, seed)
    }

    /// Writes files into a folder of the machine's own file system.
    ///
    /// # Errors
    ///
    /// When one cannot be written.
    pub fn lay_out(files: &Files, folder: &Path) -> std::io::Result<()> {
        files.iter().try_for_each(|(name, bytes)| std::fs::write(folder.join(name), bytes))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn id(&self) -> u64 {
        self.id
    }
}

/// What a call answers: a code of SQLite where it did not work.
pub(crate) type Answer<T> = Result<T, c_int>;

/// The calls, as SQLite makes them.
impl Disk {
    /// An inode and a handle of it.
    pub(crate) fn open(&self, name: &str, may_create: bool, is_journal: bool) -> Answer<(usize, u64)> {
        let mut state = self.state();
        state.strike(Call::Open)?;
        state.n_handles += 1;
        let handle = state.n_handles;
        if let Some(inode) = state.names.get(name).copied() {
            state.inodes[inode].know(handle);
            return Ok((inode, handle));
        }
        if !may_create {
            return Err(ffi::SQLITE_CANTOPEN);
        }
        let inode = state.add(Vec::new());
        state.inodes[inode].syncs_folder = is_journal;
        state.inodes[inode].know(handle);
        state.operate(|state, number| {
            state.names.insert(name.to_owned(), inode);
            state.pending_names.push((number, NameOp::Put(name.to_owned(), inode)));
        })?;
        Ok((inode, handle))
    }

    pub(crate) fn close(&self, inode: usize, handle: u64) {
        let mut state = self.state();
        state.inodes[inode].locks.remove(&handle);
        state.inodes[inode].told.remove(&handle);
    }

    /// Removes a name.
    pub(crate) fn delete(&self, name: &str, syncs_folder: bool) -> Answer<()> {
        let mut state = self.state();
        state.strike(Call::Delete)?;
        if !state.names.contains_key(name) {
            return Err(ffi::SQLITE_IOERR_DELETE_NOENT);
        }
        state.operate(|state, number| {
            state.names.remove(name);
            state.pending_names.push((number, NameOp::Remove(name.to_owned())));
        })?;
        if syncs_folder {
            state.operate(|_, _| ())?;
            state.sync_folder();
        }
        Ok(())
    }

    pub(crate) fn exists(&self, name: &str) -> bool {
        let state = self.state();
        // As SQLite's own file systems: a file without anything in it is as good as none.
        state.names.get(name).is_some_and(|inode| !state.inodes[*inode].live.is_empty())
    }

    /// Fills the buffer; how much of it there was.
    pub(crate) fn read(&self, inode: usize, buffer: &mut [u8], offset: usize) -> Answer<usize> {
        let mut state = self.state();
        state.strike(Call::Read)?;
        let live = &state.inodes[inode].live;
        let there = live.len().saturating_sub(offset).min(buffer.len());
        buffer[..there].copy_from_slice(&live[offset.min(live.len())..][..there]);
        buffer[there..].fill(0);
        Ok(there)
    }

    pub(crate) fn write(&self, inode: usize, data: &[u8], offset: usize) -> Answer<()> {
        let mut state = self.state();
        if let Err(code) = state.strike(Call::Write) {
            // Half of it may have found room.
            if !state.is_cut && code == ffi::SQLITE_FULL {
                let half = &data[..data.len() / 2];
                let _ = state.operate(|state, number| state.put(inode, half, offset, number));
            }
            return Err(code);
        }
        state.operate(|state, number| state.put(inode, data, offset, number))
    }

    pub(crate) fn truncate(&self, inode: usize, len: usize) -> Answer<()> {
        let mut state = self.state();
        state.strike(Call::Truncate)?;
        state.operate(|state, number| {
            let inode = &mut state.inodes[inode];
            inode.live.resize(len, 0);
            inode.pending.push((number, Op::Truncate { len }));
        })
    }

    pub(crate) fn sync(&self, inode: usize, handle: u64) -> Answer<()> {
        let mut state = self.state();
        if let Err(code) = state.strike(Call::Sync) {
            if !state.is_cut && state.sync == Sync::ForgetsOnFailure {
                state.inodes[inode].forget(handle);
            }
            return Err(code);
        }
        state.operate(|_, _| ())?;
        if state.sync == Sync::Lies {
            return Ok(());
        }
        let file = &mut state.inodes[inode];
        for (_, op) in file.pending.drain(..) {
            op.apply(&mut file.durable);
        }
        let knew_all = file.know(handle);
        if std::mem::take(&mut file.syncs_folder) {
            state.sync_folder();
        }
        if knew_all { Ok(()) } else { Err(ffi::SQLITE_IOERR_FSYNC) }
    }

    pub(crate) fn len(&self, inode: usize) -> Answer<usize> {
        let state = self.state();
        if state.is_cut { Err(ffi::SQLITE_IOERR_FSTAT) } else { Ok(state.inodes[inode].live.len()) }
    }

    /// Takes a lock of a file, at one of SQLite's five levels.
    pub(crate) fn lock(&self, inode: usize, handle: u64, level: c_int) -> Answer<()> {
        let mut state = self.state();
        state.strike(Call::Lock)?;
        let locks = &mut state.inodes[inode].locks;
        let others =
            locks.iter().filter(|(id, _)| **id != handle).map(|(_, level)| *level).max().unwrap_or(0);
        let mine = locks.entry(handle).or_insert(0);
        if *mine >= level {
            return Ok(());
        }
        let is_free = match level {
            ffi::SQLITE_LOCK_SHARED => others < ffi::SQLITE_LOCK_PENDING,
            ffi::SQLITE_LOCK_RESERVED => others < ffi::SQLITE_LOCK_RESERVED,
            _ if others >= ffi::SQLITE_LOCK_PENDING => false,
            _ => {
                *mine = ffi::SQLITE_LOCK_PENDING;
                others == 0
            }
        };
        if !is_free {
            return Err(ffi::SQLITE_BUSY);
        }
        *mine = level;
        Ok(())
    }

    pub(crate) fn unlock(&self, inode: usize, handle: u64, level: c_int) {
        let mut state = self.state();
        let mine = state.inodes[inode].locks.entry(handle).or_insert(0);
        *mine = level.min(*mine);
    }

    pub(crate) fn is_reserved(&self, inode: usize) -> bool {
        self.state().inodes[inode].locks.values().any(|level| *level >= ffi::SQLITE_LOCK_RESERVED)
    }

    /// A region of the shared memory; none where it is not there and shall not be made.
    pub(crate) fn map(
        &self,
        inode: usize,
        handle: u64,
        region: usize,
        len: usize,
        extend: bool,
    ) -> Answer<Option<*mut u64>> {
        let mut state = self.state();
        state.strike(Call::Map)?;
        let shared = &mut state.inodes[inode].shared;
        shared.locks.entry(handle).or_default();
        while shared.regions.len() <= region {
            if !extend {
                return Ok(None);
            }
            shared.regions.push(vec![0_u64; len.div_ceil(8)].into_boxed_slice());
        }
        Ok(Some(shared.regions[region].as_mut_ptr()))
    }

    pub(crate) fn shared_lock(&self, inode: usize, handle: u64, mask: u32, flags: c_int) -> Answer<()> {
        let mut state = self.state();
        if flags & ffi::SQLITE_SHM_LOCK != 0 {
            state.strike(Call::Lock)?;
        }
        let locks = &mut state.inodes[inode].shared.locks;
        let (mut shared, mut exclusive) = (0, 0);
        for (_, (s, e)) in locks.iter().filter(|(id, _)| **id != handle) {
            shared |= s;
            exclusive |= e;
        }
        let mine = locks.entry(handle).or_default();
        if flags & ffi::SQLITE_SHM_UNLOCK != 0 {
            mine.0 &= !mask;
            mine.1 &= !mask;
        } else if flags & ffi::SQLITE_SHM_SHARED != 0 {
            if exclusive & mask != 0 {
                return Err(ffi::SQLITE_BUSY);
            }
            mine.0 |= mask;
        } else {
            if (shared | exclusive) & mask != 0 {
                return Err(ffi::SQLITE_BUSY);
            }
            mine.1 |= mask;
        }
        Ok(())
    }

    pub(crate) fn unmap(&self, inode: usize, handle: u64) {
        let mut state = self.state();
        let shared = &mut state.inodes[inode].shared;
        shared.locks.remove(&handle);
        if shared.locks.is_empty() {
            shared.regions.clear();
        }
    }

    pub(crate) fn is_normal(&self) -> bool {
        self.state().is_normal
    }
}

impl Inode {
    /// A handle knows of every failure up to now. Whether it knew before.
    fn know(&mut self, handle: u64) -> bool {
        self.told.insert(handle, self.n_forgotten) == Some(self.n_forgotten)
    }

    /// A sync of this handle failed, and what it had to write will not be written.
    fn forget(&mut self, handle: u64) {
        self.pending.clear();
        self.n_forgotten += 1;
        self.know(handle);
    }
}

impl Op {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Write { offset, data } => overwrite(bytes, *offset, data),
            Self::Truncate { len } => bytes.resize(*len, 0),
        }
    }
}

fn overwrite(bytes: &mut Vec<u8>, offset: usize, data: &[u8]) {
    if bytes.len() < offset + data.len() {
        bytes.resize(offset + data.len(), 0);
    }
    bytes[offset..offset + data.len()].copy_from_slice(data);
}

impl State {
    fn add(&mut self, live: Vec<u8>) -> usize {
        self.inodes.push(Inode {
            live,
            durable: Vec::new(),
            pending: Vec::new(),
            syncs_folder: false,
            n_forgotten: 0,
            told: HashMap::new(),
            locks: HashMap::new(),
            shared: Shared::default(),
        });
        self.inodes.len() - 1
    }

    /// Whether this call fails: the power is gone, or a fault says so.
    fn strike(&mut self, call: Call) -> Answer<()> {
        if self.is_cut {
            return Err(ffi::SQLITE_IOERR);
        }
        let codes: Vec<c_int> = self.faults.iter_mut().filter_map(|armed| armed.strikes(call)).collect();
        match codes.first() {
            Some(code) => {
                self.n_failed += 1;
                Err(*code)
            }
            None => Ok(()),
        }
    }

    /// Carries out an operation that counts. The one at which the power goes is carried out as far as the system's
    /// memory is concerned; whether it reached the disk is seen afterwards.
    fn operate(&mut self, change: impl FnOnce(&mut Self, u64)) -> Answer<()> {
        self.n_operations += 1;
        let number = self.n_operations;
        change(self, number);
        if self.cut_at == Some(number) {
            self.is_cut = true;
            return Err(ffi::SQLITE_IOERR);
        }
        Ok(())
    }

    fn put(&mut self, inode: usize, data: &[u8], offset: usize, number: u64) {
        let whole_pages = self.sync == Sync::ForgetsOnFailure;
        let inode = &mut self.inodes[inode];
        overwrite(&mut inode.live, offset, data);
        let (offset, data) = if whole_pages {
            let from = offset / PAGE * PAGE;
            let to = (offset + data.len()).next_multiple_of(PAGE).min(inode.live.len());
            (from, inode.live[from..to].to_vec())
        } else {
            (offset, data.to_vec())
        };
        inode.pending.push((number, Op::Write { offset, data }));
    }

    fn sync_folder(&mut self) {
        if self.sync == Sync::Lies {
            return;
        }
        for (_, op) in self.pending_names.drain(..) {
            op.apply(&mut self.durable_names);
        }
    }

    fn after_cut(&self, tearing: Tearing, seed: u64) -> Files {
        enum Pending<'a> {
            Name(&'a NameOp),
            Bytes(usize, &'a Op),
        }
        let mut pending: Vec<(u64, Pending<'_>)> = Vec::new();
        pending.extend(self.pending_names.iter().map(|(number, op)| (*number, Pending::Name(op))));
        for (index, inode) in self.inodes.iter().enumerate() {
            pending.extend(inode.pending.iter().map(|(number, op)| (*number, Pending::Bytes(index, op))));
        }
        pending.sort_by_key(|(number, _)| *number);
        let mut fate = Fate::new(tearing, seed, pending.len());
        let mut names = self.durable_names.clone();
        let mut bytes: Vec<Vec<u8>> = self.inodes.iter().map(|inode| inode.durable.clone()).collect();
        for (_, op) in pending {
            match op {
                Pending::Name(op) => {
                    if fate.happens() {
                        op.apply(&mut names);
                    }
                }
                Pending::Bytes(inode, op @ Op::Truncate { .. }) => {
                    if fate.happens() {
                        op.apply(&mut bytes[inode]);
                    }
                }
                Pending::Bytes(inode, Op::Write { offset, data }) => match fate.write(*offset, data.len()) {
                    Outcome::Lost => {}
                    Outcome::Whole => overwrite(&mut bytes[inode], *offset, data),
                    Outcome::Sectors(pieces) => {
                        for (piece, nonsense) in pieces {
                            let mut arrived = data[piece.clone()].to_vec();
                            if let Some(nonsense) = nonsense {
                                arrived
                                    .iter_mut()
                                    .zip(nonsense.to_le_bytes().iter().cycle())
                                    .for_each(|(a, n)| *a ^= n);
                            }
                            overwrite(&mut bytes[inode], offset + piece.start, &arrived);
                        }
                    }
                },
            }
        }
        names.into_iter().map(|(name, inode)| (name, std::mem::take(&mut bytes[inode]))).collect()
    }
}

impl NameOp {
    fn apply(&self, names: &mut BTreeMap<String, usize>) {
        match self {
            Self::Put(name, inode) => names.insert(name.clone(), *inode),
            Self::Remove(name) => names.remove(name),
        };
    }
}
