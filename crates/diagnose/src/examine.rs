//! The diagnosis from first request to last: send, judge, rank, and ask again only what would tell the remaining causes
//! apart. Bounded in requests, in pace and in time.

use std::collections::HashSet;
use std::net::IpAddr;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::answer::{Answer, Failure, Outcome};
use crate::asked::{Asked, Url};
use crate::client::{Client, by_hand, lookup};
use crate::evidence::Evidence;
use crate::infer::{Hint, Ranking, rank};
use crate::plan;
use crate::probe::{Probe, Told, Trial};
use crate::signals::{ExhibitWords, Scene, Seen, judge, read_words, told};

/// How much may be asked of somebody's server.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Requests in all.
    pub requests: usize,
    /// Between the beginnings of two requests.
    pub pace: Duration,
    /// For everything.
    pub time: Duration,
    /// Before the same is asked once more after a pause.
    pub pause: Duration,
    /// Whether a reported method that changes things may be sent again.
    pub repeat_unsafe: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            requests: 12,
            pace: Duration::from_millis(260),
            time: Duration::from_secs(30),
            pause: Duration::from_secs(4),
            repeat_unsafe: false,
        }
    }
}

/// What it came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// A refusal was seen and examined.
    Refused,
    /// The reported method was not sent, and nothing else was refused: what is said rests on what is known otherwise.
    Unsent,
    /// The answer is another, and stays so.
    NotRefused(u16),
    /// There is no answer.
    Unreachable(Failure),
}

/// All that was found.
#[derive(Debug)]
pub struct Examination {
    /// As reported, after redirects.
    pub asked: Asked,
    /// How it ended.
    pub ended: Ended,
    /// The refusal that is explained.
    pub exhibit: Option<Answer>,
    /// What was sent and what came back.
    pub trials: Vec<Trial>,
    /// Where the name is.
    pub addresses: Vec<IpAddr>,
    /// What was judged.
    pub seen: Seen,
    /// Causes.
    pub ranking: Ranking,
    /// Seconds since 1970.
    pub now: i64,
    /// Redirects that were followed.
    pub redirects: Vec<Url>,
    /// It was let through once, and refused later.
    pub at_first_fine: bool,
}

/// Examines a request by sending it.
pub async fn examine(
    evidence: &Evidence,
    client: &Client,
    asked: &Asked,
    limits: Limits,
    hints: &[Hint],
    progress: &mut dyn FnMut(&str),
) -> Examination {
    let mut work = Work {
        evidence,
        client,
        limits,
        hints,
        progress,
        deadline: Instant::now() + limits.time,
        not_before: Instant::now(),
        asked: asked.clone(),
        trials: Vec::new(),
        exhibit: None,
        addresses: Vec::new(),
        redirects: Vec::new(),
        at_first_fine: false,
        made_up: made_up(),
        words: None,
    };
    let ended = work.begin().await;
    if matches!(ended, Ended::Refused | Ended::Unsent) {
        work.go_on().await;
    }
    work.finish(ended)
}

/// Examines an answer that somebody saved: nothing is sent.
#[must_use]
pub fn examine_saved(evidence: &Evidence, asked: &Asked, answer: Answer, hints: &[Hint]) -> Examination {
    let trial = Trial { probe: Probe::AsGiven, sent: asked.clone(), outcome: Ok(answer.clone()) };
    let refused = answer.status == 403;
    let ended = if refused { Ended::Refused } else { Ended::NotRefused(answer.status) };
    let exhibit = refused.then_some(answer);
    conclude(evidence, hints, ended, asked.clone(), exhibit, vec![trial], Vec::new(), Vec::new(), false)
}

/// Judges without any answer: by the request and what configuration and logs say.
#[must_use]
pub fn examine_unsent(evidence: &Evidence, asked: &Asked, ended: Ended, hints: &[Hint]) -> Examination {
    conclude(evidence, hints, ended, asked.clone(), None, Vec::new(), Vec::new(), Vec::new(), false)
}

struct Work<'a> {
    evidence: &'a Evidence,
    client: &'a Client,
    limits: Limits,
    hints: &'a [Hint],
    progress: &'a mut dyn FnMut(&str),
    deadline: Instant,
    not_before: Instant,
    asked: Asked,
    trials: Vec<Trial>,
    exhibit: Option<Answer>,
    addresses: Vec<IpAddr>,
    redirects: Vec<Url>,
    at_first_fine: bool,
    made_up: String,
    /// The words of the exhibit; read when first judged.
    words: Option<ExhibitWords>,
}

/// A chain of redirects that is longer leads nowhere.
const MOST_REDIRECTS: usize = 5;

impl Work<'_> {
    /// The request as given, along its redirects; GET in place of a method that may not be sent.
    async fn begin(&mut self) -> Ended {
        if let Some(by_hand) = by_hand(&self.asked) {
            self.addresses = by_hand.to_vec();
        } else if self.asked.proxy.is_none() {
            let looked_up =
                timeout(Duration::from_secs(5), lookup(&self.asked.url.host, self.asked.url.port)).await;
            self.addresses = looked_up.ok().and_then(Result::ok).unwrap_or_default();
        }
        if self.asked.is_unsafe() && !self.limits.repeat_unsafe {
            return match self.send(Probe::Get).await {
                Some(Ok(answer)) if answer.status == 403 => {
                    self.exhibit = Some(answer);
                    Ended::Refused
                }
                Some(Err(failure)) => Ended::Unreachable(failure),
                Some(Ok(_)) | None => Ended::Unsent,
            };
        }
        let answer = match self.send(Probe::AsGiven).await {
            Some(Ok(answer)) => self.follow(answer).await,
            Some(Err(failure)) => return Ended::Unreachable(failure),
            None => return Ended::Unreachable(Failure::OutOfTime),
        };
        match answer.status {
            403 => self.exhibit = Some(answer),
            200..=299 => {
                let status = answer.status;
                return self.provoke(status).await;
            }
            status => return Ended::NotRefused(status),
        }
        // HEAD shows no page.
        if self.asked.method == "HEAD"
            && let Some(Ok(answer)) = self.send(Probe::Get).await
            && answer.status == 403
        {
            self.exhibit = Some(answer);
        }
        Ended::Refused
    }

    async fn follow(&mut self, mut answer: Answer) -> Answer {
        while self.redirects.len() < MOST_REDIRECTS
            && let Some(to) = answer.redirect(&self.asked.url)
        {
            if self.redirects.contains(&to) || to == self.asked.url {
                break;
            }
            let away = to.host != self.asked.url.host;
            self.redirects.push(to.clone());
            let mut next = self.asked.clone();
            if away {
                // A credential is for whom it was given.
                next.headers.retain(|(name, _)| {
                    !crate::asked::is_secret_header(name) && !name.eq_ignore_ascii_case("host")
                });
            }
            if !matches!(answer.status, 307 | 308) && next.method != "HEAD" {
                next.method = "GET".to_owned();
                next.body = None;
            }
            next.url = to;
            let before = std::mem::replace(&mut self.asked, next);
            match self.send(Probe::Redirect).await {
                Some(Ok(next)) => answer = next,
                Some(Err(_)) | None => {
                    self.asked = before;
                    break;
                }
            }
            if answer.status != 403 && answer.redirect(&self.asked.url).is_none() && answer.status >= 400 {
                break;
            }
        }
        answer
    }

    /// It was let through although it was reported as refused: the same twice more, then with curl's name in place of
    /// ours, which the reporter probably used.
    async fn provoke(&mut self, status: u16) -> Ended {
        for _ in 0..2 {
            match self.send(Probe::Repeat).await {
                Some(Ok(answer)) if answer.status == 403 => {
                    self.exhibit = Some(answer);
                    self.at_first_fine = true;
                    return Ended::Refused;
                }
                Some(_) => {}
                None => return Ended::NotRefused(status),
            }
        }
        let named = self.asked.header("user-agent").is_some()
            || self.asked.left_out.iter().any(|left| left.eq_ignore_ascii_case("user-agent"));
        if named {
            return Ended::NotRefused(status);
        }
        let ours = self.asked.clone();
        self.asked.set_header("User-Agent", CURL);
        match self.send(Probe::AsGiven).await {
            Some(Ok(answer)) if answer.status == 403 => {
                self.exhibit = Some(answer);
                // What went out under our own name was the same with another User-Agent.
                for trial in &mut self.trials {
                    if trial.sent.header("user-agent").is_none() {
                        trial.probe = Probe::Agent;
                    }
                }
                Ended::Refused
            }
            _ => {
                self.asked = ours;
                Ended::NotRefused(status)
            }
        }
    }

    /// Probes until nothing is worth asking any more.
    async fn go_on(&mut self) {
        let left = plan::candidates(&self.asked, &self.made_up, &self.addresses);
        let mut made: HashSet<Probe> = self.trials.iter().map(|trial| trial.probe.clone()).collect();
        // The address that refused has been asked already.
        made.extend(
            self.exhibit.as_ref().and_then(|exhibit| exhibit.peer).map(|peer| Probe::Address(peer.ip())),
        );
        loop {
            let (seen, ranking) = self.judge();
            let Some((probe, _)) = plan::next(self.evidence, &ranking, &seen, &left, &made) else { break };
            if probe == Probe::Pause {
                sleep(self.limits.pause).await;
            }
            made.insert(probe.clone());
            let Some(outcome) = self.send(probe.clone()).await else { break };
            let told = self.told(&probe, &outcome);
            if told == Told::Passes && probe == Probe::Query {
                self.arguments(&mut made).await;
            }
            if told == Told::Passes
                && is_about_the_request(&probe)
                && made.insert(Probe::Repeat)
                && self.may_repeat()
            {
                self.confirm().await;
            }
        }
    }

    /// A difference is believed once the request as given is refused again after it. Twice, because servers that take
    /// turns fall into step with us.
    async fn confirm(&mut self) {
        for _ in 0..2 {
            match self.send(Probe::Repeat).await {
                Some(Ok(answer)) if answer.status == 403 => {}
                Some(_) => return self.count_turns().await,
                None => return,
            }
        }
    }

    /// Whether it goes on like this, or was refused for a time only.
    async fn count_turns(&mut self) {
        for _ in 0..3 {
            match self.send(Probe::Repeat).await {
                Some(Ok(answer)) if answer.status == 403 => return,
                Some(_) => {}
                None => return,
            }
        }
    }

    /// Which of several arguments it is.
    async fn arguments(&mut self, made: &mut HashSet<Probe>) {
        for at in 0..self.asked.url.arguments().count().min(3) {
            if Probe::Argument(at).apply(&self.asked, &self.made_up).is_some() {
                made.insert(Probe::Argument(at));
                if self.send(Probe::Argument(at)).await.is_none() {
                    return;
                }
            }
        }
    }

    fn may_repeat(&self) -> bool {
        self.exhibit.is_some() && (!self.asked.is_unsafe() || self.limits.repeat_unsafe)
    }

    fn told(&self, probe: &Probe, outcome: &Outcome) -> Told {
        let sent =
            probe.apply(&self.asked, &self.made_up).map_or_else(|| self.asked.url.clone(), |sent| sent.url);
        told(outcome, self.exhibit.as_ref(), &sent, &self.asked.url)
    }

    /// Sends one probe at the agreed pace. None when requests or time are used up.
    async fn send(&mut self, probe: Probe) -> Option<Outcome> {
        let repeats = matches!(
            probe,
            Probe::AsGiven | Probe::Repeat | Probe::Pause | Probe::Redirect | Probe::Address(_)
        );
        if repeats && self.asked.is_unsafe() && !self.limits.repeat_unsafe {
            return None;
        }
        if self.trials.len() >= self.limits.requests {
            return None;
        }
        let sent = probe.apply(&self.asked, &self.made_up)?;
        sleep_until(self.not_before.min(self.deadline)).await;
        let left = self.deadline.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())?;
        self.not_before = Instant::now() + self.limits.pace;
        (self.progress)(&probe.what());
        let only = match &probe {
            Probe::Address(address) => Some(*address),
            _ => None,
        };
        let outcome = timeout(left, self.client.send(&sent, only)).await.unwrap_or(Err(Failure::OutOfTime));
        self.trials.push(Trial { probe, sent, outcome: outcome.clone() });
        Some(outcome)
    }

    fn judge(&mut self) -> (Seen, Ranking) {
        if self.words.is_none() {
            self.words = self.exhibit.as_ref().map(|exhibit| read_words(self.evidence, exhibit));
        }
        let unread = scene(
            &self.asked,
            self.exhibit.as_ref(),
            &self.trials,
            &self.addresses,
            self.at_first_fine,
            &self.client.agent,
        );
        let scene = Scene { words: self.words.as_ref(), ..unread };
        let seen = judge(self.evidence, &scene);
        let ranking = rank(self.evidence, &seen, self.hints);
        (seen, ranking)
    }

    fn finish(mut self, ended: Ended) -> Examination {
        let (seen, ranking) = self.judge();
        Examination {
            asked: self.asked,
            ended,
            exhibit: self.exhibit,
            trials: self.trials,
            addresses: self.addresses,
            seen,
            ranking,
            now: Timestamp::now().as_second(),
            redirects: self.redirects,
            at_first_fine: self.at_first_fine,
        }
    }
}

/// Probes that ask for the same thing in another way, so that luck could explain the difference.
fn is_about_the_request(probe: &Probe) -> bool {
    !matches!(
        probe,
        Probe::Get
            | Probe::Port
            | Probe::Child
            | Probe::Sibling
            | Probe::Suffix
            | Probe::Dot
            | Probe::Root
            | Probe::Parent
            | Probe::Slash
            | Probe::Repeat
            | Probe::Pause
            | Probe::Argument(_)
    )
}

fn scene<'a>(
    asked: &'a Asked,
    exhibit: Option<&'a Answer>,
    trials: &'a [Trial],
    addresses: &'a [IpAddr],
    at_first_fine: bool,
    default_agent: &str,
) -> Scene<'a> {
    let left_out = asked.left_out.iter().any(|left| left.eq_ignore_ascii_case("user-agent"));
    let agent = match asked.header("user-agent") {
        Some(agent) => agent.to_owned(),
        None if left_out => String::new(),
        None => default_agent.to_owned(),
    };
    let trials = trials
        .iter()
        .map(|trial| (trial, told(&trial.outcome, exhibit, &trial.sent.url, &asked.url)))
        .collect();
    Scene {
        asked,
        agent,
        now: Timestamp::now().as_second(),
        exhibit,
        words: None,
        trials,
        addresses,
        at_first_fine,
    }
}

#[expect(clippy::too_many_arguments, reason = "the parts of an examination, put together in one place")]
fn conclude(
    evidence: &Evidence,
    hints: &[Hint],
    ended: Ended,
    asked: Asked,
    exhibit: Option<Answer>,
    trials: Vec<Trial>,
    addresses: Vec<IpAddr>,
    redirects: Vec<Url>,
    at_first_fine: bool,
) -> Examination {
    let (seen, ranking) = {
        let scene = scene(&asked, exhibit.as_ref(), &trials, &addresses, at_first_fine, UNKNOWN_AGENT);
        let seen = judge(evidence, &scene);
        let ranking = rank(evidence, &seen, hints);
        (seen, ranking)
    };
    let now = Timestamp::now().as_second();
    Examination { asked, ended, exhibit, trials, addresses, seen, ranking, now, redirects, at_first_fine }
}

/// A name that no server has and no filter minds: plain letters, new each time.
fn made_up() -> String {
    let nanoseconds = Timestamp::now().as_nanosecond().unsigned_abs();
    let mut name = "nothing-here-".to_owned();
    let mut rest = nanoseconds ^ u128::from(std::process::id());
    for _ in 0..6 {
        let letter = u8::try_from(rest % 20).unwrap_or_default();
        name.push(char::from(b"bcdfghjklmnpqrstvwxz".get(usize::from(letter)).copied().unwrap_or(b'b')));
        rest /= 20;
    }
    name
}

/// Where a saved answer does not show the request, some client or other made it.
const UNKNOWN_AGENT: &str = "Mozilla/5.0";
/// What most reporters used who name no client.
const CURL: &str = "curl/8.14.1";
