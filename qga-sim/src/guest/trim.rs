//! Giving the free space of file systems back to the disk.

use qga_proto::owned::{GuestFilesystemInfo, GuestFilesystemTrimResult};

use crate::error::Errno;

/// The kinds of file systems on block devices that Linux can trim, and others on them that it cannot. The real agent
/// tries what is on a block device, and skips the rest without a word.
const KINDS: [&str; 12] =
    ["bcachefs", "btrfs", "exfat", "ext2", "ext3", "ext4", "f2fs", "jfs", "nilfs2", "ntfs3", "vfat", "xfs"];
const OTHERS: [&str; 6] = ["erofs", "iso9660", "minix", "reiserfs", "squashfs", "udf"];

/// Trims a file system: all that is free, if that is as much as `minimum` bytes. `None`: it is on no block device.
pub(crate) fn trim(file_system: &GuestFilesystemInfo, minimum: i64) -> Option<GuestFilesystemTrimResult> {
    let kind = file_system.type_.as_str();
    let path = &file_system.mountpoint;
    let mut result = GuestFilesystemTrimResult::new(path);
    if OTHERS.contains(&kind) {
        result.error = Some("trim not supported".into());
    } else if !KINDS.contains(&kind) {
        return None;
    } else if minimum < 0 {
        // To Linux it is more than any file system has in one piece.
        result.error = Some(format!("failed to trim {path}: {}", Errno::Invalid));
    } else {
        let free = free_bytes(file_system);
        result.trimmed = Some(if free < minimum { 0 } else { free });
        result.minimum = Some(minimum);
    }
    Some(result)
}

fn free_bytes(file_system: &GuestFilesystemInfo) -> i64 {
    let GuestFilesystemInfo { used_bytes, total_bytes, total_bytes_privileged, .. } = file_system;
    let total = total_bytes_privileged.or(*total_bytes).unwrap_or_default();
    i64::try_from(total.saturating_sub(used_bytes.unwrap_or_default())).unwrap_or(i64::MAX)
}
