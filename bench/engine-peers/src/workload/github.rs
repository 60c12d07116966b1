//! `github`: few policies and a world that grows. Repositories of organisations, with five relations that contain each
//! other; nested teams that are granted relations; users in teams.

use crate::random::Random;

/// The relations somebody may have to a repository, each containing those before it.
pub const RELATIONS: [&str; 5] = ["readers", "triagers", "writers", "maintainers", "admins"];

/// Each action and the relation that permits it.
pub const ACTIONS: [(&str, &str); 7] = [
    ("pull", "readers"),
    ("fork", "readers"),
    ("label", "triagers"),
    ("edit_issue", "triagers"),
    ("push", "writers"),
    ("manage_pages", "maintainers"),
    ("delete_repo", "admins"),
];
/// How many policies express it: one an action, and one for admins of the owner.
pub const POLICIES: usize = ACTIONS.len() + 1;

/// One request and the decision that is right.
#[derive(Debug)]
pub struct Request {
    /// Who asks.
    pub user: usize,
    /// What for.
    pub action: usize,
    /// On which repository.
    pub repository: usize,
    /// What [`Forge::allows`] says.
    pub allow: bool,
}

/// The world and its requests.
#[derive(Debug)]
pub struct Forge {
    /// How many users, teams and repositories there are, of each.
    pub size: usize,
    /// How many organisations there are.
    pub organisations: usize,
    /// The organisation of each repository.
    pub owners: Vec<usize>,
    /// The team that each team is in.
    pub team_parent: Vec<Option<usize>>,
    /// The repositories and relations that each team is granted.
    pub team_grants: Vec<Vec<(usize, usize)>>,
    /// The teams that each user is in.
    pub user_teams: Vec<Vec<usize>>,
    /// The admins of each organisation.
    pub admins: Vec<Vec<usize>>,
    /// Half of them allowed.
    pub requests: Vec<Request>,
}

impl Forge {
    /// Makes a world. The order in which numbers are drawn is part of the workload.
    pub fn new(size: usize, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let organisations = size / 10 + 1;
        let owners = (0..size).map(|_| random.below(organisations)).collect();
        let team_parent =
            (0..size).map(|team| (team > 0 && random.chance(30)).then(|| random.below(team))).collect();
        let team_grants = (0..size)
            .map(|_| (0..1 + random.below(3)).map(|_| (random.below(size), random.below(5))).collect())
            .collect();
        let user_teams = (0..size)
            .map(|_| {
                let mut teams: Vec<usize> = (0..1 + random.below(5)).map(|_| random.below(size)).collect();
                teams.sort_unstable();
                teams.dedup();
                teams
            })
            .collect();
        let admins = (0..organisations).map(|_| vec![random.below(size)]).collect();
        let requests = Vec::new();
        let mut forge =
            Self { size, organisations, owners, team_parent, team_grants, user_teams, admins, requests };
        forge.requests = forge.ask(&mut random);
        forge
    }

    /// What a user's teams, and the teams these are in, are granted.
    pub fn grants(&self, user: usize) -> Vec<(usize, usize)> {
        let mut grants = Vec::new();
        let mut open = self.user_teams[user].clone();
        while let Some(team) = open.pop() {
            grants.extend_from_slice(&self.team_grants[team]);
            open.extend(self.team_parent[team]);
        }
        grants
    }

    /// The reference.
    pub fn allows(&self, request: &Request) -> bool {
        let needed = relation_for(request.action);
        self.admins[self.owners[request.repository]].contains(&request.user)
            || self
                .grants(request.user)
                .iter()
                .any(|(repository, relation)| *repository == request.repository && *relation >= needed)
    }

    /// The organisations that each user is an admin of.
    pub fn administers(&self) -> Vec<Vec<usize>> {
        let mut administers = vec![Vec::new(); self.size];
        for (organisation, admins) in self.admins.iter().enumerate() {
            for admin in admins {
                administers[*admin].push(organisation);
            }
        }
        administers
    }

    fn ask(&self, random: &mut Random) -> Vec<Request> {
        let mut requests = Vec::new();
        let (mut to_allow, mut to_deny) = (1_024, 1_024);
        while to_allow + to_deny > 0 {
            let user = random.below(self.size);
            let grants = if random.chance(60) { self.grants(user) } else { Vec::new() };
            let repository = match grants.len() {
                0 => random.below(self.size),
                count => grants[random.below(count)].0,
            };
            let mut request = Request { user, action: random.below(ACTIONS.len()), repository, allow: false };
            request.allow = self.allows(&request);
            let wanted = if request.allow { &mut to_allow } else { &mut to_deny };
            if *wanted > 0 {
                *wanted -= 1;
                requests.push(request);
            }
        }
        requests
    }
}

/// The relation that an action needs, as a place in [`RELATIONS`].
pub fn relation_for(action: usize) -> usize {
    RELATIONS.iter().position(|relation| *relation == ACTIONS[action].1).unwrap()
}
