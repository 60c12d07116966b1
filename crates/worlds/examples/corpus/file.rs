//! One test of the corpus: policies, entities, requests, and what the corpus expects of them. The official crate reads all
//! of it, by the test's schema; what it read is then told as data.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use cedar_policy::{Context, Entities, EntityUid, PolicySet, Schema};
use portcullis_worlds::answer::official;
use portcullis_worlds::case::Request;
use portcullis_worlds::check::Subject;
use portcullis_worlds::value::Name;
use portcullis_worlds::{json, official};
use serde_json::Value as Json;

pub(crate) struct File {
    pub(crate) name: String,
    pub(crate) subject: Subject,
    expected: Vec<Expected>,
}

struct Expected {
    allow: bool,
    reasons: Vec<String>,
    errors: Vec<String>,
}

impl File {
    pub(crate) fn read(root: &Path, path: &Path) -> Result<Self, String> {
        let test: Json = parsed(&text(path)?)?;
        let named = |key: &str| text(&root.join(word(&test, key)?));
        let is_json = |key: &str| test.get(key).and_then(Json::as_str) == Some("json");
        let set = if is_json("policyFormat") {
            PolicySet::from_json_str(named("policies")?).map_err(|fault| format!("policies: {fault}"))?
        } else {
            PolicySet::from_str(&named("policies")?).map_err(|fault| format!("policies: {fault}"))?
        };
        let schema = if is_json("schemaFormat") {
            Schema::from_json_str(&named("schema")?).map_err(|fault| format!("schema: {fault}"))?
        } else {
            Schema::from_cedarschema_str(&named("schema")?).map_err(|fault| format!("schema: {fault}"))?.0
        };
        let entities = Entities::from_json_str(&named("entities")?, Some(&schema))
            .map_err(|fault| format!("entities: {fault}"))?;
        let entities = json::entities(&entities.to_json_value().map_err(|fault| fault.to_string())?)?;
        let mut subject = Subject { set, entities, overlay: Vec::new(), requests: Vec::new() };
        let mut expected = Vec::new();
        for asked in test.get("requests").and_then(Json::as_array).into_iter().flatten() {
            subject.requests.push(request(asked, &schema)?);
            expected.push(Expected {
                allow: word(asked, "decision")?.eq_ignore_ascii_case("allow"),
                reasons: words(asked, "reason"),
                errors: words(asked, "errors"),
            });
        }
        let below = path.strip_prefix(root).unwrap_or(path).with_extension("");
        let name = below.to_string_lossy().into_owned();
        Ok(Self { name, subject, expected })
    }

    /// Where the official authorizer itself does not say what the corpus expects: then the corpus was read wrongly.
    pub(crate) fn unexpected(&self) -> Vec<String> {
        let Ok(entities) = official::entities(&self.subject.entities) else {
            return vec!["no entities".to_owned()];
        };
        let asked = self.subject.requests.iter().zip(&self.expected);
        asked
            .filter_map(|(request, expected)| {
                let request = match official::request(request) {
                    Ok(request) => request,
                    Err(fault) => return Some(fault),
                };
                let answer = official(&request, &self.subject.set, &entities);
                let erred: Vec<&String> = answer.errors.iter().map(|(id, _)| id).collect();
                let as_expected = answer.allow == expected.allow
                    && answer.reasons == expected.reasons
                    && erred.iter().copied().eq(&expected.errors);
                (!as_expected).then(|| format!("the corpus expects something else than {answer}"))
            })
            .collect()
    }
}

/// All tests under a folder, in order of their names.
pub(crate) fn under(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let (mut found, mut open) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).map_err(|fault| format!("{}: {fault}", folder.display()))? {
            let path = entry.map_err(|fault| fault.to_string())?.path();
            let name = path.to_string_lossy();
            if path.is_dir() {
                open.push(path);
            } else if name.ends_with(".json") && !name.ends_with(".entities.json") {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

fn request(asked: &Json, schema: &Schema) -> Result<Request, String> {
    let name = |key: &str| {
        let json = asked.get(key).cloned().unwrap_or_default();
        EntityUid::from_json(json).map_err(|fault| format!("{key}: {fault}"))
    };
    let action = name("action")?;
    let context = asked.get("context").cloned().unwrap_or_default();
    let context = Context::from_json_value(context, Some((schema, &action)))
        .map_err(|fault| format!("context: {fault}"))?;
    let told = |uid: &EntityUid| Name::new(uid.type_name().to_string(), uid.id().unescaped());
    Ok(Request {
        principal: told(&name("principal")?),
        resource: told(&name("resource")?),
        action: told(&action),
        context: json::fields(&context.to_json_value().map_err(|fault| fault.to_string())?)?,
    })
}

fn text(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|fault| format!("{}: {fault}", path.display()))
}

fn parsed(text: &str) -> Result<Json, String> {
    serde_json::from_str(text).map_err(|fault| fault.to_string())
}

fn word<'a>(json: &'a Json, key: &str) -> Result<&'a str, String> {
    json.get(key).and_then(Json::as_str).ok_or_else(|| format!("no `{key}`"))
}

fn words(json: &Json, key: &str) -> Vec<String> {
    let list = json.get(key).and_then(Json::as_array).into_iter().flatten();
    let mut words: Vec<String> = list.filter_map(Json::as_str).map(str::to_owned).collect();
    words.sort();
    words
}
