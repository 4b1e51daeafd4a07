//! Tells the kernels whether this compiler has stable AVX-512 intrinsics (Rust 1.89 and later).

use std::process::Command;

fn main() {
    println!("cargo::rustc-check-cfg=cfg(avx512_stable)");
    println!("cargo::rerun-if-changed=build.rs");
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = Command::new(rustc).arg("--version").output().map(|out| out.stdout).unwrap_or_default();
    let text = String::from_utf8_lossy(&version).into_owned();
    let number = text.split_whitespace().nth(1).unwrap_or("");
    let mut parts = number.split(['.', '-']).map(|part| part.parse::<u32>().unwrap_or(0));
    let (major, minor) = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    if (major, minor) >= (1, 89) {
        println!("cargo::rustc-cfg=avx512_stable");
    }
}
