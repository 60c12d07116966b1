//! Rego (regorus) on `saas` and `rbac`: one rule a policy, or policies as indexed data, which is what users of Rego are
//! told to do.

use std::fmt::Write;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use regorus::Value;
use regorus::languages::rego::compiler::Compiler;
use regorus::rvm::vm::RegoVM;
use serde_json::{Map, Value as Json, json};

use crate::memory::in_use;
use crate::peer::Built;
use crate::peer::rego_data;
use crate::workload::question::quoted;
use crate::workload::saas::{ACTIONS, EMBARGOED, Policy, Request, Target, Tenancy, address_text};

/// How the policies are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policies {
    /// One rule a policy.
    Rules,
    /// A few rules, and the policies in their data.
    Data,
}

/// What runs them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// The compiler and its machine.
    Machine,
    /// The interpreter.
    Interpreter,
}

/// A module, its data, and what is asked of it.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) modules: Vec<String>,
    pub(crate) data: Json,
    pub(crate) inputs: Vec<Json>,
    pub(crate) expected: Vec<bool>,
    pub(crate) policies: usize,
    pub(crate) entities: usize,
}

/// Regorus refuses a module of more than 1 MiB.
const POLICIES_A_MODULE: usize = 1_000;
const HEAD: &str = "package authz\nimport rego.v1\n";

/// Builds the peer.
pub fn build(tenancy: &Tenancy, policies: Policies, engine: Engine) -> Built {
    let modules = match policies {
        Policies::Rules => rules(tenancy),
        Policies::Data => vec![rego_data::module(tenancy.conditions).to_owned()],
    };
    let loaded = Loaded {
        modules,
        data: rego_data::data(tenancy, policies),
        inputs: tenancy.requests.iter().map(|request| input(request, tenancy.conditions)).collect(),
        expected: tenancy.requests.iter().map(|request| request.allow).collect(),
        policies: tenancy.policies.len(),
        entities: tenancy.users.len() + tenancy.routes.len(),
    };
    load(loaded, engine)
}

/// Loads a module and its data.
pub(crate) fn load(loaded: Loaded, engine: Engine) -> Built {
    let start = Instant::now();
    let before = in_use();
    let mut regorus = regorus::Engine::new();
    for (place, module) in loaded.modules.into_iter().enumerate() {
        regorus.add_policy(format!("authz{place}.rego"), module).unwrap();
    }
    let rule_bytes = in_use() - before;
    let text = loaded.data.to_string();
    drop(loaded.data);
    let before_data = in_use();
    let data = Value::from_json_str(&text).unwrap();
    let entity_bytes = in_use() - before_data;
    drop(text);
    regorus.add_data(data.clone()).unwrap();
    let compiled = regorus.compile_with_entrypoint(&Arc::from("data.authz.result")).unwrap();
    let texts: Vec<String> = loaded.inputs.iter().map(Json::to_string).collect();
    let inputs: Vec<Value> = texts.iter().map(|text| Value::from_json_str(text).unwrap()).collect();
    let prepare = move |index: usize| {
        black_box(Value::from_json_str(&texts[index]).unwrap());
    };
    let (decide, policy_bytes): (Box<dyn FnMut(usize) -> bool>, i64) = match engine {
        Engine::Interpreter => (
            Box::new(move |index| allows(&compiled.eval_with_input(inputs[index].clone()).unwrap())),
            rule_bytes,
        ),
        Engine::Machine => {
            let before_program = in_use();
            let program = Compiler::compile_from_policy(&compiled, &["data.authz.result"]).unwrap();
            drop(compiled);
            drop(regorus);
            let mut machine = RegoVM::new();
            machine.set_max_instructions(usize::MAX);
            machine.load_program(program);
            machine.set_data(data).unwrap();
            let program_bytes = in_use() - before_program;
            let decide = move |index: usize| {
                machine.set_input(inputs[index].clone());
                allows(&machine.execute().unwrap())
            };
            (Box::new(decide), program_bytes.max(rule_bytes))
        }
    };
    Built {
        decide,
        distinct: loaded.expected.len(),
        expected: loaded.expected,
        policy_bytes,
        entity_bytes,
        load_seconds: start.elapsed().as_secs_f64(),
        policies: loaded.policies,
        entities: loaded.entities,
        prepare: Some(Box::new(prepare)),
    }
}

fn allows(result: &Value) -> bool {
    result.as_object().unwrap().get(&Value::from("allow")).unwrap() == &Value::from(true)
}

fn input(request: &Request, conditions: bool) -> Json {
    let mut input = Map::new();
    input.insert("user".to_owned(), json!(format!("u{}", request.user)));
    input.insert("action".to_owned(), json!(ACTIONS[request.action]));
    input.insert("resource".to_owned(), json!(format!("r{}", request.route)));
    if conditions {
        input.insert("geo".to_owned(), json!({ "country": request.country }));
        let device = json!({ "trusted": request.trusted, "compromised": request.compromised });
        input.insert("device".to_owned(), device);
        input.insert("ip".to_owned(), json!(address_text(request.address)));
    }
    input.into()
}

fn rules(tenancy: &Tenancy) -> Vec<String> {
    let mut modules = Vec::new();
    let mut text = format!("{HEAD}default allow := false\n");
    for (number, policy) in tenancy.policies.iter().enumerate() {
        if number % POLICIES_A_MODULE == POLICIES_A_MODULE - 1 {
            modules.push(std::mem::replace(&mut text, HEAD.to_owned()));
        }
        rule(&mut text, number, policy, tenancy);
    }
    text.push_str(if tenancy.conditions {
        "allow if { count(denied) == 0; count(matching) > 0 }\n\
         result := {\"allow\": allow, \"matching\": matching, \"denied\": denied}\n"
    } else {
        "allow if count(matching) > 0\nresult := {\"allow\": allow, \"matching\": matching}\n"
    });
    modules.push(text);
    modules
}

fn rule(text: &mut String, number: usize, policy: &Policy, tenancy: &Tenancy) {
    let head = match policy {
        Policy::Permit { .. } => "matching",
        _ => "denied",
    };
    let body = match policy {
        Policy::Permit { role, action, target, condition } => {
            let target = match target {
                Target::Route(route) => format!("input.resource == \"r{route}\""),
                Target::Service(service) => format!("data.route_anc[input.resource].s{service}"),
            };
            let condition = condition.map_or_else(String::new, |condition| {
                let countries = quoted(&tenancy.country_sets[condition.countries]);
                format!(
                    "; input.geo.country in {{{countries}}}; input.device.trusted; \
                     data.users[input.user].tier >= {}",
                    condition.tier
                )
            });
            let action = ACTIONS[*action];
            format!(
                "{{ {target}; input.action == \"{action}\"; data.users[input.user].roles.role{role}{condition} }}"
            )
        }
        Policy::ForbidCompromised => "input.device.compromised".to_owned(),
        Policy::ForbidCountries => format!("input.geo.country in {{{}}}", quoted(&EMBARGOED)),
        Policy::ForbidNetwork([first, second, third]) => {
            format!("net.cidr_contains(\"{first}.{second}.{third}.0/24\", input.ip)")
        }
    };
    writeln!(text, "{head} contains \"policy{number}\" if {body}").unwrap();
}
