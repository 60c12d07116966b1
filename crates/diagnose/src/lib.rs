//! Why was it 403: who said no, the cause, the evidence and the remedy, for anybody's refusal. A small, polite experiment is
//! made (`probe`, `plan`, `client`), what was observed is judged (`signals`) against what is known of causes (`evidence`),
//! causes are ranked (`infer`) and told (`report`). It never tries to get round a refusal and never changes anything.

pub mod answer;
pub mod asked;
pub mod client;
pub mod command;
pub mod credential;
pub mod evidence;
pub mod examine;
pub mod infer;
pub mod local;
pub mod plan;
pub mod probe;
pub mod report;
pub mod signals;
