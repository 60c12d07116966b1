//! The JSON Schema of a configuration file, generated from the raw types: what reads the file checks by it, and editors
//! complete by it.

use super::raw::RawConfig;

/// The schema.
pub(crate) fn schema() -> serde_json::Value {
    schemars::generate::SchemaSettings::draft2020_12()
        .into_generator()
        .into_root_schema_for::<RawConfig>()
        .to_value()
}
