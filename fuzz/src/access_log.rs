//! Access logs of any form. The input is a log; its format is found.
//!
//! Holds for every input: it is read to its end, the same twice, and no line is counted twice.

use std::io::Write;

use portcullis_accesslog::read;

/// What must hold.
pub fn check(input: &[u8]) {
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(input).expect("written");
    let paths = [file.path().to_owned()];
    // What says that it is packed may be damaged, and may hold more lines than one sees.
    let packed = PACKED.iter().any(|mark| input.starts_with(mark));
    let told = || {
        let reading = read::read(&paths, None, &|_| {});
        assert!(
            packed || reading.unreadable.is_empty(),
            "a plain file can be read: {:?}",
            reading.unreadable
        );
        let tally = &reading.tally;
        ([tally.requests, tally.refused, tally.broken], format!("{:?}", reading.formats))
    };
    let once = told();
    assert_eq!(once, told(), "read in two ways");
    let [requests, refused, broken] = once.0;
    assert!(refused <= requests);
    let lines = input.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).count();
    let given = u64::try_from(lines).expect("a number");
    assert!(packed || requests + broken <= given, "{requests} requests and {broken} broken lines of {given}");
}

/// How gzip and Zstandard begin.
const PACKED: [&[u8]; 2] = [&[0x1f, 0x8b], &[0x28, 0xb5, 0x2f, 0xfd]];
