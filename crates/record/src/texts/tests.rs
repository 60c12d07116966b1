use std::time::Duration;

use super::*;

fn texts(content: &str) -> Texts {
    Texts { content: content.as_bytes().to_vec(), rest: [7; 32] }
}

fn age(log: &Path, texts: &Texts, seconds: u64) {
    let file = File::open(file_of(log, &texts.version())).unwrap();
    let then = SystemTime::now() - Duration::from_secs(seconds);
    file.set_times(FileTimes::new().set_modified(then)).unwrap();
}

#[test]
fn what_decided_is_read_as_it_was() {
    let log = tempfile::tempdir().unwrap();
    let one = texts("permit(principal, action, resource);");
    one.keep(log.path()).unwrap();
    one.keep(log.path()).unwrap();
    assert_eq!(Texts::read(log.path(), &one.version()).unwrap(), one);
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &std::fs::metadata(file_of(log.path(), &one.version())).unwrap().permissions(),
    );
    assert_eq!(mode & 0o077, 0, "nobody else may read it");
    // The rest of what decides is part of the version, too.
    assert_ne!(Texts { rest: [8; 32], ..one.clone() }.version(), one.version());
}

#[test]
fn what_is_not_kept_or_was_changed_is_called_so() {
    let log = tempfile::tempdir().unwrap();
    let (one, other) = (texts("one"), texts("other"));
    assert!(matches!(Texts::read(log.path(), &one.version()), Err(TextsFault::NotKept(_))));
    assert!(matches!(Texts::read(log.path(), "../../etc/passwd"), Err(TextsFault::NotKept(_))));
    one.keep(log.path()).unwrap();
    other.keep(log.path()).unwrap();
    std::fs::copy(file_of(log.path(), &other.version()), file_of(log.path(), &one.version())).unwrap();
    assert!(matches!(Texts::read(log.path(), &one.version()), Err(TextsFault::Changed(_))));
    std::fs::write(file_of(log.path(), &one.version()), "no zstd").unwrap();
    assert!(matches!(Texts::read(log.path(), &one.version()), Err(TextsFault::Unreadable { .. })));
}

#[test]
fn only_what_no_segment_can_name_goes() {
    let log = tempfile::tempdir().unwrap();
    let [old, young, current] = ["old", "young", "current"].map(texts);
    for one in [&old, &young, &current] {
        one.keep(log.path()).unwrap();
        age(log.path(), one, 10_000);
    }
    age(log.path(), &young, 3_900);
    let oldest = Timestamp::now() - SignedDuration::from_secs(400);
    sweep(log.path(), Some(oldest), Some(&current.version())).unwrap();
    assert!(matches!(Texts::read(log.path(), &old.version()), Err(TextsFault::NotKept(_))));
    assert_eq!(Texts::read(log.path(), &young.version()).unwrap(), young);
    assert_eq!(Texts::read(log.path(), &current.version()).unwrap(), current);
    // The look itself touched the one that decides.
    sweep(log.path(), None, None).unwrap();
    assert_eq!(Texts::read(log.path(), &current.version()).unwrap(), current);
}
