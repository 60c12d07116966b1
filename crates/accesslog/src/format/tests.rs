use proptest::prelude::*;

use super::*;

fn read(format: &Format, line: &str) -> Entry<'static> {
    match format.read(line) {
        Some(Line::Request(entry)) => owned(&entry),
        other => panic!("{line}: {other:?}"),
    }
}

fn owned(entry: &Entry<'_>) -> Entry<'static> {
    let owned = |field: &Cow<'_, str>| Cow::Owned(field.to_string());
    Entry {
        time: entry.time,
        address: owned(&entry.address),
        user: owned(&entry.user),
        method: owned(&entry.method),
        target: owned(&entry.target),
        protocol: owned(&entry.protocol),
        status: entry.status,
        size: entry.size,
        referrer: owned(&entry.referrer),
        agent: owned(&entry.agent),
        upstream: owned(&entry.upstream),
        host: owned(&entry.host),
        duration: entry.duration,
        note: owned(&entry.note),
    }
}

/// Finds the format by itself, reads the line in it, and checks what every format says of this request.
fn found(line: &str) -> (Format, Entry<'static>) {
    let format = Format::of(line.as_bytes());
    let entry = read(&format, line.lines().last().unwrap());
    assert_eq!(entry.time.map(|time| time.seconds), Some(1_772_548_200), "{line}");
    assert_eq!(entry.status, 403, "{line}");
    assert_eq!(entry.address, "203.0.113.9", "{line}");
    (format, entry)
}

const COMBINED: &str = r#"203.0.113.9 - alice [03/Mar/2026:14:30:00 +0000] "GET /a/b?q=1 HTTP/1.1" 403 153 "https://shop.example/x" "Mozilla/5.0 (X11) Firefox/132.0""#;

#[test]
fn combined() {
    let (format, entry) = found(COMBINED);
    assert_eq!(format, Format::Text);
    assert_eq!((&*entry.user, &*entry.method, entry.path(), entry.query()), ("alice", "GET", "/a/b", "q=1"));
    assert_eq!((entry.size, &*entry.referrer), (Some(153), "https://shop.example/x"));
    assert_eq!(entry.agent, "Mozilla/5.0 (X11) Firefox/132.0");
    let glance = format.glance(COMBINED.as_bytes(), &mut Reader::default());
    assert_eq!(glance, Some(entry.glance()));
}

#[test]
fn common() {
    let line = r#"203.0.113.9 - - [03/Mar/2026:15:30:00 +0100] "POST / HTTP/1.0" 403 -"#;
    let (format, entry) = found(line);
    assert_eq!((&*entry.user, &*entry.agent, entry.size), ("", "", None));
    assert_eq!(format.glance(line.as_bytes(), &mut Reader::default()), Some(entry.glance()));
    assert_eq!(entry.time.unwrap().offset, 60);
}

#[test]
fn a_virtual_host_before_it() {
    let (_, entry) = found(&format!("shop.example.test:443 {COMBINED}"));
    assert_eq!((&*entry.host, &*entry.user), ("shop.example.test", "alice"));
}

#[test]
fn a_log_daemon_before_it() {
    let (_, entry) = found(&format!("Mar  3 14:30:00 web1 nginx: {COMBINED}"));
    assert_eq!(entry.user, "alice");
}

#[test]
fn more_fields_behind_it() {
    let (_, entry) = found(&format!(r#"{COMBINED} rt=0.250 uct="0.000" upstream="10.0.3.12:8080""#));
    assert_eq!((&*entry.upstream, entry.duration), ("10.0.3.12:8080", Some(250_000)));
    let (_, entry) = found(&format!(r#"{COMBINED} 7 "shop@docker" "http://10.0.3.12:8080" 12ms"#));
    assert_eq!((&*entry.upstream, entry.duration), ("10.0.3.12:8080", Some(12_000)));
}

#[test]
fn escaped_quotes_stay_inside_their_field() {
    let line = COMBINED.replace("Firefox/132.0", r#"\"odd\" 9"#);
    let (format, entry) = found(&line);
    assert!(entry.agent.ends_with(r#"\"odd\" 9"#));
    assert!(format.glance(line.as_bytes(), &mut Reader::default()).is_some());
}

#[test]
fn garbage_for_a_request_is_still_a_line() {
    let line = r#"203.0.113.9 - - [03/Mar/2026:14:30:00 +0000] "\x16\x03\x01" 400 150 "-" "-""#;
    let entry = read(&Format::Text, line);
    assert_eq!((&*entry.method, &*entry.target, entry.status), ("", r"\x16\x03\x01", 400));
}

#[test]
fn json_of_nginx_traefik_and_caddy() {
    let nginx = r#"{"time":"2026-03-03T14:30:00+00:00","remote_addr":"203.0.113.9","request_method":"GET","request_uri":"/a?b=\u0027","status":403,"http_user_agent":"x","upstream_addr":"10.0.0.1:80","host":"h.test"}"#;
    let (format, entry) = found(nginx);
    assert_eq!(format, Format::Json);
    assert_eq!((&*entry.target, &*entry.upstream, &*entry.host), ("/a?b='", "10.0.0.1:80", "h.test"));
    let quoted = r#"{"time_local":"03/Mar/2026:14:30:00 +0000","remote_addr":"203.0.113.9","request":"GET /a HTTP/2.0","status":"403","request_time":"0.5"}"#;
    let (_, entry) = found(quoted);
    assert_eq!((&*entry.method, &*entry.target, entry.duration), ("GET", "/a", Some(500_000)));
    let caddy = r#"{"level":"info","ts":1772548200.55,"msg":"handled request","request":{"remote_ip":"10.9.9.9","client_ip":"203.0.113.9","proto":"HTTP/2.0","method":"GET","host":"h.test","uri":"/a","headers":{"User-Agent":["x/1"],"Referer":["https://r.test/"]}},"user_id":"alice","duration":0.001,"size":61,"status":403,"resp_headers":{"Server":["Caddy"]}}"#;
    let (_, entry) = found(caddy);
    assert_eq!((&*entry.agent, &*entry.referrer, &*entry.user), ("x/1", "https://r.test/", "alice"));
    let traefik = r#"{"ClientAddr":"203.0.113.9:51000","ClientHost":"203.0.113.9","RequestMethod":"GET","RequestPath":"/a","DownstreamStatus":403,"Duration":1500000,"ServiceAddr":"10.0.0.1:80","StartUTC":"2026-03-03T14:30:00.1Z","request_User-Agent":"x/1"}"#;
    let (_, entry) = found(traefik);
    assert_eq!((&*entry.upstream, &*entry.agent, entry.duration), ("10.0.0.1:80", "x/1", Some(1_500)));
}

#[test]
fn json_that_edges_export() {
    let cloudflare = r#"{"ClientIP":"203.0.113.9","ClientRequestHost":"h.test","ClientRequestMethod":"GET","ClientRequestURI":"/a?b=1","ClientRequestReferer":"https://r.test/","ClientRequestUserAgent":"x/1","EdgeStartTimestamp":1772548200000000000,"EdgeResponseStatus":403,"EdgeResponseBytes":61,"OriginIP":"10.0.0.1"}"#;
    let (format, entry) = found(cloudflare);
    assert_eq!(format, Format::Json);
    assert_eq!((&*entry.method, &*entry.target, entry.status, entry.size), ("GET", "/a?b=1", 403, Some(61)));
    assert_eq!((&*entry.agent, &*entry.referrer, &*entry.upstream), ("x/1", "https://r.test/", "10.0.0.1"));
    let akamai = r#"{"cliIP":"203.0.113.9","reqHost":"h.test","reqMethod":"GET","reqPath":"/a","reqTimeSec":"1772548200.5","statusCode":"403","UA":"x/1","bytes":"61"}"#;
    let (_, entry) = found(akamai);
    assert_eq!((&*entry.address, &*entry.target, entry.status), ("203.0.113.9", "/a", 403));
}

#[test]
fn haproxy() {
    let line = r#"Mar  3 14:30:00 lb haproxy[14389]: 203.0.113.9:33317 [03/Mar/2026:14:30:00.655] http-in static/srv1 10/0/30/69/109 403 2750 - - PR-- 1/1/1/1/0 0/0 {1wt.eu} {} "GET /index.html HTTP/1.1""#;
    let (format, entry) = found(line);
    assert_eq!(format.name(), "HAProxy");
    assert_eq!((&*entry.upstream, &*entry.note, &*entry.target), ("static/srv1", "PR--", "/index.html"));
    let (_, entry) = found(&line.replace("static/srv1", "http-in/<NOSRV>"));
    assert_eq!(entry.upstream, "", "no server was asked");
}

#[test]
fn load_balancer() {
    let line = r#"https 2026-03-03T14:30:00.186641Z app/my-lb/50dc6c495c0c9188 203.0.113.9:2817 10.0.0.1:80 0.086 0.048 0.037 403 403 0 57 "GET https://www.example.com:443/a?b HTTP/1.1" "curl/8.5.0" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 arn:aws:x "Root=1-58337281" "www.example.com" "arn:aws:y" 1 2026-03-03T14:29:59.364000Z "waf,forward" "-" "-" "10.0.0.1:80" "403" "-" "-""#;
    let (format, entry) = found(line);
    assert_eq!(format.name(), "load balancer");
    assert_eq!((&*entry.target, &*entry.upstream, &*entry.note), ("/a?b", "10.0.0.1:80", "waf,forward"));
}

#[test]
fn envoy() {
    let line = r#"[2026-03-03T14:30:00.123Z] "GET /a HTTP/1.1" 403 UAEX 0 19 1 - "203.0.113.9" "curl/8.5.0" "cc21d9b0" "h.test" "10.0.0.1:80""#;
    let (format, entry) = found(line);
    assert_eq!(format.name(), "Envoy");
    assert_eq!((&*entry.agent, &*entry.note, &*entry.host), ("curl/8.5.0", "UAEX", "h.test"));
}

#[test]
fn iis_and_cloudfront() {
    let iis = "#Software: Microsoft Internet Information Services 10.0\n#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) sc-status sc-substatus sc-win32-status time-taken\n2026-03-03 14:30:00 10.0.0.5 GET /app/ a=1 443 - 203.0.113.9 Mozilla/5.0+(Windows) - 403 14 0 15";
    let (format, entry) = found(iis);
    assert_eq!(format.name(), "W3C extended");
    assert_eq!((&*entry.target, &*entry.agent, &*entry.note), ("/app/?a=1", "Mozilla/5.0 (Windows)", "14"));
    let cloudfront = "#Version: 1.0\n#Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent) cs-uri-query\n2026-03-03\t14:30:00\tFRA2\t1045\t203.0.113.9\tGET\td1.cloudfront.net\t/a.jpg\t403\t-\tMozilla/5.0%20(X11)\t-";
    let (_, entry) = found(cloudfront);
    assert_eq!((&*entry.target, &*entry.agent), ("/a.jpg", "Mozilla/5.0 (X11)"));
}

#[test]
fn formats_that_are_given() {
    let nginx =
        Format::named(r#"$remote_addr|$time_iso8601|"$request"|$status|"$http_user_agent"|$upstream_addr"#)
            .unwrap();
    let entry =
        read(&nginx, r#"203.0.113.9|2026-03-03T14:30:00+00:00|"GET /a HTTP/1.1"|403|"x/1"|10.0.0.1:80"#);
    assert_eq!((&*entry.target, entry.status, &*entry.upstream), ("/a", 403, "10.0.0.1:80"));
    let apache = Format::named(r#"%v %h %l %u %t \"%r\" %>s %b \"%{User-Agent}i\" %D"#).unwrap();
    let entry = read(
        &apache,
        r#"h.test 203.0.113.9 - bob [03/Mar/2026:14:30:00 +0000] "GET /a HTTP/1.1" 403 12 "x/1" 900"#,
    );
    assert_eq!(
        (&*entry.host, &*entry.user, &*entry.agent, entry.duration),
        ("h.test", "bob", "x/1", Some(900))
    );
    for bad in ["nonsense", "$remote_addr $request", "%h %%%", "$status$request"] {
        assert!(Format::named(bad).is_err(), "{bad}");
    }
}

#[test]
fn error_logs_say_why() {
    let reason = |line: &str| match Format::of(line.as_bytes()).read(line) {
        Some(Line::Error(error)) => (error.reason, error.client.into_owned()),
        other => panic!("{other:?}"),
    };
    let nginx = r#"2026/03/03 14:30:00 [error] 12#12: *7 access forbidden by rule, client: 203.0.113.9, server: _, request: "GET / HTTP/1.1", host: "h""#;
    assert_eq!(reason(nginx), (Some("nginx.deny-rule"), "203.0.113.9".to_owned()));
    let apache = "[Tue Mar 03 14:30:00.123456 2026] [autoindex:error] [pid 7] [client 203.0.113.9:5000] AH01276: Cannot serve directory /srv/: No matching DirectoryIndex";
    assert_eq!(reason(apache), (Some("apache.options-indexes"), "203.0.113.9".to_owned()));
    let other = "2026/03/03 14:30:00 [notice] 12#12: signal process started";
    assert_eq!(reason(other).0, None);
}

#[test]
fn a_line_in_another_format_is_read_all_the_same() {
    let json = r#"{"time":"2026-03-03T14:30:00Z","remote_addr":"203.0.113.9","request":"GET / HTTP/1.1","status":200}"#;
    assert!(matches!(Format::Text.read_anyhow(json), Some((Line::Request(_), true))));
    assert!(Format::Text.read_anyhow("what is this").is_none());
}

/// Found by the test below it.
#[test]
fn a_quote_before_the_time_is_for_the_closer_look() {
    for line in [format!("\"{COMBINED}"), COMBINED.replace("alice", "\"\"")] {
        let glance = Format::Text.glance(line.as_bytes(), &mut Reader::default());
        assert_eq!(glance, None, "{line}");
    }
}

proptest! {
    #[test]
    fn no_line_makes_reading_fail(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let text = String::from_utf8_lossy(&bytes);
        for format in Format::all() {
            let _read = format.read(&text);
        }
        let _glance = Format::Text.glance(&bytes, &mut Reader::default());
        let _format = Format::of(&bytes);
    }

    #[test]
    fn no_damage_to_a_line_makes_reading_fail(at in 0usize..200, put in "\\PC{0,8}", cut in 0usize..40) {
        let mut line: Vec<char> = COMBINED.chars().collect();
        let at = at.min(line.len());
        let end = (at + cut).min(line.len());
        line.splice(at..end, put.chars());
        let line: String = line.into_iter().collect();
        let mut reader = Reader::default();
        // What a glance takes for a line, the closer look takes for the same.
        if let Some(glance) = Format::Text.glance(line.as_bytes(), &mut reader) {
            match Format::Text.read(&line) {
                Some(Line::Request(entry)) => prop_assert_eq!(entry.glance(), glance, "{}", line),
                other => prop_assert!(false, "{line}: {other:?}"),
            }
        }
    }

    #[test]
    fn no_format_string_makes_compiling_fail(format in "\\PC{0,120}", line in "\\PC{0,200}") {
        if let Ok(format) = Format::named(&format) {
            let _read = format.read(&line);
        }
        if let Ok(pattern) = Pattern::compile(&format) {
            let _entry = pattern.entry(&line);
        }
    }
}
