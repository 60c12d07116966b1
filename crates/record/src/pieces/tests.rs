use super::*;
use crate::line;
use crate::testing::{entry, reference_in};

fn lines_of(pieces: &[Piece]) -> (Vec<Vec<u8>>, u64) {
    let (mut buffer, mut lines, mut broken) = (Vec::new(), Vec::new(), 0);
    for piece in pieces {
        let passed = piece
            .each_line(&mut buffer, &mut |line| {
                lines.push(line.to_vec());
                ControlFlow::Continue(())
            })
            .unwrap();
        broken += passed.broken;
    }
    (lines, broken)
}

/// Pieces of any size have the lines that the whole has, each once.
#[test]
fn every_line_is_in_exactly_one_piece() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("decisions");
    for text in ["a\nbb\n\nccc\n", "\n\n", "a", "", "one line that is longer than the piece\nb\n"] {
        std::fs::write(&path, text).unwrap();
        let length = text.len() as u64;
        let whole: Vec<&[u8]> = text.as_bytes().split_inclusive(|byte| *byte == b'\n').collect();
        let finished: Vec<Vec<u8>> =
            whole.iter().filter_map(|line| line.strip_suffix(b"\n")).map(<[u8]>::to_vec).collect();
        for size in 1..=length.max(1) {
            let mut pieces = Vec::new();
            let mut from = 0;
            while from < length {
                let to = (from + size).min(length);
                pieces.push(Piece { path: path.clone(), from, to, written_to: false });
                from = to;
            }
            let (found, broken) = lines_of(&pieces);
            assert_eq!(found, finished, "{text:?} by {size}");
            assert_eq!(broken, u64::from(!text.is_empty() && !text.ends_with('\n')), "{text:?} by {size}");
        }
    }
}

#[test]
fn a_line_that_is_too_long_is_counted_and_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("decisions");
    let text = [b"a\n".to_vec(), vec![b'x'; 3 * LONGEST_READ], b"\nb\n".to_vec()].concat();
    std::fs::write(&path, &text).unwrap();
    let length = text.len() as u64;
    let half = length / 2;
    let piece = |from, to| Piece { path: path.clone(), from, to, written_to: false };
    for pieces in [vec![piece(0, length)], vec![piece(0, half), piece(half, length)]] {
        let (found, broken) = lines_of(&pieces);
        assert_eq!(found, [b"a".to_vec(), b"b".to_vec()]);
        assert_eq!(broken, 1);
    }
}

/// A packed segment is read as the plain one was, also where it was packed since it was listed.
#[test]
fn packed_segments_have_the_same_lines() {
    let folder = tempfile::tempdir().unwrap();
    let lines: Vec<Vec<u8>> = (0..20_000).map(|_| line::decision(&entry(reference_in(0))).unwrap()).collect();
    let path = folder.path().join(segment::name(Timestamp::now() - SignedDuration::from_hours(2)));
    std::fs::write(&path, lines.concat()).unwrap();
    std::fs::write(folder.path().join(segment::name(Timestamp::now())), "").unwrap();
    let listed = pieces(folder.path(), None, None).unwrap();
    assert!(listed.len() > 1, "of several pieces");
    let plain = lines_of(&listed);
    assert_eq!(plain.0.len(), lines.len());
    crate::archive::pack(&path).unwrap();
    assert!(!path.exists());
    assert!(lines_of(&listed) == plain, "packed meanwhile");
    assert!(lines_of(&pieces(folder.path(), None, None).unwrap()) == plain, "packed before");
}

#[test]
fn segments_of_another_time_are_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let now = Timestamp::now();
    let ago = |hours| now - SignedDuration::from_hours(hours);
    for hours in [50, 40, 30, 5] {
        let line = line::decision(&entry(reference_in(-3600 * hours))).unwrap();
        std::fs::write(folder.path().join(segment::name(ago(hours))), line).unwrap();
    }
    let count = |since, until| pieces(folder.path(), since, until).unwrap().len();
    assert_eq!(count(None, None), 4);
    assert_eq!(count(Some(ago(10)), None), 2, "the one that was open then, and the one after it");
    assert_eq!(count(Some(ago(35)), Some(ago(20))), 2);
    assert_eq!(count(None, Some(ago(60))), 0);
}

#[test]
fn what_is_being_written_is_not_broken() {
    let folder = tempfile::tempdir().unwrap();
    let whole = line::decision(&entry(reference_in(0))).unwrap();
    let text = [whole.as_slice(), &whole[..50]].concat();
    std::fs::write(folder.path().join(segment::name(Timestamp::now())), text).unwrap();
    let (lines, broken) = lines_of(&pieces(folder.path(), None, None).unwrap());
    assert_eq!((lines.len(), broken), (1, 0));
}
