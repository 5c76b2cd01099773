//! What this process may still take: of memory, of the disk, of open files. A job may have less than its machine.

use std::fs;
use std::path::{Path, PathBuf};

use sysinfo::System;

use crate::scenario::Available;

/// Memory, open files, and space for a run that is written below `folder`.
#[must_use]
pub fn available(folder: &Path) -> Available {
    Available {
        memory: free_memory(),
        disk: free_disk(folder),
        files: process::files(),
    }
}

/// Bytes of memory that can be had; unlimited where the system does not say.
pub(crate) fn free_memory() -> u64 {
    let mut system = System::new();
    system.refresh_memory();
    let free = match system.available_memory() {
        0 => u64::MAX,
        free => free,
    };
    let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let groups = groups(&own, Path::new("/sys/fs/cgroup"));
    let least = groups.iter().filter_map(|group| left_in(group)).min();
    free.min(least.unwrap_or(u64::MAX)).min(process::memory())
}

/// Threads that can be started without a doubt; `u64::MAX` where no limit is known.
#[cfg(feature = "cli")]
pub(crate) fn room_for_threads() -> u64 {
    process::threads()
}

/// The control groups that this process is in, each with those above it: a job has the least that any of them has. `own` is what
/// `/proc/self/cgroup` says, `root` where the groups are shown.
fn groups(own: &str, root: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for line in own.lines() {
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (parts.next(), parts.next()) else {
            continue;
        };
        // Version 2 has one tree; of version 1 only that of the memory matters.
        let tree = match controllers {
            "" => root.to_owned(),
            _ if controllers.split(',').any(|name| name == "memory") => root.join("memory"),
            _ => continue,
        };
        let group = tree.join(path.trim_start_matches('/'));
        let above = group.ancestors().take_while(|path| path.starts_with(&tree));
        all.extend(above.map(Path::to_owned));
    }
    all
}

/// Bytes that a control group leaves; `None` if it sets no limit. What it holds of files can be had back.
fn left_in(group: &Path) -> Option<u64> {
    let number = |name: &str| {
        let text = fs::read_to_string(group.join(name)).ok()?;
        text.trim().parse::<u64>().ok()
    };
    let limit = number("memory.max").or_else(|| number("memory.limit_in_bytes"))?;
    let used = number("memory.current").or_else(|| number("memory.usage_in_bytes"))?;
    let cached = fs::read_to_string(group.join("memory.stat")).unwrap_or_default();
    let cached = cached.lines().find_map(|line| {
        let inactive = line.strip_prefix("total_inactive_file ");
        let inactive = inactive.or_else(|| line.strip_prefix("inactive_file "))?;
        inactive.trim().parse::<u64>().ok()
    });
    Some(limit.saturating_sub(used.saturating_sub(cached.unwrap_or(0))))
}

/// Bytes free on the file system that `folder`, which need not be there yet, is or will be on; unlimited where it does not say.
fn free_disk(folder: &Path) -> u64 {
    let here = std::env::current_dir().unwrap_or_default().join(folder);
    let there = here.ancestors().find_map(|path| path.canonicalize().ok());
    process::disk(&there.unwrap_or(here))
}

#[cfg(unix)]
mod process {
    use std::fs;
    use std::path::Path;

    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    /// What the allocator reserves for a thread: an arena and a stack.
    const THREAD: u64 = 72 << 20;

    /// Bytes of address space and of data that the limits of the process leave.
    pub(crate) fn memory() -> u64 {
        let space = getrlimit(Resource::As).current.map(|limit| {
            let threads = rayon::current_num_threads() as u64;
            limit.saturating_sub(taken(0) + THREAD * threads)
        });
        let data = getrlimit(Resource::Data).current;
        let data = data.map(|limit| limit.saturating_sub(taken(5)));
        space.into_iter().chain(data).min().unwrap_or(u64::MAX)
    }

    /// Threads that surely have room in the address space that the limit of the process leaves.
    ///
    /// The first eight threads per core reserve an arena each, for a moment twice as large; all reserve stacks.
    /// Arenas that take the last room leave none for the signal stack of a later thread, which ends the process.
    #[cfg(feature = "cli")]
    pub(crate) fn threads() -> u64 {
        const ARENA: u64 = 128 << 20;
        const STACKS: u64 = 3 << 20;
        let Some(limit) = getrlimit(Resource::As).current else {
            return u64::MAX;
        };
        let left = limit.saturating_sub(taken(0));
        let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
        let with_arenas = (left / (ARENA + STACKS)).min(8 * cores);
        if with_arenas < 8 * cores {
            return with_arenas;
        }
        with_arenas + (left - with_arenas * (ARENA + STACKS)) / STACKS
    }

    /// A field of `/proc/self/statm` in bytes: 0 is the whole address space, 5 data and stack.
    fn taken(field: usize) -> u64 {
        let sizes = fs::read_to_string("/proc/self/statm").unwrap_or_default();
        let pages = sizes.split_whitespace().nth(field);
        let pages = pages.and_then(|pages| pages.parse::<u64>().ok());
        pages.unwrap_or(0) * rustix::param::page_size() as u64
    }

    pub(crate) fn disk(folder: &Path) -> u64 {
        match rustix::fs::statvfs(folder) {
            // A file system that says 0 of 0 does not know.
            Ok(about) if about.f_blocks > 0 => about.f_bavail.saturating_mul(about.f_frsize),
            _ => u64::MAX,
        }
    }

    /// Files that can be open at once. What is usual is less than what is allowed, and is raised to it.
    pub(crate) fn files() -> u64 {
        let limit = getrlimit(Resource::Nofile);
        let raised = Rlimit {
            current: limit.maximum,
            ..limit
        };
        let now = match setrlimit(Resource::Nofile, raised) {
            Ok(()) => limit.maximum,
            Err(_) => limit.current,
        };
        now.unwrap_or(u64::MAX)
    }
}

#[cfg(not(unix))]
mod process {
    use std::path::Path;

    use sysinfo::Disks;

    pub(crate) fn memory() -> u64 {
        u64::MAX
    }

    #[cfg(feature = "cli")]
    pub(crate) fn threads() -> u64 {
        u64::MAX
    }

    pub(crate) fn disk(folder: &Path) -> u64 {
        let disks = Disks::new_with_refreshed_list();
        let mounted = disks
            .iter()
            .filter(|disk| folder.starts_with(disk.mount_point()));
        let nearest = mounted.max_by_key(|disk| disk.mount_point().components().count());
        nearest
            .filter(|disk| disk.total_space() > 0)
            .map_or(u64::MAX, sysinfo::Disk::available_space)
    }

    pub(crate) fn files() -> u64 {
        u64::MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_of_all_groups_above_counts_in_either_version() {
        let root = tempfile::tempdir().unwrap();
        let put = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let least = |own: &str| {
            let groups = groups(own, root.path());
            groups.iter().filter_map(|group| left_in(group)).min()
        };
        assert_eq!(least("0::/slurm/job/step\n"), None);
        put("slurm/job/step/memory.max", "max\n");
        put("slurm/job/step/memory.current", "5\n");
        put("slurm/job/memory.max", "1000\n");
        put("slurm/job/memory.current", "600\n");
        put(
            "slurm/job/memory.stat",
            "anon 1\ninactive_file 100\nactive_file 7\n",
        );
        assert_eq!(least("0::/slurm/job/step\n"), Some(500));
        put("slurm/memory.max", "100\n");
        put("slurm/memory.current", "600\n");
        assert_eq!(least("0::/slurm/job/step\n"), Some(0));

        put("memory/job/memory.limit_in_bytes", "70\n");
        put("memory/job/memory.usage_in_bytes", "30\n");
        assert_eq!(least("5:cpu,cpuacct:/job\n4:memory:/job/in\n"), Some(40));
        assert_eq!(least("5:cpu,cpuacct:/job\n"), None);
        assert_eq!(least("no such line\n"), None);
    }
}
