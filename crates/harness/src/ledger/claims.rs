//! Claims: what a process is asking now, so that another process with the same ledger waits for that
//! answer rather than buys it again.
//!
//! A claim is a lock on one byte of an empty file beside the ledger; the request's hash is the place
//! of the byte. The system lets go of a process's locks when it ends, however that is, so no claim
//! is left over. Where the system or the file system has no such locks, everything can be claimed.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use evalmark_core::request::RequestHash;

/// Files that claims spread over: the system searches a file's locks one by one.
const FILES: usize = 64;

/// The claims on one ledger's requests. Cheap to clone; clones are one claimant.
#[derive(Clone, Debug)]
pub(crate) struct Claims(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    folder: PathBuf,
    files: Vec<OnceLock<Option<locks::File>>>,
    /// Another claimant was seen.
    has_company: AtomicBool,
}

/// A request that this process alone asks, until the claim is dropped.
#[derive(Debug)]
pub(crate) struct Claim {
    claims: Claims,
    file: usize,
    place: i64,
}

impl Claims {
    /// The claims on the ledger at `ledger`.
    pub(super) fn open(ledger: &Path) -> Self {
        let mut folder = ledger.as_os_str().to_owned();
        folder.push("-claims");
        let folder = PathBuf::from(folder);
        // Without the folder there are no files, and everything can be claimed.
        drop(super::private::create_folder(&folder));
        let files = std::iter::repeat_with(OnceLock::new).take(FILES).collect();
        let claims = Self(Arc::new(Inner { folder, files, has_company: AtomicBool::new(false) }));
        if let Some(file) = claims.file(0) {
            file.attend();
        }
        claims
    }

    /// Claims a request of an endpoint; `None` while another process has claimed it.
    pub(crate) fn claim(&self, endpoint: i64, RequestHash(hash): &RequestHash) -> Option<Claim> {
        let Some((first, [shard, ..])) = hash.split_first_chunk() else { return None };
        let place = i64::from_le_bytes(*first) ^ endpoint.rotate_left(32);
        // Places below are for attendance; locks cannot reach the last one.
        let place = (place & (i64::MAX >> 1)) + 1;
        let file = usize::from(*shard) % FILES;
        let is_free = self.file(file).is_none_or(|locks| locks.lock(place));
        is_free.then(|| Claim { claims: self.clone(), file, place })
    }

    /// Whether another process uses the ledger, or has used it since this one opened it and was
    /// seen.
    pub(crate) fn has_company(&self) -> bool {
        let Inner { has_company, .. } = &*self.0;
        if has_company.load(Ordering::Relaxed) {
            return true;
        }
        let is_seen = self.file(0).is_some_and(locks::File::is_attended);
        has_company.fetch_or(is_seen, Ordering::Relaxed);
        is_seen
    }

    fn file(&self, number: usize) -> Option<&locks::File> {
        let Inner { folder, files, .. } = &*self.0;
        let open = || locks::File::open(&folder.join(format!("{number:02x}")));
        files.get(number)?.get_or_init(open).as_ref()
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if let Some(file) = self.claims.file(self.file) {
            file.unlock(self.place);
        }
    }
}

/// Locks on single bytes that belong to an open file, not to a process: two ledgers that one process
/// opens are two claimants.
#[cfg(target_os = "linux")]
mod locks {
    use std::{os::fd::AsFd, path::Path};

    use nix::{
        fcntl::{FcntlArg, fcntl},
        libc::{F_RDLCK, F_UNLCK, F_WRLCK, SEEK_SET, c_int, flock},
    };

    /// The byte that every claimant holds together with the others.
    const ATTENDANCE: i64 = 0;

    #[derive(Debug)]
    pub(super) struct File(std::fs::File);

    impl File {
        pub(super) fn open(path: &Path) -> Option<Self> {
            crate::ledger::private::open_file(path).ok().map(Self)
        }

        /// Whether the byte was free, or the system cannot tell.
        pub(super) fn lock(&self, place: i64) -> bool {
            use nix::errno::Errno::{EACCES, EAGAIN};
            let locked = fcntl(self.0.as_fd(), FcntlArg::F_OFD_SETLK(&byte(F_WRLCK, place)));
            !matches!(locked, Err(EAGAIN | EACCES))
        }

        pub(super) fn unlock(&self, place: i64) {
            let _ = fcntl(self.0.as_fd(), FcntlArg::F_OFD_SETLK(&byte(F_UNLCK, place)));
        }

        pub(super) fn attend(&self) {
            let _ = fcntl(self.0.as_fd(), FcntlArg::F_OFD_SETLK(&byte(F_RDLCK, ATTENDANCE)));
        }

        /// Whether another claimant attends.
        pub(super) fn is_attended(&self) -> bool {
            let mut asked = byte(F_WRLCK, ATTENDANCE);
            let told = fcntl(self.0.as_fd(), FcntlArg::F_OFD_GETLK(&mut asked));
            told.is_ok() && c_int::from(asked.l_type) != F_UNLCK
        }
    }

    fn byte(kind: c_int, place: i64) -> flock {
        let short = |number: c_int| i16::try_from(number).unwrap_or_default();
        let (l_type, l_whence) = (short(kind), short(SEEK_SET));
        flock { l_type, l_whence, l_start: place, l_len: 1, l_pid: 0 }
    }
}

/// Systems without such locks.
#[cfg(not(target_os = "linux"))]
mod locks {
    use std::path::Path;

    #[derive(Debug)]
    pub(super) struct File;

    impl File {
        pub(super) fn open(_: &Path) -> Option<Self> {
            None
        }

        pub(super) fn lock(&self, _: i64) -> bool {
            true
        }

        pub(super) fn unlock(&self, _: i64) {}

        pub(super) fn attend(&self) {}

        pub(super) fn is_attended(&self) -> bool {
            false
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    fn hash(number: u8) -> RequestHash {
        RequestHash([number; 32])
    }

    #[test]
    fn a_request_is_claimed_by_one_until_it_lets_go() {
        let folder = tempfile::tempdir().expect("a folder");
        let ledger = folder.path().join("ledger.sqlite");
        let one = Claims::open(&ledger);
        assert!(!one.has_company());
        let other = Claims::open(&ledger);
        assert!(one.has_company() && other.has_company());
        let claim = one.claim(1, &hash(1)).expect("a free request");
        assert!(other.claim(1, &hash(1)).is_none());
        assert!(other.claim(2, &hash(1)).is_some(), "another endpoint's");
        assert!(other.claim(1, &hash(2)).is_some(), "another request");
        drop(claim);
        assert!(other.claim(1, &hash(1)).is_some());
    }

    #[test]
    fn whoever_ends_holds_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let ledger = folder.path().join("ledger.sqlite");
        let one = Claims::open(&ledger);
        let claim = one.claim(1, &hash(1));
        std::mem::forget(claim);
        drop(one);
        let other = Claims::open(&ledger);
        // The forgotten claim keeps the files open, as a process that still runs would.
        assert!(other.claim(1, &hash(1)).is_none());
    }

    #[test]
    fn without_a_folder_everything_can_be_claimed() {
        let claims = Claims::open(Path::new("/dev/null/ledger.sqlite"));
        let _first = claims.claim(1, &hash(1)).expect("free");
        assert!(claims.claim(1, &hash(1)).is_some() && !claims.has_company());
    }
}
