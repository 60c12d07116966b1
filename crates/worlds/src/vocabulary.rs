//! The words that generated worlds are made of: types, attributes with the kinds of value they usually have, and values
//! that are likely to meet again or to be at some edge. One vocabulary for all worlds, so that worlds can be merged, and a
//! schema that describes them can be written down once.

use std::sync::LazyLock;

/// What kind of value an expression or an attribute has, where it has the kind it should have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(
    missing_docs,
    reason = "each is the Cedar type of its name; the plurals are sets, the last three records"
)]
pub enum Kind {
    Bool,
    Long,
    Text,
    Entity,
    Ip,
    Decimal,
    Datetime,
    Duration,
    Texts,
    Longs,
    Entities,
    Ips,
    Profile,
    Inner,
    Geo,
}

/// Every kind.
pub const KINDS: &[Kind] = &[
    Kind::Bool,
    Kind::Long,
    Kind::Text,
    Kind::Entity,
    Kind::Ip,
    Kind::Decimal,
    Kind::Datetime,
    Kind::Duration,
    Kind::Texts,
    Kind::Longs,
    Kind::Entities,
    Kind::Ips,
    Kind::Profile,
    Kind::Inner,
    Kind::Geo,
];

impl Kind {
    /// What is in a set of this kind.
    #[must_use]
    pub fn element(self) -> Option<Self> {
        match self {
            Self::Texts => Some(Self::Text),
            Self::Longs => Some(Self::Long),
            Self::Entities => Some(Self::Entity),
            Self::Ips => Some(Self::Ip),
            _ => None,
        }
    }

    /// What is in a record of this kind.
    #[must_use]
    pub fn fields(self) -> &'static [(&'static str, Self)] {
        match self {
            Self::Profile => PROFILE,
            Self::Inner => INNER,
            Self::Geo => GEO,
            _ => &[],
        }
    }
}

/// Attributes of entities and of the context, and what they usually are.
pub const ATTRIBUTES: &[(&str, Kind)] = &[
    ("level", Kind::Long),
    ("tier", Kind::Text),
    ("active", Kind::Bool),
    ("owner", Kind::Entity),
    ("address", Kind::Ip),
    ("labels", Kind::Texts),
    ("geo", Kind::Geo),
    ("profile", Kind::Profile),
    ("groups", Kind::Entities),
    ("price", Kind::Decimal),
    ("since", Kind::Datetime),
    ("lifetime", Kind::Duration),
    ("score", Kind::Long),
    ("name", Kind::Text),
    ("größe", Kind::Text),
    ("", Kind::Text),
    ("if", Kind::Bool),
    ("friend", Kind::Entity),
    ("numbers", Kind::Longs),
    ("networks", Kind::Ips),
];

const PROFILE: &[(&str, Kind)] = &[
    ("level", Kind::Long),
    ("tier", Kind::Text),
    ("owner", Kind::Entity),
    ("inner", Kind::Inner),
    ("labels", Kind::Texts),
];

const INNER: &[(&str, Kind)] =
    &[("address", Kind::Ip), ("active", Kind::Bool), ("größe", Kind::Text), ("price", Kind::Decimal)];

const GEO: &[(&str, Kind)] = &[("country", Kind::Text), ("area", Kind::Long)];

/// Every way to a value from an entity or the context, with the kind of what is there.
pub static PATHS: LazyLock<Vec<(Vec<&'static str>, Kind)>> = LazyLock::new(|| {
    let mut paths = Vec::new();
    let mut open: Vec<(Vec<&'static str>, Kind)> =
        ATTRIBUTES.iter().rev().map(|(name, kind)| (vec![*name], *kind)).collect();
    while let Some((path, kind)) = open.pop() {
        open.extend(
            kind.fields().iter().rev().map(|(name, kind)| ([path.as_slice(), &[*name]].concat(), *kind)),
        );
        paths.push((path, kind));
    }
    paths
});

/// Types of entities; actions have their own.
pub const TYPES: &[&str] = &["User", "Group", "Role", "Doc", "Folder", "App::Route", "Device"];

/// Types that no entity of any world has.
pub const STRANGE_TYPES: &[&str] = &["Ghost", "App::User", "User::Group"];

/// Actions and their groups: each with what it is in.
pub const ACTIONS: &[(&str, &str, &[&str])] = &[
    ("Action", "any", &[]),
    ("Action", "read", &["any"]),
    ("Action", "write", &["any"]),
    ("Action", "view", &["read"]),
    ("Action", "list", &["read"]),
    ("Action", "edit", &["write"]),
    ("Action", "delete", &["write", "admin"]),
    ("Action", "admin", &[]),
    ("App::Action", "open", &[]),
];

/// Identifiers; further ones are numbered.
pub const IDS: &[&str] = &[
    "alice",
    "bob",
    "carol",
    "staff",
    "",
    "ä",
    "日本語",
    "a\"b",
    "a\\b",
    "line\nbreak",
    "\u{0}",
    "*",
    "x y",
    "😀",
    "e\u{301}",
    "é",
    "User::\"alice\"",
];

/// Strings: plain ones, some that are other things written out, and some that are hard to compare or to print.
pub const TEXTS: &[&str] = &[
    "gold",
    "US",
    "free",
    "CA",
    "",
    "FR",
    "ä",
    "日本",
    "a*b",
    "a\\b",
    "\"",
    "\n",
    "😀",
    "e\u{301}",
    "é",
    "GOLD",
    "gold ",
    "10.0.0.1",
    "1.5",
    "2024-10-15",
    "1d",
    "alice",
    "goldgold",
    "\u{0}",
];

/// Numbers, with both ends.
pub const LONGS: &[i64] = &[
    1,
    0,
    2,
    3,
    5,
    10,
    -1,
    100,
    -5,
    i64::MAX,
    i64::MIN,
    i64::MAX - 1,
    i64::MIN + 1,
    1 << 62,
    3_037_000_500,
    1 << 32,
];

/// Single addresses.
pub const ADDRESSES: &[&str] = &[
    "10.0.0.1",
    "10.0.0.2",
    "10.1.2.3",
    "192.168.1.7",
    "127.0.0.1",
    "224.0.0.5",
    "::1",
    "fe80::1",
    "2001:db8::5",
    "ff02::1",
    "0.0.0.0",
    "255.255.255.255",
];

/// Ranges of addresses.
pub const RANGES: &[&str] = &[
    "10.0.0.0/8",
    "10.0.0.0/24",
    "0.0.0.0/0",
    "::/0",
    "2001:db8::/32",
    "10.0.0.1/32",
    "127.0.0.0/16",
    "224.0.0.0/3",
    "10.1.2.3/8",
    "::1/128",
    "ff00::/8",
    "192.168.0.0/16",
];

/// Decimals.
pub const DECIMALS: &[&str] = &[
    "1.0",
    "0.0",
    "1.5",
    "-1.5",
    "12.34",
    "922337203685477.5807",
    "-922337203685477.5808",
    "0.0001",
    "1.50",
    "-0.0",
];

/// Dates as they are written, and as milliseconds.
pub const DATETIMES: &[(&str, i64)] = &[
    ("2024-10-15", 1_728_950_400_000),
    ("1970-01-01", 0),
    ("2024-10-15T11:35:00Z", 1_728_992_100_000),
    ("2024-10-15T11:35:00.123Z", 1_728_992_100_123),
    ("2024-10-15T17:05:00+0530", 1_728_992_100_000),
    ("1969-12-31T23:59:59.999Z", -1),
    ("0000-01-01", -62_167_219_200_000),
    ("9999-12-31T23:59:59.999Z", 253_402_300_799_999),
];

/// Durations as they are written, and as milliseconds.
pub const DURATIONS: &[(&str, i64)] = &[
    ("1d", 86_400_000),
    ("0ms", 0),
    ("1ms", 1),
    ("1h30m", 5_400_000),
    ("-1d", -86_400_000),
    ("23h59m59s999ms", 86_399_999),
    ("9223372036854775807ms", i64::MAX),
    ("-9223372036854775808ms", i64::MIN),
];

/// What none of the extension functions, or all but one, will read.
pub const UNREADABLE: &[&str] = &[
    "nonsense",
    "",
    "10.0.0.1/33",
    "10.0.0.01",
    "::ffff:1.2.3.4",
    "1.2.3",
    "1",
    "1.",
    ".5",
    "1.23456",
    "922337203685477.5808",
    "2024-13-01",
    "2024-10-15T25:00:00Z",
    "2024-1-1",
    "1x",
    "1m1h",
    "9223372036854775808ms",
    "10.0.0.0/08",
    "١.٥",
];

/// The vocabulary as a schema. Some attributes are required, so that something is known for certain by those who rely on
/// it; what worlds and requests hold need not agree with it.
#[must_use]
pub fn schema() -> String {
    let entity =
        |name: &str, above: &str| format!("entity {name}{above} = {{ {SCHEMA_ATTRIBUTES} }} tags String;\n");
    let action = |name: &str, principals: &str, resources: &str| {
        format!(
            "action {name} appliesTo {{ principal: [{principals}], resource: [{resources}], context: {{ {SCHEMA_ATTRIBUTES} }} }};\n"
        )
    };
    let everything = "Doc, Folder, App::Route";
    [
        SCHEMA_TYPES.to_owned(),
        entity("User", " in [Group, Role]"),
        entity("Group", " in [Group, Role]"),
        entity("Role", " in [Role]"),
        entity("Device", ""),
        entity("Folder", " in [Folder]"),
        entity("Doc", " in [Folder]"),
        "action any, admin;\naction read, write in [any];\n".to_owned(),
        action("view, list in [read]", "User", everything),
        action("edit in [write]", "User", everything),
        action("delete in [write, admin]", "User", everything),
        "namespace App {\n".to_owned(),
        entity("Route", " in [Folder]"),
        action("open", "User, Device", "Route"),
        "}\n".to_owned(),
    ]
    .concat()
}

const SCHEMA_TYPES: &str = r#"
type Inner = { address?: ipaddr, active?: Bool, "größe"?: String, price?: decimal };
type Profile = { level?: Long, tier?: String, owner?: User, inner?: Inner, labels?: Set<String> };
type Geo = { country?: String, area?: Long };
"#;

const SCHEMA_ATTRIBUTES: &str = r#"
  level: Long, tier: String, active: Bool, owner?: User, address: ipaddr, labels: Set<String>, geo: Geo,
  profile?: Profile, groups?: Set<Group>, price?: decimal, since?: datetime, lifetime?: duration, score?: Long,
  name?: String, "größe"?: String, ""?: String, "if"?: Bool, friend?: User, numbers?: Set<Long>, networks?: Set<ipaddr>
"#;
