use super::*;

fn from() -> Connection {
    Connection::plain(([127, 0, 0, 1], 1).into())
}

#[test]
fn a_panic_is_an_outage_and_no_denial() {
    let head = http::Request::builder().uri("/x").header("host", "shop.test").body(()).unwrap();
    let head = head.into_parts().0;
    let mut draft = Draft::open(&head, &from(), Door::Proxy, "version");
    let ended = guarded::<()>(&mut draft, (&head, &from()), |_| panic!("planted"));
    let Err(stop) = ended else { panic!("passed") };
    assert!(stop.closes());
    let Stop::Refused { refusal, .. } = stop else { panic!("answered") };
    assert_eq!((refusal.status().as_u16(), refusal.code()), (503, "cannot_decide"));
    let entry = draft.close(None, None);
    assert_eq!(entry.detail.as_deref(), Some("a stage panicked"));
    assert_eq!((&*entry.request.host, &*entry.request.path), ("shop.test", "/x"));
    assert_eq!(entry.request.client, "127.0.0.1");
}

#[test]
fn what_the_caller_wrote_is_escaped_and_cut_in_records() {
    let long = "a".repeat(5000);
    let head = http::Request::builder()
        .uri("/x")
        .header("host", b"ev\xffil".as_slice())
        .header("user-agent", long)
        .body(())
        .unwrap();
    let head = head.into_parts().0;
    let mut draft = Draft::open(&head, &from(), Door::Proxy, "version");
    draft.as_sent(&head, &from());
    let entry = draft.close(Some("invalid_host"), Some(400));
    assert_eq!(entry.request.host, "ev\\xffil");
    assert_eq!(entry.request.user_agent.map(|agent| agent.len()), Some(512));
}
