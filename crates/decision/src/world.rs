//! The entities that stand still between requests: users, groups, roles, apps, routes.

/// An immutable snapshot of entities, with the ancestors of each closed.
#[derive(Debug, Clone)]
pub struct World {
    pub(crate) entities: cedar_policy::Entities,
}

/// Why a set of entities is no world.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WorldError {
    /// Cedar refused the entities: a cycle, a duplicate, a value of the wrong type.
    #[error("the entities are not consistent: {0}")]
    Entities(#[from] Box<cedar_policy::entities_errors::EntitiesError>),
}
