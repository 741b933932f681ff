//! Broken safetensors files and indexes are refused in words that name what is wrong.

use std::path::Path;

use burnish::formats::source::TensorSource;
use burnish::formats::weights::{HostTensor, StoreType, WeightFile, header, write};

/// A file with this header, its length stated as `length`, and `data` zero bytes behind.
fn file(json: &str, length: u64, data: usize) -> Vec<u8> {
    let mut out = length.to_le_bytes().to_vec();
    out.extend(json.as_bytes());
    out.resize(out.len() + data, 0);
    out
}

fn said(json: &str, data: usize) -> String {
    header(&file(json, json.len() as u64, data)).map(|_| ()).unwrap_err()
}

fn assert_says(said: &str, words: &[&str]) {
    for word in words {
        assert!(said.contains(word), "{said:?} does not say {word:?}");
    }
}

#[test]
fn headers_that_lie_are_refused() {
    let sound = r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#;
    assert!(header(&file(sound, sound.len() as u64, 8)).is_ok());
    assert_says(&header(b"").map(|_| ()).unwrap_err(), &["0 bytes hold no header"]);
    for length in [u64::MAX, 1 << 62, 200_000_000, 55] {
        let said = header(&file(sound, length, 0)).map(|_| ()).unwrap_err();
        assert_says(&said, &[&length.to_string(), "cut off"]);
    }
    assert_says(&said(sound, 7), &["cut off"]);
    assert_says(&said(sound, 9), &["do not end where the file ends"]);
    assert_says(&said("{", 0), &["header is broken"]);
    assert_says(&said("[]", 0), &["header is broken"]);
    let one = |info: &str| format!(r#"{{"a":{{{info}}}}}"#);
    assert_says(
        &said(&one(r#""dtype":"F32","shape":[2],"data_offsets":[8,16]"#), 16),
        &["\"a\"", "gap"],
    );
    assert_says(
        &said(&one(r#""dtype":"F32","shape":[3],"data_offsets":[0,8]"#), 8),
        &["does not fit its shape"],
    );
    assert_says(
        &said(
            &one(r#""dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]"#),
            8,
        ),
        &["broken"],
    );
    assert_says(
        &said(&one(r#""dtype":"F99","shape":[2],"data_offsets":[0,8]"#), 8),
        &["F99"],
    );
    let twice = r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#;
    assert_says(&said(twice, 8), &["\"a\" occurs twice"]);
}

fn shard(folder: &Path, name: &str, tensors: &[&str]) {
    let tensor = HostTensor {
        shape: vec![2],
        values: vec![1.0, 2.0],
    };
    let tensors: Vec<_> = tensors.iter().map(|t| (t.to_string(), tensor.clone())).collect();
    write(&folder.join(name), &tensors, StoreType::F32, &[]).unwrap();
}

/// What is said about a folder with two shards (`a` in the first, `b` in the second) and this weight map.
fn index_said(map: &str) -> Result<Vec<String>, String> {
    let folder = tempfile::tempdir().unwrap();
    shard(folder.path(), "one.safetensors", &["a"]);
    shard(folder.path(), "two.safetensors", &["b"]);
    shard(folder.path(), "both.safetensors", &["a", "b"]);
    std::fs::write(
        folder.path().join("model.safetensors.index.json"),
        format!("{{\"weight_map\":{map}}}"),
    )
    .unwrap();
    let opened = WeightFile::open(folder.path()).map_err(|e| e.to_string())?;
    opened.read("a").map_err(|e| e.to_string())?;
    Ok(TensorSource::names(&opened))
}

#[test]
fn indexes_that_contradict_their_shards_are_refused() {
    let good = r#"{"a":"one.safetensors","b":"two.safetensors"}"#;
    assert_eq!(index_said(good).unwrap(), ["a", "b"]);
    let says = |map: &str, words: &[&str]| assert_says(&index_said(map).unwrap_err(), words);
    says(r#"{"a":"three.safetensors"}"#, &["three.safetensors", "missing"]);
    says(
        r#"{"a":"../one.safetensors"}"#,
        &["../one.safetensors", "beside the index"],
    );
    says(r#"{"a":"/etc/passwd"}"#, &["/etc/passwd", "beside the index"]);
    says(r#"{"a":"model.safetensors.index.json"}"#, &["is an index"]);
    says(r#"{"b":"one.safetensors"}"#, &["one.safetensors", "no tensor \"b\""]);
    says(
        r#"{"a":"one.safetensors","b":"both.safetensors"}"#,
        &["\"a\"", "one.safetensors", "too"],
    );
    says(
        r#"{"a":"one.safetensors","a":"two.safetensors"}"#,
        &["\"a\" occurs twice"],
    );
    says(r#"{"a":1}"#, &["index.json"]);
    says("{}", &["lists no tensor"]);
    says("[", &["index.json", "list of shards"]);
}

#[test]
fn folders_without_weights_and_other_types_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let said = |result: Result<WeightFile, _>| {
        result
            .err()
            .map(|e: burnish::formats::FormatError| e.to_string())
            .unwrap()
    };
    assert_says(&said(WeightFile::open(folder.path())), &["No model.safetensors"]);
    let json = r#"{"a":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}}"#;
    std::fs::write(
        folder.path().join("model.safetensors"),
        file(json, json.len() as u64, 8),
    )
    .unwrap();
    let opened = WeightFile::open(folder.path()).unwrap();
    assert_says(&opened.read("a").unwrap_err().to_string(), &["\"a\"", "I64"]);
    assert!(opened.packed("a").is_none());
    assert_says(&opened.read_shaped("a", &[2]).unwrap_err().to_string(), &["[1]", "[2]"]);
}
