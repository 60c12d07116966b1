use std::io::Cursor;

use proptest::prelude::*;

use super::open::Packed;
use super::*;
use crate::line;
use crate::testing::{entry, outcome, reference_in};

fn lines(count: usize) -> (Vec<Reference>, Vec<Vec<u8>>) {
    let references: Vec<_> = (0..count).map(|_| reference_in(0)).collect();
    let mut lines: Vec<_> =
        references.iter().map(|reference| line::decision(&entry(*reference)).unwrap()).collect();
    lines.extend(references.iter().map(|reference| line::outcome(&outcome(*reference)).unwrap()));
    (references, lines)
}

fn packed(folder: &Path, lines: &[Vec<u8>]) -> PathBuf {
    let path = folder.join(segment::name(jiff::Timestamp::now()));
    std::fs::write(&path, lines.concat()).unwrap();
    pack(&path).unwrap();
    assert!(!path.exists());
    segment::packed(&path)
}

#[test]
fn a_packed_segment_has_every_line_and_finds_each_reference() {
    let folder = tempfile::tempdir().unwrap();
    let (references, lines) = lines(3000);
    let path = packed(folder.path(), &lines);
    assert!(std::fs::metadata(&path).unwrap().len() < lines.concat().len() as u64 / 4);
    let open = Packed::open(&path).unwrap();
    assert!(open.frames().len() > 3);
    let plain: Vec<_> = open.frames().iter().map(|frame| open.unpack(frame).unwrap()).collect();
    assert!(plain.iter().all(|frame| frame.ends_with(b"\n")));
    assert!(plain.concat() == lines.concat());
    for reference in references.into_iter().step_by(200) {
        let frames = open.frames_with(reference).unwrap().unwrap();
        assert!((1..=2).contains(&frames.len()));
        let text = frames.iter().map(|frame| open.unpack(frame).unwrap()).collect::<Vec<_>>().concat();
        let uuid = reference.uuid();
        assert_eq!(memchr::memmem::find_iter(&text, uuid.as_bytes()).count(), 2);
    }
    assert_eq!(open.frames_with(reference_in(0)).unwrap(), Some(Vec::new()));
}

#[test]
fn other_programs_unpack_it() {
    let folder = tempfile::tempdir().unwrap();
    let (_, lines) = lines(2000);
    let path = packed(folder.path(), &lines);
    let plain = zstd::stream::decode_all(std::fs::File::open(path).unwrap()).unwrap();
    assert!(plain == lines.concat());
}

#[test]
fn a_line_longer_than_a_frame_and_no_line_at_all_are_packed() {
    let folder = tempfile::tempdir().unwrap();
    let long = [vec![b'x'; pack::FRAME + 17], b"\n".to_vec()].concat();
    let all = [b"{}\n".to_vec(), long.clone(), b"{}\n".to_vec()];
    let open = Packed::open(&packed(folder.path(), &all)).unwrap();
    assert_eq!(open.frames().len(), 3);
    assert!(open.unpack(&open.frames()[1]).unwrap() == long);
    let empty = Packed::open(&packed(folder.path(), &[])).unwrap();
    assert_eq!(empty.frames(), []);
}

#[test]
fn a_failed_replacement_leaves_the_old_file_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    std::fs::write(&path, "old").unwrap();
    let fault = replace(&path, |file| {
        file.write_all(b"new")?;
        Err::<(), _>(io::Error::other("no"))
    });
    assert!(fault.is_err());
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "old");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    replace(&path, |file| file.write_all(b"new")).unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "new");
    let begun = segment::packed(&folder.path().join(segment::name(jiff::Timestamp::now())));
    std::fs::write(partial(&begun), "").unwrap();
    std::fs::write(folder.path().join("checkpoint.partial"), "another's").unwrap();
    clean(folder.path()).unwrap();
    assert!(!partial(&begun).exists());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
}

#[test]
fn the_reference_of_a_line_is_found_without_parsing() {
    let wanted = reference_in(0);
    assert_eq!(reference(&line::decision(&entry(wanted)).unwrap()), Some(wanted));
    for none in
        ["{}", "{\"reference\":\"short\"}", "{\"reference\":\"zzzzzzzz-0000-0000-0000-000000000000\"}"]
    {
        assert_eq!(reference(none.as_bytes()), None, "{none}");
    }
}

static SOUND: std::sync::LazyLock<Vec<u8>> = std::sync::LazyLock::new(|| {
    let mut bytes = Vec::new();
    let mut packer = Packer::new(Cursor::new(&mut bytes)).unwrap();
    for line in lines(20).1 {
        packer.line(&line).unwrap();
    }
    packer.finish().unwrap();
    bytes
});

proptest! {
    #[test]
    fn a_damaged_file_is_an_error_and_nothing_worse(at in 0_usize..4000, byte: u8, cut in 0_usize..4000) {
        let mut bytes = SOUND.clone();
        let length = bytes.len();
        bytes[at % length] ^= byte;
        bytes.truncate(length - cut % length / 2);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("damaged");
        std::fs::write(&path, &bytes).unwrap();
        if let Ok(open) = Packed::open(&path) {
            for frame in open.frames() {
                let _unpacked = open.unpack(frame);
            }
            let _found = open.frames_with(reference_in(0));
        }
    }
}
