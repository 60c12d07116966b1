//! What can refuse although modes allow: SELinux labels and access lists, read as extended attributes, and refusals
//! that the kernel wrote into an audit log.

use std::path::{Path, PathBuf};

use crate::logs;

/// Types that SELinux's policy lets web servers read.
const WEB_TYPES: [&str; 8] =
    ["httpd_", "public_content", "cert_t", "usr_t", "etc_t", "fonts_t", "lib_t", "container_file_t"];

/// A refusal by a mandatory access control.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) said: String,
    pub(crate) quote: Option<String>,
    pub(crate) log: Option<PathBuf>,
    pub(crate) fix: Vec<String>,
}

/// Whether an access list stands beside the mode.
pub(crate) fn has_access_list(path: &Path) -> bool {
    attribute(path, "system.posix_acl_access").is_some()
}

/// A label that a confined web server may not read. `None` without SELinux.
pub(crate) fn label(path: &Path) -> Option<Refusal> {
    let text =
        String::from_utf8_lossy(&attribute(path, "security.selinux")?).trim_end_matches('\0').to_owned();
    let kind = text.split(':').nth(2)?;
    if WEB_TYPES.iter().any(|known| kind.starts_with(known)) {
        return None;
    }
    let shown = crate::modes::quoted(path);
    Some(Refusal {
        said: format!("`{}` is labelled `{text}`, which a confined web server may not read", path.display()),
        quote: None,
        log: None,
        fix: vec![
            format!("restorecon -Rv {shown}"),
            format!(
                "or: semanage fcontext -a -t httpd_sys_content_t '{shown}(/.*)?' && restorecon -Rv {shown}"
            ),
        ],
    })
}

/// A refusal of this file by SELinux or AppArmor in the audit logs beside the server's own.
pub(crate) fn audited(file: &Path, beside: &[PathBuf]) -> Option<Refusal> {
    let mut logs: Vec<PathBuf> = beside.iter().map(|folder| folder.join("audit.log")).collect();
    logs.extend(beside.iter().map(|folder| folder.join("audit/audit.log")));
    logs.extend(["/var/log/audit/audit.log", "/var/log/kern.log", "/var/log/syslog"].map(PathBuf::from));
    let name = file.file_name()?.to_string_lossy().into_owned();
    let whole = file.to_string_lossy().into_owned();
    for log in logs {
        let Some(lines) = logs::tail(&log) else { continue };
        let names_it = |line: &&String| {
            line.contains(&format!("name=\"{name}\""))
                || line.contains(&format!("name=\"{whole}\""))
                || line.contains(&format!("path=\"{whole}\""))
        };
        let refusal = lines.iter().rev().filter(names_it).find_map(|line| refusal(line, file, &log));
        if refusal.is_some() {
            return refusal;
        }
    }
    None
}

fn refusal(line: &str, file: &Path, log: &Path) -> Option<Refusal> {
    let shown = crate::modes::quoted(file);
    let lower = line.to_ascii_lowercase();
    let (by, fix) = if lower.contains("avc:") && lower.contains("denied") {
        (
            "SELinux",
            vec![
                format!("restorecon -Rv {shown}"),
                format!("or: semanage fcontext -a -t httpd_sys_content_t {shown} && restorecon -v {shown}"),
            ],
        )
    } else if lower.contains("apparmor=\"denied\"") {
        let profile = between(line, "profile=\"", "\"").unwrap_or("nginx");
        (
            "AppArmor",
            vec![format!(
                "add `{shown} r,` to /etc/apparmor.d/local/{} and run apparmor_parser -r",
                profile.trim_start_matches('/').replace('/', ".")
            )],
        )
    } else {
        return None;
    };
    Some(Refusal {
        said: format!("{by} refused `{}` to the server's worker", file.display()),
        quote: Some(logs::quote(line)),
        log: Some(log.to_path_buf()),
        fix,
    })
}

fn between<'a>(text: &'a str, from: &str, to: &str) -> Option<&'a str> {
    text.split_once(from)?.1.split_once(to).map(|(part, _)| part)
}

fn attribute(path: &Path, name: &str) -> Option<Vec<u8>> {
    let mut room = vec![0_u8; 1024];
    let filled = rustix::fs::getxattr(path, name, &mut room[..]).ok()?;
    room.truncate(filled);
    Some(room)
}
