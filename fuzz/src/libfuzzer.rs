//! libFuzzer on one target.

use std::{
    ffi::{CString, c_char, c_int},
    process::ExitCode,
    sync::OnceLock,
};

use crate::{corpus, target::Target};

// Links the library.
use libfuzzer_sys as _;

static TARGET: OnceLock<&'static Target> = OnceLock::new();

type Callback = unsafe extern "C" fn(*const u8, usize) -> c_int;

unsafe extern "C" {
    fn LLVMFuzzerRunDriver(argc: *mut c_int, argv: *mut *mut *mut c_char, callback: Callback) -> c_int;
}

/// libFuzzer's callback.
///
/// # Safety
/// `data` points to `size` bytes that stay for the call, which libFuzzer guarantees.
unsafe extern "C" fn one_input(data: *const u8, size: usize) -> c_int {
    // SAFETY: as the function demands; an empty input may come with a null pointer.
    let input = if size == 0 { &[] } else { unsafe { std::slice::from_raw_parts(data, size) } };
    hold(input)
}

fn hold(input: &[u8]) -> c_int {
    if let Some(target) = TARGET.get() {
        target.hold(input);
    }
    0
}

/// The binding's own entrance, which it wants to be defined; it is not used.
#[unsafe(no_mangle)]
#[allow(improper_ctypes_definitions, reason = "the binding declares it so; nothing of C calls it")]
extern "C" fn rust_fuzzer_test_input(input: &[u8]) -> c_int {
    hold(input)
}

/// Runs until a flag says enough or something is found. New inputs go to the working corpus; the repository's is read.
pub fn run(target: &'static Target, flags: &[&str]) -> ExitCode {
    abort_on_panic();
    corpus::write_seeds(target);
    TARGET.get_or_init(|| target);
    // To merge corpora, libFuzzer runs the line that its first argument begins, with other flags.
    let program = std::env::current_exe().expect("this program has a path");
    let mut arguments = vec![format!("{} run {}", program.display(), target.name)];
    arguments.push(format!("-max_len={}", target.max_len));
    arguments.push(format!("-artifact_prefix={}/", corpus::artifacts(target).display()));
    arguments.push("-timeout=20".into());
    arguments.extend(flags.iter().map(|flag| (*flag).to_owned()));
    if !flags.iter().any(|flag| flag.contains("merge")) {
        arguments.push(corpus::working(target).display().to_string());
        arguments.push(corpus::kept(target).display().to_string());
    }
    drive(arguments)
}

fn drive(arguments: Vec<String>) -> ExitCode {
    let owned: Vec<CString> =
        arguments.into_iter().map(|a| CString::new(a).expect("arguments hold no zero byte")).collect();
    let mut pointers: Vec<*mut c_char> = owned.iter().map(|a| a.as_ptr().cast_mut()).collect();
    let mut count = pointers.len() as c_int;
    pointers.push(std::ptr::null_mut());
    let mut argv = pointers.as_mut_ptr();
    // SAFETY: `argv` holds `count` strings that end in zero and a null pointer, all alive for the call, as `main` would get
    // them; the callback has the signature that libFuzzer calls.
    let code = unsafe { LLVMFuzzerRunDriver(&mut count, &mut argv, one_input) };
    if code == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// libFuzzer takes an abort for a find, and would not see a panic that is caught.
fn abort_on_panic() {
    let shown = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        shown(panic);
        std::process::abort();
    }));
}
