//! Learning-rate schedules against transformers.

use burnish::recipe::Schedule;
use burnish::train::LrSchedule;

use crate::golden::{close, floats, json};

#[test]
fn schedules_match_transformers() {
    let mut compared = 0;
    for case in json("schedule.json")["schedules"].as_array().expect("schedules") {
        let kind = match case["name"].as_str().expect("name") {
            "cosine" => Schedule::Cosine,
            "linear" => Schedule::Linear,
            "constant" | "constant_with_warmup" => Schedule::Constant,
            "inverse_sqrt" => Schedule::InverseSqrt,
            "warmup_stable_decay" => Schedule::Wsd,
            other => panic!("unknown schedule {other}"),
        };
        let count = |key: &str| case[key].as_u64().expect("steps") as usize;
        let schedule = LrSchedule {
            kind,
            peak: 1.0,
            warmup: count("num_warmup_steps"),
            total: count("num_training_steps"),
            decay: case["kwargs"]["num_decay_steps"].as_u64().unwrap_or(0) as usize,
        };
        let expected = floats(&case["lr_at_optimizer_step"]);
        let worst = expected
            .iter()
            .enumerate()
            .map(|(i, lr)| (schedule.at(i) - lr).abs())
            .fold(0.0, f64::max);
        close(&format!("schedule {}", case["name"]), worst, 1e-7);
        compared += 1;
    }
    assert_eq!(compared, 10);
}
