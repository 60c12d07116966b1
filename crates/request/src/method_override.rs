//! Parameters of the query that frameworks take for the method. Header fields to the same end are removed in `headers`.

use percent_encoding::percent_decode_str;

use crate::ambiguity::quoted;
use crate::headers::fold;

/// The first parameter of a query that some framework takes for the method, in place of the one that was decided on;
/// escaped and cut, fit for a detail, without its value.
///
/// Names are compared as their most careless reader does: percent-decoded, without case, any other character than
/// letters and digits alike (PHP reads `.method` as `_method`), leading space, an index in brackets (`_method[]`) and
/// what follows a NUL left out, parameters separated by `&` or `;`.
#[must_use]
pub fn overrides_method(query: &str) -> Option<String> {
    query.split(['&', ';']).find_map(|parameter| {
        let raw = parameter.split('=').next().unwrap_or_default();
        // Longer than any of these names three times encoded is none of them, and costs nothing here.
        if raw.len() > LONGEST_NAME {
            return None;
        }
        let decoded = percent_decode_str(raw).decode_utf8_lossy().replace('+', " ");
        let whole = decoded.trim_start();
        let end = whole.find(['[', '\0']).filter(|end| *end > 0).unwrap_or(whole.len());
        let name = fold(whole.get(..end).unwrap_or_default());
        NAMES.contains(&name.as_str()).then(|| quoted(raw))
    })
}

/// Folded. Frameworks that read the form only (Rack with Rails, ASP.NET Core) are not seen here: a body is not part of
/// what is decided.
const NAMES: [&str; 6] = [
    // `_method`: Symfony and Laravel, WordPress, Spring, Jersey, method-override of Express as its manual sets it.
    "-method",
    // `_HttpMethod` of Salesforce, `$httpMethod` of Google's interfaces.
    "-httpmethod",
    // ASP.NET MVC and method-override read this in the query as in the header.
    "x-http-method-override",
    "x-http-method",
    "x-method-override",
    // Catalyst and Plack.
    "x-tunneled-method",
];

const LONGEST_NAME: usize = 128;

#[cfg(test)]
mod tests {
    use super::overrides_method;

    #[test]
    fn names_that_frameworks_take_for_the_method() {
        for (query, found) in [
            ("_method=DELETE", "`_method`"),
            ("a=1&_method=DELETE&_method=PUT", "`_method`"),
            ("a=1;_METHOD=delete", "`_METHOD`"),
            ("_method", "`_method`"),
            ("%5Fmethod=PUT", "`%5Fmethod`"),
            ("%5f%6Dethod=PUT", "`%5f%6Dethod`"),
            ("+_method=PUT", "`+_method`"),
            (".method=PUT", "`.method`"),
            ("_method[]=PUT", "`_method[]`"),
            ("_method%5B0%5D=PUT", "`_method%5B0%5D`"),
            ("_method%00x=PUT", "`_method%00x`"),
            ("_HttpMethod=PATCH", "`_HttpMethod`"),
            ("$httpMethod=PATCH", "`$httpMethod`"),
            ("X-HTTP-Method-Override=PUT", "`X-HTTP-Method-Override`"),
            ("x_http_method_override=PUT", "`x_http_method_override`"),
            ("x-tunneled-method=PUT", "`x-tunneled-method`"),
        ] {
            assert_eq!(overrides_method(query).as_deref(), Some(found), "{query}");
        }
    }

    #[test]
    fn other_parameters_are_left_alone() {
        let long = format!("{}=1", "_".repeat(10_000));
        for query in [
            "",
            "&&",
            "a=_method",
            "method=card",
            "payment_method=card",
            "_methods=1",
            "a_method=1",
            "q=x_method%3DPUT",
            "[]=1",
            &long,
        ] {
            assert_eq!(overrides_method(query), None, "{query}");
        }
    }

    #[test]
    fn a_detail_has_neither_the_value_nor_bytes_of_a_terminal() {
        assert_eq!(overrides_method("\u{1b}_method=hunter2"), None);
        assert_eq!(overrides_method("_method[\u{1b}]=hunter2").as_deref(), Some("`_method[\\x1b]`"));
    }
}
