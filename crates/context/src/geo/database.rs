//! One MMDB file, read whole into memory and verified before it is asked.
//!
//! It is not mapped: a file that is truncated or overwritten while mapped faults the process, and a request must see
//! one state from start to end. It decides nothing about the order or age of databases.

use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::net::IpAddr;
use std::path::Path as FilePath;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use maxminddb::{LookupResult, Reader};
use serde::Deserialize;

use super::layout::{Describes, Layout, Path};
use super::told::{Answers, Number, Told, country, region};

/// A verified database. Cheap to clone: clones share the memory.
#[derive(Clone)]
pub struct GeoDatabase(Arc<Loaded>);

struct Loaded {
    name: String,
    reader: Reader<Vec<u8>>,
    layout: Layout,
    size: usize,
}

/// Why a file cannot serve as a geo database.
#[derive(Debug, thiserror::Error)]
pub enum GeoError {
    /// It cannot be read.
    #[error(
        "cannot read geo database `{file}`: {source}\nhint: check the path and that the file may be read"
    )]
    Unreadable {
        /// Its path.
        file: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// It is larger than is accepted.
    #[error("geo database `{file}` is larger than {} MiB\nhint: use the publisher's smaller edition", MAX_BYTES >> 20)]
    TooLarge {
        /// Its path.
        file: String,
    },
    /// It is not a whole MMDB file.
    #[error("geo database `{file}` is damaged or incomplete: {reason}\nhint: {hint}")]
    Damaged {
        /// Its path.
        file: String,
        /// What is wrong with it.
        reason: String,
        /// What to do.
        hint: String,
    },
    /// It is whole, and none of its records says anything we know how to read.
    #[error(
        "geo database `{file}` (type `{database_type}`) describes neither country, region nor network operator\n\
         hint: {KNOWN_LAYOUTS}"
    )]
    Undescriptive {
        /// Its path.
        file: String,
        /// What it says it is.
        database_type: String,
    },
}

/// The largest published databases have about 1 GiB.
const MAX_BYTES: u64 = 2 << 30;
const KNOWN_LAYOUTS: &str =
    "use a Country, City or ASN database of MaxMind, DB-IP, IPLocate, IPinfo or ip-location-db";
/// A database may be built this much ahead of our clock before one of the two is thought wrong.
const AHEAD: Duration = Duration::from_secs(24 * 60 * 60);

impl GeoDatabase {
    /// Reads and verifies a file: metadata, every node of the search tree, every record.
    ///
    /// # Errors
    /// When the file cannot be read, is damaged or incomplete, or describes nothing about places.
    pub fn open(path: impl AsRef<FilePath>) -> Result<Self, GeoError> {
        let path = path.as_ref();
        let file = path.display().to_string();
        let read = File::open(path).and_then(|opened| {
            let mut bytes = Vec::new();
            opened.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
            Ok(bytes)
        });
        match read {
            Ok(bytes) => Self::from_bytes(&file, bytes),
            Err(source) => Err(GeoError::Unreadable { file, source }),
        }
    }

    /// Verifies a database that is in memory already; `name` stands for its path in errors and reasons.
    ///
    /// # Errors
    /// As [`GeoDatabase::open`].
    pub fn from_bytes(name: &str, mut bytes: Vec<u8>) -> Result<Self, GeoError> {
        let size = bytes.len();
        if u64::try_from(size).is_ok_and(|size| size > MAX_BYTES) {
            return Err(GeoError::TooLarge { file: name.to_owned() });
        }
        bytes.shrink_to_fit();
        let hint = hint(&bytes);
        describe(&mut bytes);
        let damaged = |fault: maxminddb::MaxMindDbError| GeoError::Damaged {
            file: name.to_owned(),
            reason: fault.to_string(),
            hint: hint.to_owned(),
        };
        let reader = Reader::from_source(bytes).map_err(damaged)?;
        reader.verify().map_err(damaged)?;
        let Some(layout) = Layout::probe(&reader).map_err(damaged)? else {
            let database_type = reader.metadata().database_type.clone();
            return Err(GeoError::Undescriptive { file: name.to_owned(), database_type });
        };
        Ok(Self(Arc::new(Loaded { name: name.to_owned(), reader, layout, size })))
    }

    /// The path it was opened by.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// What it says it is: `GeoLite2-City`.
    #[must_use]
    pub fn database_type(&self) -> &str {
        &self.0.reader.metadata().database_type
    }

    /// When it was built, in seconds since the Unix epoch; 0 where the publisher does not say.
    #[must_use]
    pub fn build_epoch(&self) -> u64 {
        self.0.reader.metadata().build_epoch
    }

    /// Where its records keep what they know.
    #[must_use]
    pub fn layout(&self) -> Layout {
        self.0.layout
    }

    /// What it knows about.
    #[must_use]
    pub fn describes(&self) -> Describes {
        self.0.layout.describes()
    }

    /// Bytes of memory it takes.
    #[must_use]
    pub fn size(&self) -> usize {
        self.0.size
    }

    /// Why it is too old to be believed, if it is.
    pub(super) fn stale(&self, max_age: Option<Duration>, now: SystemTime) -> Option<String> {
        const DAY: u64 = 24 * 60 * 60;
        let max_age = max_age?;
        let file = self.file_name();
        if self.build_epoch() == 0 {
            return Some(format!(
                "geo database `{file}` does not say when it was built, and its age is limited"
            ));
        }
        let now = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        let built = Duration::from_secs(self.build_epoch());
        if built > now.saturating_add(AHEAD) {
            return Some(format!(
                "geo database `{file}` was built in the future: its date or the clock is wrong"
            ));
        }
        let age = now.saturating_sub(built);
        (age > max_age).then(|| {
            let (age, most) = (age.as_secs() / DAY, max_age.as_secs() / DAY);
            format!("geo database `{file}` is {age} days old and believed for {most}")
        })
    }

    /// Adds what it knows of `wanted` to the answers.
    pub(super) fn answer(&self, address: IpAddr, wanted: Describes, answers: &mut Answers) {
        // A database of IPv4 alone knows nothing of IPv6, which is no fault of it.
        if address.is_ipv6() && self.0.reader.metadata().ip_version == 4 {
            return;
        }
        let record = match self.0.reader.lookup(address) {
            Ok(record) => record,
            Err(fault) => return answers.fail(wanted, &self.fault("record", &fault.to_string())),
        };
        // A record above the part of the tree that stands for IPv4 is about IPv6: it says nothing of an IPv4 address.
        if address.is_ipv4() && self.0.reader.metadata().ip_version == 6 && !about_ipv4(&record) {
            return;
        }
        let layout = &self.0.layout;
        if let Some(path) = layout.country.filter(|_| wanted.country) {
            answers.country = self.read(&record, path, country);
        }
        if let Some(path) = layout.region.filter(|_| wanted.region) {
            answers.region = self.read(&record, path, region);
        }
        if let Some(path) = layout.asn.filter(|_| wanted.asn) {
            answers.asn = self.read(&record, path, |Number(number)| number);
        }
    }

    fn read<'a, Raw: Deserialize<'a>, T>(
        &'a self,
        record: &LookupResult<'a, Vec<u8>>,
        path: Path,
        check: impl FnOnce(Raw) -> Told<T>,
    ) -> Told<T> {
        match record.decode_path::<Raw>(path) {
            Ok(Some(raw)) => match check(raw) {
                Told::Fault(fault) => Told::Fault(self.fault("record", &fault)),
                told => told,
            },
            Ok(None) => Told::Nothing,
            Err(fault) => Told::Fault(self.fault("record", &fault.to_string())),
        }
    }

    fn fault(&self, what: &str, fault: &str) -> String {
        format!("malformed {what} in geo database `{}`: {fault}", self.file_name())
    }

    /// Reasons go into records, where the folder is of no use.
    fn file_name(&self) -> &str {
        FilePath::new(&self.0.name).file_name().and_then(|name| name.to_str()).unwrap_or(&self.0.name)
    }
}

impl fmt::Debug for GeoDatabase {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("GeoDatabase")
            .field("name", &self.0.name)
            .field("database_type", &self.database_type())
            .field("build_epoch", &self.build_epoch())
            .field("layout", &self.0.layout.to_string())
            .finish_non_exhaustive()
    }
}

fn about_ipv4(record: &LookupResult<'_, Vec<u8>>) -> bool {
    record.network().is_ok_and(|network| network.is_ipv4())
}

/// Gives a database without a description an empty one. The format asks for a map, not for something in it, and all of
/// ip-location-db's are empty; the verifier asks for more, and is worth more than this detail.
fn describe(bytes: &mut Vec<u8>) {
    const MARKER: &[u8] = b"\xab\xcd\xefMaxMind.com";
    const NONE: &[u8] = b"\x4bdescription\xe0";
    const ONE: &[u8] = b"\x4bdescription\xe1\x42en\x40";
    /// Metadata stands at the end, within this many bytes by the format's definition.
    const METADATA: usize = 128 * 1024;
    fn find(within: &[u8], what: &[u8]) -> Option<usize> {
        within.windows(what.len()).rposition(|window| window == what)
    }
    let tail = bytes.len().saturating_sub(METADATA);
    let metadata = bytes.get(tail..).and_then(|within| find(within, MARKER)).map(|marker| tail + marker);
    let none =
        metadata.and_then(|start| Some(start + bytes.get(start..).and_then(|within| find(within, NONE))?));
    if let Some(start) = none {
        bytes.splice(start..start + NONE.len(), ONE.iter().copied());
    }
}

/// What is usually the matter with a file that begins like this.
fn hint(bytes: &[u8]) -> &'static str {
    match bytes {
        [] => "the file is empty: download it again",
        [0x1f, 0x8b, ..] => "it is compressed: unpack it (`gunzip`, `tar -xzf`) and name the `.mmdb` file",
        [b'P', b'K', 3, 4, ..] => "it is a zip archive: unpack it and name the `.mmdb` file",
        [b'<', ..] => "it is a web page: sign in or correct the address, and download again",
        [b'v', b'e', b'r', b's', b'i', b'o', b'n', b' ', ..] => {
            "it is a pointer to the file: run `git lfs pull`"
        }
        _ => "download it again, to a temporary name, and rename it into place when it is whole",
    }
}
