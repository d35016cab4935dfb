//! The `provost` binary: verbs over the planes. What is absent: rules and SQL.

mod client;
mod compose;
mod contents;
mod demo;
mod hands;
mod reading;
mod verbs;

use clap::Parser as _;

/// What one partition's thread allocates another thread frees, all day; the system's allocator spends a fifth of a partition's time on that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    let arguments = verbs::Arguments::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return say::failure(&say::Failure::new("runtime", format!("the asynchronous runtime cannot start: {error}"))),
    };
    match runtime.block_on(verbs::run(arguments)) {
        Ok(code) => code,
        Err(failure) => say::failure(&failure),
    }
}

/// Speaking to people: data to stdout, all else to stderr.
mod say {
    use std::io::Write as _;
    use std::process::ExitCode;

    /// Why a verb failed.
    #[derive(Debug)]
    pub struct Failure {
        code: String,
        what: String,
        detail: String,
    }

    impl Failure {
        /// A failure with its code.
        pub fn new(code: &str, what: impl Into<String>) -> Self {
            Self { code: code.to_owned(), what: what.into(), detail: String::new() }
        }

        /// Its stable code.
        pub fn code(&self) -> &str {
            &self.code
        }

        /// With what to do.
        pub fn detail(mut self, detail: impl Into<String>) -> Self {
            self.detail = detail.into();
            self
        }
    }

    impl std::fmt::Display for Failure {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str(&self.what)
        }
    }

    impl From<provost_runtime::Refused> for Failure {
        fn from(refused: provost_runtime::Refused) -> Self {
            let detail = match &refused {
                provost_runtime::Refused::Store(error) => error.hint().to_owned(),
                _ => String::new(),
            };
            Self { code: refused.code().to_owned(), what: refused.to_string(), detail }
        }
    }

    /// Prints a failure.
    pub fn tell(failure: &Failure) {
        note(&format!("provost: {} [{}]", failure.what, failure.code));
        if !failure.detail.is_empty() {
            note(&format!("  {}", failure.detail));
        }
    }

    /// Prints a failure; exit code 2.
    pub fn failure(failure: &Failure) -> ExitCode {
        tell(failure);
        ExitCode::from(2)
    }

    /// Data, to stdout. A closed pipe is no error.
    pub fn data(text: &str) {
        let _closed = writeln!(std::io::stdout().lock(), "{text}");
    }

    /// Everything else, to stderr.
    pub fn note(text: &str) {
        let _closed = writeln!(std::io::stderr().lock(), "{text}");
    }
}
