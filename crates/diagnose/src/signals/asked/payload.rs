//! Whether something in the reported request reads like an attack to a filter. It only reads what the caller gives: no such
//! text is ever made up or added to a probe.

use percent_encoding::percent_decode_str;
use std::sync::LazyLock;

use regex::bytes::{RegexSet, RegexSetBuilder};

use crate::asked::Asked;

/// What rule sets would take it for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Kinds {
    pub(super) sql: bool,
    pub(super) markup: bool,
    pub(super) traversal: bool,
    pub(super) command: bool,
}

/// What of a body is read.
const MOST: usize = 32 * 1024;

pub(super) fn of(asked: &Asked) -> Kinds {
    let mut parts: Vec<String> = asked.url.arguments().map(decoded).collect();
    parts.push(decoded(&asked.url.path));
    if let Some(cookie) = asked.header("cookie") {
        parts.extend(cookie.split(';').map(decoded));
    }
    if let Some(body) = &asked.body {
        let text = String::from_utf8_lossy(body.get(..body.len().min(MOST)).unwrap_or_default()).into_owned();
        parts.extend(text.split('&').map(decoded));
    }
    let usual = [
        "user-agent",
        "accept",
        "cookie",
        "authorization",
        "accept-language",
        "accept-encoding",
        "sec-ch-ua",
    ];
    for (name, value) in &asked.headers {
        if !usual.iter().any(|known| name.to_ascii_lowercase().starts_with(known)) {
            parts.push(value.clone());
        }
    }
    let text = parts.join("\n");
    let any = |patterns: &RegexSet| patterns.is_match(text.as_bytes());
    Kinds { sql: any(&SQL), markup: any(&MARKUP), traversal: any(&TRAVERSAL), command: any(&COMMAND) }
}

/// An empty set where a pattern does not compile, which a test keeps from happening.
fn compiled(patterns: &[&str]) -> RegexSet {
    let set = RegexSetBuilder::new(patterns).case_insensitive(true).unicode(false).multi_line(true).build();
    set.unwrap_or_else(|_| RegexSet::empty())
}

/// Twice, as filters do that are afraid of double encoding.
fn decoded(text: &str) -> String {
    let once = percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    percent_decode_str(&once).decode_utf8_lossy().into_owned()
}

static SQL: LazyLock<RegexSet> = LazyLock::new(|| {
    compiled(&[
        r"\bunion\b[\s(/*]+(all\s+)?select\b",
        r"\bselect\b.{1,80}\bfrom\b",
        r"\b(insert\s+into|delete\s+from|drop\s+(table|database)|update\s+\w+\s+set|alter\s+table|truncate\s+table|create\s+table)\b",
        r#"['"`]\s*(or|and|xor|\|\||&&)\s*['"`(]?[\w]+['"`)]?\s*(=|<|>|like|is|in)"#,
        r#"\b(or|and)\b\s+['"]?\d+['"]?\s*=\s*['"]?\d+"#,
        r"\b(sleep|benchmark|pg_sleep|waitfor\s+delay|load_file|extractvalue|updatexml|group_concat|information_schema|xp_cmdshell|char|concat|ascii|substring)\s*[\s(']",
        r#"['"]\s*(--|#|/\*|;)"#,
        r"(--\s*-?$|--\s*$|;\s*--)",
        r"/\*!?\d*.*\*/",
        r"\b(order|group)\s+by\s+\d+",
        r#"^\w+=[^=]*'[^']*$"#,
        r"\bhaving\b\s+\d",
        r"\blike\s+'%",
        r"@@(version|hostname|datadir)",
    ])
});
static MARKUP: LazyLock<RegexSet> = LazyLock::new(|| {
    compiled(&[
        r"<\s*/?(script|iframe|img|svg|object|embed|body|style|link|meta|form|input|video|audio|a|base|math|marquee|details|b|i|h1|p|div|table)\b",
        r"javascript\s*:",
        r"\bon(error|load|click|mouseover|focus|toggle|submit|change|key\w+|begin|start)\s*=",
        r"\b(alert|prompt|confirm)\s*\(",
        r"document\.(cookie|location|write)",
        r"vbscript\s*:",
        r"<!--|-->|<!\[cdata\[",
        r"expression\s*\(",
    ])
});
static TRAVERSAL: LazyLock<RegexSet> = LazyLock::new(|| {
    compiled(&[
        r"(\.\.[\\/]){1,}",
        r"/etc/(passwd|shadow|hosts|group|issue|fstab|motd|hostname|my\.cnf|nginx|apache2|ssh)",
        r"\b(boot\.ini|win\.ini|system32)\b",
        r"/proc/(self|\d+|version|cpuinfo)",
        r"(^|[/=])\.(git|env|svn|hg|htaccess|htpasswd|ssh|aws|bash_history|ds_store|npmrc)\b",
        r"\b(wp-config|web\.config|id_rsa|authorized_keys|config\.php|settings\.py|database\.yml)\b",
        r"\bfile://",
        r"/var/(log|www|lib)/",
    ])
});
static COMMAND: LazyLock<RegexSet> = LazyLock::new(|| {
    compiled(&[
        r"[;|&`$\n]\s*\(?\s*(cat|ls|id|whoami|wget|curl|nc|bash|sh|ping|uname|rm|chmod|python\d?|perl|nslookup|sleep|echo|dir|type|net|powershell|cmd|ps|kill|find|grep|tail|head|touch|cp|mv)\b",
        r"\$\([^)]+\)|`[^`]+`|\$\{[^}]+\}|<\(",
        r"/(bin|usr/bin|sbin)/(sh|bash|cat|ls|id|nc|wget|curl|perl|python|env)\b",
        r"\b(cmd|powershell)(\.exe)?\s*/?-?[ck]\b",
        r"<\?(php|=)?",
        r"\b(eval|system|exec|passthru|shell_exec|popen|proc_open|assert|base64_decode|phpinfo|file_get_contents|call_user_func|array_map|preg_replace|include|require|print_r|var_dump|chr|fopen|fwrite|file_put_contents|move_uploaded_file|gzinflate|create_function)\s*\(",
        r"\bphp://|\bdata://|\bexpect://|\bphar://|\bzip://",
        r"\b(java\.lang\.|java\.io\.|runtime\.getruntime|processbuilder|ognl|class\.module\.classloader|javax\.)",
        r"\$\{jndi:",
        r"\b(globals|_server|_get|_post|_request|_cookie|_session|_env|_files)\b\s*\[",
        r"\(\)\s*\{",
        r"\b(allow_url_include|auto_prepend_file|disable_functions|open_basedir|safe_mode)\b",
        r"\bO:\d+:",
        r"\b(wget|curl)\s+https?://",
        r"\{\{.*\}\}",
        r"\brO0AB",
    ])
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::asked::Url;

    fn kinds(target: &str) -> Kinds {
        of(&Asked::get(Url::parse(&format!("http://a{target}")).unwrap().0))
    }

    #[test]
    fn what_filters_would_see() {
        assert!(kinds("/?q=1%27%20union%20select%20name%20from%20users--").sql);
        assert!(kinds("/?id=1%20OR%201%3D1--%20-%27").sql);
        assert!(kinds("/?c=%3Cscript%3Ealert(1)%3C/script%3E").markup);
        assert!(kinds("/?page=../../../../etc/passwd").traversal);
        assert!(kinds("/?x=%3Bcat%20/etc/hosts").command);
        assert!(kinds("/?x=$(id)").command);
        assert_eq!(kinds("/shop/shoes?size=42&colour=blue&sort=price"), Kinds::default());
    }

    #[test]
    fn every_pattern_compiles() {
        for set in [&SQL, &MARKUP, &TRAVERSAL, &COMMAND] {
            assert!(set.len() > 5);
        }
    }
}
