//! The one place where HTTP's words become Cedar's and Cedar's become HTTP's.
//!
//! `entities` turns the directory and the apps into a world; `facts` turns one request, its caller and situation into
//! the facts to decide on; `refusal` turns a verdict into what is said.

pub mod entities;
pub mod facts;
pub mod refusal;
