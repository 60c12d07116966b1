//! Rego (regorus) on `github`, everything but three rules being data.

use serde_json::{Map, Value as Json, json};

use crate::peer::Built;
use crate::peer::rego::{Engine, Loaded, load};
use crate::workload::github::{ACTIONS, Forge, POLICIES, RELATIONS};

const MODULE: &str = r#"package authz
import rego.v1
default allow := false
matching contains rel if {
  some rel in data.need[input.action]
  data.anc[input.user][data.repos[input.repo][rel]]
}
allow if count(matching) > 0
result := {"allow": allow, "matching": matching}
"#;

/// Builds the peer.
pub fn build(forge: Forge) -> Built {
    let mut repositories = Map::new();
    for (repository, owner) in forge.owners.iter().enumerate() {
        let mut relations: Map<String, Json> = RELATIONS
            .iter()
            .map(|relation| ((*relation).to_owned(), json!(format!("repo{repository}_{relation}"))))
            .collect();
        relations.insert("owner".to_owned(), json!(format!("org{owner}")));
        repositories.insert(format!("repo{repository}"), relations.into());
    }
    let mut groups = Map::new();
    for (user, organisations) in forge.administers().iter().enumerate() {
        let mut mine = Map::new();
        for (repository, relation) in forge.grants(user) {
            for contained in &RELATIONS[..=relation] {
                mine.insert(format!("repo{repository}_{contained}"), Json::Bool(true));
            }
        }
        for organisation in organisations {
            mine.insert(format!("org{organisation}"), Json::Bool(true));
        }
        groups.insert(format!("u{user}"), mine.into());
    }
    let needed: Map<String, Json> =
        ACTIONS.iter().map(|(action, relation)| ((*action).to_owned(), json!([relation, "owner"]))).collect();
    let inputs = forge
        .requests
        .iter()
        .map(|request| {
            json!({
                "user": format!("u{}", request.user),
                "action": ACTIONS[request.action].0,
                "repo": format!("repo{}", request.repository),
            })
        })
        .collect();
    let loaded = Loaded {
        modules: vec![MODULE.to_owned()],
        data: json!({ "repos": repositories, "anc": groups, "need": needed }),
        inputs,
        expected: forge.requests.iter().map(|request| request.allow).collect(),
        policies: POLICIES,
        entities: forge.size * 2,
    };
    load(loaded, Engine::Machine)
}
