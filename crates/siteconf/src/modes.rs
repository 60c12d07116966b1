//! File modes: who the worker is, and which component of a path keeps it from a file. Links are followed as the kernel
//! does; the first component that refuses is the answer.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Component, Path, PathBuf};

/// Links followed before the kernel gives up.
const MOST_LINKS: usize = 40;

/// The user that a server's workers run as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Worker {
    pub(crate) name: String,
    pub(crate) uid: u32,
    pub(crate) groups: Vec<u32>,
}

/// What is wanted of the last component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// Its existence and kind: every parent must be searchable.
    Look,
    /// Its contents.
    Read,
    /// To be run.
    Run,
}

/// Whether the worker gets there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reach {
    File,
    Directory,
    /// Something on the way, or the end of it, does not exist.
    Missing,
    Denied(Denial),
    /// This process may not look itself.
    Unseen,
}

/// The component that refuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Denial {
    pub(crate) component: PathBuf,
    pub(crate) directory: bool,
    /// Whether it stands above what was asked for.
    pub(crate) parent: bool,
    /// `r` or `x`.
    pub(crate) lacks: char,
    pub(crate) mode: u32,
    pub(crate) owner: String,
    pub(crate) group: String,
    /// An access list beside the mode; the mode alone does not decide then.
    pub(crate) listed: bool,
}

impl Denial {
    /// `drwx------ root:root /home/dana`.
    pub(crate) fn shown(&self) -> String {
        let kind = if self.directory { 'd' } else { '-' };
        let bits: String = (0..9)
            .map(|at| {
                if self.mode & (0o400 >> at) == 0 {
                    '-'
                } else {
                    ['r', 'w', 'x'].get(at % 3).copied().unwrap_or('-')
                }
            })
            .collect();
        format!("{kind}{bits} {}:{} {}", self.owner, self.group, self.component.display())
    }

    /// The commands that let the worker in, the narrowest that is usual first.
    pub(crate) fn fix(&self, worker: &Worker) -> Vec<String> {
        let path = quoted(&self.component);
        let other = format!("chmod o+{} {path}", self.lacks);
        let group = group_name(worker.groups.first().copied().unwrap_or(0));
        let narrow =
            format!("or, for the server alone: chgrp {group} {path} && chmod g+{} {path}", self.lacks);
        vec![other, narrow]
    }
}

impl Worker {
    /// By the names or numbers that a configuration gives. `None` if there is no such user here.
    pub(crate) fn named(user: &str, group: Option<&str>) -> Option<Worker> {
        let user = user.trim_start_matches('#');
        let passwd = std::fs::read_to_string("/etc/passwd").ok()?;
        let entry = passwd.lines().map(|line| line.split(':').collect::<Vec<_>>()).find(|fields| {
            fields.first() == Some(&user) || (fields.get(2) == Some(&user) && user.parse::<u32>().is_ok())
        })?;
        let name = (*entry.first()?).to_owned();
        let uid = entry.get(2)?.parse().ok()?;
        let own: u32 = entry.get(3)?.parse().ok()?;
        let groups_file = std::fs::read_to_string("/etc/group").unwrap_or_default();
        let mut groups = vec![own];
        for line in groups_file.lines() {
            let fields: Vec<&str> = line.split(':').collect();
            let Some(gid) = fields.get(2).and_then(|gid| gid.parse().ok()) else { continue };
            let asked = group.map(|group| group.trim_start_matches('#'));
            if asked.is_some() && (asked == fields.first().copied() || asked == fields.get(2).copied()) {
                groups.insert(0, gid);
            } else if fields.get(3).is_some_and(|members| members.split(',').any(|member| member == name)) {
                groups.push(gid);
            }
        }
        groups.dedup();
        Some(Worker { name, uid, groups })
    }

    /// Whether a mode lets this worker read or search.
    fn may(&self, bit: u32, mode: u32, owner: u32, group: u32) -> bool {
        if self.uid == 0 {
            return true;
        }
        let bits = if owner == self.uid {
            mode >> 6
        } else if self.groups.contains(&group) {
            mode >> 3
        } else {
            mode
        };
        bits & bit != 0
    }
}

/// Walks the path as the worker.
pub(crate) fn reach(path: &Path, need: Need, worker: &Worker) -> Reach {
    let mut left: VecDeque<OsString> = parts(path).collect();
    let mut here = PathBuf::from("/");
    let mut links = 0;
    loop {
        let Some(part) = left.pop_front() else { return arrived(&here, need, worker) };
        if part == ".." {
            here.pop();
            continue;
        }
        if let Some(reach) = may_search(&here, worker) {
            return reach;
        }
        let next = here.join(&part);
        let about = match std::fs::symlink_metadata(&next) {
            Ok(about) => about,
            Err(fault) if fault.kind() == std::io::ErrorKind::PermissionDenied => return Reach::Unseen,
            Err(_) => return Reach::Missing,
        };
        if !about.is_symlink() {
            here = next;
            continue;
        }
        links += 1;
        let Ok(target) = std::fs::read_link(&next) else { return Reach::Unseen };
        if links > MOST_LINKS {
            return Reach::Missing;
        }
        if target.is_absolute() {
            here = PathBuf::from("/");
        }
        for part in parts(&target).collect::<Vec<_>>().into_iter().rev() {
            left.push_front(part);
        }
    }
}

/// Links on the way to a file, each with what it points to.
pub(crate) fn links(path: &Path) -> Vec<PathBuf> {
    let mut here = PathBuf::from("/");
    let mut found = Vec::new();
    for part in parts(path) {
        here.push(part);
        if std::fs::symlink_metadata(&here).is_ok_and(|about| about.is_symlink()) {
            found.push(here.clone());
        }
    }
    found
}

/// The owner of a link and of what it points to.
pub(crate) fn link_owners(link: &Path) -> Option<(u32, u32)> {
    let own = std::fs::symlink_metadata(link).ok()?.uid();
    let target = std::fs::metadata(link).ok()?.uid();
    Some((own, target))
}

/// A user's name, or its number.
pub(crate) fn user_name(uid: u32) -> String {
    name_in("/etc/passwd", uid)
}

fn group_name(gid: u32) -> String {
    name_in("/etc/group", gid)
}

fn name_in(file: &str, id: u32) -> String {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let wanted = id.to_string();
    text.lines()
        .map(|line| line.split(':').collect::<Vec<_>>())
        .find(|fields| fields.get(2) == Some(&wanted.as_str()))
        .and_then(|fields| fields.first().map(|name| (*name).to_owned()))
        .unwrap_or(wanted)
}

/// The home of a user of this machine.
pub(crate) fn home(user: &str) -> Option<PathBuf> {
    let passwd = std::fs::read_to_string("/etc/passwd").ok()?;
    let entry = passwd.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let mut homes = entry
        .filter(|fields| fields.first() == Some(&user))
        .filter_map(|fields| fields.get(5).map(PathBuf::from));
    homes.next()
}

fn parts(path: &Path) -> impl Iterator<Item = OsString> + '_ {
    path.components().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some(OsString::from("..")),
        _ => None,
    })
}

/// `None` if the directory may be searched.
fn may_search(directory: &Path, worker: &Worker) -> Option<Reach> {
    let Ok(about) = std::fs::metadata(directory) else { return Some(Reach::Unseen) };
    if !about.is_dir() {
        return Some(Reach::Missing);
    }
    let searchable = worker.may(1, about.mode(), about.uid(), about.gid());
    (!searchable).then(|| Reach::Denied(denial(directory, &about, 'x', true)))
}

fn arrived(end: &Path, need: Need, worker: &Worker) -> Reach {
    let Ok(about) = std::fs::metadata(end) else { return Reach::Unseen };
    let wanted = match need {
        Need::Look => None,
        Need::Read => Some((4, 'r')),
        Need::Run => Some((1, 'x')),
    };
    if let Some((bit, lacks)) = wanted
        && !worker.may(bit, about.mode(), about.uid(), about.gid())
    {
        return Reach::Denied(denial(end, &about, lacks, false));
    }
    if about.is_dir() { Reach::Directory } else { Reach::File }
}

fn denial(path: &Path, about: &std::fs::Metadata, lacks: char, parent: bool) -> Denial {
    Denial {
        component: path.to_path_buf(),
        directory: about.is_dir(),
        parent,
        lacks,
        mode: about.permissions().mode() & 0o7777,
        owner: user_name(about.uid()),
        group: group_name(about.gid()),
        listed: crate::labels::has_access_list(path),
    }
}

/// A path as a shell takes it.
pub(crate) fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+@:,".contains(c);
    if text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', "'\\''")) }
}
