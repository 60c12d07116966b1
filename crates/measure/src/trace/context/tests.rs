use std::collections::BTreeSet;

use http::{HeaderMap, HeaderValue};
use proptest::prelude::*;

use super::{Callers, Sampling, SpanId, TraceContext, TraceId};

const REFERENCE: u128 = 0x0199_aa00_1122_7333_8444_5566_7788_99aa;
const NEVER: Sampling = Sampling { per_thousand: 0, callers: Callers::Continued };
const ALWAYS: Sampling = Sampling { per_thousand: 1000, callers: Callers::Continued };
const TRACE: u128 = 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736;
const VALID: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn headers(fields: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        headers.append(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    headers
}

fn of(fields: &[(&'static str, &str)]) -> TraceContext {
    TraceContext::of(&headers(fields), NEVER, REFERENCE)
}

#[test]
fn a_callers_trace_goes_on_under_a_span_of_ours() {
    let context = of(&[("traceparent", VALID)]);
    assert_eq!(context.trace(), TraceId::new(TRACE).unwrap());
    assert_eq!(context.parent(), SpanId::new(0x00f0_67aa_0ba9_02b7));
    assert!(context.sampled());
    let onward = context.onward(0);
    assert_eq!(onward.parent, format!("00-4bf92f3577b34da6a3ce929d0e0e4736-{}-01", onward.span));
    let spans: BTreeSet<_> = (0..3).map(|nth| context.onward(nth).span.bits()).collect();
    assert_eq!(spans.len(), 3);
    assert!(!spans.contains(&context.span().bits()));
}

#[test]
fn a_caller_that_does_not_sample_is_not_sampled_and_its_flags_beyond_that_are_not_passed_on() {
    let context =
        TraceContext::of(&headers(&[("traceparent", &VALID.replace("-01", "-fe"))]), ALWAYS, REFERENCE);
    assert!(!context.sampled());
    assert!(context.onward(0).parent.to_str().unwrap().ends_with("-00"));
}

/// Trace Context §3.2.2 and §4.3, line by line.
#[test]
fn what_is_malformed_begins_a_trace_of_our_own() {
    let later = VALID.replacen("00", "cc", 1);
    for taken in
        [VALID.to_owned(), later.clone(), format!("{later}-what-the-future-brings"), format!("{later}-")]
    {
        assert_eq!(of(&[("traceparent", &taken)]).trace().bits(), TRACE, "{taken}");
    }
    for ignored in [
        String::new(),
        "00".to_owned(),
        VALID.replacen("00", "ff", 1),
        VALID.to_uppercase(),
        format!("{VALID}-more"),
        format!("{VALID}-"),
        format!("{VALID}."),
        format!("{later}x"),
        format!(" {VALID}"),
        VALID.replace("4bf92f3577b34da6a3ce929d0e0e4736", "00000000000000000000000000000000"),
        VALID.replace("00f067aa0ba902b7", "0000000000000000"),
        VALID.replace("4bf9", "+bf9"),
        VALID.replace("4bf9", "4bg9"),
        VALID.replace('-', "_"),
        VALID.replace("-01", "-1"),
        VALID.replace("-01", "-0g"),
        "é".repeat(28),
    ] {
        let context = of(&[("traceparent", &ignored), ("tracestate", "a=1")]);
        assert_eq!(context.trace().bits(), REFERENCE, "{ignored}");
        assert_eq!((context.parent(), context.state()), (None, None), "{ignored}");
    }
    let twice = of(&[("traceparent", VALID), ("traceparent", VALID)]);
    assert_eq!(twice.trace().bits(), REFERENCE, "two fields are none");
}

#[test]
fn a_caller_may_be_ignored() {
    let sampling = Sampling { callers: Callers::Ignored, ..NEVER };
    let context =
        TraceContext::of(&headers(&[("traceparent", VALID), ("tracestate", "a=1")]), sampling, REFERENCE);
    assert_eq!((context.trace().bits(), context.sampled(), context.state()), (REFERENCE, false, None));
}

#[test]
fn state_is_passed_on_whole_or_not_at_all() {
    let state = |fields: &[&str]| {
        let mut all = vec![("traceparent", VALID)];
        all.extend(fields.iter().map(|field| ("tracestate", *field)));
        of(&all).state().map(str::to_owned)
    };
    assert_eq!(
        state(&["rojo=00f067aa0ba902b7 , congo=t61rcWkgMzE"]).unwrap(),
        "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"
    );
    assert_eq!(state(&["a=1", "", "0tenant@vendor=x y"]).unwrap(), "a=1,0tenant@vendor=x y");
    let many = |count: usize| (0..count).map(|at| format!("k{at}=v")).collect::<Vec<_>>().join(",");
    assert_eq!(state(&[&many(32)]).unwrap(), many(32));
    for ignored in ["a", "a=", "A=1", "a=1,a=2", "a=b=c", "1a=1", "a@1b=1", "@a=1", "a@=1", "a=é", &many(33)]
    {
        assert_eq!(state(&[ignored]), None, "{ignored}");
    }
    assert_eq!(state(&["a=1", "B=2"]), None, "one bad member spoils all");
}

#[test]
fn a_long_state_loses_long_members_first_and_then_the_last() {
    let member = |key: char, length: usize| format!("{key}={}", "x".repeat(length - 2));
    let state = |members: &[String]| {
        let all = members.join(",");
        of(&[("traceparent", VALID), ("tracestate", &all)]).state().unwrap().to_owned()
    };
    let five: Vec<_> = ('a'..='e').map(|key| member(key, 120)).collect();
    assert_eq!(state(&five), five[..4].join(","));
    let long: Vec<_> = [member('a', 250), member('b', 120), member('c', 200)].into();
    assert_eq!(state(&long), long[1]);
    let exact: Vec<_> = [member('a', 128), member('b', 128), member('c', 128), member('d', 125)].into();
    assert_eq!(state(&exact).len(), 512);
}

#[test]
fn the_origin_is_told_our_fields_and_not_the_callers() {
    let mut fields = headers(&[("traceparent", VALID), ("tracestate", "a=1"), ("tracestate", "b=2")]);
    let context = TraceContext::of(&fields, NEVER, REFERENCE);
    let onward = context.onward(0);
    onward.clone().write(&mut fields);
    assert_eq!(fields.get_all("traceparent").iter().collect::<Vec<_>>(), [&onward.parent]);
    assert_eq!(fields.get_all("tracestate").iter().collect::<Vec<_>>(), ["a=1,b=2"]);
    let mut fields = headers(&[("traceparent", "nonsense"), ("tracestate", "a=1")]);
    TraceContext::of(&fields, NEVER, REFERENCE).onward(0).write(&mut fields);
    assert!(!fields.contains_key("tracestate"));
    assert!(fields["traceparent"].to_str().unwrap().starts_with("00-0199aa0011227333844455667788"));
}

#[test]
fn as_many_are_sampled_as_was_said() {
    let share = |per_thousand: u32| {
        let sampling = Sampling { per_thousand, callers: Callers::Continued };
        let spread = (0..100_000_u128).map(|nth| nth * 42_949);
        spread.filter(|fresh| TraceContext::of(&HeaderMap::new(), sampling, *fresh).sampled()).count()
    };
    assert_eq!((share(0), share(1000)), (0, 100_000));
    assert!((990..=1010).contains(&share(10)), "{}", share(10));
}

proptest! {
    #[test]
    fn whatever_comes_what_goes_on_is_valid(
        parent in proptest::collection::vec(0x20_u8..0xff, 0..80),
        near in "[0-9a-f]{2}-[0-9a-f]{30,33}-[0-9a-f]{15,17}-[0-9a-f]{1,3}.{0,3}",
        state in proptest::collection::vec(0x20_u8..0x7f, 0..300),
        fresh in any::<u128>(),
    ) {
        for parent in [parent.as_slice(), near.as_bytes(), VALID.as_bytes()] {
            let Ok(parent) = HeaderValue::from_bytes(parent) else { continue };
            let mut fields = HeaderMap::new();
            fields.insert("traceparent", parent);
            fields.insert("tracestate", HeaderValue::from_bytes(&state).unwrap());
            let context = TraceContext::of(&fields, NEVER, fresh);
            context.onward(0).write(&mut fields);
            // Read again, what we wrote is taken as it is.
            let again = TraceContext::of(&fields, NEVER, fresh);
            prop_assert_eq!(again.trace(), context.trace());
            prop_assert_eq!(again.parent(), Some(context.onward(0).span));
            prop_assert_eq!(again.state(), context.state());
            prop_assert_eq!(again.sampled(), context.sampled());
        }
    }
}
