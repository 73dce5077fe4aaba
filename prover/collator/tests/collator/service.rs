//! `zkpov relay --listen` and `zkpov collator` as processes: an extrinsic by JSON-RPC into a final block, through kills and
//! restarts; and what clients may send.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use zkpov_collator::Collator;

use crate::stage::{Files, person, signed};

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(180);

/// A service, killed when it is dropped.
struct Service {
    child: Child,
    /// What it said when it started.
    said: Value,
}

impl Service {
    fn start(files: &Files, words: &str) -> Self {
        let mut command = files.command(words);
        command.stdout(Stdio::piped()).stderr(Stdio::null()).stdin(Stdio::null());
        let mut child = command.spawn().expect("it starts");
        let mut output = BufReader::new(child.stdout.take().expect("its output"));
        let mut line = String::new();
        output.read_line(&mut line).expect("its first line");
        // Whoever writes to a pipe that nobody reads is stopped in the end.
        std::thread::spawn(move || drop(std::io::copy(&mut output, &mut std::io::sink())));
        let said = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{words}: {error}: {line:?}"));
        Self { child, said }
    }

    fn relay(files: &Files) -> Self {
        // Slower than the proofs of a busy machine, as a relay chain's blocks are.
        Self::start(files, "relay --json --listen 127.0.0.1:0 --block-time 0.5 --ancestry 60 --forks 10")
    }

    fn collator(files: &Files, relay: &Self, more: &str) -> Self {
        let relay = relay.said["listen"].as_str().expect("an address");
        let words = format!(
            "collator --json --base chain --keys KEYS --author author.json --relay http://{relay} --rpc 127.0.0.1:0 \
             --register --order-for 50000000000 --patience 60 {more}"
        );
        Self::start(files, &words)
    }

    fn address(&self) -> &str {
        self.said["rpc"].as_str().expect("an address")
    }

    fn ask(&self, method: &str, params: Value) -> Value {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string();
        let (status, answer) = post(self.address(), "/", &body);
        assert_eq!(status, 200, "{answer}");
        serde_json::from_str(&answer).expect("JSON")
    }

    fn wait_for(&self, what: &str, done: impl Fn(&Self) -> bool) {
        let end = Instant::now() + PATIENCE;
        while !done(self) {
            assert!(Instant::now() < end, "waited too long until {what}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Stops it as an operator does; its exit code.
    #[cfg(unix)]
    fn stop(mut self) -> Option<i32> {
        let id = self.child.id().to_string();
        std::process::Command::new("kill").args(["-TERM", &id]).status().expect("kill runs");
        self.child.wait().expect("it ends").code()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends bytes to an address and reads the answer: status and body.
fn post(address: &str, path: &str, body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let method = if body.is_empty() { "GET" } else { "POST" };
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    );
    // A server that has seen enough may close before it has read all.
    let _ = stream.write_all(request.as_bytes());
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    (status, answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default())
}

/// Transfers as lines of JSON, nonces from 0.
fn transfers(files: &Files, count: u32) -> Vec<Value> {
    let collator = Collator::open(&files.path("chain")).expect("a chain");
    (0..count)
        .map(|nonce| {
            let line = signed(&collator, 1, nonce, "transfer", &person(0), 5);
            serde_json::from_str(&line).expect("JSON")
        })
        .collect()
}

fn nonce(service: &Service) -> u64 {
    service.ask("zkpov_getAccount", json!([1]))["result"]["nonce"].as_u64().expect("a nonce")
}

fn finalized(service: &Service) -> u64 {
    service.ask("system_health", json!([]))["result"]["finalized"].as_u64().expect("a number")
}

/// Extrinsics are submitted one by one; after each, the collator is killed at a random moment and started again. All of them
/// end in final blocks, in order, each once.
fn kills(count: u32, seed: u64) {
    use rand::{Rng, SeedableRng, rngs::StdRng};
    let files = Files::new();
    let offered = transfers(&files, count);
    let relay = Service::relay(&files);
    let mut random = StdRng::seed_from_u64(seed);
    for extrinsic in &offered {
        let collator = Service::collator(&files, &relay, "");
        let answer = collator.ask("author_submitExtrinsic", json!([extrinsic]));
        assert!(answer["result"].is_string(), "{answer}");
        std::thread::sleep(Duration::from_millis(random.gen_range(0..4000)));
        // Killed as it is dropped.
    }
    let collator = Service::collator(&files, &relay, "");
    collator.wait_for("every extrinsic is in a block", |collator| nonce(collator) == u64::from(count));
    let best = collator.ask("system_health", json!([]))["result"]["best"].as_u64().expect("a number");
    collator.wait_for("the blocks are final", |collator| finalized(collator) >= best);
    assert_eq!(nonce(&collator), u64::from(count));
    assert_eq!(collator.ask("author_pendingExtrinsics", json!([]))["result"], json!([]));
    #[cfg(unix)]
    assert_eq!(collator.stop(), Some(0), "told to stop, it stops");
    let mut database = zkpov_collator::db::Database::open(&files.path("chain")).expect("it opens");
    database.verify().expect("nothing in it contradicts itself");
}

#[test]
fn extrinsics_taken_by_a_collator_that_is_killed_end_in_final_blocks() {
    kills(2, 1);
}

#[test]
#[ignore = "long: run by scripts/test-crash"]
fn long_extrinsics_taken_by_a_collator_that_is_killed_twenty_times_end_in_final_blocks() {
    let seed = rand::random();
    println!("seed {seed}");
    kills(20, seed);
}

#[test]
fn a_server_answers_what_is_malformed_or_too_much_with_an_error_and_goes_on() {
    let files = Files::new();
    let [first, second] = <[Value; 2]>::try_from(transfers(&files, 2)).expect("two");
    let relay = Service::relay(&files);
    // It authors nothing, so that the pool stays as it is.
    let collator = Service::collator(&files, &relay, "--turn 0/4294967295 --metrics 127.0.0.1:0");
    let address = collator.address();
    for (body, code) in [
        ("{", -32700),
        ("[]", -32600),
        (r#"{"jsonrpc":"1.0"}"#, -32700),
        (r#"{"jsonrpc":"2.0","id":1,"method":"nothing_such"}"#, -32601),
        (r#"{"jsonrpc":"2.0","id":1,"method":"author_submitExtrinsic"}"#, -32602),
        (r#"{"jsonrpc":"2.0","id":1,"method":"author_submitExtrinsic","params":[7]}"#, -32602),
        (r#"{"jsonrpc":"2.0","id":1,"method":"author_submitExtrinsic","params":["0x00"]}"#, 1001),
        (r#"{"jsonrpc":"2.0","id":1,"method":"author_submitExtrinsic","params":["hello"]}"#, 1001),
        (r#"{"jsonrpc":"2.0","id":1,"method":"author_submitExtrinsic","params":[{"call":"steal"}]}"#, 1001),
        (r#"{"jsonrpc":"2.0","id":1,"method":"chain_getBlockHash","params":["0xzz"]}"#, -32602),
        (r#"{"jsonrpc":"2.0","id":1,"method":"chain_getHeader","params":["0x12"]}"#, -32602),
        (r#"{"jsonrpc":"2.0","id":1,"method":"zkpov_getAccount","params":[-1]}"#, -32602),
        (r#"{"jsonrpc":"2.0","id":1,"method":"zkpov_getAccount","params":["0x00"]}"#, -32602),
        (r#"{"jsonrpc":"2.0","id":1,"method":"zkpov_getBlockData","params":[null]}"#, -32602),
    ] {
        let (_, answer) = post(address, "/", body);
        let answer: Value =
            serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{body}: {error}: {answer}"));
        assert_eq!(answer["error"]["code"], code, "{body}: {answer}");
    }
    let (status, answer) = post(address, "/", &"a".repeat(1 << 20));
    assert!(status == 413 || answer.contains("too big"), "{status} {answer}");
    let batch = vec![json!({ "jsonrpc": "2.0", "id": 1, "method": "system_name" }); 33];
    let (_, answer) = post(address, "/", &Value::Array(batch).to_string());
    assert!(answer.contains("-32010"), "a batch too long: {answer}");

    let hash = collator.ask("author_submitExtrinsic", json!([first]))["result"].clone();
    assert!(hash.is_string());
    assert_eq!(collator.ask("author_submitExtrinsic", json!([first]))["error"]["code"], 1013);
    let mut forged = second;
    forged["amount"] = json!("6");
    assert_eq!(collator.ask("author_submitExtrinsic", json!([forged]))["error"]["code"], 1010);
    assert_eq!(collator.ask("system_accountNextIndex", json!([1]))["result"], 1);
    assert_eq!(collator.ask("system_chain", json!([]))["result"], "payments");
    assert_eq!(collator.ask("zkpov_getAccount", json!([99]))["result"], Value::Null);
    let genesis = collator.ask("chain_getBlockHash", json!([0]))["result"].clone();
    assert_eq!(collator.ask("chain_getFinalizedHead", json!([]))["result"], genesis);
    assert_eq!(collator.ask("chain_getHeader", json!([genesis]))["result"]["number"], "0x0");
    assert_eq!(collator.ask("zkpov_getBlockData", json!([genesis]))["result"], Value::Null);

    let metrics = collator.said["metrics"].as_str().expect("an address");
    collator.wait_for("the metrics show the pool", |_| {
        post(metrics, "/metrics", "").1.contains("substrate_ready_transactions_number{status=\"ready\"} 1")
    });
    assert_eq!(post(metrics, "/secrets", "").0, 404);
    assert_eq!(post(metrics, &format!("/{}", "a".repeat(1 << 20)), "").0, 0, "an endless request is dropped");
}
