use super::testing::Site;
use super::*;

const ANY: &str = "permit(principal, action, resource);";

fn entity(asked: Result<Asked, NoTarget>) -> String {
    match asked {
        Ok(Asked::Of(target)) => format!("{} {}", target.action, target.entity),
        Ok(Asked::Stopped(stopped)) => {
            format!("{} {}", stopped.refusal.status().as_u16(), stopped.refusal.code())
        }
        Err(fault) => format!("{}; {}", fault.message, fault.help),
    }
}

#[test]
fn routes_and_urls_are_found_as_the_gate_finds_them() {
    let site = Site::new(ANY);
    let setting = site.setting();
    for (method, resource, expected) in [
        ("GET", "shop/premium", "GET shop/premium"),
        ("GET", "Route::\"shop/premium\"", "GET shop/premium"),
        ("GET", "/premium/x", "GET shop/premium"),
        ("HEAD", "https://shop.test/media/a?b=c", "HEAD media/films"),
        ("PROPFIND", "/", "OTHER shop/home"),
        ("GET", "/orders/7", "GET shop/orders"),
        ("PUT", "/orders/7", "404 not_found"),
        ("GET", "http://other.test/", "421 misdirected"),
        ("GET", "/a%2fb", "400 ambiguous_path"),
        (
            "DELETE",
            "shop/orders",
            "the route `shop/orders` does not cover `DELETE`; it covers GET, POST, HEAD",
        ),
        ("GET", "shop/premum", "there is no route `shop/premum`; did you mean `shop/premium`?"),
    ] {
        assert_eq!(entity(setting.find(method, resource)), expected, "{method} {resource}");
    }
    assert!(setting.find("GET", "ftp://shop.test/").is_err());
    assert!(setting.find("G T", "/").is_err());
}

#[test]
fn callers_are_read_by_the_names_that_people_use() {
    let site = Site::new(ANY);
    let directory = site.setting().rulebook.directory;
    for (text, shown) in [
        ("alice", "alice"),
        ("ci", "service:ci"),
        ("user:ci", "ci"),
        ("Service::\"ci\"", "service:ci"),
        ("User::\"a:b\"", "User::\"a:b\""),
        ("anonymous", "anonymous"),
        ("nobody@example.com", "nobody@example.com"),
    ] {
        let caller = Caller::parse(text, directory).unwrap();
        assert_eq!(caller.to_string(), shown, "{text}");
    }
    assert_eq!(Caller::parse("User::\"a:b\"", directory).unwrap(), Caller::User("a:b".to_owned()));
    for wrong in ["", "Group::\"staff\"", "a\nb"] {
        assert!(Caller::parse(wrong, directory).is_err(), "{wrong:?}");
    }
}

#[test]
fn values_have_the_types_of_the_schema() {
    let site = Site::new(ANY);
    let vocabulary = site.setting().vocabulary("User", "GET");
    let mut given = Given::default();
    for (path, text) in [
        ("context.geo.asn", "64500"),
        ("context.network.ip", "192.0.2.7"),
        ("context.auth.scopes", "read, write"),
        ("context.device.compliant", "true"),
        ("context.time.now", "2026-03-03T12:00:00Z"),
        ("principal.tier", "gold"),
    ] {
        given.typed(&vocabulary, &path.parse().unwrap(), text).unwrap_or_else(|fault| panic!("{fault}"));
    }
    for (path, text, wrong) in [
        ("context.geo.asn", "AS64500", "it is a whole number"),
        ("context.network.ip", "here", "it is an address: `192.0.2.7`"),
        ("context.device.compliant", "yes", "it is true or false"),
        ("context.time.now", "noon", "it is an instant in RFC 3339: `2026-03-03T12:00:00Z`"),
        ("context.geo.countri", "US", "did you mean `country`?"),
        ("principal.teir", "gold", "did you mean `tier`?"),
        ("context.geo.country.name", "US", "there is none below it"),
    ] {
        let fault = given.typed(&vocabulary, &path.parse().unwrap(), text).unwrap_err();
        assert_eq!(fault.help, wrong, "{path}");
    }
    let zones = |path: &str| given.clone().absent(&vocabulary, &path.parse().unwrap());
    assert!(zones("context.network.ip").is_err(), "an address is never absent");
    assert!(zones("context.geo").is_ok() && zones("context.geo.country").is_ok());
}

#[test]
fn what_the_question_says_of_a_principal_outweighs_the_directory() {
    let site = Site::new(
        r#"permit(principal, action, resource) when { principal has tier || principal in Group::"customers" };"#,
    );
    let setting = site.setting();
    let target = setting.route("GET", "shop/premium").unwrap().exemplified();
    let alice = Caller::User("alice".to_owned());
    let asked = |given: &Given| {
        let mut question = setting.question(&alice, &target, given);
        setting.fill(&mut question);
        setting.answer(&target, &question).is_allowed()
    };
    assert!(asked(&Given::default()));
    let mut given = Given::default();
    given.directory = false;
    assert!(!asked(&given));
}
