//! The permit's last check. Everything else of this file is tested through sockets.

use portcullis_decision::{EntityName, Facts, Permit, Program, Ticket, World};
use portcullis_request::Reference;

use super::{Fault, consume};

fn permit_for(reference: Reference) -> Permit {
    let program = Program::compile(&"permit(principal, action, resource);".parse().expect("Cedar"));
    let program = program.expect("a program");
    let facts = Facts {
        principal: EntityName::new("User", "alice"),
        action: EntityName::new("Action", "GET"),
        resource: EntityName::new("Route", "shop/open"),
        context: Vec::new(),
        overlay: Vec::new(),
        unavailable: Vec::new(),
        unavailable_principal: Vec::new(),
        ticket: Some(Ticket(reference.as_u128())),
    };
    let world = World::new(&program, &cedar_policy::Entities::empty());
    program.decide_facts(&world, &facts).permit().expect("allowed")
}

#[test]
fn a_permit_serves_its_own_request_alone() {
    let [ours, other] = [1, 2].map(Reference::from_u128);
    assert!(consume(permit_for(ours), ours).is_ok());
    assert!(matches!(consume(permit_for(other), ours), Err(Fault::ForeignPermit)));
}
