//! Reading all files once, with as many threads as there are cores: plain files are shared out piece by piece, streams are
//! unpacked by this thread and counted by the others.
//!
//! What cannot be read is named and does not stop the rest.

use std::io::Read;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use crate::format::Format;
use crate::source::{self, PIECE, Plain, Source, Unreadable};
use crate::tally::{LONGEST_LINE, Place, Tally};

/// What was read: the counts, the formats of the files, and what could not be read.
#[derive(Debug, Default)]
pub struct Reading {
    /// The counts.
    pub tally: Tally,
    /// The format of each file, in the order they were given.
    pub formats: Vec<Format>,
    /// Files that could not be read, or not to their end.
    pub unreadable: Vec<Unreadable>,
    /// Files read.
    pub files: Vec<PathBuf>,
}

/// Reads files and streams, in a given format or that of each.
///
/// `progress` is told how many bytes were read since it was last told.
#[must_use]
pub fn read(paths: &[PathBuf], given: Option<&Format>, progress: &(dyn Fn(u64) + Sync)) -> Reading {
    let mut reading = Reading::default();
    for (path, file) in paths.iter().zip(0u32..) {
        reading.files.push(path.clone());
        let (tally, format, fault) = match source::open(path) {
            Ok(Source::Plain(plain)) => plain_file(&plain, file, given, progress),
            Ok(Source::Stream(stream)) => streamed(stream, file, given, progress),
            Err(unreadable) => {
                reading.unreadable.push(unreadable);
                reading.formats.push(Format::Text);
                continue;
            }
        };
        reading.tally.merge(tally);
        reading.formats.push(format);
        if let Some(why) = fault {
            reading.unreadable.push(Unreadable { path: path.clone(), why });
        }
    }
    reading.tally.finish();
    reading
}

type Read1 = (Tally, Format, Option<String>);

fn workers() -> usize {
    thread::available_parallelism().map_or(1, usize::from).min(16)
}

fn plain_file(plain: &Plain, file: u32, given: Option<&Format>, progress: &(dyn Fn(u64) + Sync)) -> Read1 {
    let beginning = plain.beginning().unwrap_or_default();
    let format = chosen(given, &beginning);
    let next = AtomicU64::new(0);
    let fault = Mutex::new(None);
    // A W3C log may change its fields with a new header, so its pieces are read in order.
    let threads = if matches!(format, Format::W3c(_)) { 1 } else { workers() };
    let work = || {
        let mut tally = Tally::default();
        let mut format = format.clone();
        let mut buffer = Vec::with_capacity(PIECE + LONGEST_LINE);
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= plain.pieces() {
                return tally;
            }
            match plain.piece(number, &mut buffer) {
                Ok((block, start)) => {
                    let lines = buffer.get(start..).unwrap_or_default();
                    tally.block(lines, Place { file, block }, &mut format);
                    progress(lines.len() as u64);
                }
                Err(why) => {
                    keep(&fault, format!("reading stopped: {why}"));
                    return tally;
                }
            }
        }
    };
    let tally = together(threads, &work);
    (tally, format, fault.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner()))
}

/// Runs the same work on some threads and adds up what they counted.
fn together(threads: usize, work: &(dyn Fn() -> Tally + Sync)) -> Tally {
    thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mut tally = work();
        for other in others {
            if let Ok(other) = other.join() {
                tally.merge(other);
            }
        }
        tally
    })
}

fn streamed(
    mut stream: Box<dyn Read + Send>,
    file: u32,
    given: Option<&Format>,
    progress: &(dyn Fn(u64) + Sync),
) -> Read1 {
    let mut cut = Cut::default();
    let first = cut.next(&mut *stream);
    let format = chosen(given, first.as_deref().unwrap_or_default());
    let threads = if matches!(format, Format::W3c(_)) { 1 } else { workers() };
    let (sender, receiver) = sync_channel::<(u64, Vec<u8>)>(threads * 2);
    let receiver = Mutex::new(receiver);
    let tally = thread::scope(|scope| {
        let format = &format;
        let receiver = &receiver;
        let counting: Vec<_> = (0..threads)
            .map(|_| scope.spawn(move || counted(receiver, file, format.clone(), progress)))
            .collect();
        send(first, &mut cut, &mut *stream, sender);
        let mut tally = Tally::default();
        for counted in counting {
            if let Ok(counted) = counted.join() {
                tally.merge(counted);
            }
        }
        tally
    });
    (tally, format, cut.fault)
}

fn send(first: Option<Vec<u8>>, cut: &mut Cut, stream: &mut dyn Read, sender: SyncSender<(u64, Vec<u8>)>) {
    let mut offset = 0;
    let mut block = first;
    while let Some(lines) = block {
        let length = lines.len() as u64;
        if sender.send((offset, lines)).is_err() {
            return;
        }
        offset += length;
        block = cut.next(stream);
    }
}

fn counted(
    receiver: &Mutex<Receiver<(u64, Vec<u8>)>>,
    file: u32,
    mut format: Format,
    progress: &(dyn Fn(u64) + Sync),
) -> Tally {
    let mut tally = Tally::default();
    loop {
        let received = receiver.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).recv();
        let Ok((block, lines)) = received else { return tally };
        tally.block(&lines, Place { file, block }, &mut format);
        progress(lines.len() as u64);
    }
}

/// Cuts a stream into blocks that end where a line ends.
#[derive(Default)]
struct Cut {
    rest: Vec<u8>,
    fault: Option<String>,
    ended: bool,
}

impl Cut {
    fn next(&mut self, stream: &mut dyn Read) -> Option<Vec<u8>> {
        let mut block = std::mem::take(&mut self.rest);
        while !self.ended && block.len() < PIECE + LONGEST_LINE {
            let from = block.len();
            block.resize(from + PIECE / 4, 0);
            match stream.read(block.get_mut(from..).unwrap_or_default()) {
                Ok(read) => {
                    block.truncate(from + read);
                    self.ended = read == 0;
                }
                Err(fault) if fault.kind() == std::io::ErrorKind::Interrupted => block.truncate(from),
                Err(fault) => {
                    block.truncate(from);
                    self.fault = Some(format!("it ends too early or is damaged: {fault}"));
                    self.ended = true;
                }
            }
            if block.len() >= PIECE && memchr::memrchr(b'\n', &block).is_some() {
                break;
            }
        }
        if !self.ended
            && let Some(end) = memchr::memrchr(b'\n', &block)
        {
            self.rest = block.split_off(end + 1);
        }
        (!block.is_empty()).then_some(block)
    }
}

fn chosen(given: Option<&Format>, beginning: &[u8]) -> Format {
    match given {
        // Which fields a W3C log has, only its own header says.
        Some(Format::W3c(None)) | None => Format::of(beginning),
        Some(given) => given.clone(),
    }
}

fn keep(slot: &Mutex<Option<String>>, why: String) {
    *slot.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = Some(why);
}
