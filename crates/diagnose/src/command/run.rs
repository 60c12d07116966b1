//! Runs the command: what to read or to send, then what to print.

use std::io::{IsTerminal as _, Read as _, Write};
use std::path::Path;
use std::time::Duration;

use crate::asked::{Asked, har, saved};
use crate::client::{Client, Patience};
use crate::credential::redact::Redactor;
use crate::evidence::Evidence;
use crate::examine::{Examination, Limits, examine, examine_saved};
use crate::infer::Hint;
use crate::local::{self, Local};
use crate::plan;
use crate::probe::Probe;
use crate::report::{self, Report, Verdict, explain};

use super::admin::Admin;
use super::{Doctor, environment};

/// How the command ended; the numbers are part of the interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0: a cause was found, or nothing was refused.
    Diagnosed = 0,
    /// 1: it could be this or that.
    Undecided = 1,
    /// 2: the command line makes no sense.
    Usage = 2,
    /// 3: nobody answered.
    Unreachable = 3,
}

/// A complaint about the command line, and what to do instead.
struct Wrong {
    what: String,
    hint: Option<&'static str>,
}

impl Wrong {
    fn new(what: impl std::fmt::Display, hint: &'static str) -> Self {
        Self { what: what.to_string(), hint: Some(hint) }
    }
}

/// Runs it: results to `out`, everything else to `err`.
pub fn run(doctor: &Doctor, out: &mut dyn Write, err: &mut dyn Write) -> Exit {
    match try_run(doctor, out, err) {
        Ok(exit) => exit,
        Err(wrong) => {
            drop(writeln!(err, "portcullis: {}", wrong.what));
            if let Some(hint) = wrong.hint {
                drop(writeln!(err, "  hint: {hint}"));
            }
            Exit::Usage
        }
    }
}

fn try_run(doctor: &Doctor, out: &mut dyn Write, err: &mut dyn Write) -> Result<Exit, Wrong> {
    let evidence = Evidence::embedded().map_err(|fault| Wrong { what: fault.to_string(), hint: None })?;
    if doctor.list {
        drop(write!(out, "{}", explain::list(&evidence)));
        return Ok(Exit::Diagnosed);
    }
    if doctor.words.first().is_some_and(|word| word == "explain") {
        return tell_finding(&evidence, doctor.words.get(1), out);
    }
    if let Some(file) = &doctor.har {
        return from_har(doctor, &evidence, file, out);
    }
    if let Some(file) = &doctor.exchange {
        return from_exchange(doctor, &evidence, file, out);
    }
    let hint =
        "`portcullis doctor URL`, or paste a whole `curl …` command behind `doctor`; `--help` tells more";
    let command = doctor.command().map_err(|fault| Wrong::new(fault, hint))?;
    let mut asked = command.asked;
    if asked.proxy.is_none() {
        asked.proxy = environment::proxy(&asked.url, |name| std::env::var(name).ok()).map_err(|fault| {
            Wrong::new(format_args!("the proxy that the environment names: {fault}"), hint)
        })?;
    }
    let mut notes: Vec<String> = command
        .ignored
        .iter()
        .map(|option| format!("`{option}` is not known here and was left aside"))
        .collect();
    if doctor.dry_run {
        dry_run(&asked, doctor, out);
        return Ok(Exit::Diagnosed);
    }
    let admin = admin(doctor)?;
    let local = from_server(doctor, &evidence, &asked)?;
    notes.extend(local.notes);
    let examination = online(doctor, &evidence, &asked, &local.hints, err)?;
    let mut report = report::make(&evidence, &examination, &local.told, notes);
    ask_why(admin.as_ref(), &mut report)?;
    Ok(print(doctor, &report, out))
}

/// What the machine itself says, where it was asked for.
fn from_server(doctor: &Doctor, evidence: &Evidence, asked: &Asked) -> Result<Local, Wrong> {
    let Some(roots) = doctor.local_roots() else { return Ok(Local::default()) };
    if let Some(missing) = local::missing(&roots) {
        let what = format!("`--local {}`: there is no such file", missing.display());
        return Err(Wrong::new(
            what,
            "name the file that the server starts with, such as `/etc/nginx/nginx.conf`",
        ));
    }
    Ok(local::read(evidence, &roots, asked))
}

fn tell_finding(evidence: &Evidence, id: Option<&String>, out: &mut dyn Write) -> Result<Exit, Wrong> {
    let Some(id) = id else {
        return Err(Wrong::new(
            "`explain` wants the id of a finding",
            "`portcullis doctor --list` lists them",
        ));
    };
    let Some(finding) = evidence.finding(id) else {
        return Err(Wrong::new(
            format_args!("there is no finding `{id}`"),
            "`portcullis doctor --list` lists them",
        ));
    };
    drop(write!(out, "{}", explain::explain(finding)));
    Ok(Exit::Diagnosed)
}

fn online(
    doctor: &Doctor,
    evidence: &Evidence,
    asked: &Asked,
    hints: &[Hint],
    err: &mut dyn Write,
) -> Result<Examination, Wrong> {
    let limits = Limits {
        requests: usize::from(doctor.budget),
        time: Duration::from_secs(u64::from(doctor.time)),
        repeat_unsafe: doctor.repeat_unsafe,
        ..Limits::default()
    };
    let shown = !doctor.quiet && std::io::stderr().is_terminal();
    let mut progress = |what: &str| {
        if shown {
            drop(writeln!(err, "asking: {what}"));
        }
    };
    let client = Client::new(AGENT, Patience::default());
    to_its_end(examine(evidence, &client, asked, limits, hints, &mut progress))
}

/// Runs what waits for the network.
fn to_its_end<T>(work: impl Future<Output = T>) -> Result<T, Wrong> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|fault| Wrong { what: format!("cannot start: {fault}"), hint: None })?;
    let done = runtime.block_on(work);
    // A resolver that hangs must not keep us.
    runtime.shutdown_background();
    Ok(done)
}

fn admin(doctor: &Doctor) -> Result<Option<Admin>, Wrong> {
    Admin::named(doctor.admin.as_deref(), doctor.admin_token.as_deref(), |name| std::env::var(name).ok())
        .map_err(|what| {
            Wrong::new(what, "`--admin URL --admin-token FILE`, or the token in `PORTCULLIS_ADMIN_TOKEN`")
        })
}

/// Has Portcullis explain a refusal of its own.
fn ask_why(admin: Option<&Admin>, report: &mut Report) -> Result<(), Wrong> {
    let (Some(admin), Some(reference)) = (admin, &report.reference) else { return Ok(()) };
    match to_its_end(admin.why(AGENT, reference))? {
        Ok(why) => report.explained(&why),
        Err(fault) => report.notes.push(fault),
    }
    Ok(())
}

fn from_har(doctor: &Doctor, evidence: &Evidence, file: &Path, out: &mut dyn Write) -> Result<Exit, Wrong> {
    let text = read(file)?;
    let entries = har::read(&text).map_err(|fault| {
        Wrong::new(
            format_args!("`{}`: {fault}", file.display()),
            "browsers save one from their network panel: `Save all as HAR`",
        )
    })?;
    let mut worst = Exit::Diagnosed;
    let mut objects = Vec::new();
    for entry in entries.into_iter().take(MOST_ENTRIES) {
        let examination = examine_saved(evidence, &entry.asked, entry.answer, &[]);
        let report = report::make(evidence, &examination, &[], vec![OFFLINE.to_owned()]);
        if doctor.json {
            objects.push(report::to_json(&report));
            worst = worst.max_of(exit_of(&report));
        } else {
            worst = worst.max_of(print(doctor, &report, out));
        }
    }
    if doctor.json {
        let value = match <[serde_json::Value; 1]>::try_from(objects) {
            Ok([one]) => one,
            Err(many) => serde_json::Value::Array(many),
        };
        drop(writeln!(out, "{value:#}"));
    }
    Ok(worst)
}

fn from_exchange(
    doctor: &Doctor,
    evidence: &Evidence,
    file: &Path,
    out: &mut dyn Write,
) -> Result<Exit, Wrong> {
    let text = read(file)?;
    let given = if doctor.words.is_empty() {
        None
    } else {
        Some(
            doctor
                .command()
                .map_err(|fault| Wrong::new(fault, "the URL belongs to the saved exchange"))?
                .asked,
        )
    };
    let (asked, answer) = saved::read(&text, given.as_ref()).map_err(|fault| {
        Wrong::new(
            format_args!("`{}`: {fault}", file.display()),
            "save one with `curl -sv URL > FILE 2>&1` or `curl -si URL > FILE`",
        )
    })?;
    // Offline stays offline, unless a listener was named to be asked.
    let admin = admin(doctor)?.filter(|_| doctor.admin.is_some());
    let examination = examine_saved(evidence, &asked, answer, &[]);
    let mut report = report::make(evidence, &examination, &[], vec![OFFLINE.to_owned()]);
    ask_why(admin.as_ref(), &mut report)?;
    Ok(print(doctor, &report, out))
}

fn print(doctor: &Doctor, report: &Report, out: &mut dyn Write) -> Exit {
    let text = if doctor.json {
        format!("{:#}\n", report::to_json(report))
    } else if doctor.markdown {
        report::to_markdown(report)
    } else {
        let colour = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        report::to_people(report, colour)
    };
    drop(out.write_all(text.as_bytes()));
    exit_of(report)
}

fn exit_of(report: &Report) -> Exit {
    match &report.verdict {
        Verdict::Diagnosed | Verdict::NotRefused(_) => Exit::Diagnosed,
        Verdict::Undecided => Exit::Undecided,
        Verdict::Unreachable(_) => Exit::Unreachable,
    }
}

impl Exit {
    fn max_of(self, other: Self) -> Self {
        if (other as u8) > (self as u8) { other } else { self }
    }
}

fn dry_run(asked: &Asked, doctor: &Doctor, out: &mut dyn Write) {
    let redactor = Redactor::new(asked);
    let made_up = "nothing-here-…";
    let first = if asked.is_unsafe() && !doctor.repeat_unsafe { Probe::Get } else { Probe::AsGiven };
    drop(writeln!(out, "At most {} of these, four a second, until the cause is clear:", doctor.budget));
    for probe in std::iter::once(first).chain(plan::candidates(asked, made_up, &[])) {
        if let Some(sent) = probe.apply(asked, made_up) {
            let line = format!("  {} {}: {}", sent.method, sent.url, probe.what());
            drop(writeln!(out, "{}", redactor.hide(&line)));
        }
    }
}

fn read(file: &Path) -> Result<String, Wrong> {
    let failed = |fault: std::io::Error| Wrong {
        what: format!("cannot read `{}`: {fault}", file.display()),
        hint: None,
    };
    let mut bytes = Vec::new();
    if file == Path::new("-") {
        std::io::stdin().lock().take(LONGEST_FILE).read_to_end(&mut bytes).map_err(failed)?;
    } else {
        std::fs::File::open(file)
            .map_err(failed)?
            .take(LONGEST_FILE)
            .read_to_end(&mut bytes)
            .map_err(failed)?;
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// For the report where nothing was sent.
const OFFLINE: &str =
    "nothing was sent: this rests on one saved answer, and asking the server would tell more";
/// How we name ourselves to servers.
const AGENT: &str = concat!("portcullis-doctor/", env!("CARGO_PKG_VERSION"));
/// What is read of a file.
const LONGEST_FILE: u64 = 256 << 20;
/// What is told of a HAR.
const MOST_ENTRIES: usize = 20;
