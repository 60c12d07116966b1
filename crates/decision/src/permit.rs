//! The permit: proof, as a value, that this very request was allowed.

/// What binds a permit to one request: the 128 bits of its reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ticket(pub u128);

/// Proof that one request was allowed. Forwarding consumes it.
///
/// INVARIANT: made only by [`Verdict::permit`](crate::Verdict::permit) and its `dangerous_` sibling; neither `Clone`
/// nor constructible elsewhere, so code that forgets to ask cannot compile.
///
/// ```compile_fail,E0451
/// use portcullis_decision::{Permit, Ticket};
/// let forged = Permit { ticket: Ticket(1) };
/// ```
///
/// ```compile_fail,E0624
/// use portcullis_decision::{Permit, Ticket};
/// let forged = Permit::mint(Ticket(1));
/// ```
///
/// ```compile_fail,E0599
/// fn twice(permit: portcullis_decision::Permit) -> (portcullis_decision::Permit, portcullis_decision::Permit) {
///     (permit.clone(), permit)
/// }
/// ```
#[derive(Debug)]
#[must_use = "a permit that is not consumed lets nothing through"]
pub struct Permit {
    ticket: Ticket,
}

impl Permit {
    pub(crate) fn mint(ticket: Ticket) -> Self {
        Self { ticket }
    }

    /// Whether this permit was given for the request that carries `ticket`.
    #[must_use]
    pub fn is_for(&self, ticket: Ticket) -> bool {
        self.ticket == ticket
    }
}
