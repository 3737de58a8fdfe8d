//! Many agents on one API server, while objects change all the time. FRR is a fake: two cores hold no fifty of it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use frrk8s_api::FRRConfiguration;
use frrk8s_e2e::agent::{Agent, Home};
use frrk8s_e2e::fake_frr::FakeFrr;
use frrk8s_testkit::lab::{LabError, wait_until};

use crate::ground::{Ground, configuration};
use crate::{mebibytes, setting};

const LIMIT: Duration = Duration::from_mins(5);
/// How many objects change at a time, and how often.
const BATCH: usize = 10;
const PAUSE: Duration = Duration::from_millis(200);

struct Member {
    agent: Agent,
    frr: FakeFrr,
    home: Home,
}

/// The object of a number, in the version of a round: it is for one node, and advertises two prefixes, the second of which is
/// the round's.
fn object(number: usize, round: usize, agents: usize) -> FRRConfiguration {
    let (high, low) = (number / 250, number % 250);
    configuration(&format!(
        "kind: FRRConfiguration\nmetadata: {{name: o{number}}}\nspec:\n  nodeSelector: {{matchLabels: {{kubernetes.io/hostname: n{}}}}}\n  \
         bgp: {{routers: [{{asn: 64512, prefixes: [10.{high}.{low}.0/25, 20.{high}.{low}.{}/32], neighbors: [{{address: 192.0.2.{}, asn: 64513, \
         toAdvertise: {{allowed: {{mode: all}}}}}}]}}]}}\n",
        number % agents + 1,
        round % 250,
        2 + number / agents % 20
    ))
}

pub fn run() -> Result<(), LabError> {
    let size: String = setting("FRRK8S_FLEET", "50x2000".to_owned());
    let (agents, objects) = size.split_once('x').unwrap();
    let (agents, objects): (usize, usize) = (agents.parse().unwrap(), objects.parse().unwrap());
    let time = Duration::from_secs(setting("FRRK8S_FLEET_SECONDS", 60));
    let Some(ground) = Ground::start(agents)? else { return Ok(()) };
    ground.put((0..objects).map(|number| object(number, 0, agents)).collect());
    let kubeconfig = format!("--kubeconfig={}", ground.agents()?.display());
    let started = Instant::now();
    let members: Vec<Member> = (1..=agents).map(|number| member(number, &kubeconfig)).collect();
    for member in &members {
        member.agent.wait_long_for(LIMIT, "an agent to apply", |report| report["reason"] == "Applied");
    }
    let synced = started.elapsed();
    let (_, place) = ground.requests_since(0);
    let (churned, mut rounds) = (Instant::now(), vec![0; objects]);
    let (mut changes, mut next) = (0, 0);
    while churned.elapsed() < time {
        let batch: Vec<usize> = (next..next + BATCH).map(|at| at * 7 % objects).collect();
        next += BATCH;
        for number in &batch {
            rounds[*number] += 1;
        }
        changes += batch.len();
        ground.put(batch.iter().map(|number| object(*number, rounds[*number], agents)).collect());
        ground.block_on(async { tokio::time::sleep(PAUSE).await });
    }
    let churned = churned.elapsed();
    let ended = Instant::now();
    wait_until(LIMIT, "every agent to have the last versions", || {
        Ok(members.iter().enumerate().all(|(at, member)| runs_last(member, (at, agents), &rounds)))
    })?;
    let settled = ended.elapsed();
    let (requests, _) = ground.requests_since(place);
    say((agents, objects), [synced, churned, settled], changes);
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    let mut failed = 0;
    for request in requests.iter().filter(|request| request.stage == "ResponseComplete") {
        failed += usize::from(request.code >= 400);
        *kinds.entry(format!("{} {}", request.verb, request.resource)).or_default() += 1;
    }
    for (kind, count) in kinds {
        let each = in_minutes(count, agents, churned);
        println!("* {kind}: {count}, {each:.1} a minute and agent");
    }
    let most = members.iter().map(|member| member.agent.memory()[1]).max().unwrap_or_default();
    let complaints: usize = members.iter().map(|member| complaints(&member.home)).sum();
    println!("* requests that failed: {failed}; warnings and errors in the agents' logs: {complaints}");
    println!("* VmHWM of the largest agent: {:.1} MiB", mebibytes(most));
    Ok(())
}

/// How many of them there are a minute for each agent.
#[allow(clippy::cast_precision_loss, reason = "they are thousands")]
fn in_minutes(count: usize, agents: usize, time: Duration) -> f64 {
    count as f64 / agents as f64 / time.as_secs_f64() * 60.0
}

fn member(number: usize, kubeconfig: &str) -> Member {
    let (frr, home) = (FakeFrr::start(), Home::new());
    let node = format!("--node=n{number}");
    let options = ["--source=kube", &node, kubeconfig];
    let agent = Agent::start_with(Path::new("frrk8s"), frr.directory(), &home, &options);
    Member { agent, frr, home }
}

/// Whether the FRR of an agent has the last version of every object for its node, and nothing of earlier ones.
fn runs_last(member: &Member, (at, agents): (usize, usize), rounds: &[usize]) -> bool {
    let text = member.frr.bgpd();
    let networks: Vec<&str> =
        text.lines().filter_map(|line| line.trim().strip_prefix("network 20.")).collect();
    let own: Vec<usize> = (0..rounds.len()).filter(|number| number % agents == at).collect();
    let expected = |number: &usize| format!("{}.{}.{}/32", number / 250, number % 250, rounds[*number] % 250);
    networks.len() == own.len() && own.iter().all(|number| networks.contains(&expected(number).as_str()))
}

/// Warnings and errors in a log.
fn complaints(home: &Home) -> usize {
    let log = fs::read_to_string(home.log()).unwrap_or_default();
    let complaints: Vec<&str> =
        log.lines().filter(|line| line.contains(" WARN ") || line.contains(" ERROR ")).collect();
    complaints.iter().take(3).for_each(|line| eprintln!("{line}"));
    complaints.len()
}

fn say((agents, objects): (usize, usize), [synced, churned, settled]: [Duration; 3], changes: usize) {
    println!("{agents} agents, {objects} objects, one API server:\n");
    println!("| all applied after | changes | in | the last one everywhere after |");
    println!("| --: | --: | --: | --: |");
    println!(
        "| {:.1} s | {changes} | {:.1} s | {:.2} s |\n",
        synced.as_secs_f64(),
        churned.as_secs_f64(),
        settled.as_secs_f64()
    );
}
