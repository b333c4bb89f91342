//! Locks on single bytes of a file. They belong to the open file, not to the process: two ledgers that
//! one process opens are two claimants.

use std::{ops::Range, path::Path};

#[cfg(target_os = "linux")]
pub(super) use linux::ByteLocks;
#[cfg(not(target_os = "linux"))]
pub(super) use none::ByteLocks;

/// The place that the sole claimant holds, in the first file; no request has it.
pub(super) const SOLE: Range<i64> = 1..2;

/// One place.
pub(super) fn one(place: i64) -> Range<i64> {
    place..place + 1
}

#[cfg(target_os = "linux")]
mod linux {
    use std::os::fd::AsFd;

    use nix::{
        fcntl::{FcntlArg, fcntl},
        libc::{F_RDLCK, F_UNLCK, F_WRLCK, SEEK_SET, c_int, flock},
    };

    use super::{Path, Range, one};

    /// The byte that every claimant holds together with the others.
    const ATTENDANCE: i64 = 0;

    #[derive(Debug)]
    pub(in crate::ledger) struct ByteLocks(std::fs::File);

    impl ByteLocks {
        pub(in crate::ledger) fn open(path: &Path) -> Option<Self> {
            crate::ledger::private::open_file(path).ok().map(Self)
        }

        /// Whether the bytes were free, or the system cannot tell.
        pub(in crate::ledger) fn lock(&self, places: Range<i64>) -> bool {
            use nix::errno::Errno::{EACCES, EAGAIN};
            let locked = fcntl(self.0.as_fd(), FcntlArg::F_OFD_SETLK(&bytes(F_WRLCK, &places)));
            !matches!(locked, Err(EAGAIN | EACCES))
        }

        pub(in crate::ledger) fn unlock(&self, places: Range<i64>) {
            let _ = fcntl(self.0.as_fd(), FcntlArg::F_OFD_SETLK(&bytes(F_UNLCK, &places)));
        }

        /// Whether nobody else has locked the bytes, or the system cannot tell.
        pub(in crate::ledger) fn is_free(&self, places: Range<i64>) -> bool {
            let mut asked = bytes(F_WRLCK, &places);
            let told = fcntl(self.0.as_fd(), FcntlArg::F_OFD_GETLK(&mut asked));
            told.is_err() || c_int::from(asked.l_type) == F_UNLCK
        }

        pub(in crate::ledger) fn attend(&self) {
            let attendance = bytes(F_RDLCK, &one(ATTENDANCE));
            let _ = fcntl(self.0.as_fd(), FcntlArg::F_OFD_SETLK(&attendance));
        }

        /// Whether another claimant attends.
        pub(in crate::ledger) fn is_attended(&self) -> bool {
            !self.is_free(one(ATTENDANCE))
        }
    }

    fn bytes(kind: c_int, places: &Range<i64>) -> flock {
        let short = |number: c_int| i16::try_from(number).unwrap_or_default();
        let (l_type, l_whence) = (short(kind), short(SEEK_SET));
        flock {
            l_type,
            l_whence,
            l_start: places.start,
            l_len: places.end - places.start,
            l_pid: 0,
        }
    }
}

/// Systems without such locks.
#[cfg(not(target_os = "linux"))]
mod none {
    use super::{Path, Range};

    #[derive(Debug)]
    pub(in crate::ledger) struct ByteLocks;

    impl ByteLocks {
        pub(in crate::ledger) fn open(_: &Path) -> Option<Self> {
            None
        }

        pub(in crate::ledger) fn lock(&self, _: Range<i64>) -> bool {
            true
        }

        pub(in crate::ledger) fn unlock(&self, _: Range<i64>) {}

        pub(in crate::ledger) fn is_free(&self, _: Range<i64>) -> bool {
            true
        }

        pub(in crate::ledger) fn attend(&self) {}

        pub(in crate::ledger) fn is_attended(&self) -> bool {
            false
        }
    }
}
