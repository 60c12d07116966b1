//! The schema that ships with Portcullis, and its extension by the user.
