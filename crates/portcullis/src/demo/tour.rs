//! The tour: one request for every answer the gate knows, with what it shows and what the answer must be.

mod take;

use super::World;

pub(super) use take::take;

/// One request of the tour and what must come back.
pub(super) struct Step {
    pub(super) title: &'static str,
    pub(super) shows: &'static str,
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    pub(super) token: Option<String>,
    /// The address the (trusted) load balancer says the caller has.
    pub(super) from: Option<&'static str>,
    pub(super) expect: Expect,
}

/// What must come back.
pub(super) struct Expect {
    pub(super) status: u16,
    /// The public reason's code in the body.
    pub(super) code: Option<&'static str>,
    /// What the challenge must hold; `Some("")`: a challenge without error.
    pub(super) challenge: Option<&'static str>,
    /// The whole body, where it is fixed.
    pub(super) body: Option<&'static str>,
}

fn status(status: u16) -> Expect {
    Expect { status, code: None, challenge: None, body: None }
}

fn refused(status: u16, code: &'static str) -> Expect {
    Expect { status, code: Some(code), challenge: None, body: None }
}

fn challenged(code: &'static str, challenge: &'static str) -> Expect {
    Expect { status: 401, code: Some(code), challenge: Some(challenge), body: None }
}

const FROM_US: Option<&str> = Some("203.0.113.7");

/// The tour of a running world.
pub(super) fn steps(world: &World) -> Vec<Step> {
    let tokens = &world.tokens;
    let step = |title, shows, path, token: Option<&String>, expect| Step {
        title,
        shows,
        method: "GET",
        path,
        token: token.cloned(),
        from: None,
        expect,
    };
    let mut steps = allowed(world);
    steps.extend([
        step(
            "No credentials",
            "401 with a challenge that names no error (RFC 6750 §3)",
            "/api/orders",
            None,
            challenged("credentials_required", ""),
        ),
        step(
            "An expired token",
            "401 again, but another challenge: the token is the trouble",
            "/api/orders",
            Some(&tokens.alice_expired),
            challenged("token_expired", "error=\"invalid_token\""),
        ),
        step(
            "The wrong country",
            "403: identity is fine, and the answer is no. Loopback is in Germany here",
            "/premium-content",
            Some(&tokens.alice),
            Expect {
                body: Some(
                    r#"{"error": "region_restricted", "message": "Content unavailable in your location"}"#,
                ),
                ..refused(403, "region_restricted")
            },
        ),
        Step {
            from: FROM_US,
            ..step(
                "The wrong plan",
                "403 for another reason: right country, free plan",
                "/premium-content",
                Some(&tokens.bob),
                refused(403, "tier_required"),
            )
        },
        step(
            "The wrong device",
            "403: the right person on a tablet that is not in good order",
            "/admin",
            Some(&tokens.carol_tablet),
            refused(403, "device_untrusted"),
        ),
        step(
            "The wrong role",
            "403: a good device, but not a manager",
            "/admin",
            Some(&tokens.bob),
            refused(403, "role_required"),
        ),
        Step {
            method: "POST",
            ..step(
                "A token without the scope",
                "403 insufficient_scope, and the challenge names the scope (RFC 6750 §3.1)",
                "/api/orders",
                Some(&tokens.alice),
                Expect { challenge: Some("scope=\"orders:write\""), ..refused(403, "insufficient_scope") },
            )
        },
        step(
            "Not sure enough",
            "401 step-up: sign in again, with a second factor (RFC 9470)",
            "/admin/payouts",
            Some(&tokens.carol),
            challenged("step_up_required", "insufficient_user_authentication"),
        ),
        step(
            "Hidden",
            "404, the same bytes as for a page that does not exist",
            "/internal",
            Some(&tokens.alice),
            status(404),
        ),
        step(
            "By order of a court",
            "451 with the authority in a Link (RFC 7725)",
            "/premium-content/forbidden-book",
            Some(&tokens.alice),
            refused(451, "legal_restriction"),
        ),
        step(
            "Two readings of one path",
            "400: `%2e%2e` is refused, not guessed at",
            "/api/%2e%2e/admin",
            Some(&tokens.alice),
            refused(400, "ambiguous_path"),
        ),
        step(
            "Nobody can decide",
            "503, never 403: the region database is years out of date",
            "/api/offers",
            Some(&tokens.alice),
            refused(503, "cannot_decide"),
        ),
    ]);
    steps
}

fn allowed(world: &World) -> Vec<Step> {
    let tokens = &world.tokens;
    let step = |title, shows, path, token: Option<&String>, from| Step {
        title,
        shows,
        method: "GET",
        path,
        token: token.cloned(),
        from,
        expect: status(200),
    };
    vec![
        step(
            "A public page",
            "200: a route with `access = \"anyone\"`, still decided, still recorded",
            "/",
            None,
            None,
        ),
        step("An order list", "200: any identified caller", "/api/orders", Some(&tokens.alice), None),
        step(
            "Premium content",
            "200: premium plan, from the United States",
            "/premium-content",
            Some(&tokens.alice),
            FROM_US,
        ),
        step(
            "The back office",
            "200: the role, on a company device in good order",
            "/admin",
            Some(&tokens.carol),
            None,
        ),
        step(
            "Stock levels",
            "200 for staff; see below what others get",
            "/internal",
            Some(&tokens.carol_mfa),
            None,
        ),
    ]
}

/// The tour as lines to copy.
pub(super) fn printed(world: &World, steps: &[Step]) -> String {
    let mut text = format!("Portcullis stands at {base} before a small shop. Try it:\n", base = base(world));
    for step in steps {
        text.push_str(&format!("\n# {}: {}\n{}\n", step.title, step.shows, curl(world, step)));
    }
    text.push_str(&format!(
        "\n# Why? Take the reference (X-Portcullis-Ref) of any answer above:\n{program} why REF --config {config}\n\
         curl -s -H 'Authorization: Bearer {token}' http://{admin}/decisions/REF/why\n\nCtrl-C ends the demo.",
        program = program(),
        config = world.folder.path().join("portcullis.toml").display(),
        token = world.admin_token,
        admin = world.gate.admin.map(|admin| admin.to_string()).unwrap_or_default(),
    ));
    text
}

/// One step as a line for a shell.
pub(super) fn curl(world: &World, step: &Step) -> String {
    let mut line = "curl -i --path-as-is".to_owned();
    if step.method != "GET" {
        line.push_str(&format!(" -X {}", step.method));
    }
    if let Some(from) = step.from {
        line.push_str(&format!(" -H 'X-Forwarded-For: {from}'"));
    }
    if let Some(token) = &step.token {
        line.push_str(&format!(" -H 'Authorization: Bearer {token}'"));
    }
    line.push_str(&format!(" '{}{}'", base(world), step.path));
    line
}

fn base(world: &World) -> String {
    format!("http://{}", world.gate.listen)
}

fn program() -> String {
    std::env::current_exe().map_or_else(|_| "portcullis".to_owned(), |path| path.display().to_string())
}
