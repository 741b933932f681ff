//! Lists the files of `assets/starter` and `assets/samples` for embedding, so that the single binary works on its own.

use std::fmt::Write;
use std::path::{Path, PathBuf};

const FOLDERS: [&str; 2] = ["starter", "samples"];

fn main() {
    let root = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets the folder of the package"));
    let mut list = String::from("static FILES: &[(&str, &[u8])] = &[\n");
    for folder in FOLDERS {
        let path = root.join("assets").join(folder);
        println!("cargo::rerun-if-changed={}", path.display());
        for file in files(&path) {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            writeln!(
                list,
                "    (\"{folder}/{name}\", include_bytes!({:?})),",
                file.display().to_string()
            )
            .expect("text grows");
        }
    }
    list.push_str("];\n");
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets the output folder"));
    std::fs::write(out.join("bundle.rs"), list).expect("the output folder can be written");
}

/// The files of a folder in a fixed order; none where there is no such folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries.map(|e| e.path()).filter(|p| p.is_file()).collect();
    files.sort();
    files
}
