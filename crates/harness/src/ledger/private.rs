//! Files that only their owner may read: what was asked and answered is nobody else's.

use std::{
    fs::{File, OpenOptions},
    io,
    path::Path,
};

/// Opens a file to read and write, or makes one that is its owner's alone. A symbolic link is
/// refused: it may lead anywhere.
pub(crate) fn open_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    #[cfg(target_os = "linux")]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, nix::libc::O_NOFOLLOW);
    options.open(path)
}

/// Makes a folder, and those above it, its owner's alone; one that is there stays as it is.
pub fn create_folder(path: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Takes from everybody but owner and group what a file lets them do: ledgers were made with the
/// user's usual permissions once. A file of somebody else stays as it is.
#[cfg(unix)]
pub(super) fn close_to_others(file: &File) {
    use std::os::unix::fs::PermissionsExt;
    let Ok(metadata) = file.metadata() else { return };
    let mut permissions = metadata.permissions();
    if permissions.mode() & 0o007 != 0 {
        permissions.set_mode(permissions.mode() & !0o007);
        drop(file.set_permissions(permissions));
    }
}

/// Elsewhere a user's folders are closed to others already.
#[cfg(not(unix))]
pub(super) fn close_to_others(_: &File) {}
