//! What the machine has to spare just now.

use std::path::{Path, PathBuf};

use sysinfo::{Disks, System};

use crate::scenario::Room;

/// Memory, and space for a run that is written below `folder`.
#[must_use]
pub fn room(folder: &Path) -> Room {
    Room {
        memory: free_memory(),
        disk: free_disk(folder),
    }
}

/// Bytes of memory that can be had; unlimited where the system does not say.
pub(super) fn free_memory() -> u64 {
    let mut system = System::new();
    system.refresh_memory();
    let free = match system.available_memory() {
        0 => u64::MAX,
        free => free,
    };
    // In a container there is less than the machine has.
    system
        .cgroup_limits()
        .map_or(free, |limits| free.min(limits.free_memory))
}

/// Bytes free on the disk that `folder`, which need not be there yet, is or will be on.
fn free_disk(folder: &Path) -> u64 {
    let here = std::env::current_dir().unwrap_or_default().join(folder);
    let there = here.ancestors().find_map(|path| path.canonicalize().ok());
    let there: PathBuf = there.unwrap_or(here);
    let disks = Disks::new_with_refreshed_list();
    let mounted = disks
        .iter()
        .filter(|disk| there.starts_with(disk.mount_point()));
    let nearest = mounted.max_by_key(|disk| disk.mount_point().components().count());
    // A file system that says 0 of 0 does not know.
    nearest
        .filter(|disk| disk.total_space() > 0)
        .map_or(u64::MAX, sysinfo::Disk::available_space)
}
