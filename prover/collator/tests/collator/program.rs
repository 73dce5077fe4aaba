//! The program as people and scripts use it.

use serde_json::Value;

use crate::stage::{Files, key_json, keys_directory, person};

const VERIFY: &str = "verify --key KEYS/validity.key --parent genesis.head --pov block-1.pov --relay relay.json --allow-dev-keys";

#[test]
fn a_block_goes_from_author_to_verify_to_import_by_its_files() {
    let files = Files::new();
    let authored = files.run(&format!("{} --json", Files::author())).json(0);
    assert_eq!(
        (&authored["number"], &authored["included"], &authored["again"]),
        (&1.into(), &1.into(), &false.into())
    );

    let verified = files.run(&format!("{VERIFY} --json --head-out verified.head")).json(0);
    assert_eq!(verified["head"]["hash"], authored["hash"]);
    let head = |name: &str| std::fs::read(files.path(name)).unwrap();
    assert_eq!(head("verified.head"), head("block-1.head"));

    let genesis =
        files.run("genesis --chain payments --para-id 2000 --spec spec.json --out other --json").json(0);
    assert_eq!(std::fs::read(files.path("other/genesis.head")).unwrap(), head("genesis.head"));
    assert!(genesis["genesis_hash"].as_str().unwrap().starts_with("0x"));
    let import = "import --base other --key KEYS/validity.key --pov block-1.pov --relay relay.json --allow-dev-keys --json";
    let imported = files.run(import).json(0);
    assert_eq!((&imported["hash"], &imported["result"]), (&authored["hash"], &"imported".into()));
    assert_eq!(files.run(import).json(0)["result"], "known");

    let again = files.run(&format!("{} --json", Files::author().replace("block-1", "again"))).json(0);
    assert_eq!(again["again"], true);
    assert_eq!(head("again.pov"), head("block-1.pov"));
}

#[test]
fn verify_refuses_with_exit_code_1_and_says_why() {
    let files = Files::new();
    files.run(Files::author());
    let without_permission = VERIFY.replace("--allow-dev-keys", "--json");
    let refused = files.run(&without_permission).json(1);
    assert_eq!(refused["result"], "refused");
    assert!(refused["next"].as_str().unwrap().contains("--allow-dev-keys"));

    let mut pov = std::fs::read(files.path("block-1.pov")).unwrap();
    let middle = pov.len() / 2;
    pov[middle] ^= 1;
    std::fs::write(files.path("bad.pov"), &pov).unwrap();
    let refused = files.run(&VERIFY.replace("block-1.pov", "bad.pov"));
    assert_eq!((refused.code(), refused.stdout()), (1, String::new()));
    assert!(refused.stderr().starts_with("refused: the block is not valid: "), "{}", refused.stderr());

    std::fs::write(files.path("noise.pov"), vec![0x5a; 11 << 20]).unwrap();
    let noise = files.run(&format!("{} --json", VERIFY.replace("block-1.pov", "noise.pov"))).json(1);
    assert!(noise["reason"].as_str().unwrap().contains("longer than"), "{noise}");

    let on_itself = files.run(&format!("{} --json", VERIFY.replace("genesis.head", "block-1.head"))).json(1);
    assert!(on_itself["reason"].as_str().unwrap().contains("signature"), "{on_itself}");
}

#[test]
fn what_cannot_be_checked_is_exit_code_2_and_names_the_file() {
    let files = Files::new();
    for (words, word) in [
        (VERIFY, "block-1.pov"),
        ("account --base nowhere 0", "nowhere"),
        ("rollback --base chain --to 9", "there is no block 9"),
        ("inspect KEYS", "cannot read"),
        ("setup --base chain --tier 99 --out new", "no tier 99"),
        ("genesis --chain chess --para-id 1 --spec spec.json --out new", "no chain \"chess\""),
        ("genesis --para-id 1 --spec spec.json --out chain", "already holds"),
        ("keygen --out alice.json", "never overwritten"),
        ("setup --base chain --tier tiny --out KEYS", "never overwritten"),
        ("author", "required arguments"),
    ] {
        let ran = files.run(words);
        assert_eq!(ran.code(), 2, "{words}: {}", ran.stderr());
        assert!(ran.stderr().contains(word), "{words}: {}", ran.stderr());
        assert_eq!(ran.stdout(), "", "{words}");
    }
}

#[test]
fn a_gpu_that_is_not_there_is_an_error_and_under_auto_the_cpu_proves_and_says_why() {
    let files = Files::new();
    let alone = files.run(&format!("{} --backend gpu --device cuda:99", Files::author()));
    assert_eq!((alone.code(), alone.stdout()), (2, String::new()));
    assert!(alone.stderr().contains("there is no device cuda:99"), "{}", alone.stderr());

    let words = format!("{} --backend auto --device cuda:99 --json --timings", Files::author());
    let authored = files.run(&words).json(0);
    assert_eq!((&authored["backend"]["name"], &authored["backend"]["device"]), (&"cpu".into(), &Value::Null));
    assert!(authored["backend"]["reason"].as_str().unwrap().contains("cuda:99"), "{authored}");
    assert!(authored["timings"]["backend"].as_str().unwrap().starts_with("cpu"), "{authored}");
    assert!(files.run("gpu list --json").json(0)["devices"].is_array());
}

#[test]
fn refused_extrinsics_are_listed_by_their_line() {
    let files = Files::new();
    let good = std::fs::read_to_string(files.path("extrinsics.jsonl")).unwrap();
    let replayed = good.trim_end();
    let raised = good.trim_end().replace("\"amount\":\"500\"", "\"amount\":\"501\"");
    assert_ne!(raised, replayed);
    files.write("extrinsics.jsonl", &format!("# a comment\n{raised}\nno JSON\n\n{good}{replayed}\n"));
    let authored = files.run(&format!("{} --json", Files::author())).json(0);
    let refused: Vec<(&str, &str)> = authored["refused"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| (entry["extrinsic"].as_str().unwrap(), entry["reason"].as_str().unwrap()))
        .collect();
    let find = |line: &str| {
        refused.iter().find(|(which, _)| *which == line).unwrap_or_else(|| panic!("{refused:?}")).1
    };
    assert!(find("line 2").contains("signature"));
    assert!(find("line 3").contains("cannot be read"));
    assert!(find("line 6").contains("nonce"));
    assert_eq!((refused.len(), &authored["included"]), (3, &1.into()));
}

#[test]
fn an_account_proof_checks_out_and_a_changed_one_does_not() {
    let files = Files::new();
    let proof = files.run("account --base chain alice.json --json");
    files.write("account.json", &proof.stdout());
    let proof = proof.json(0);
    assert_eq!((&proof["account"]["index"], &proof["account"]["key"]), (&1.into(), &key_json(&person(1))));
    assert_eq!(files.run("inspect account.json --json").json(0)["holds"], true);

    let changes: [&dyn Fn(&mut Value); 3] = [
        &|proof| proof["account"]["balance"] = "1000001".into(),
        &|proof| proof["proof"]["siblings"][7][0] = "5".into(),
        &|proof| proof["state_root"] = "5".into(),
    ];
    for change in changes {
        let mut forged = proof.clone();
        change(&mut forged);
        files.write("forged.json", &forged.to_string());
        let ran = files.run("inspect forged.json");
        assert_eq!(ran.code(), 1, "{}", ran.stderr());
        assert!(ran.stderr().contains("does not hold"), "{}", ran.stderr());
    }
    assert_eq!(files.run("account --base chain 77").code(), 1);
}

#[test]
fn inspect_knows_every_file_and_never_shows_a_secret() {
    let files = Files::new();
    files.run(Files::author());
    for (file, kind) in [
        ("block-1.pov", "proven block"),
        ("block-1.head", "head"),
        ("genesis.head", "head"),
        ("KEYS/validity.key", "validity key"),
        ("KEYS/tier-16.zkpk", "proving key"),
        ("alice.json", "key file"),
        ("spec.json", "chain spec"),
        ("extrinsics.jsonl", "extrinsics"),
        ("relay.json", "relay file"),
    ] {
        let shown = files.run(&format!("inspect {file} --json")).json(0);
        assert_eq!(shown["file"], kind, "{file}");
        assert_eq!(files.run(&format!("inspect {file}")).code(), 0, "{file}");
    }
    let secret = std::fs::read_to_string(files.path("alice.json")).unwrap();
    let secret: Value = serde_json::from_str(&secret).unwrap();
    let digits = secret["secret"].as_str().unwrap().trim_start_matches("0x");
    for words in ["inspect alice.json", "inspect alice.json --json", "inspect alice.json -vvv"] {
        let ran = files.run(words);
        assert!(!ran.stdout().contains(digits) && !ran.stderr().contains(digits), "{words}");
    }
    files.write("noise", "noise");
    assert_eq!(files.run("inspect noise").code(), 2);
}

#[test]
fn sign_takes_what_is_not_given_from_the_chain_and_its_extrinsic_is_accepted() {
    let files = Files::new();
    let signed = files.run("sign --base chain --key bob.json transfer amount=25 receiver=alice.json");
    let value = signed.json(0);
    assert_eq!((&value["sender"], &value["nonce"], &value["fee"]), (&2.into(), &0.into(), &"10".into()));
    let genesis = files.run("inspect genesis.head --json").json(0)["hash"].as_str().unwrap().to_owned();
    let by_hand = files.run(&format!(
        "sign --key bob.json --para-id 2000 --genesis-hash {genesis} --sender 2 --nonce 0 --expiry 100 --fee 10 transfer amount=25 receiver=alice.json"
    ));
    assert_eq!(by_hand.stdout(), signed.stdout());
    files.write("extrinsics.jsonl", &signed.stdout());
    assert_eq!(files.run(&format!("{} --json", Files::author())).json(0)["included"], 1);

    let unknown = files.run("sign --base chain --key bob.json teleport amount=25 receiver=alice.json");
    assert_eq!(unknown.code(), 2);
    assert!(unknown.stderr().contains("teleport"), "{}", unknown.stderr());
}

#[test]
fn rollback_and_finalize_say_where_the_chain_stands() {
    let files = Files::new();
    files.run(Files::author());
    let rolled = files.run("rollback --base chain --to 0 --json").json(0);
    assert_eq!((&rolled["undone_blocks"], &rolled["pending_extrinsics"]), (&1.into(), &1.into()));
    files.write("extrinsics.jsonl", "");
    assert_eq!(files.run(&format!("{} --json", Files::author())).json(0)["included"], 1);
    let finalized = files.run("finalize --base chain --number 1 --json").json(0);
    assert_eq!((&finalized["finalized"], &finalized["tip"]), (&1.into(), &1.into()));
    let ran = files.run("rollback --base chain --to 0");
    assert_eq!(ran.code(), 2);
    assert!(ran.stderr().contains("block 1 is final"), "{}", ran.stderr());
}

#[test]
fn every_command_teaches_by_its_help() {
    let files = Files::new();
    let commands = [
        "demo",
        "keygen",
        "genesis",
        "setup",
        "sign",
        "author",
        "verify",
        "import",
        "account",
        "inspect",
        "keys check",
        "rollback",
        "finalize",
        "bench circuits",
        "completions",
    ];
    let overview = files.run("--help").stdout();
    for command in commands {
        let help = files.run(&format!("{command} --help")).stdout();
        assert!(help.contains("Usage: zkpov"), "{command}");
        assert!(help.contains("Example"), "{command} shows no example");
        let name = command.split(' ').next().unwrap();
        assert!(overview.contains(&format!("\n  {name}")), "{name} is not in the overview");
    }
    assert!(overview.contains("Exit codes: 0"));
    assert!(files.run("completions bash").stdout().contains("_zkpov"));
}

#[test]
fn keys_that_are_whole_pass_the_check_and_damage_is_refused_with_the_place_named() {
    let files = Files::new();
    let checked = files.run("keys check KEYS --json").json(0);
    assert_eq!(checked["result"], "valid");
    let kinds: Vec<_> = checked["keys"].as_array().unwrap().iter().map(|key| key["kind"].as_str()).collect();
    assert_eq!(kinds, [Some("validity key"), Some("proving key")]);
    assert_eq!(checked["keys"][0]["development_setup"], true);
    let constraints = &files.run("inspect KEYS/tier-16.zkpk --json").json(0)["constraints"];
    assert_eq!(&checked["keys"][1]["constraints"], constraints);

    // The last byte of the file is one of an index of matrix C.
    let key = std::fs::read(keys_directory().join("tier-16.zkpk")).unwrap();
    let validity = std::fs::read(keys_directory().join("validity.key")).unwrap();
    std::fs::create_dir(files.path("damaged")).unwrap();
    std::fs::write(files.path("damaged/validity.key"), &validity).unwrap();
    let mut damaged = key.clone();
    *damaged.last_mut().unwrap() ^= 1;
    std::fs::write(files.path("damaged/tier-16.zkpk"), &damaged).unwrap();
    for path in ["damaged", "damaged/tier-16.zkpk"] {
        let refused = files.run(&format!("keys check {path} --json")).json(1);
        let reason = refused["reason"].as_str().unwrap();
        assert!(reason.contains("tier-16.zkpk") && reason.contains("CoefficientsC"), "{reason}");
        assert!(refused["next"].as_str().unwrap().contains("copy the key again"), "{refused}");
    }
    std::fs::write(files.path("damaged/tier-16.zkpk"), &key[..key.len() / 2]).unwrap();
    assert_eq!(files.run("keys check damaged").code(), 1);
    let mut other = validity.clone();
    *other.last_mut().unwrap() ^= 1;
    std::fs::write(files.path("other.key"), &other).unwrap();
    assert_eq!(files.run("keys check other.key").code(), 1);

    for (words, word) in [
        ("keys check spec.json", "no proving key and no validity key"),
        ("keys check nowhere.zkpk", "nowhere.zkpk"),
        ("keys check chain", "validity.key"),
        ("keys check", "required arguments"),
    ] {
        let ran = files.run(words);
        assert_eq!(ran.code(), 2, "{words}: {}", ran.stderr());
        assert!(ran.stderr().contains(word), "{words}: {}", ran.stderr());
    }
}

#[test]
fn timings_name_the_phases_and_leave_the_result_alone() {
    let files = Files::new();
    let authored = files.run(&format!("{} --json --timings", Files::author())).json(0);
    assert_eq!(authored["result"], "authored");
    let phases = authored["timings"]["phases"].as_array().unwrap();
    let inside = |name: &str| &phases.iter().find(|phase| phase["name"] == name).unwrap()["inside"];
    for (name, outer) in [
        ("author.execute", Value::Null),
        ("author.prove", Value::Null),
        ("prove.witness", "author.prove".into()),
        ("prove.qap", "author.prove".into()),
        ("prove.verify", "author.prove".into()),
    ] {
        assert_eq!(inside(name), &outer, "{name}");
    }
    assert!(authored["timings"]["seconds"].as_f64() > Some(0.0));

    let plain = files.run(VERIFY);
    let timed = files.run(&format!("{VERIFY} --timings"));
    let first = |text: String| text.lines().next().map(str::to_owned);
    assert_eq!(first(plain.stdout()), first(timed.stdout()));
    assert!(timed.stderr().contains("verify.block"), "{}", timed.stderr());
    assert!(!plain.stderr().contains("verify.block"), "{}", plain.stderr());
    let refused = files.run(&format!("{} --json --timings", VERIFY.replace("--allow-dev-keys", ""))).json(1);
    assert_eq!(refused["timings"]["phases"][0]["name"], "verify.key");
}

#[test]
fn circuits_are_reported_one_object_a_line() {
    let ran = Files::new().run("bench circuits --tier tiny --json");
    assert_eq!(ran.code(), 0, "{}", ran.stderr());
    let text = ran.stdout();
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("an object")).collect();
    assert_eq!(lines.len(), zkpov_circuits::chains::chains().len(), "a line for the tiny tier of each chain");
    for size in lines {
        for field in
            ["chain", "tier", "slots", "constraints", "variables", "non_zeros", "constraints_per_call"]
        {
            assert!(!size[field].is_null(), "{field}");
        }
        assert!(size["constraints_per_call"]["transfer"].as_u64().unwrap() <= 20_000);
    }
}
