use super::*;
use crate::testing::Shop;

const OLD: &str = r#"
    @id("staff") permit (principal in Group::"staff", action, resource);
    @id("premium") @otherwise("tier_required")
    permit (principal is User, action, resource)
    when { principal has tier && principal.tier == "premium" };
    @id("region") forbid (principal, action, resource)
    when { context.geo has country && ["KP"].contains(context.geo.country) };
    @id("gone") forbid (principal == User::"mallory", action, resource);
"#;

const NEW: &str = r#"
    @id("region") @reason("region_restricted") forbid (principal, action, resource)
    when { context.geo has country && ["KP", "IR"].contains(context.geo.country) };
    @id("everybody-on-the-plan") @otherwise("tier_required")
    permit (principal is User, action, resource) when { principal has tier && principal.tier == "premium" };
    @id("staff") permit (principal in Group::"staff", action == Action::"GET", resource);
    @id("fresh") permit (principal is Service, action, resource);
"#;

const DIRECTORY: &str = r#"
    [[group]]
    id = "staff"
    [[user]]
    id = "alice"
    tier = "free"
    groups = ["staff"]
    [[user]]
    id = "bob"
    tier = "premium"
    [[user]]
    id = "carol"
    [[service]]
    id = "robot"
"#;

#[test]
fn policies_are_compared_by_id_and_by_what_they_say() {
    let (old, new) = (Shop::new(OLD, DIRECTORY), Shop::new(NEW, DIRECTORY));
    let [(before, first), (after, second)] =
        [&old, &new].map(|shop| (shop.rulebook().policies, shop.rulebook().program));
    let found = structure((before, first), (after, second));
    assert_eq!(found.added, ["fresh"]);
    assert_eq!(found.removed, ["gone"]);
    assert_eq!(found.renamed, [("premium".to_owned(), "everybody-on-the-plan".to_owned())]);
    let [region, staff] = found.changed.as_slice() else { panic!("{:?}", found.changed) };
    assert_eq!(
        region.lines,
        [
            Line::Removed("when { [\"KP\"].contains(context.geo.country) }".to_owned()),
            Line::Added("@reason(\"region_restricted\")".to_owned()),
            Line::Added("when { [\"KP\", \"IR\"].contains(context.geo.country) }".to_owned()),
        ]
    );
    assert_eq!(staff.lines.len(), 2, "the scope, before and after: {:?}", staff.lines);
    assert!(!found.is_same());
    let same = structure((before, first), (before, first));
    assert!(same.is_same() && same.unchanged == 4 && same.moved.is_empty());
}

#[test]
fn what_people_may_do_is_compared_with_everything_else_unknown() {
    let (old, new) = (Shop::new(OLD, DIRECTORY), Shop::new(NEW, DIRECTORY));
    let apps = crate::replay::tests::apps();
    let side = |shop| Side { rulebook: Shop::rulebook(shop), apps: &apps };
    let found = behaviour(side(&old), side(&new), 10_000);
    assert_eq!(found.compared, 5 * 2 * 9);
    let change = |action, old, new| Change { route: "shop/premium".to_owned(), action, old, new };
    // Alice is no longer let in to write: she is staff, and not on the plan.
    let alice = &found.changes[&change("POST", May::Depends, May::Denied)];
    assert_eq!((alice.principals, alice.examples.as_slice()), (1, &["User::\"alice\"".to_owned()][..]));
    // The robot is new, unless it asks from where nobody may.
    let robot = &found.changes[&change("GET", May::Denied, May::Depends)];
    assert_eq!(robot.examples, ["Service::\"robot\""]);
    // Bob's plan is in the directory, and Carol's may be in a credential: for neither does anything change.
    assert!(
        found
            .changes
            .values()
            .all(|changes| !changes.examples.iter().any(|one| one.contains("bob") || one.contains("carol")))
    );
    assert!(behaviour(side(&old), side(&old), 10_000).changes.is_empty());
    assert!(behaviour(side(&old), side(&new), 7).cut);
}
