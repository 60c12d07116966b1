use std::sync::Arc;

use proptest::prelude::*;

use super::{Family, LONGEST, MOST_SETS};

fn read(family: &Family<2>) -> Vec<(String, String, u64)> {
    let all = family.all().into_iter();
    all.map(|([first, second], value)| (first.to_string(), second.to_string(), value)).collect()
}

#[test]
fn sets_are_told_apart_and_sorted() {
    let family = Family::new([false, true]);
    for labels in [["proxy", "b"], ["proxy", "a"], ["forward_auth", "b"], ["proxy", "b"]] {
        family.count(labels);
    }
    let expected = [("forward_auth", "b", 1), ("proxy", "a", 1), ("proxy", "b", 2)];
    assert_eq!(read(&family), expected.map(|(a, b, n)| (a.to_owned(), b.to_owned(), n)));
}

#[test]
fn too_many_reasons_count_as_other_and_known_ones_keep_counting() {
    let family = Family::new([false, true]);
    for reason in 0..MOST_SETS + 500 {
        family.count(["proxy", &reason.to_string()]);
    }
    family.count(["forward_auth", "unheard_of"]);
    family.count(["proxy", "7"]);
    let all = read(&family);
    assert_eq!(all.len(), MOST_SETS + 2);
    let of = |door: &str, reason: &str| all.iter().find(|(a, b, _)| a == door && b == reason).unwrap().2;
    assert_eq!(of("proxy", "other"), 500);
    assert_eq!(of("forward_auth", "other"), 1);
    assert_eq!(of("proxy", "7"), 2);
}

#[test]
fn a_value_that_does_not_fit_is_left_out_and_a_forgotten_one_makes_room() {
    let family = Family::new([true, true]);
    for address in 0..MOST_SETS + 1 {
        family.set(["shop", &address.to_string()], 1);
    }
    assert_eq!(read(&family).len(), MOST_SETS);
    family.forget(["shop", "3"]);
    family.forget(["shop", "nowhere"]);
    family.set(["shop", "new"], 0);
    assert!(read(&family).contains(&("shop".to_owned(), "new".to_owned(), 0)));
    assert!(!read(&family).iter().any(|(_, address, _)| address == "3" || address == "other"));
}

#[test]
fn counts_of_many_threads_add_up() {
    let family = Arc::new(Family::new([true, true]));
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let family = Arc::clone(&family);
            std::thread::spawn(move || {
                (0..1000).for_each(|round: u32| family.count(["shop", &(round % 50).to_string()]));
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    let all = read(&family);
    assert_eq!(all.len(), 50);
    assert!(all.iter().all(|(_, _, value)| *value == 80), "{all:?}");
}

proptest! {
    #[test]
    fn any_text_is_counted_under_at_most_so_many_bytes(text in ".{0,200}") {
        let family = Family::new([true]);
        family.count([&text]);
        family.count([&text]);
        let all = family.all();
        prop_assert_eq!(all.len(), 1);
        let ([label], value) = &all[0];
        prop_assert_eq!(*value, 2);
        prop_assert!(label.len() <= LONGEST && text.starts_with(&**label));
    }
}
