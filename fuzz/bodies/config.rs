//! Any text is a configuration, or its problems are told: each at its place, few enough and short enough to read.

use quartet::config::Config;

/// More than anybody mends in one go.
const PROBLEMS_MAX: usize = 100;

pub(crate) fn run(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let problems = match Config::parse(text) {
        Ok(config) => return assert!(!config.server.listen.is_empty()),
        Err(problems) => problems,
    };
    let (list, last_line) = (problems.list(), 1 + text.matches('\n').count());
    assert!((1..=PROBLEMS_MAX).contains(&list.len()), "{} problems", list.len());
    assert!(list.is_sorted_by_key(|problem| problem.line));
    for problem in list {
        assert!((1..=last_line).contains(&problem.line), "{problem:?}");
        assert!(!problem.what.is_empty() && !problem.hint.is_empty(), "{problem:?}");
        assert!(problem.key.len() < 200 && problem.what.len() < 2_000 && problem.hint.len() < 2_000, "{problem:?}");
    }
}
