use super::*;

fn reference(number: usize) -> Reference {
    Reference::from_u128(u128::try_from(number).unwrap())
}

fn answer(body: Vec<u8>) -> Response<Bytes> {
    Response::builder().status(451).header("link", "<x>").body(body.into()).unwrap()
}

#[test]
fn an_answer_is_given_whole_and_once() {
    let kept = Kept::default();
    let now = Instant::now();
    kept.keep(reference(1), answer(b"why".to_vec()), now);
    assert!(kept.take(reference(2), now).is_none());
    let whole = kept.take(reference(1), now).unwrap();
    assert_eq!((whole.status().as_u16(), whole.body().as_ref()), (451, b"why".as_slice()));
    assert_eq!(whole.headers()["link"], "<x>");
    assert!(kept.take(reference(1), now).is_none(), "a reference serves once");
}

#[test]
fn an_answer_waits_ten_seconds() {
    let kept = Kept::default();
    let now = Instant::now();
    kept.keep(reference(1), answer(Vec::new()), now);
    kept.keep(reference(2), answer(Vec::new()), now);
    assert!(kept.take(reference(1), now + LIFE).is_some());
    assert!(kept.take(reference(2), now + LIFE + Duration::from_millis(1)).is_none());
}

/// A flood of refusals costs memory up to the bound, and the latest are still there.
#[test]
fn many_are_bounded_by_count_and_by_size() {
    let now = Instant::now();
    for size in [0, 20_000] {
        let kept = Kept::default();
        for number in 0..3 * MOST {
            kept.keep(reference(number), answer(vec![b'x'; size]), now);
        }
        assert!(
            kept.0.len() <= MOST && kept.0.weight() <= MOST_BYTES,
            "{} {}",
            kept.0.len(),
            kept.0.weight()
        );
        assert!(kept.take(reference(3 * MOST - 1), now).is_some());
    }
}

#[test]
fn the_largest_is_kept_and_a_larger_one_is_not() {
    let kept = Kept::default();
    let now = Instant::now();
    let largest = usize::try_from(LARGEST).unwrap() - ("link".len() + "<x>".len() + FIELD);
    kept.keep(reference(1), answer(vec![b'x'; largest]), now);
    kept.keep(reference(2), answer(vec![b'x'; largest + 1]), now);
    assert!(kept.take(reference(1), now).is_some());
    assert!(kept.take(reference(2), now).is_none());
}
