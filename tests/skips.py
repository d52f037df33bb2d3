"""The end of a test run says what was left out, a line for each group of tests, and how to have it run."""

from __future__ import annotations

from collections import Counter

from _pytest.terminal import TerminalReporter


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """Tests with the same reason are one group. A reason names the command, where there is one."""
    reports = terminalreporter.stats.get("skipped", [])
    groups = Counter(
        report.longrepr[2].removeprefix("Skipped: ")
        for report in reports
        if isinstance(report.longrepr, tuple)
    )
    if groups:
        terminalreporter.section("skipped")
    for reason, count in groups.most_common():
        terminalreporter.write_line(f"{count} {'test' if count == 1 else 'tests'}: {reason}")
