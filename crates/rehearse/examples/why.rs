//! How long an explanation takes, smallest change included: `cargo run --release -p portcullis-rehearse --example why -- 10000`.

#![allow(clippy::print_stdout, reason = "its figures are its result")]

use std::time::Instant;

use portcullis_context::Directory;
use portcullis_decision::{Program, Value, World};
use portcullis_gate::{Apps, ForbidFault, bind};
use portcullis_policy::{Policies, SourceText};
use portcullis_rehearse::question::FactPath;
use portcullis_rehearse::{Question, Rulebook, change};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let count: usize = std::env::args().nth(1).map_or(Ok(10_000), |count| count.parse())?;
    let files: Vec<SourceText> = texts(count);
    let loaded = Policies::load(&files, None, &[]);
    let policies = loaded.policies.ok_or("the policies do not load")?;
    let directory = Directory::default();
    let entities =
        bind::entities::entities(&directory, &Apps::default(), &policies.schema).map_err(|_| "entities")?;
    let program = Program::compile_with_schema(&policies.set, &policies.schema)?;
    let world = World::new(&program, &entities);
    let rulebook = Rulebook {
        program: &program,
        world: &world,
        policies: &policies,
        directory: &directory,
        on_forbid_fault: ForbidFault::Unavailable,
    };
    for route in ["shop/route7", "shop/route8", "shop/route9"] {
        let question = question(route)?;
        let mut times = Vec::new();
        let mut found = String::new();
        for _ in 0..21 {
            let started = Instant::now();
            let facts = question.facts();
            let explanation = program.explain(&world, &facts);
            let search = change::smallest(&rulebook, &question);
            times.push(started.elapsed());
            found = format!(
                "{} policies explained, {} changes, {} decisions",
                explanation.policies.len(),
                search.changes.len(),
                search.decided
            );
        }
        times.sort();
        let (median, longest) = (times.get(times.len() / 2), times.last());
        println!("{route}: median {median:?}, longest {longest:?}; {found}");
    }
    Ok(())
}

/// Permits by group, plan and scope, a hundred routes, and forbids over them all.
fn texts(count: usize) -> Vec<SourceText> {
    let mut files = Vec::new();
    for (file, start) in (0..count).step_by(1000).enumerate() {
        let mut text = String::new();
        for at in start..(start + 1000).min(count) {
            let route = at % 100;
            text.push_str(&match at % 4 {
                0 => format!("permit(principal in Group::\"g{at}\", action in Action::\"read\", resource == Route::\"shop/route{route}\");\n"
                ),
                1 => format!("permit(principal, action, resource == Route::\"shop/route{route}\") when {{ principal has tier && principal.tier == \"t{at}\" && context.auth.scopes.contains(\"s{at}\") }};\n"
                ),
                2 => format!("permit(principal, action, resource == Route::\"shop/route{route}\") when {{ context.geo has country && [\"US\", \"CA\"].contains(context.geo.country) && principal in Group::\"g{at}\" }};\n"
                ),
                _ => format!("forbid(principal, action, resource == Route::\"shop/route{route}\") when {{ context.device has compliant && !context.device.compliant && context.time.minute == {} }};\n",
                    at % 1440
                ),
            });
        }
        files.push(SourceText { name: format!("policies/p{file}.cedar"), text });
    }
    files
}

fn question(route: &str) -> Result<Question, Box<dyn std::error::Error>> {
    let name = |kind: &str, id: &str| (kind.to_owned(), id.to_owned());
    let mut question = Question::new(name("User", "alice"), "GET", name("Route", route));
    for (path, value) in [
        ("principal.tier", Value::String("free".into())),
        ("context.geo.country", Value::String("DE".into())),
        ("context.device.compliant", Value::Bool(false)),
        ("context.auth.scopes", Value::Set(Vec::new())),
        ("context.time.minute", Value::Long(720)),
    ] {
        question.set(&path.parse::<FactPath>()?, value);
    }
    Ok(question)
}
