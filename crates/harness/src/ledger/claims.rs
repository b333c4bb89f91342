//! Claims: what a process is asking now, so that another process with the same ledger waits for that
//! answer rather than buys it again.
//!
//! A claim is a lock on one byte of an empty file beside the ledger; the request's hash is the place
//! of the byte. The system lets go of a process's locks when it ends, however that is, so no claim
//! is left over. Where the system or the file system has no such locks, everything can be claimed.
//!
//! A process that comes while no other is there locks the place of the sole claimant, and its claims
//! take no system call. A thread looks for others; once one has come, the claims are locked byte by
//! byte, and the place of the sole claimant is let go: until then, nobody else claims anything.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use evalmark_core::request::RequestHash;

use super::byte_locks::{self, ByteLocks};

/// Files that claims spread over: the system searches a file's locks one by one.
const FILES: usize = 64;
/// How often a process that is alone looks for others.
const LOOK: Duration = Duration::from_millis(20);

/// The claims on one ledger's requests. Cheap to clone; clones are one claimant.
#[derive(Clone, Debug)]
pub(crate) struct Claims(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    folder: PathBuf,
    files: Vec<ClaimFile>,
    /// Another claimant was seen.
    has_company: AtomicBool,
    /// No other claimant is the sole one, nor can become it while this one attends.
    has_room: AtomicBool,
}

/// One of the files that claims spread over.
#[derive(Debug, Default)]
struct ClaimFile {
    locks: OnceLock<Option<ByteLocks>>,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    /// Whether all places of the file are this claimant's, as the sole one.
    is_whole: bool,
    /// The places that were claimed while they were: a few, since requests spread over all files.
    places: Vec<i64>,
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
        let files = std::iter::repeat_with(ClaimFile::default).take(FILES).collect();
        let (has_company, has_room) = (AtomicBool::new(false), AtomicBool::new(false));
        let claims = Self(Arc::new(Inner { folder, files, has_company, has_room }));
        if claims.0.becomes_sole() {
            watch(&claims.0);
        }
        claims
    }

    /// Claims a request of an endpoint; `None` while another process has claimed it.
    pub(crate) fn claim(&self, endpoint: i64, RequestHash(hash): &RequestHash) -> Option<Claim> {
        let Some((first, [shard, ..])) = hash.split_first_chunk() else { return None };
        let place = i64::from_le_bytes(*first) ^ endpoint.rotate_left(32);
        // Places below are for attendance and the sole claimant; locks cannot reach the last one.
        let place = (place & (i64::MAX >> 1)) + 2;
        let file = usize::from(*shard) % FILES;
        self.0.lock(file, place).then(|| Claim { claims: self.clone(), file, place })
    }

    /// Whether another process uses the ledger, or has used it since this one opened it and was
    /// seen. A request that was claimed before cannot have been asked by another process since.
    pub(crate) fn has_company(&self) -> bool {
        self.0.has_company.load(Ordering::Acquire)
    }
}

impl Inner {
    /// Attends, and makes all places this claimant's where no other attends.
    fn becomes_sole(&self) -> bool {
        let Some(first) = self.locks(0) else { return false };
        first.attend();
        // Whoever attends after the second look finds the place of the sole claimant locked.
        let is_sole = !self.look() && first.lock(byte_locks::SOLE) && !self.look();
        if is_sole {
            (0..FILES).for_each(|file| self.held(file).is_whole = true);
        } else {
            first.unlock(byte_locks::SOLE);
        }
        is_sole
    }

    /// Locks a place of a file, or only notes it where this claimant is the sole one.
    fn lock(&self, file: usize, place: i64) -> bool {
        let mut held = self.held(file);
        if held.is_whole {
            held.places.push(place);
            return true;
        }
        drop(held);
        let lock = |locks: &ByteLocks| locks.lock(byte_locks::one(place));
        self.has_room() && self.locks(file).is_none_or(lock)
    }

    /// Whether no other claimant holds all places.
    fn has_room(&self) -> bool {
        if self.has_room.load(Ordering::Acquire) {
            return true;
        }
        let has_room = self.locks(0).is_none_or(|first| first.is_free(byte_locks::SOLE));
        self.has_room.fetch_or(has_room, Ordering::AcqRel);
        has_room
    }

    /// Lets go of a place.
    fn unlock(&self, file: usize, place: i64) {
        let mut held = self.held(file);
        if let Some(at) = held.places.iter().position(|held| *held == place) {
            held.places.swap_remove(at);
        }
        if !held.is_whole
            && let Some(locks) = self.locks(file)
        {
            locks.unlock(byte_locks::one(place));
        }
    }

    /// Whether another claimant is there, or was seen before.
    fn look(&self) -> bool {
        let is_seen = self.has_company.load(Ordering::Acquire)
            || self.locks(0).is_some_and(ByteLocks::is_attended);
        self.has_company.fetch_or(is_seen, Ordering::AcqRel);
        is_seen
    }

    /// Locks what is claimed place by place, and lets others have the rest.
    fn make_room(&self) {
        for number in 0..FILES {
            let mut held = self.held(number);
            let places = std::mem::take(&mut held.places);
            if !places.is_empty()
                && let Some(locks) = self.locks(number)
            {
                for place in places {
                    locks.lock(byte_locks::one(place));
                }
            }
            held.is_whole = false;
        }
        if let Some(first) = self.locks(0) {
            first.unlock(byte_locks::SOLE);
        }
    }

    fn held(&self, file: usize) -> MutexGuard<'_, Held> {
        self.files[file].held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn locks(&self, file: usize) -> Option<&ByteLocks> {
        let open = || ByteLocks::open(&self.folder.join(format!("{file:02x}")));
        self.files[file].locks.get_or_init(open).as_ref()
    }
}

/// Looks for other claimants until one has come, and then makes room.
fn watch(claims: &Arc<Inner>) {
    let watched: Weak<Inner> = Arc::downgrade(claims);
    let look = move || {
        while let Some(claims) = watched.upgrade() {
            if claims.look() {
                claims.make_room();
                return;
            }
            drop(claims);
            std::thread::sleep(LOOK);
        }
    };
    // Without the thread others would wait for ever.
    if std::thread::Builder::new().name("claims".to_owned()).spawn(look).is_err() {
        claims.make_room();
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.claims.0.unlock(self.file, self.place);
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::time::Instant;

    use super::*;

    fn hash(number: u8) -> RequestHash {
        RequestHash([number; 32])
    }

    /// Claims, once others have made room.
    fn claim_soon(claims: &Claims, endpoint: i64, hash: &RequestHash) -> Option<Claim> {
        let begun = Instant::now();
        loop {
            let claim = claims.claim(endpoint, hash);
            if claim.is_some() || begun.elapsed() > 20 * LOOK {
                return claim;
            }
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_request_is_claimed_by_one_until_it_lets_go() {
        let folder = tempfile::tempdir().expect("a folder");
        let ledger = folder.path().join("ledger.sqlite");
        let one = Claims::open(&ledger);
        assert!(!one.has_company());
        // Alone, so that the whole file is locked.
        let claim = one.claim(1, &hash(1)).expect("a free request");
        let let_go = one.claim(1, &hash(65)).expect("another of the same file");
        drop(let_go);
        let other = Claims::open(&ledger);
        assert!(other.has_company());
        assert!(claim_soon(&other, 2, &hash(1)).is_some(), "another endpoint's");
        assert!(one.has_company());
        assert!(other.claim(1, &hash(65)).is_some(), "let go before the other came");
        assert!(other.claim(1, &hash(2)).is_some(), "another request");
        assert!(other.claim(1, &hash(1)).is_none());
        drop(claim);
        let claim = other.claim(1, &hash(1));
        assert!(claim.is_some() && one.claim(1, &hash(1)).is_none());
    }

    #[test]
    fn nobody_else_claims_until_room_is_made() {
        let folder = tempfile::tempdir().expect("a folder");
        let ledger = folder.path().join("ledger.sqlite");
        let one = Claims::open(&ledger);
        let claim = one.claim(1, &hash(1)).expect("a free request");
        assert!(!folder.path().join("ledger.sqlite-claims/01").exists(), "no file while alone");
        // Another that comes before room was made: as if the thread slept.
        let first = one.0.locks(0).expect("locks");
        let other =
            ByteLocks::open(&folder.path().join("ledger.sqlite-claims/00")).expect("a file");
        assert!(!other.is_free(byte_locks::SOLE) && first.is_free(byte_locks::SOLE));
        other.attend();
        let begun = Instant::now();
        while !other.is_free(byte_locks::SOLE) && begun.elapsed() < 20 * LOOK {
            std::thread::yield_now();
        }
        assert!(other.is_free(byte_locks::SOLE) && one.has_company());
        let place =
            ByteLocks::open(&folder.path().join("ledger.sqlite-claims/01")).expect("a file");
        assert!(!place.is_free(2..i64::MAX), "locked place by place");
        drop(claim);
        assert!(place.is_free(2..i64::MAX));
    }

    #[test]
    fn many_that_come_at_once_never_claim_the_same() {
        let folder = tempfile::tempdir().expect("a folder");
        let ledger = folder.path().join("ledger.sqlite");
        let taken: Mutex<Vec<u8>> = Mutex::default();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let claims = Claims::open(&ledger);
                    for number in 0..=255 {
                        if let Some(claim) = claims.claim(1, &hash(number)) {
                            taken.lock().expect("nobody panics").push(number);
                            // Kept until the end, as if it was still asked.
                            std::mem::forget(claim);
                        }
                    }
                });
            }
        });
        let mut taken = taken.into_inner().expect("nobody panics");
        let count = taken.len();
        taken.sort_unstable();
        taken.dedup();
        assert_eq!((taken.len(), count), (256, 256), "each by one");
    }

    #[test]
    fn room_is_made_between_all_claims() {
        let folder = tempfile::tempdir().expect("a folder");
        let ledger = folder.path().join("ledger.sqlite");
        let one = Claims::open(&ledger);
        let number = |number: u64| {
            let mut bytes = [0; 32];
            bytes[..8].copy_from_slice(&number.to_le_bytes());
            RequestHash(bytes)
        };
        // Neighbours, the first and the last place among them.
        let mine = [0, 1, 2, 5, 77, u64::MAX >> 2];
        let claims: Vec<_> = mine.iter().map(|n| one.claim(0, &number(*n))).collect();
        let other = Claims::open(&ledger);
        assert!(claim_soon(&other, 0, &number(1000)).is_some());
        for n in (0..100).chain([u64::MAX >> 2, (u64::MAX >> 2) - 1]) {
            assert_eq!(other.claim(0, &number(n)).is_none(), mine.contains(&n), "{n}");
        }
        drop(claims);
        for n in mine {
            assert!(other.claim(0, &number(n)).is_some(), "{n}");
        }
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
        assert!(claim_soon(&other, 1, &hash(2)).is_some());
        assert!(other.claim(1, &hash(1)).is_none());
    }

    #[test]
    fn without_a_folder_everything_can_be_claimed() {
        let claims = Claims::open(Path::new("/dev/null/ledger.sqlite"));
        let _first = claims.claim(1, &hash(1)).expect("free");
        assert!(claims.claim(1, &hash(1)).is_some() && !claims.has_company());
    }
}
